"""Trials side by side: what each of them is alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest

import trivium as tv
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


def by_numbers(hp: Any) -> tv.Sequential:
    """Make a network whose trials differ in numbers that stand in its program."""
    decay = tv.regularizers.L2(hp.Float("decay", 1e-4, 1e-1, sampling="log"))
    model = tv.Sequential(
        [
            tv.layers.Dense(4, activation="relu", kernel_regularizer=decay),
            tv.layers.Dropout(hp.Float("dropout", 0.1, 0.5)),
            tv.layers.Dense(2, activation="softmax"),
        ]
    )
    rate = tv.optimizers.SGD(0.1, momentum=hp.Float("momentum", 0.5, 0.9))
    model.compile(rate, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_rates_of_dropout_and_regularizers_may_differ(tmp_path: Path) -> None:
    one = search(tmp_path / "one", 1, by_numbers)
    before = compile_count()
    other = search(tmp_path / "other", 3, by_numbers)
    assert compile_count() - before == 2
    for alone, beside in zip(one.oracle.trials.values(), other.oracle.trials.values(), strict=True):
        assert alone.hyperparameters.values == beside.hyperparameters.values
        for name, values in alone.histories[0].items():
            np.testing.assert_allclose(values, beside.histories[0][name], rtol=1e-5)


class FailsAt(tv.callbacks.Callback):
    """Fails, stops or watches batches, by the trial."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        units = self.model.layers[0].units
        if units == 4 and epoch == 1:
            raise ValueError("enough")
        self.model.stop_training = units == 5


def test_lanes_stop_fail_and_differ_each_for_itself(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        return networks.network(units=hp.Choice("units", [4, 5, 6]))

    tuner = tuning.GridSearch(build, "val_loss", seed=1, directory=tmp_path, parallel=3)
    tuner.search(**networks.DATA, epochs=3, callbacks=[FailsAt()])
    trials = list(tuner.oracle.trials.values())
    assert [t.reason for t in trials] == ["ValueError: enough", "", ""]
    assert [len(t.histories[0]["loss"]) for t in trials[1:]] == [1, 3]


def test_what_ends_the_search_ends_all_lanes(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        hp.Float("x", 0.0, 1.0)
        return networks.network()

    tuner = tuning.RandomSearch(
        build, tuning.Objective("val_acuracy", "max"), max_trials=3, directory=tmp_path, parallel=3
    )
    with pytest.raises(tuning.errors.FatalValueError, match="Did you mean 'val_accuracy'"):
        tuner.search(**networks.DATA)
    assert [t.status for t in tuner.oracle.trials.values()] == ["RUNNING"] * 3
    assert all(tuner.oracle.store.is_abandoned(record) for record in tuner.oracle.store.trials())
    with pytest.raises(tuning.errors.FatalValueError, match="`parallel` is a whole number"):
        tuning.RandomSearch(networks.by_rate, "val_loss", directory=tmp_path, parallel=0)
