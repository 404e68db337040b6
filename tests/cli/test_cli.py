from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import trivium.cli.compare as verb
from trivium.cli import VERBS, main
from trivium.compare import Settings


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert said(capsys) == (f"trivium {importlib.metadata.version('trivium')}\n", "")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_overview_names_each_verb(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out, _ = said(capsys)
    assert all(f"  {verb}" in out for verb in VERBS)


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = [sys.executable, "-m", "trivium", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_mistyped_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compair"]) == 2
    assert said(capsys) == (
        "",
        "trivium: error: there is no verb 'compair'. Did you mean 'compare'?\n",
    )


def test_help_of_compare_has_examples_and_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--help"]) == 0
    out, _ = said(capsys)
    for text in (
        "trivium compare --epochs 3",
        "(30)",
        "(32)",
        "(42)",
        "(trivium-compare)",
        "--module FILE",
    ):
        assert text in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--epochs", "0"], "epochs: wanted a whole number of at least 1, got 0"),
        (["--epochs", "two"], "argument --epochs: invalid int value: 'two'"),
        (["--epoch", "2"], "unknown argument '--epoch'. Did you mean '--epochs'"),
        (["surprise"], "unknown argument 'surprise'"),
        (["--style", "functonal"], "Did you mean 'functional'?"),
        (["--style"], "argument --style: expected at least one argument"),
        (["--module", "no/such.py"], "there is no file 'no/such.py'"),
        (["--limit", "3"], "limit: wanted a whole number of at least 30, got 3"),
        (["--limit", "60001"], "60,000 training images"),
        (["--out", __file__], "is a file; wanted a folder"),
    ],
)
def test_bad_values_give_one_line_and_status_2(
    words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *words]) == 2
    out, err = said(capsys)
    assert out == ""
    assert err.startswith("trivium compare: error: ")
    assert text in err
    assert err.count("\n") == 1


def test_module_without_the_function(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def functional(): ...\n")
    assert main(["compare", "--module", str(path), "--style", "subclass"]) == 2
    assert "has no function subclass()" in said(capsys)[1]


def test_options_reach_the_comparison(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Settings] = []

    def fake(settings: Settings, console: Any) -> Any:
        asked.append(settings)
        return SimpleNamespace(identical=len(asked) == 1)

    monkeypatch.setattr(verb, "compare", fake)
    sizes = ["--epochs", "2", "--batch-size", "8", "--limit", "90"]
    words = ["--seed", "7", "--style", "subclass", "functional", "--out", str(tmp_path)]
    assert main(["compare", *sizes, *words]) == 0
    assert asked[0] == Settings(2, 8, 90, 7, tmp_path, ("subclass", "functional"))
    assert main(["compare"]) == 1
    assert asked[1] == Settings()


def test_interrupt_ends_cleanly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(settings: Settings, console: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(verb, "compare", interrupted)
    assert main(["compare"]) == 130
    assert said(capsys) == ("", "\ntrivium: interrupted\n")


def test_python_m_trivium() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trivium", "compare", "--style", "subclas"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "trivium compare: error: style: 'subclas' is none. Did you mean 'subclass'?\n"
    )
