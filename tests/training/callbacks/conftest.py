"""A model that only records what callbacks do to it, and a way to drive both libraries alike."""

from types import SimpleNamespace

import pytest


class FakeModel:
    """Its weights are the number of the epoch in hand; saving notes what was saved."""

    def __init__(self, learning_rate=1.0, metrics=()):
        self.stop_training = False
        self.metrics = list(metrics)
        self.optimizer = SimpleNamespace(learning_rate=learning_rate)
        self.weights = -1
        self.saved = []

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        [self.weights] = weights

    def save(self, path, overwrite=True):
        self.saved.append(("model", str(path)))

    def save_weights(self, path, overwrite=True):
        self.saved.append(("weights", str(path)))


def drive_hooks(callback, epochs, model=None, batches=()):
    """Call a callback's hooks as `fit` does; return the model, the logs and the epochs run."""
    model = model or FakeModel()
    callback.set_model(model)
    callback.set_params({"epochs": len(epochs), "verbose": 0, "steps": 5})
    callback.on_train_begin()
    seen = []
    for epoch, given in enumerate(epochs):
        logs = dict(given)
        callback.on_epoch_begin(epoch, {})
        model.weights = epoch
        for batch in batches:
            callback.on_train_batch_begin(batch)
            callback.on_train_batch_end(batch, dict(given))
        callback.on_epoch_end(epoch, logs)
        seen.append(logs)
        if model.stop_training:
            break
    callback.on_train_end(logs)
    return model, seen


@pytest.fixture
def fake_model():
    return FakeModel


@pytest.fixture
def drive():
    return drive_hooks
