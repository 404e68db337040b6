"""Predictions where rows are independent: the same bits whatever the batches. And where they are not: batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers
from trivium.training import row_steps
from trivium.training.executables import compile_count
from trivium.training.traced import Traced

pytestmark = pytest.mark.optimized  # Bits, in the code that users get.

X = np.random.default_rng(0).normal(size=(75, 6)).astype("float32")


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    """Steps of 16 rows, so that few rows are several."""
    for name in ("_OF_KERNELS", "_OF_POSITIONS", "_MOST"):
        monkeypatch.setattr(row_steps, name, {"_OF_POSITIONS": 8}.get(name, 16))


class Sub(tv.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = layers.Dense(40, activation="gelu"), layers.Dense(3)
        self.norm = layers.BatchNormalization()

    def call(self, x):
        return tv.ops.softmax(self.out(self.norm(self.hidden(x))))


def styles():
    parts = Sub()
    parts(X[:1])
    x = tv.Input((6,))
    y = tv.ops.softmax(parts.out(parts.norm(parts.hidden(x))))
    inner = [parts.hidden, parts.norm, parts.out, layers.Softmax()]
    return [parts, tv.Model(x, y), tv.Sequential([tv.Input((6,)), *inner])]


class Watch(tv.callbacks.Callback):
    """Keeps what the hooks are told, and does something between two batches."""

    def __init__(self, act=lambda batch: None):
        super().__init__()
        self.parts, self.begun, self._act = [], [], act

    def on_predict_batch_begin(self, batch, logs=None):
        self.begun.append(batch)
        self._act(batch)

    def on_predict_batch_end(self, batch, logs=None):
        self.parts.append((batch, logs["outputs"]))


def test_the_same_bits_for_all_batches_styles_and_hooks():
    models = styles()
    for count in (75, 12):
        x, found = X[:count], []
        for model in models:
            model.compile(steps_per_execution=3)
            found += [model.predict(x, batch_size=b, verbose=0) for b in (7, 32, 100, 256)]
            watch = Watch()
            found.append(model.predict(x, batch_size=7, verbose=0, callbacks=[watch]))
            found.append(np.concatenate([part for _, part in watch.parts]))
            batches = -(-count // 7)
            assert watch.begun == list(range(0, batches, 3))
            assert watch.parts[-1][0] == batches - 1 and len(watch.parts[0][1]) == min(21, count)
        for other in found[1:]:
            np.testing.assert_array_equal(other, found[0])


def test_what_a_hook_assigns_is_what_the_next_batch_begins_with():
    model = styles()[2]
    kernel = np.asarray(model.layers[-2].kernel)
    before = model.predict(X, batch_size=5, verbose=0)
    watch = Watch(lambda batch: model.layers[-2].kernel.assign(kernel * (batch >= 3)))
    after = model.predict(X, batch_size=5, verbose=0, callbacks=[watch])
    np.testing.assert_array_equal(after[:15], 1 / 3 * np.ones((15, 3), "float32"))
    np.testing.assert_array_equal(after[15:], before[15:])
    assert [batch for batch, _ in watch.parts] == list(range(15))


def test_a_model_that_is_another_one_after_a_hook():
    model = tv.Sequential([tv.Input((6,)), layers.Lambda(lambda x: x * 2.0)])
    model.compile()

    def mix(batch):
        if batch == 4:
            model.predict_step = lambda state, data: (data[0] - data[0].mean(0), state[1])
            model.compile()

    parts = model.predict(X, batch_size=5, verbose=0, callbacks=[Watch(mix)]).reshape(15, 5, 6)
    wanted = X.reshape(15, 5, 6)
    np.testing.assert_array_equal(parts[:4], wanted[:4] * 2)
    means = wanted[4:].mean(1, keepdims=True)
    np.testing.assert_allclose(parts[4:], wanted[4:] - means, rtol=1e-5, atol=1e-6)


def test_the_last_rows_are_computed_with_copies_of_the_last():
    # Zeros would be divided by zero, which is an error here.
    model = tv.Sequential([tv.Input((6,)), layers.Lambda(lambda x: x / jnp.sum(x**2, 1)[:, None])])
    with jax.debug_nans(True):
        outputs = model.predict(X, batch_size=20, verbose=0)
    np.testing.assert_allclose(outputs, X / (X**2).sum(1, keepdims=True), rtol=1e-5)


# What mixes rows, or counts them: computed batch by batch.
BY_BATCH = {
    "mean": lambda x: x - jnp.mean(x, axis=0),
    "first": lambda x: x - x[:1],
    "rows": lambda x: x / x.shape[0],
    "ops": lambda x: x * tv.ops.cast(tv.ops.shape(x)[0], "float32"),
    "branch": lambda x: x * 2 if x.shape[0] == 8 else x,
    "few": lambda x: x * 2 if x.shape[0] < 5 else x,
    "attention": lambda x: jnp.matmul(jnp.matmul(x, x.T), x),
}


@pytest.mark.parametrize("name", BY_BATCH)
def test_what_mixes_rows_stays_in_its_batches(name):
    function = BY_BATCH[name]

    class Mixing(layers.Layer):
        def call(self, x):
            return function(x)

    model = tv.Sequential([tv.Input((6,)), layers.Rescaling(0.5), Mixing()])
    wanted = [function(0.5 * X[i : i + 8]) for i in range(0, 75, 8)]
    found = model.predict(X, batch_size=8, verbose=0)
    np.testing.assert_allclose(found, np.concatenate(wanted), rtol=1e-5, atol=1e-6)


class Counted(layers.Layer):
    def build(self, shape):
        self.count = self.add_weight((), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign_add(1.0)
        return x + self.count


def test_a_state_that_moves_on_moves_once_a_batch():
    model = tv.Sequential([tv.Input((6,)), Counted()])
    found = model.predict(X, batch_size=8, verbose=0) - X
    np.testing.assert_allclose(found[:, 0], np.arange(75) // 8 + 1, rtol=1e-5)


def several():
    """Two inputs, a dict of outputs, lookups, a mask, a recurrent layer, attention, a nested model, half precision."""
    words, numbers = tv.Input((5,), dtype="int32", name="words"), tv.Input((6,), name="numbers")
    h = layers.Embedding(20, 8, mask_zero=True)(words)
    h = layers.Bidirectional(layers.GRU(4, return_sequences=True))(h)
    h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 4)(h, h))
    h = layers.GlobalMaxPooling1D()(layers.Conv1D(4, 3)(h))
    side = tv.Sequential(
        [layers.Dense(8, activation="relu", dtype="mixed_bfloat16"), layers.Dense(4)]
    )
    joined = layers.Concatenate()([h, side(numbers)])
    return tv.Model([words, numbers], {"b": layers.Dense(2)(joined), "a": [layers.Dropout(0.5)(h)]})


def test_several_inputs_and_outputs():
    model, rng = several(), np.random.default_rng(1)
    x = {"words": rng.integers(0, 20, (75, 5)).astype("int32"), "numbers": X}
    found = [model.predict(x, batch_size=7, verbose=0)]
    before = compile_count()
    found.append(model.predict(x, batch_size=100, verbose=0))
    assert compile_count() == before
    assert list(found[0]) == ["b", "a"] and found[0]["b"].shape == (75, 2)
    for other in found[1:]:
        np.testing.assert_array_equal(other["a"][0], found[0]["a"][0])
        np.testing.assert_array_equal(other["b"], found[0]["b"])
    eager = model(x)
    np.testing.assert_allclose(found[0]["b"], eager["b"], rtol=1e-4, atol=1e-5)


def test_what_is_kept_for_one_batch_is_of_the_call_that_it_was_kept_by():
    model = styles()[0]
    whole = model.predict(X, batch_size=75, verbose=0)
    model.predict_on_batch(X)
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(X, batch_size=75, verbose=0), whole)
    some = [model.predict(X[:n], batch_size=75, verbose=0) for n in (37, 37)]
    assert len(some[0]) == 37
    np.testing.assert_array_equal(*some)


def test_rows_of_much_memory_stay_in_their_batches(monkeypatch):
    """Who asks for one row at a time may have memory for no more."""

    def step(state, data):
        return jnp.tanh(data[0]), state

    def trace(rows):
        return Traced(step, [], (jax.ShapeDtypeStruct((1, 6), "float32"),), rows)

    def sizes(shown):
        return row_steps.RowSteps().size(row_steps.Shown(*shown), trace)

    asked = [(40, 2), (40, 64), (9, 1)]
    assert [sizes(shown) for shown in asked] == [16, 16, 9]
    monkeypatch.setattr(row_steps, "_OWN", X[0].nbytes - 1)
    assert [sizes(shown) for shown in asked] == [None] * 3
