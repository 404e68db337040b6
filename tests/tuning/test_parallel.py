"""Trials side by side: what each of them is alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest

from trivium import tuning
from trivium.training import lanes
from trivium.training.executables import compile_count

pytestmark = pytest.mark.optimized  # Bits of programs that run alone and side by side.


def search(
    directory: Path, parallel: int, build: Any = networks.by_rate, **kwargs: Any
) -> tuning.RandomSearch:
    tuner = tuning.RandomSearch(
        build, "val_loss", max_trials=3, seed=4, directory=directory, parallel=parallel
    )
    tuner.search(**networks.DATA, epochs=3, **kwargs)
    return tuner


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuning.RandomSearch:
    return search(tmp_path_factory.mktemp("alone"), 1)


@pytest.mark.parametrize("stacked", [False, True])
def test_trials_side_by_side_are_what_they_are_alone(
    stacked: bool, alone: tuning.RandomSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    for name in ("_run_stacked", "_run_beside"):
        run = getattr(lanes.Lanes, name)

        def noted(self: Any, group: Any, run: Any = run, name: str = name) -> None:
            ran.append(len(group) * (1 if name == "_run_stacked" else -1))
            run(self, group)

        monkeypatch.setattr(lanes.Lanes, name, noted)
    monkeypatch.setattr(lanes, "stacks", lambda program: stacked)
    before = compile_count()
    tuner = search(tmp_path, 3)
    # The step and the validation, each compiled once for all; beside each other, they are those of one alone.
    assert compile_count() - before == (2 if stacked else 0)
    assert set(ran) == {3 if stacked else -3}
    for one, other in zip(alone.oracle.trials.values(), tuner.oracle.trials.values(), strict=True):
        assert one.hyperparameters.values == other.hyperparameters.values
        pairs = [(one.histories[0], other.histories[0])]
        for ours, theirs in pairs:
            for name, values in ours.items():
                if stacked:
                    np.testing.assert_allclose(values, theirs[name], rtol=1e-5)
                else:
                    assert values == theirs[name]
        if not stacked:
            for a, b in zip(
                alone.load_model(one).get_weights(),
                tuner.load_model(other).get_weights(),
                strict=True,
            ):
                np.testing.assert_array_equal(a, b)
