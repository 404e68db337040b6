"""A run of a model that holds optimizers as attributes, as a GAN does, goes on to the bits of a whole one."""

import numpy as np
import pytest

import trivium as tv
from trivium.training.held_optimizers import held_variables

X = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")


class Killed(BaseException):
    """The end of a process, as far as one process can show it."""


class Kill(tv.callbacks.Callback):
    def __init__(self, after):
        self.after = after

    def get_state(self):
        return {}

    def on_train_batch_end(self, batch, logs=None):
        if self.after == int(self.model.steps):
            raise Killed


class Sides(tv.Model):
    """Two weights, each with an optimizer of its own, which is built in the first step."""

    def __init__(self):
        super().__init__()
        self.g, self.d = (self.add_weight((2,), "ones", name=name) for name in "gd")
        self.steps = tv.Variable(0, dtype="int32", trainable=False, name="steps")
        self.g_opt = tv.optimizers.Adam(0.1)
        self.more = {"d": tv.optimizers.SGD(0.1, momentum=0.9)}

    def train_step(self, data):
        self.steps.assign_add(1)
        for weight, optimizer in ((self.d, self.more["d"]), (self.g, self.g_opt)):
            with tv.GradientTape() as tape:
                loss = tv.ops.mean((data * self.g + self.d) ** 2)
            optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])
        return {"loss": loss}


def run(folder, kill=None, **compiled):
    tv.utils.set_random_seed(3)
    model = Sides()
    model.compile(**compiled)
    backup = tv.callbacks.BackupAndRestore(folder, save_freq=1, delete_checkpoint=False)
    history = model.fit(
        X, batch_size=4, epochs=2, verbose=0, callbacks=[Kill(kill)], resume=backup
    ).history
    variables = [*model.weights, *held_variables(model)]
    return history, [variable.numpy().tobytes() for variable in variables]


@pytest.mark.parametrize("eagerly", [False, True])
def test_it_ends_with_the_same_bits(eagerly, tmp_path):
    whole = run(tmp_path / "whole", run_eagerly=eagerly)
    for steps in (2, 3):
        with pytest.raises(Killed):
            run(tmp_path / "parts", steps, run_eagerly=eagerly)
    assert run(tmp_path / "parts", run_eagerly=eagerly) == whole
    assert len(whole[1]) == 3 + 4 + 3  # Weights; Adam's step, rate and two slots; SGD's.
