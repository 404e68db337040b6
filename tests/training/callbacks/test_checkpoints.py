"""Checkpoints of real models: what is in the files, when they are written, and what they are called."""

import copy
import pickle

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import trivium as tv
from trivium.training import callbacks
from trivium.training.callbacks import LambdaCallback, ModelCheckpoint

X = np.linspace(-1, 1, 24, dtype="float32")[:, None]
Y = 3 * X + 1


def sequential():
    return tv.Sequential([tv.Input((1,)), tv.layers.Dense(3, "tanh"), tv.layers.Dense(1)])


def functional():
    x = tv.Input((1,))
    h = tv.layers.Dense(3, "tanh")(x)
    return tv.Model(x, tv.layers.Dense(1)(h))


@tv.saving.register_keras_serializable("checkpoints")
class Written(tv.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = tv.layers.Dense(3, "tanh"), tv.layers.Dense(1)

    def call(self, x):
        return self.out(self.hidden(x))


@pytest.mark.parametrize("write", [sequential, functional, Written])
def test_a_whole_model_goes_on_from_its_file(write, tmp_path):
    model = write()
    model.compile(tv.optimizers.Adam(0.05), "mse", metrics=["mae"])
    path = tmp_path / "{epoch:02d}-{val_loss:.3f}.keras"
    outputs = []
    note = LambdaCallback(
        on_epoch_end=lambda epoch, logs: outputs.append(model.predict(X, verbose=0))
    )
    history = model.fit(
        X, Y, epochs=3, validation_data=(X, Y), verbose=0, callbacks=[ModelCheckpoint(path), note]
    ).history
    names = [f"{n + 1:02d}-{loss:.3f}.keras" for n, loss in enumerate(history["val_loss"])]
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    second = tv.models.load_model(tmp_path / names[1])
    assert np.array_equal(second.predict(X, verbose=0), outputs[1])
    # With the optimizer's state: the third epoch is the one that was.
    second.fit(X, Y, epochs=3, initial_epoch=2, verbose=0)
    assert np.array_equal(second.predict(X, verbose=0), outputs[2])


def test_only_better_ones_are_written_and_a_threshold_counts(tmp_path):
    losses = iter([5.0, 3.0, 4.0, 2.0])
    model = sequential()
    model.compile("sgd", "mse")
    say = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=next(losses)))
    options = {"save_best_only": True, "save_weights_only": True, "initial_value_threshold": 3.5}
    best = ModelCheckpoint(tmp_path / "{epoch}.weights.h5", **options)
    model.fit(X, Y, epochs=4, verbose=0, callbacks=[say, best])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2.weights.h5", "4.weights.h5"]
    assert best.best == 2.0
    twin = pickle.loads(pickle.dumps(copy.deepcopy(best)))
    assert twin.best == 2.0 and twin.batches_ahead("train", 0) == 1


def test_a_result_by_class_has_no_best_one(tmp_path):
    model = sequential()
    model.compile("sgd", "mse")
    say = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(f1=np.array([0.5, 0.25])))
    path = tmp_path / "{epoch}.weights.h5"
    best = ModelCheckpoint(path, "f1", save_best_only=True, save_weights_only=True, mode="max")
    with pytest.warns(UserWarning, match="no single number"):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[say, best])
    assert len(list(tmp_path.iterdir())) == 2 and best.best is None


def test_callbacks_are_copied_and_pickled_in_the_middle_of_a_run(tmp_path):
    own = [
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        callbacks.History(),
        ModelCheckpoint(tmp_path / "x.weights.h5", save_weights_only=True, save_freq=5),
        callbacks.ProgbarLogger(),
        callbacks.ReduceLROnPlateau("loss", patience=9),
        callbacks.RemoteMonitor(),
        callbacks.SwapEMAWeights(swap_on_epoch=True),
        callbacks.TensorBoard(tmp_path / "logs", update_freq=2),
        callbacks.TerminateOnNaN(),
        callbacks.BackupAndRestore(tmp_path / "state"),
    ]
    taken = {}

    def take(epoch, logs):
        for one in own:
            taken[type(one).__name__] = pickle.loads(pickle.dumps(copy.deepcopy(one)))

    model = sequential()
    model.compile(tv.optimizers.SGD(0.1, use_ema=True), "mse")
    run = [one for one in own if not isinstance(one, callbacks.RemoteMonitor)]
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0,
              callbacks=[*run, LambdaCallback(on_epoch_end=take)])  # fmt: skip
    assert taken["EarlyStopping"].best == own[1].best and taken["EarlyStopping"].best_weights
    assert taken["History"].history == own[2].history
    assert taken["ModelCheckpoint"]._batches_since_save == 2
    assert taken["SwapEMAWeights"]._trained is not None
    assert taken["TensorBoard"]._done == 6 and taken["CSVLogger"]._keys == ["loss"]
    assert len(taken) == len(own)


class Killed(BaseException):
    """The end of a process, as far as one process can show it."""


def run(folder, kill=None):
    """Run a program from its beginning, up to some batch of all; return the weights that it ends with."""
    seen = []

    def count(batch, logs):
        seen.append(batch)
        if len(seen) == kill:
            raise Killed

    tv.utils.set_random_seed(3)
    model = sequential()
    model.compile(tv.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9), "mse")
    board = callbacks.TensorBoard(folder / "logs", update_freq=4, write_steps_per_second=True)
    own = [callbacks.SwapEMAWeights(swap_on_epoch=True), board]
    own.append(
        ModelCheckpoint(folder / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=4)
    )
    own.append(LambdaCallback(on_train_batch_end=count))
    keep = callbacks.BackupAndRestore(folder / "state", save_freq=2, delete_checkpoint=False)
    try:
        model.fit(X, Y, batch_size=4, epochs=3, verbose=0, callbacks=own, resume=keep)
    except Killed:
        board.on_train_end()  # A process that ends lets go of its files.
    return model.get_weights()


@pytest.mark.parametrize("kill", [6, 7, 11])
def test_averages_files_and_curves_go_on_where_a_run_was_killed(kill, tmp_path):
    whole = run(tmp_path / "whole")
    run(tmp_path / "parts", kill)
    parts = run(tmp_path / "parts")
    assert all(map(np.array_equal, whole, parts))
    names = [sorted(p.name for p in (tmp_path / n).glob("*.h5")) for n in ("whole", "parts")]
    assert names[0] == names[1] and len(names[0]) == 4
    steps = []
    for name in ("whole", "parts"):
        read = EventAccumulator(str(tmp_path / name / "logs/train")).Reload()
        steps.append(sorted({event.step for event in read.Tensors("batch_loss")}))
    assert steps[0] == steps[1] == [4, 8, 12, 16]
