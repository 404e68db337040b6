import sys

import numpy as np
import pytest

import trivium as tv
from trivium.training.run_state import RunStateError

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")


def small(units=2):
    tv.utils.set_random_seed(1)
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(units, name="d")], name="m")
    model.compile(tv.optimizers.Adam(0.1, name="adam"), "mse")
    return model


def test_checkpoints_bring_back_the_model_and_its_optimizer(tmp_path):
    y = X[:, :2]
    checkpoint = tv.callbacks.OrbaxCheckpoint(tmp_path, save_freq=2, max_to_keep=2)
    model = small()
    model.fit(X, y, batch_size=8, epochs=3, verbose=0, callbacks=[checkpoint])
    assert sorted(int(f.name) for f in tmp_path.iterdir()) == [6, 8]
    # A step more, from there, is the step that the run took.
    again = small()
    again.optimizer.build(again.trainable_variables)
    assert checkpoint.restore(again, 8) == 8
    again.fit(X, y, batch_size=8, epochs=1, steps_per_epoch=1, shuffle=False, verbose=0)
    assert int(again.optimizer.iterations) == 9
    with pytest.raises(FileNotFoundError, match="no checkpoint 5"):
        checkpoint.restore(again, 5)
    other = small(3)
    before = other.get_weights()
    with pytest.raises(RunStateError, match="shape"):
        checkpoint.restore(other)
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True))


def test_the_best_alone_and_weights_alone(tmp_path):
    class Score(tv.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = [0.5, 0.9, 0.1][epoch]

    checkpoint = tv.callbacks.OrbaxCheckpoint(
        tmp_path, monitor="score", mode="max", save_best_only=True, save_weights_only=True
    )
    model = small()
    kept = []
    keep = tv.callbacks.LambdaCallback(on_epoch_end=lambda *_: kept.append(model.get_weights()))
    model.fit(X, X[:, :2], epochs=3, verbose=0, callbacks=[Score(), checkpoint, keep])
    again = small()
    assert checkpoint.restore(again) == 2
    assert all(np.array_equal(a, b) for a, b in zip(kept[1], again.get_weights(), strict=True))


def test_without_orbax_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "orbax.checkpoint", None)
    with pytest.raises(ModuleNotFoundError, match=r"trivium\[orbax\]"):
        tv.callbacks.OrbaxCheckpoint(tmp_path)
