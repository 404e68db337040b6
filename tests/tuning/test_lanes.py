"""Trials side by side that differ, stop, fail and are ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest

import trivium as tv
from trivium import tuning
from trivium.training.executables import compile_count


def search(directory: Path, parallel: int, build: Any) -> tuning.RandomSearch:
    tuner = tuning.RandomSearch(
        build, "val_loss", max_trials=2, seed=4, directory=directory, parallel=parallel
    )
    tuner.search(**networks.DATA, epochs=2)
    return tuner


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
    other = search(tmp_path / "other", 2, by_numbers)
    assert compile_count() - before == 2
    for alone, beside in zip(one.oracle.trials.values(), other.oracle.trials.values(), strict=True):
        assert alone.hyperparameters.values == beside.hyperparameters.values
        for name, values in alone.histories[0].items():
            np.testing.assert_allclose(values, beside.histories[0][name], rtol=1e-4)


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
