"""What is known of a model from step to step is what the model is now."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import trivium as tv

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
Y = np.ones((4, 2), "float32")


class Blocks(tv.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [tv.layers.Dense(2, kernel_initializer="ones")]
        self.scale = 1.0

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.scale * x


def _model():
    model = Blocks()
    model.compile(tv.optimizers.SGD(0.1), "mse", metrics=["mae"])
    for _ in range(2):
        model.train_on_batch(X, Y)
        model.predict(X, verbose=0)
        model.evaluate(X, Y, verbose=0)
    return model


def _append(model):
    model.blocks.append(tv.layers.Dense(2, kernel_initializer="ones"))


def _activate(model):
    model.blocks[0].activation = tv.activations.get("relu6")


def _in_place_of(model):
    model.blocks[0] = tv.layers.Dense(2, kernel_initializer="zeros")


CHANGES = {
    "a setting": lambda model: setattr(model, "scale", 2.0),
    "a layer's setting": _activate,
    "a layer more": _append,
    "another layer": _in_place_of,
    "weights": lambda model: model.set_weights([np.ones((3, 2)), np.ones(2)]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_predictions_are_those_of_the_model_as_it_is(change):
    model = _model()
    before = model.predict(X, verbose=0)
    change(model)
    after = model.predict(X, verbose=0)
    assert not np.array_equal(after, before)
    np.testing.assert_allclose(after, model(X), rtol=1e-5)


def test_what_is_frozen_between_two_steps_is_not_trained():
    model = _model()
    model.blocks[0].bias.trainable = False
    with pytest.raises(ValueError, match="frozen"):
        model.train_on_batch(X, Y)
    model.compile("sgd", "mse")
    bias, kernel = model.blocks[0].bias.numpy(), model.blocks[0].kernel.numpy()
    model.train_on_batch(X, Y)
    assert np.array_equal(model.blocks[0].bias.numpy(), bias)
    assert not np.array_equal(model.blocks[0].kernel.numpy(), kernel)


def test_a_metric_that_comes_later_is_measured():
    model = _model()
    model.later = tv.metrics.Mean(name="later")
    model.later.update_state(3.0)
    assert "later" in model.evaluate(X, Y, verbose=0, return_dict=True)


def test_a_step_that_is_put_into_the_class_is_run(monkeypatch):
    model = _model()
    model.run_eagerly = True
    model.predict(X, verbose=0)
    plain = Blocks.predict_step
    monkeypatch.setattr(
        Blocks, "predict_step", lambda self, *a: (plain(self, *a)[0] + 1, plain(self, *a)[1])
    )
    np.testing.assert_allclose(model.predict(X, verbose=0), np.asarray(model(X)) + 1, rtol=1e-5)


def _counted_looks(model, monkeypatch):
    """Return what counts the walks over a model in a call."""
    looked = []
    find = tv.Model._find_ready
    monkeypatch.setattr(
        tv.Model, "_find_ready", lambda self, *args: looked.append(1) or find(self, *args)
    )

    def count(call="fit"):
        looked.clear()
        getattr(model, call)(X, Y, verbose=0)
        return len(looked)

    return count


def test_the_report_of_a_fit_makes_no_other_model(monkeypatch):
    model = _model()
    count = _counted_looks(model, monkeypatch)
    count(), count("evaluate")
    assert count() == 0
    assert count("evaluate") == 0
    model.history = 1.0  # Not a report, so who knows what reads it.
    assert count("evaluate") == 1
    assert count() == 1
    _activate(model)
    assert count() > 0


def test_a_history_with_a_layer_of_its_own_is_none_of_the_model(monkeypatch):
    class Mine(tv.callbacks.History):
        def __init__(self):
            super().__init__()
            self.layer = tv.layers.Dense(2)

    model, first = _model(), Mine()
    model.fit(X, Y, verbose=0, callbacks=[first])
    assert model.history is first
    assert first.layer not in model._flatten_layers()
    count = _counted_looks(model, monkeypatch)
    assert count() == 0


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"]
)
def test_a_copy_is_known_by_itself(copied):
    model = tv.Sequential([tv.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    other = copied(model)
    other.train_on_batch(X, Y)
    before = model.predict(X, verbose=0)
    assert not np.array_equal(other.predict(X, verbose=0), before)
    other.layers[0].activation = tv.activations.get("relu")
    other.predict(X, verbose=0)
    assert np.array_equal(model.predict(X, verbose=0), before)


def test_the_data_is_not_kept():
    import gc
    import weakref

    model = tv.Sequential([tv.layers.Dense(2)])
    model.compile("sgd", "mse")
    x = X.copy()
    for _ in range(2):
        model.train_on_batch(x, Y)
        model.predict(x, verbose=0)
    gone = weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None


def test_a_first_fit_finds_out_about_the_model_once(monkeypatch):
    found = []
    find = tv.Model._find_ready
    monkeypatch.setattr(
        tv.Model, "_find_ready", lambda self, *args: found.append(1) or find(self, *args)
    )
    model = tv.Sequential([tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    for _ in range(2):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0)
    assert len(found) == 1
