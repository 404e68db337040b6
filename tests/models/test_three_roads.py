"""Three writings of one network: one graph, one fingerprint, one executable, the same bits."""

import numpy as np
import pytest

import trivium as tv
from trivium import layers
from trivium.training.executables import compile_count

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.


def data(count=200, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, 6, 4)).astype("float32")
    y = generator.integers(0, 3, count)
    return x, y


def sequential():
    return tv.Sequential(
        [
            tv.Input((6, 4)),
            tv.layers.Flatten(),
            tv.layers.Dense(16, activation="relu"),
            tv.layers.Dropout(0.3),
            tv.layers.Dense(3, activation="softmax"),
        ]
    )


def sequential_input_shape():
    return tv.Sequential(
        [
            tv.layers.Flatten(input_shape=[6, 4]),
            tv.layers.Dense(16, activation="relu"),
            tv.layers.Dropout(0.3),
            tv.layers.Dense(3, activation="softmax"),
        ]
    )


def sequential_deferred():
    model = tv.Sequential()
    model.add(tv.layers.Flatten())
    model.add(tv.layers.Dense(16, activation="relu"))
    model.add(tv.layers.Dropout(0.3))
    model.add(tv.layers.Dense(3, activation="softmax"))
    return model


def functional():
    inputs = tv.Input((6, 4))
    x = tv.layers.Flatten()(inputs)
    x = tv.layers.Dense(16, activation="relu")(x)
    x = tv.layers.Dropout(0.3)(x)
    return tv.Model(inputs, tv.layers.Dense(3, activation="softmax")(x))


class Subclassed(tv.Model):
    def __init__(self):
        super().__init__()
        self.flatten = tv.layers.Flatten()
        self.dense1 = tv.layers.Dense(16, activation="relu")
        self.dropout = tv.layers.Dropout(0.3)
        self.dense2 = tv.layers.Dense(3, activation="softmax")

    def call(self, inputs):
        return self.dense2(self.dropout(self.dense1(self.flatten(inputs))))


class Reversed(tv.Model):
    """The same with the layers constructed in reverse order, and `training` handed on by hand."""

    def __init__(self):
        super().__init__()
        self.d = tv.layers.Dense(3, activation="softmax")
        self.c = tv.layers.Dropout(0.3)
        self.b = tv.layers.Dense(16, activation="relu")
        self.a = tv.layers.Flatten()

    def call(self, inputs, training=None):
        return self.d(self.c(self.b(self.a(inputs)), training=training))


ROADS = [sequential, sequential_input_shape, sequential_deferred, functional, Subclassed, Reversed]


def train(build, epochs=3, **options):
    fit = {
        k: options.pop(k) for k in ("batch_size", "validation_split", "callbacks") if k in options
    }
    tv.utils.set_random_seed(42)
    model = build()
    model.compile(
        loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=["accuracy"], **options
    )
    x, y = data()
    history = model.fit(x, y, epochs=epochs, verbose=0, validation_split=0.2, **fit)
    return model, history.history


@pytest.fixture(scope="module")
def reference():
    return train(sequential)


@pytest.mark.parametrize("build", ROADS, ids=lambda b: b.__name__)
def test_every_road_gives_the_same_bits_from_one_executable(build, reference):
    before = compile_count()
    model, history = train(build)
    assert compile_count() == before
    assert model.weights_sha256() == reference[0].weights_sha256()
    assert history == reference[1]
    assert model.fingerprint() == reference[0].fingerprint()


@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_the_chunk_does_not_matter(steps, reference):
    class Watch(tv.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert np.isfinite(logs["loss"])

    model, history = train(functional, steps_per_execution=steps, callbacks=[Watch()])
    assert model.weights_sha256() == reference[0].weights_sha256() and history == reference[1]


def test_stopping_and_going_on_is_not_stopping(reference):
    tv.utils.set_random_seed(42)
    model = Subclassed()
    model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
    x, y = data()
    first = model.fit(x, y, epochs=1, verbose=0, validation_split=0.2)
    second = model.fit(x, y, epochs=3, initial_epoch=1, verbose=0, validation_split=0.2)
    assert second.epoch == [1, 2]
    assert model.weights_sha256() == reference[0].weights_sha256()
    joined = {k: first.history[k] + second.history[k] for k in first.history}
    assert joined == reference[1]


def test_another_seed_gives_another_network(reference):
    tv.utils.set_random_seed(43)
    assert sequential().weights_sha256() != reference[0].weights_sha256()


def test_a_different_network_has_another_fingerprint(reference):
    def build(**options):
        return tv.Sequential([tv.Input((6, 4)), tv.layers.Flatten(), tv.layers.Dense(3, **options)])

    plain = build().fingerprint()
    assert build().fingerprint() == plain
    different = [
        build(use_bias=False),
        build(activation="relu"),
        build(kernel_initializer="he_normal"),
        build(kernel_regularizer="l2"),
        build(kernel_constraint="non_neg"),
        tv.Sequential(
            [tv.Input((6, 4)), tv.layers.Flatten(), tv.layers.Dropout(0.5), tv.layers.Dense(3)]
        ),
    ]
    prints = [m.fingerprint() for m in different]
    assert len({plain, *prints}) == len(prints) + 1
    frozen = build()
    frozen.layers[-1].trainable = False
    assert frozen.fingerprint() != plain


def test_branches_written_in_any_order_are_one_graph():
    def one():
        a, b = tv.Input((4,)), tv.Input((4,))
        left = tv.layers.Dense(3, name="left")(a)
        right = tv.layers.Dense(3, name="right")(b)
        return tv.Model([a, b], tv.layers.add([left, right]))

    def two():
        a, b = tv.Input((4,)), tv.Input((4,))
        right = tv.layers.Dense(3, name="r")(b)
        left = tv.layers.Dense(3, name="l")(a)
        return tv.Model([a, b], tv.layers.add([left, right]))

    class Three(tv.Model):
        def __init__(self):
            super().__init__()
            self.right, self.left = tv.layers.Dense(3), tv.layers.Dense(3)
            self.add_up = tv.layers.Add()

        def call(self, inputs):
            right = self.right(inputs[1])
            return self.add_up([self.left(inputs[0]), right])

    generator = np.random.default_rng(1)
    xs = [generator.normal(size=(40, 4)).astype("float32") for _ in range(2)]
    y = generator.normal(size=(40, 3)).astype("float32")
    results = []
    for build in (one, two, Three):
        tv.utils.set_random_seed(3)
        model = build()
        model.compile("adam", "mse")
        history = model.fit(xs, y, epochs=2, verbose=0)
        results.append((model.weights_sha256(), model.fingerprint(), history.history["loss"]))
    assert results[0] == results[1] == results[2]


class NormalizedBlock(tv.Layer):
    """What JAX has functions of its own for, which a program has once: variances, and choices by a mask."""

    def __init__(self):
        super().__init__()
        self.norm, self.attend = layers.LayerNormalization(), layers.MultiHeadAttention(1, 2)

    def call(self, x):
        y = self.norm(x)
        return x + self.attend(y, y, use_causal_mask=True)


def test_blocks_of_ones_own_are_the_program_of_their_layers_written_out():
    x = inputs = tv.Input((3, 2))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(1, 2)(y, y, use_causal_mask=True)
    written_out = tv.Model(inputs, x)
    blocks = tv.Sequential([tv.Input((3, 2)), NormalizedBlock(), NormalizedBlock()])
    assert blocks.fingerprint() == written_out.fingerprint()
