from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trivium.compat import run_module, run_script

PLOT = """
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
plt.figure(figsize=(1, 1))
plt.plot([1, 2])
plt.show()
"""


def pictures(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("*.png"))


def test_show_saves_and_names_and_closes(
    program: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PLOT + "plt.figure(figsize=(1, 1)); plt.figure(figsize=(1, 1)); plt.show()\n"
    text += "left = plt.get_fignums()\nplt.show()\n"
    assert run_script(program(text))["left"] == []
    assert pictures(tmp_path) == [f"program-figure-{n}.png" for n in (1, 2, 3)]
    assert capsys.readouterr().out.splitlines() == [
        f"figure saved: {tmp_path / f'program-figure-{n}.png'}" for n in (1, 2, 3)
    ]
    assert (tmp_path / "program-figure-1.png").read_bytes().startswith(b"\x89PNG")


def test_in_interactive_mode_a_figure_stays_and_is_saved_again(
    program: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = PLOT.replace("plt.show()", "plt.ion()\nfigure = plt.gcf()\nfigure.show()\n")
    text += "plt.plot([2, 1])\nfigure.show()\nopen_ones = plt.get_fignums()\nplt.ioff()\nplt.close('all')"
    assert len(run_script(program(text))["open_ones"]) == 1
    assert pictures(tmp_path) == ["program-figure-1.png"]
    assert capsys.readouterr().out.count("figure saved") == 1


def test_afterwards_show_is_what_it_was(program: Any) -> None:
    from matplotlib.backend_bases import FigureManagerBase

    before = FigureManagerBase.show
    run_script(program("seen = 1"))
    assert FigureManagerBase.show is before


def test_figures_of_a_module_lie_where_it_was_started(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(PLOT, "module_with_plots.py")
    monkeypatch.chdir(tmp_path)
    run_module("module_with_plots")
    assert pictures(tmp_path) == ["module_with_plots-figure-1.png"]


def test_where_matplotlib_is_imported_only_by_the_program(program: Any, tmp_path: Path) -> None:
    script = program(PLOT.replace('import matplotlib\nmatplotlib.use("agg")\n', ""))
    done = subprocess.run(
        [sys.executable, "-m", "trivium", "run", str(script)],
        capture_output=True,
        text=True,
        env={"PATH": "", "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"figure saved: {tmp_path / 'program-figure-1.png'}\n"
    assert pictures(tmp_path) == ["program-figure-1.png"]
