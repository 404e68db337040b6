from __future__ import annotations

import re
from pathlib import Path

import pytest

from trivium.compare import CompareError, Settings, find_programs
from trivium.compare.programs import changed_lines, relevant_source

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

STYLES = ("sequential", "functional", "subclass")


def from_file(path: Path, text: str, *styles: str) -> Settings:
    path.write_text(text, encoding="utf-8")
    return Settings(module=path, styles=styles, out=None)


def test_article_is_shown_as_it_runs() -> None:
    programs, notes = find_programs(Settings(out=None))
    assert [p.style for p in programs] == list(STYLES)
    assert notes == []
    for program in programs:
        scope: dict = {}
        exec(program.source, scope)  # the text that is shown is a whole program
        assert callable(scope[program.style])
        assert '"""' not in program.source
        assert "Dense(300" in program.source


def test_the_compile_call_is_common_to_the_article_and_the_network_is_not() -> None:
    sources = [p.source for p in find_programs(Settings(out=None))[0]]
    for source, flags in zip(sources, changed_lines(sources), strict=True):
        marked = {
            line.strip() for line, flag in zip(source.splitlines(), flags, strict=True) if flag
        }
        assert any("Dense(300" in line for line in marked)
        assert not any("sgd" in line for line in marked)


def test_styles_come_once_and_in_the_order_asked_for() -> None:
    asked = Settings(styles=("subclass", "sequential", "subclass"), out=None)
    assert [p.style for p in find_programs(asked)[0]] == ["subclass", "sequential"]


def test_relevant_source_follows_names_and_drops_docstrings() -> None:
    text = '''"""Module."""
from __future__ import annotations
import os, sys
try:
    import fast
except ImportError:
    fast = None
WIDTH = 3
UNUSED = 4

@decorate  # kept with its class
class Net:
    """Doc,
    of two lines."""

    size: int = WIDTH

    def call(self):
        "Doc."
        # a comment stays
        return fast

def decorate(x): return x

def other():
    return UNUSED

def build():
    """Only this."""
    return Net(), inner()

def inner():
    """Its docstring is all it has."""
'''
    assert (
        relevant_source(text, "build")
        == '''try:
    import fast
except ImportError:
    fast = None

WIDTH = 3

@decorate  # kept with its class
class Net:
    size: int = WIDTH

    def call(self):
        # a comment stays
        return fast

def decorate(x): return x

def build():
    return Net(), inner()

def inner():
    """Its docstring is all it has."""'''
    )


def test_a_missing_style_is_said_and_the_others_compared(tmp_path: Path) -> None:
    settings = from_file(tmp_path / "mine.py", "def sequental(): ...\ndef functional(): ...\n")
    programs, notes = find_programs(settings)
    assert [p.style for p in programs] == ["functional"]
    assert len(notes) == 2
    assert re.search(
        r"mine\.py has no function sequential\(\)\. Did you mean 'sequental'\? Comp", notes[0]
    )


@pytest.mark.parametrize(
    ("text", "styles", "message"),
    [
        ("x = 1\n", (), r"no function sequential\(\) and no functional\(\) and no subclass\(\)"),
        ("def functional(): ...\n", ("subclass",), r"no function subclass\(\)"),
        ("functional = 3\n", ("functional",), r"no function functional\(\)"),
        ("def functional(:\n", (), r"mine\.py, line 1: SyntaxError"),
        ("x = 1\n\nx / 0\n", (), r"mine\.py, line 3: ZeroDivisionError"),
        ("import surely_not_there\n", (), r"mine\.py, line 1: ModuleNotFoundError"),
    ],
)
def test_files_that_will_not_do(
    tmp_path: Path, text: str, styles: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CompareError, match=message) as caught:
        find_programs(from_file(tmp_path / "mine.py", text, *styles))
    assert "\n" not in str(caught.value)


def test_a_file_may_import_its_neighbors(tmp_path: Path) -> None:
    (tmp_path / "neighbor_of_mine.py").write_text("def functional(): return 7\n")
    settings = from_file(tmp_path / "mine.py", "from neighbor_of_mine import functional\n")
    programs, _ = find_programs(settings)
    assert programs[0].build() == 7
    assert programs[0].source == "from neighbor_of_mine import functional"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs: wanted a whole number of at least 1, got 0"),
        ({"batch_size": -3}, "batch_size: wanted .* got -3"),
        ({"epochs": 2.5}, r"epochs: wanted .* got 2\.5"),
        ({"epochs": True}, "epochs: wanted .* got True"),
        ({"limit": 5}, "limit: wanted a whole number of at least 30, got 5"),
        ({"limit": 60_001}, "limit: Fashion-MNIST has 60,000 training images, got 60,001"),
        ({"seed": -1}, "seed: wanted .* at least 0"),
        ({"styles": ("functonal",)}, "Did you mean 'functional'"),
        ({"module": Path("nowhere.py")}, "there is no file 'nowhere.py'"),
        ({"out": Path(__file__)}, "is a file; wanted a folder"),
        ({"out": Path(__file__) / "deeper"}, "is a file; wanted a folder"),
    ],
)
def test_settings_that_make_no_sense(options: dict, message: str) -> None:
    with pytest.raises(CompareError, match=message):
        Settings(**options)


def test_validation_is_one_image_in_twelve() -> None:
    assert Settings(out=None).split == (55_000, 5_000)
    assert Settings(limit=30, out=None).split == (28, 2)
