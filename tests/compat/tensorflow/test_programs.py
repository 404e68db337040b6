"""Programs in the manner of text books print what they print under the real TensorFlow (see record.py)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from trivium.compat import check_script, run_script

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))
NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:e[-+]?\d+)?")


def words(text: str) -> list[str]:
    # Arrays are aligned by the width of their numbers, which a last digit changes.
    lines = (" ".join(NUMBER.sub("#", line).split()) for line in text.splitlines())
    return [line.replace("[ ", "[").replace(" ]", "]") for line in lines]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_prints_what_it_prints_under_tensorflow(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_script(path)
    ours = capsys.readouterr().out
    theirs = path.with_suffix(".out").read_text("utf-8")
    assert words(ours) == words(theirs)
    for mine, wanted in zip(ours.splitlines(), theirs.splitlines(), strict=True):
        numbers = [[float(n) for n in NUMBER.findall(line)] for line in (mine, wanted)]
        np.testing.assert_allclose(*numbers, rtol=1e-4, atol=1e-5, err_msg=wanted)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_the_forecast_agrees(path: Path) -> None:
    findings = check_script(path)
    assert findings
    assert [f for f in findings if not f.covered] == []
