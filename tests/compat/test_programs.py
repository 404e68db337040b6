"""Whole programs: under `trivium run` and under the real Keras, and the article's under each style."""

from __future__ import annotations

import re
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

from trivium.compat import check_script, run_script

PROGRAMS = Path(__file__).parent / "programs"
GUIDES = sorted(p.stem for p in PROGRAMS.glob("*.py") if not p.stem.startswith("article"))
STYLES = ("sequential", "functional", "subclassing")
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?")


def test_there_are_eight_guides() -> None:
    assert len(GUIDES) == 8


@pytest.mark.parametrize("guide", GUIDES)
def test_guide_prints_what_it_prints_under_keras(
    guide: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = PROGRAMS / f"{guide}.py"
    run_script(path)
    ours = capsys.readouterr().out.splitlines()
    with warnings.catch_warnings(action="ignore"):  # the real Keras has its own
        runpy.run_path(str(path), run_name="__main__")
    theirs = capsys.readouterr().out.splitlines()
    assert [NUMBER.sub("#", line) for line in ours] == [NUMBER.sub("#", line) for line in theirs]
    for mine, wanted in zip(ours, theirs, strict=True):
        numbers = [[float(n) for n in NUMBER.findall(line)] for line in (mine, wanted)]
        np.testing.assert_allclose(*numbers, rtol=2e-5, atol=2e-6, err_msg=wanted)


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.py")), ids=lambda p: p.stem)
def test_check_finds_every_program_covered(path: Path) -> None:
    findings = check_script(path)
    assert findings
    assert [f for f in findings if not f.covered] == []


def test_article_in_three_styles_ends_with_the_same_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, said = [], []
    for style in STYLES:
        script = tmp_path / f"{style}.py"
        script.write_text((PROGRAMS / f"article_{style}.py").read_text())
        names = run_script(script, ["600", "2"])
        weights.append(names["model"].get_weights())
        said.append(capsys.readouterr().out.replace(style, "style"))
        assert sorted(p.name for p in tmp_path.glob(f"{style}-*")) == [
            f"{style}-figure-1.png",
            f"{style}-figure-2.png",
        ]
    assert said[0] == said[1] == said[2]
    for other in weights[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(weights[0], other, strict=True))
    accuracy = re.search(r"Test accuracy: (0\.\d{4})", said[0])
    assert accuracy is not None and float(accuracy[1]) > 0.3


def test_article_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    run_script(PROGRAMS / "article_shapes.py")
    assert capsys.readouterr().out.splitlines() == [
        "(None, 10) 52650",
        "(None, 10) 104938 [(None, 784), (None, 784)]",
    ]
