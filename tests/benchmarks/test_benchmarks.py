"""The benchmarks run, count goals, name losses that differ and libraries that are missing."""

import importlib
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def suite(monkeypatch):
    """What is beside `src`, which tests do not see otherwise."""
    monkeypatch.syspath_prepend(str(ROOT))
    names = ("__main__", "report", "cases", "match", "worker", "drivers")
    return {name: importlib.import_module(f"benchmarks.{name}") for name in names}


def results(**of_article):
    """Return results as `measure` gives them: seconds and losses of two rounds, by library."""
    found = {
        name.replace("_", "-"): {"times": {"epoch": [[s, s], [s, s]]}, "losses": losses}
        for name, (s, losses) in of_article.items()
    }
    return {
        "machine": "m", "load": [0.1, 0.2], "note": "", "rounds": 2, "scale": 1.0,
        "libraries": dict.fromkeys(found, "v 1"), "cases": {"article": found},
    }  # fmt: skip


def test_the_command_measures_prints_and_writes(suite, tmp_path, monkeypatch, capsys):
    files = [str(tmp_path / name) for name in ("all.json", "all.svg", "page.md")]
    (tmp_path / "page.md").write_text("# Before\n")
    words = [
        "--only",
        "streaming",
        "imports",
        "--libraries",
        "trivium",
        "keras-tensorflow",
        "--rounds",
        "1",
    ]
    without = tmp_path / "python"
    without.write_text("#!/bin/sh\nexit 1\n")
    without.chmod(0o700)
    words += ["--python", f"tensorflow={without}", "--scale", "0.01"]
    words += ["--json", files[0], "--plot", files[1], "--page", files[2]]
    monkeypatch.setattr(sys, "argv", ["benchmarks", *words])
    suite["__main__"].main()
    said = capsys.readouterr()
    assert "keras-tensorflow is left out: keras or tensorflow is not installed" in said.err
    assert "memory" in said.out and "MB" in said.out
    found = json.loads(Path(files[0]).read_text())["cases"]
    assert set(found["streaming"]) == {"trivium"} and not found["streaming"]["trivium"].get(
        "failed"
    )
    times, losses = found["streaming"]["trivium"]["times"], found["streaming"]["trivium"]["losses"]
    assert set(suite["cases"].CASES["streaming"].measures) < set(times)
    # The first epoch, and that of the round.
    assert len(losses) == 2 and losses[1] < losses[0]
    assert found["imports"]["trivium"]["times"]["whole process"][0][0] > 0
    assert "<svg" in Path(files[1]).read_text()
    assert Path(files[2]).read_text().startswith("# Before\n<!--")


def test_goals_are_met_or_not_and_losses_that_differ_are_named(suite):
    given = results(
        trivium=(1.0, [2.0, 1.0]), keras_jax=(1.7, [2.0, 1.1]), torch=(1.9, [2.0, 0.4]), gemms=(0.5, [])
    )  # fmt: skip
    rows = {row.library: row for row in suite["report"].rows(given)}
    assert [rows[n].met for n in ("trivium", "keras-jax", "torch", "gemms")] == [
        None,
        True,
        False,
        False,
    ]
    assert rows["torch"].ratio == 1.9
    (sentence,) = suite["report"].odd_losses(given)
    assert sentence == "article: after 2 epochs the loss of torch is 0.4000, that of trivium 1.0000"
    page = suite["report"].page(given, "Before.\n" + suite["report"].MARK + " old")
    assert page.startswith("Before.\n<!--") and "old" not in page and sentence in page
    assert "| article | epoch | 1 s | 1.70 (✓ 1.6) | 1.90 (✗ 2) | 0.50 (✗ 0.67) |" in page
    assert "1 of 3 goals are met" in page


def test_each_case_asks_for_what_there_is(suite):
    ours = {"epoch", "predict", "predict one", "call one", "train_on_batch", "memory"}
    once = {"cold start", "whole process", "first step"}
    for case in suite["cases"].CASES.values():
        assert case.about.endswith(".") and set(case.goals) <= set(case.measures)
        assert set(case.libraries) <= set(suite["drivers"].LIBRARIES)
        assert all(set(goal) <= set(case.libraries) for goal in case.goals.values()), case.name
        assert set(case.measures) <= (once if case.fresh else ours)


def test_a_process_that_cannot_start_is_said_to(suite, tmp_path):
    nowhere = {"trivium": str(tmp_path / "none")}
    found = suite["match"].play(
        "imports", ["trivium"], suite["match"].Settings(pythons=nowhere), print
    )
    assert "No such file" in found["trivium"]["failed"]
