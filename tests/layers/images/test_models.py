"""Layers of images inside models, in all three styles, and in pipelines of data."""

from __future__ import annotations

import numpy as np
import pytest

import trivium as tv
from trivium import layers as L
from trivium.data.pipeline import Dataset

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(11, 8, 8, 3)).astype("float32")
Y = RNG.integers(3, size=11)


def augmentation():
    return [L.RandomFlip("horizontal"), L.RandomRotation(0.1), L.RandomCrop(6, 6)]


def network():
    return [L.Conv2D(2, 3), L.Flatten(), L.Dense(3)]


class Written(tv.Model):
    """The same network as a subclass, with its layers made in another order."""

    def __init__(self):
        super().__init__()
        self.network = network()
        self.augmentation = tv.Sequential(augmentation())

    def call(self, x):
        x = self.augmentation(x)
        for layer in self.network:
            x = layer(x)
        return x


def sequential():
    return tv.Sequential([tv.Input((8, 8, 3)), *augmentation(), *network()])


def functional():
    x = h = tv.Input((8, 8, 3))
    for layer in (*augmentation(), *network()):
        h = layer(h)
    return tv.Model(x, h)


def trained(make, **kwargs):
    tv.utils.set_random_seed(1)
    model = make()
    loss = tv.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, **kwargs)
    model.fit(X[:8], Y[:8], 4, epochs=2, verbose=0)
    return model


def test_the_same_bits_in_all_styles_and_chunks(tmp_path):
    """One compile for all: they are one program."""
    models = [trained(sequential), trained(functional, steps_per_execution=2), trained(Written)]
    assert len({m.weights_sha256() for m in models}) == 1
    states = [[v.value for v in m.non_trainable_variables if v.dtype == "uint32"] for m in models]
    assert all(len(s) == 3 and all(map(np.array_equal, states[0], s)) for s in states)
    first = models[0].predict(X, verbose=0)
    assert first.shape == (11, 3)
    for model in models[1:]:
        assert np.array_equal(first, model.predict(X, verbose=0))
    models[0].save(tmp_path / "model.keras")
    again = tv.saving.load_model(tmp_path / "model.keras")
    assert np.array_equal(first, again.predict(X, verbose=0))
    # A model called alone augments, as in Keras; one that is told not to does not.
    called = [np.asarray(models[0](X)) for _ in range(2)]
    assert not np.array_equal(*called)
    np.testing.assert_allclose(models[0](X, training=False), first, rtol=1e-5, atol=1e-5)


def test_boxes_and_masks_go_through_a_model():
    inputs = {"images": tv.Input((8, 8, 3)), "segmentation_masks": tv.Input((8, 8), dtype="int32")}
    model = tv.Model(inputs, L.RandomCrop(6, 6)(L.RandomFlip()(inputs)))
    masks = RNG.integers(5, size=(11, 8, 8)).astype("int32")
    y = model.predict({"images": X, "segmentation_masks": masks}, verbose=0)
    assert y["images"].shape == (11, 6, 6, 3)
    assert y["segmentation_masks"].shape == (11, 6, 6) and y["segmentation_masks"].dtype == "int32"


def test_sizes_that_are_not_known():
    x = tv.Input((None, None, 3))
    h = L.Resizing(6, 5)(L.RandomRotation(0.1)(L.RandomFlip()(x)))
    assert h.shape == (None, 6, 5, 3)
    model = tv.Model(x, h)
    for size in ((4, 9), (7, 7)):
        assert model.predict(np.zeros((2, *size, 3)), verbose=0).shape == (2, 6, 5, 3)


@pytest.mark.parametrize("batched", [False, True])
def test_in_a_pipeline_of_data(batched):
    flip = L.RandomFlip("horizontal", seed=1)

    def augment(image, label):
        return flip(image), label

    data = Dataset.from_tensor_slices((X, Y))
    data = data.batch(4).map(augment) if batched else data.map(augment).batch(4)
    seen = [(np.asarray(x), np.asarray(y)) for x, y in data]
    assert [len(x) for x, _ in seen] == [4, 4, 3]
    images = np.concatenate([x for x, _ in seen])
    same = [np.array_equal(a, b) for a, b in zip(images, X, strict=True)]
    turned = [np.array_equal(a, b[:, ::-1]) for a, b in zip(images, X, strict=True)]
    assert all(a or b for a, b in zip(same, turned, strict=True)) and any(same) and any(turned)


def test_a_layer_on_its_own_follows_its_settings_and_its_copies():
    """What is compiled for a layer belongs to its settings."""
    layer = L.RandomFlip("horizontal", seed=1)
    flipped = {np.asarray(layer(X[0])).tobytes() for _ in range(20)}
    assert flipped == {X[0].tobytes(), X[0][:, ::-1].tobytes()}
    layer.mode = "vertical"
    assert {np.asarray(layer(X[0])).tobytes() for _ in range(20)} == {
        X[0].tobytes(),
        X[0][::-1].tobytes(),
    }
    copied = L.RandomFlip.from_config(layer.get_config())
    assert np.array_equal(copied.generator.state.value, L.RandomFlip(seed=1).generator.state.value)
