"""The same bits, however an epoch is cut, stopped, resumed or fed."""

import numpy as np
import pytest

import trivium as tv
from trivium.training import feed, pace

pytestmark = pytest.mark.optimized  # Bits, in the code that users get.

generator = np.random.default_rng(5)
X = generator.normal(size=(43, 4)).astype("float32")
Y = generator.integers(0, 3, 43)


def make(**options):
    """A model whose steps draw random numbers and keep running averages."""
    tv.utils.set_random_seed(3)
    layers = tv.layers
    model = tv.Sequential(
        [
            tv.Input((4,)),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def train(model, epochs=6, **options):
    """Train on batches of 5, the last one of 3, and return the history."""
    said = {"batch_size": 5, "verbose": 0, "validation_split": 0.3} | options
    return model.fit(X, Y, epochs=epochs, **said).history


@pytest.fixture(scope="module")
def straight():
    model = make()
    return model, train(model)


def assert_same_bits(model, history, straight):
    assert model.weights_sha256() == straight[0].weights_sha256()
    assert history == straight[1]
    ours, theirs = model.optimizer.variables, straight[0].optimizer.variables
    assert [v.numpy().tobytes() for v in ours] == [v.numpy().tobytes() for v in theirs]


class Watch(tv.callbacks.Callback):
    def __init__(self):
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(batch)


@pytest.mark.parametrize(("steps", "ends"), [(1, range(6)), (4, [3, 5]), (7, [5]), (1000, [5])])
def test_steps_per_execution(steps, ends, straight):
    model, watch = make(steps_per_execution=steps), Watch()
    history = train(model, callbacks=[watch])
    assert_same_bits(model, history, straight)
    assert watch.ends == 6 * list(ends)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_chunks_of_any_length(size, straight, monkeypatch):
    monkeypatch.setattr(pace, "_grow", lambda *_: size)
    model = make()
    assert_same_bits(model, train(model), straight)


def test_many_fits_are_one_long_fit(straight):
    model, history = make(), {}
    for _ in range(6):
        for name, values in train(model, epochs=1).items():
            history.setdefault(name, []).extend(values)
    assert_same_bits(model, history, straight)


def test_resuming_is_not_stopping(straight):
    model = make()
    first = train(model, epochs=4)
    second = train(model, epochs=6, initial_epoch=4)
    assert model.history.epoch == [4, 5]
    assert_same_bits(model, {k: first[k] + second[k] for k in first}, straight)


def test_resuming_after_measuring_and_predicting(straight):
    """What happens between two fits leaves no trace in the second."""
    model = make()
    first = train(model, epochs=4)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    model.test_on_batch(X, Y)
    second = train(model, epochs=6, initial_epoch=4)
    assert_same_bits(model, {k: first[k] + second[k] for k in first}, straight)


@pytest.mark.parametrize("steps", [None, 4])
def test_data_that_stays_on_the_host(steps, straight, monkeypatch):
    monkeypatch.setattr(feed, "device_budget", lambda: 0)
    model = make(steps_per_execution=steps or 1)
    history = train(model, callbacks=[Watch()] if steps else [])
    assert_same_bits(model, history, straight)


@pytest.mark.parametrize("shuffle", [False, "batch"])
def test_orders_on_the_host_and_on_the_device(shuffle, monkeypatch):
    results = []
    for budget in (1 << 30, 0):
        monkeypatch.setattr(feed, "device_budget", lambda budget=budget: budget)
        model = make()
        results.append((model, train(model, epochs=2, shuffle=shuffle)))
    assert_same_bits(*results[0], results[1])


def test_blocks_of_a_tiny_budget(straight, monkeypatch):
    """Batches laid side by side in blocks of two."""
    monkeypatch.setattr(feed, "device_budget", lambda: 0)
    monkeypatch.setattr(feed, "_BLOCK_STEPS", 2)
    model = make()
    assert_same_bits(model, train(model), straight)


def test_measuring_and_predicting_from_the_host(straight, monkeypatch):
    model = straight[0]
    results = []
    for budget in (1 << 30, 0):
        monkeypatch.setattr(feed, "device_budget", lambda budget=budget: budget)
        said = {"batch_size": 5, "verbose": 0}
        results.append((model.evaluate(X, Y, **said), model.predict(X, **said)))
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])
    whole = model.predict(X, batch_size=43, verbose=0)
    np.testing.assert_allclose(results[0][1], whole, rtol=1e-5)


def test_single_batches_are_an_epoch_in_order():
    model, other = make(), make()
    model.fit(X, Y, batch_size=5, shuffle=False, verbose=0)
    for i in range(0, 43, 5):
        other.train_on_batch(X[i : i + 5], Y[i : i + 5])
    assert model.weights_sha256() == other.weights_sha256()


def test_a_stream_of_small_batches_that_are_looked_at_one_by_one():
    """One batch alone is no part of its order, so XLA would fuse, and round, otherwise."""

    def trained(*callbacks):
        tv.utils.set_random_seed(3)
        layers = tv.layers
        model = tv.Sequential(
            [
                tv.Input((6,)),
                layers.Dense(8, activation="relu"),
                layers.BatchNormalization(),
                layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile("sgd", "sparse_categorical_crossentropy")
        batches = [(x[start : start + 4], Y[start : start + 4]) for start in (0, 4, 8)]
        return model, model.fit(iter(batches), verbose=0, callbacks=[*callbacks]).history

    x = np.random.default_rng(7).normal(size=(12, 6)).astype("float32")
    model, history = trained(Watch())
    assert_same_bits(model, history, trained())


def test_jit_compile_changes_nothing(straight):
    model = make(jit_compile=False)
    assert not model.run_eagerly
    assert_same_bits(model, train(model), straight)


def test_a_layer_added_later_is_in_every_program():
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3)])
    model.compile("sgd", "mse")
    x = X[:32]
    model.fit(x, x[:, :3], verbose=0)
    before = model.predict(x, verbose=0)
    model.add(tv.layers.Rescaling(2.0))
    np.testing.assert_allclose(model.predict(x, verbose=0), 2 * before, rtol=1e-6)


def test_another_schedule_is_in_the_next_fit():
    schedule = tv.optimizers.schedules.ExponentialDecay
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(1)])
    model.compile(tv.optimizers.SGD(schedule(0.1, 1, 1.0)), "mse")
    x = X[:32]
    model.fit(x, x[:, :1], verbose=0)
    model.optimizer.learning_rate = schedule(0.0, 1, 1.0)
    before = model.weights_sha256()
    model.fit(x, x[:, :1], verbose=0)
    assert model.weights_sha256() == before


def test_convolutions_in_chunks_of_any_length(monkeypatch):
    """Forms of convolution are chosen by shapes, so a loop of one step gives what a loop of many gives."""
    layers, images = tv.layers, generator.normal(size=(40, 6, 6, 2)).astype("float32")
    hashes = set()
    for size in (1, 1000):
        monkeypatch.setattr(pace, "_grow", lambda *_, size=size: size)
        tv.utils.set_random_seed(3)
        stack = [
            layers.Conv2D(3, 3, activation="relu"),
            layers.Conv2DTranspose(3, 2, strides=2),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 3, strides=2),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
        model = tv.Sequential([tv.Input((6, 6, 2)), *stack])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(images, Y[:40], batch_size=20, epochs=2, verbose=0)
        hashes.add(model.weights_sha256())
    assert len(hashes) == 1
