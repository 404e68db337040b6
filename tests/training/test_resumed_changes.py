"""Runs whose callbacks compile or freeze anew, and what long lists cost in a run's file."""

import json
import zipfile

import numpy as np
import pytest

import trivium as tv
from trivium.training.changes import Changes
from trivium.training.run_state import Place, RunState, RunStateError

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")


class Killed(BaseException):
    """The end of a process, as far as one process can show it."""


class Change(tv.callbacks.Callback):
    """Trains the last layer alone from the third epoch on, by another optimizer and for another loss."""

    def __init__(self, loss="mae"):
        self.loss = loss

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.layers[0].trainable = False
            self.model.compile(tv.optimizers.SGD(0.1, momentum=0.9), self.loss, metrics=["mse"])


class Kill(tv.callbacks.Callback):
    """Ends the run after so many epochs."""

    def __init__(self, after=None):
        self.after = after

    def get_state(self):
        return {}

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.after:
            raise Killed


def run(folder, kill=None, **change):
    tv.utils.set_random_seed(3)
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3), tv.layers.Dense(1)])
    model.compile("adam", "mse")
    callbacks = [Change(**change), Kill(kill)]
    history = model.fit(X, Y, epochs=4, batch_size=8, verbose=0, callbacks=callbacks, resume=folder)
    variables = [*model.variables, *model.optimizer.variables]
    return history.history, [np.asarray(v).tobytes() for v in variables]


def test_a_run_goes_on_that_was_compiled_and_frozen_anew_on_the_way(tmp_path):
    whole = run(tmp_path / "whole")
    for kill in (2, 3):
        with pytest.raises(Killed):
            run(tmp_path / "run", kill)
    assert run(tmp_path / "run") == whole


def test_what_no_file_can_hold_is_said_when_it_would_be_written(tmp_path):
    with pytest.raises(RunStateError, match=r"anew with what no file can hold.*lambda.*Register"):
        run(tmp_path, loss=lambda y, p: tv.ops.mean(abs(y - p)))


def test_a_model_is_as_it_was_where_the_run_cannot_be_taken_up(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path, 3)
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(5), tv.layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(RunStateError, match="another model"):
        model.fit(X, Y, epochs=4, verbose=0, callbacks=[Change(), Kill()], resume=tmp_path)
    assert isinstance(model.optimizer, tv.optimizers.Adam) and model.layers[0].trainable


def test_long_lists_of_numbers_lie_in_a_file_as_they_do_in_memory(tmp_path):
    kinds = (
        [float("nan"), 2**70],
        [1.5] * 40,
        list(range(-20, 20)),
        [2**64] * 40,
        [True] * 40,
        [1, 1.0] * 20,
    )
    noted = {
        "lists": kinds,
        "of numpy": [np.float32(0.1)] * 40,
        "tuple": (0.1,) * 40,
        "set": set(range(40)),
        "long": np.random.default_rng(0).random(10_000).tolist(),
    }
    RunState(Place(), 0, {}, 7, 3, callbacks=[("Trace", noted)]).write(tmp_path / "a.run")
    with zipfile.ZipFile(tmp_path / "a.run") as file:
        assert len(file.read("run.json")) < 4000 and json.loads(file.read("run.json"))
    again = RunState.read(tmp_path / "a.run").callbacks[0][1]
    assert repr(again) == repr(noted)


def test_what_a_file_asks_to_compile_with_is_bounded():
    model = tv.Sequential([tv.Input((2,)), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    metric = {
        "module": "keras.metrics",
        "class_name": "MeanIoU",
        "config": {"num_classes": 1 << 31},
        "registered_name": None,
    }
    asked = {"compiled": {"optimizer": "sgd", "loss": "mse", "metrics": [metric]}}
    with pytest.raises(RunStateError, match="asks for a table"):
        Changes(model).make(asked, "run")
