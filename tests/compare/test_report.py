from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from trivium.compare import Comparison, write_report
from trivium.compare.terminal import print_comparison

Make = Callable[..., Comparison]


class Page(HTMLParser):
    """Collects text, attributes and images, and checks that tags are balanced."""

    VOID = frozenset({"meta", "img", "br", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.classes: list[str] = []
        self.marked: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [v or "" for k, v in attrs if k in ("src", "href")]
        self.classes += [v or "" for k, v in attrs if k == "class"]
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "mark":
            self.marked.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)
        if "mark" in self.open:
            self.marked[-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def page_of(comparison: Comparison, folder: Path) -> Page:
    return Page(write_report(comparison, folder).read_text("utf-8"))


def without_images(comparison: Comparison) -> Comparison:
    """Leave out the samples, whose grids take most of a report's time, where words are asked for."""
    images, labels = comparison.samples[:0], comparison.sample_labels[:0]
    return replace(comparison, samples=images, sample_labels=labels, test_samples=images)


@pytest.fixture(scope="module")
def report(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report of identical styles, which was not there before."""
    return write_report(make(), tmp_path_factory.mktemp("report") / "new" / "folder").parent


@pytest.fixture
def html(report: Path) -> str:
    return (report / "index.html").read_text("utf-8")


def test_report_of_identical_styles(report: Path, html: str) -> None:
    page = Page(html)
    assert "All three styles are the same network and train to the same bits." in page.text
    assert "a5" * 32 in page.text
    assert "f1" * 32 in page.text
    assert "class <0> taken for class <6> (2 times)" in page.text
    assert page.classes.count("right") == 23 + 1  # one in the legend
    assert page.classes.count("wrong") == 2 + 1
    assert "trivium 9.9" in page.text
    assert sorted(p.name for p in report.iterdir()) == [
        "curve-accuracy.png",
        "curve-loss.png",
        "index.html",
        "predictions.png",
        "samples.png",
    ]


def test_png_files_are_pngs(report: Path) -> None:
    for path in report.glob("*.png"):
        assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_page_needs_nothing_but_itself(html: str) -> None:
    links = Page(html).links
    assert len(links) == 25 + 25 + 2
    assert all(link.startswith("data:") for link in links)
    assert not re.search(r"https?://|@import|url\(|<script|<link", html)
    assert "$" not in re.sub(r"<style>.*?</style>", "", html, flags=re.S)


def test_curves_are_well_formed_and_know_the_dark(html: str) -> None:
    links = Page(html).links
    curves = [base64.b64decode(v.partition(",")[2]).decode() for v in links if "svg+xml" in v]
    for svg, metric in zip(curves, ("loss", "accuracy"), strict=True):
        tree = ElementTree.fromstring(svg)
        assert tree.tag.endswith("svg")
        words = {e.text.strip() for e in tree.iter() if e.tag.endswith("text") and e.text}
        assert {metric, "epoch", "training", "validation"} <= words
        assert "prefers-color-scheme:dark" in svg


def test_lines_that_differ_are_marked(make: Make, tmp_path: Path) -> None:
    marked = page_of(without_images(make("sequential", "subclass")), tmp_path).marked
    assert marked == [
        "def sequential():",
        "    return tv.sequential('<&>')",
        "def subclass():",
        "    return tv.subclass('<&>')",
    ]


def test_one_style_has_nothing_to_mark(make: Make, tmp_path: Path) -> None:
    page = page_of(without_images(make("subclass")), tmp_path)
    assert page.marked == []
    assert "There" not in page.text.split("nothing to compare it with")[0]


def test_report_of_styles_that_differ(make: Make, tmp_path: Path) -> None:
    predictions = make().results[0].predictions[:, ::-1]
    page = page_of(
        make(subclass={"weights_sha256": "0" * 64, "predictions": predictions}), tmp_path
    )
    assert "Not identical: sequential and functional, but not subclass" in page.text
    assert "the history is the same, the final weights are not" in page.text
    assert {p.name for p in tmp_path.glob("predictions*")} == {
        "predictions-sequential.png",
        "predictions-subclass.png",
    }
    assert page.classes.count("wrong") > 20
    assert "yes" not in page.classes


def test_notes_are_in_the_report(make: Make, tmp_path: Path) -> None:
    comparison = without_images(make())
    comparison.notes.append("mine.py has no function <subclass>().")
    assert "mine.py has no function <subclass>()." in page_of(comparison, tmp_path).text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_training_that_fell_apart_is_reported(make: Make, tmp_path: Path, value: float) -> None:
    history = {"loss": [value] * 3, "val_loss": [value] * 3}
    changes = {s: {"history": history} for s in ("sequential", "functional", "subclass")}
    assert "identical" in page_of(without_images(make(**changes)), tmp_path).text


@pytest.mark.parametrize("width", [60, 80])
def test_terminal_table_fits(make: Make, width: int) -> None:
    console = Console(width=width)
    with console.capture() as captured:
        print_comparison(make(), console)
    text = captured.get()
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())
    assert re.search(r"identical\s+yes", text)
    assert re.search(r"programs(\s+compiled)?\s+4\s+0\s+0", text)
