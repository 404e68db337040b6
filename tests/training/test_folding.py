"""Equal blocks become a loop in compiled steps: the same numbers, whatever is in the blocks."""

import functools

import jax
import numpy as np
import pytest

import trivium as tv
from trivium import layers
from trivium.graph.folding import loops
from trivium.graph.repeats import repeats
from trivium.state.placing import Row, side_by_side
from trivium.state.variable import held_by
from trivium.training import engine
from trivium.viz.blocks import equal_blocks

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 6)).astype("float32"), RNG.integers(0, 3, 16)


class Block(layers.Layer):
    """A layer of a user's, with layers, a loss and statistics inside."""

    def __init__(self, rate=0.25, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(6, activation="tanh")
        self.norm = layers.BatchNormalization()
        self.drop = layers.Dropout(rate)

    def call(self, x):
        self.add_loss(0.01 * tv.ops.mean(x**2))
        return x + self.drop(self.norm(self.dense(x)))


class Named(layers.Layer):
    """One whose name says what it computes."""

    def call(self, x):
        return x * (2.0 if self.name.endswith("3") else 1.0)


class Held(layers.Layer):
    """One that computes with what has no effect where a layer of the library holds it, and by a function outside."""

    def __init__(self, attribute, value, **kwargs):
        super().__init__(**kwargs)
        setattr(self, attribute, value)
        self.scaled = lambda x: x * (1.0 + 0.1 * scale_of(self))

    def call(self, x):
        return self.scaled(x)


def scale_of(layer):
    held = vars(layer)
    return layer.seed if "seed" in held else layer.history if "history" in held else _scale(layer)


def _scale(layer):
    return layer.scale_initializer


class Keeping(layers.Layer):
    """One that leaves what it was called on where the rest of a step may look for it."""

    kept = None

    def call(self, x):
        self.kept = x
        return 2.0 * x


class Pair(layers.Layer):
    """One that gives two tensors."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(6)

    def call(self, x, state):
        return self.dense(x + state), state + 0.1 * x


def stack(*blocks):
    x = y = tv.Input((6,))
    for block in blocks:
        y = block(y)
    return tv.Model(x, layers.Dense(3)(y))


def branching(between):
    """Residual blocks; `between` makes what is added to each block of its input, the first input and the number."""
    x = first = tv.Input((6,))
    kept = []
    for i in range(5):
        h = layers.Dense(6, activation="relu")(x)
        x = layers.Add()([x, between(h, first, i, kept)])
        kept.append(x)
    return tv.Model(first, layers.Dense(3)(x))


def pairs():
    x = a = tv.Input((6,))
    b = 0.5 * x
    for _ in range(5):
        a, b = Pair()(a, b)
    return tv.Model(x, layers.Dense(3)(a + b))


def nested():
    def block():
        x = tv.Input((6,))
        return tv.Model(x, layers.Dropout(0.3)(layers.Dense(6, "relu", kernel_regularizer="l2")(x)))

    return stack(*(block() for _ in range(5)))


def frozen():
    blocks = [layers.Dense(6, "relu") for _ in range(9)]
    blocks[4].trainable = False
    return stack(*blocks)


def every_output():
    x = y = tv.Input((6,))
    parts = []
    for _ in range(5):
        y = layers.Dense(6, "relu")(y)
        parts.append(y)
    return tv.Model(x, layers.Dense(3)(layers.Concatenate()(parts)))


def low_rank():
    model = stack(*(layers.Dense(6, "relu") for _ in range(5)))
    for layer in model.layers[1:6]:
        layer.enable_lora(2)
    return model


def shared_layer():
    dense = layers.Dense(6, "relu")
    return branching(lambda h, first, i, kept: dense(h))


# What is built, and how many equal blocks are found in each run.
MODELS = {
    "layers of a user's": (lambda: stack(*(Block() for _ in range(5))), [5]),
    "one that differs": (
        lambda: stack(*(Block(0.5 if i == 4 else 0.25) for i in range(9))),
        [4, 4],
    ),
    "by name": (lambda: stack(*(Named(name=f"number_{i}") for i in range(5))), []),
    "one that keeps": (lambda: stack(*(Keeping() for _ in range(5))), []),
    "functions": (lambda: stack(*(layers.Lambda(lambda x, i=i: x + i % 2) for i in range(5))), []),
    "seeds of their own": (lambda: stack(*(layers.Dropout(0.2, seed=i) for i in range(5))), [5]),
    "the input in each": (
        lambda: branching(lambda h, first, i, kept: layers.Add()([h, first])),
        [5],
    ),
    "the first block in each": (
        lambda: branching(lambda h, first, i, kept: h + (kept or [first])[0]),
        [4],
    ),
    "two blocks back": (
        lambda: branching(lambda h, first, i, kept: h + (kept[-2] if i > 1 else h)),
        [],
    ),
    "a shared layer": (shared_layer, [5]),
    "two tensors": (pairs, [5]),
    "nested models": (nested, [5]),
    "one that is frozen": (frozen, [4, 4]),
    "every block's output": (every_output, [5]),
    "of low rank": (low_rank, [5]),
    "one layer many times": (lambda: stack(*[layers.Dense(6, "relu")] * 5), [5]),
    "a shared layer that is written": (lambda: stack(*[layers.BatchNormalization()] * 5), [5]),
}


def trained(build, folding, optimizer="adam", **fit):
    getattr(tv.config, f"{'enable' if folding else 'disable'}_block_folding")()
    try:
        tv.utils.set_random_seed(3)
        model = build()
        loss = tv.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer, loss, metrics=["accuracy"])
        history = model.fit(X, Y, **{"epochs": 2, "batch_size": 8, "verbose": 0} | fit)
        return (
            model,
            [*model.get_weights(), *map(np.array, history.history.values())],
            model.predict(X, verbose=0),
        )
    finally:
        tv.config.reset_block_folding()


@pytest.mark.parametrize("what", MODELS)
def test_a_loop_over_blocks_gives_the_numbers_of_the_blocks(what):
    build, expected = MODELS[what]
    model, ours, outputs = trained(build, True)
    _, theirs, others = trained(build, False)
    assert [len(r.blocks) for r in repeats(model.graph(True))] == expected
    for a, b in zip([*ours, outputs], [*theirs, others], strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


class Given(layers.Layer):
    """One that hands itself to a function which it holds."""

    def __init__(self, attribute, value, **kwargs):
        super().__init__(**kwargs)
        setattr(self, attribute, value)
        self.scale = scale_of

    def call(self, x):
        return x * (1.0 + 0.1 * self.scale(self))


def scaled(call):
    @functools.wraps(call)
    def scaling(self, x):
        return call(self, x) * (1.0 + 0.1 * scale_of(self))

    return scaling


class Decorated(layers.Layer):
    """One whose call is another function around its own."""

    def __init__(self, attribute, value, **kwargs):
        super().__init__(**kwargs)
        setattr(self, attribute, value)

    @scaled
    def call(self, x):
        return x


@pytest.mark.parametrize("kind", [Held, Given, Decorated])
@pytest.mark.parametrize("attribute", ["seed", "history", "scale_initializer"])
def test_what_a_users_layer_reads_tells_it_from_others(kind, attribute):
    def build(different):
        return stack(*(kind(attribute, i if different else 1, name=f"n{i}") for i in range(5)))

    assert [len(r.blocks) for r in repeats(build(False).graph(True))] == [5]
    assert repeats(build(True).graph(True)) == []


@pytest.mark.parametrize(
    "optimizer",
    [
        tv.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=1.0),
        tv.optimizers.AdamW(0.01, weight_decay=0.1),
        tv.optimizers.Lamb(0.01),
        tv.optimizers.Adafactor(0.01),
        tv.optimizers.Adam(0.01, clipnorm=0.1, use_ema=True, gradient_accumulation_steps=2),
    ],
    ids=lambda optimizer: optimizer.name,
)
def test_optimizers_step_over_all_blocks_at_once(optimizer):
    def build():
        return stack(*(layers.Dense(6, "tanh") for _ in range(5)))

    _, ours, _ = trained(build, True, optimizer.from_config(optimizer.get_config()))
    _, theirs, _ = trained(build, False, optimizer)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def normed(count):
    parts = [(layers.Dense(6, use_bias=False), layers.BatchNormalization()) for _ in range(count)]
    return stack(*(layer for pair in parts for layer in pair))


def convolutions(count):
    x = y = tv.Input((4, 4, 2))
    for _ in range(count):
        y = layers.ReLU()(layers.Conv2D(2, 3, padding="same")(y))
    return tv.Model(x, layers.Flatten()(y))


@pytest.mark.parametrize(
    ("build", "few", "enough"),
    [
        (lambda n: stack(*(layers.Dense(6) for _ in range(n))), 40, 41),
        (lambda n: stack(*(Block(name=f"block_{i}") for i in range(n))), 14, 15),
        (normed, 16, 18),
        (convolutions, 20, 21),
    ],
    ids=["dense", "a user's", "normed", "convolutions"],
)
def test_blocks_are_a_loop_where_the_variables_that_it_spares_are_worth_it(build, few, enough):
    model, deep = build(few), build(enough)
    assert [len(r.blocks) for r in loops(deep.graph())] == [enough]
    assert loops(model.graph()) == []
    assert not any("as a loop" in line for line in equal_blocks(model))
    said = []
    deep.summary(print_fn=said.append, line_length=120)
    assert f"Compiled once, as a loop: {enough} equal blocks" in said[0]
    try:
        tv.config.disable_block_folding()
        assert loops(deep.graph()) == []
        assert "`config.disable_block_folding()` was called" in equal_blocks(deep)[0]
        tv.config.enable_block_folding()
        assert [len(r.blocks) for r in loops(model.graph())] == [few]
    finally:
        tv.config.reset_block_folding()
    [close] = equal_blocks(model)
    assert close.startswith(f"Compiled one by one: {few} equal blocks") and "from 80 on" in close


def test_blocks_of_a_model_inside_are_named():
    inner = stack(*(layers.Dense(6, name=f"inner_{i}") for i in range(45)))
    [line] = equal_blocks(tv.Sequential([tv.Input((6,)), inner]))
    assert line.endswith("45 equal blocks, 'inner_0' to 'inner_44'")


def test_other_threads_may_look_at_a_model_that_trains():
    model = stack(*(layers.Dense(6) for _ in range(41)))
    model.compile("sgd", "mse")
    kernel = model.layers[2].kernel
    model.fit(X, X[:, :3], verbose=0)
    [held] = held_by([kernel])
    assert isinstance(held, Row)
    model.fit(X, X[:, :3], verbose=0)
    jax.eval_shape(lambda: kernel.value)  # The variable takes its row while something is traced.
    assert kernel.numpy().shape == held.taken().shape == (6, 6)


def test_predictions_bring_weights_together_once_and_follow_each_change(monkeypatch):
    joined = []
    monkeypatch.setattr(
        engine, "side_by_side", lambda parts: joined.append(0) or side_by_side(parts)
    )
    model = stack(*(layers.Dense(6, "tanh") for _ in range(41)))
    model.compile(tv.optimizers.SGD(0.5), "mse")
    middle, copied = model.layers[20], tv.models.clone_model(model)
    changes = {
        "nothing": lambda: None,
        "assigned": lambda: middle.kernel.assign(middle.kernel * 3.0),
        "added to": lambda: middle.bias.assign_add(np.ones(6)),
        "set": lambda: model.set_weights([w + 0.1 for w in model.get_weights()]),
        "trained": lambda: model.fit(X, X[:, :3], epochs=2, verbose=0),
        "trained on one batch": lambda: model.train_on_batch(X, X[:, :3]),
        "looked at": lambda: [v.numpy() for v in middle.weights],
        "of another": lambda: model.set_weights(copied.get_weights()),
    }
    for change in changes.values():
        change()
        for _ in range(2):
            once = model.predict(X[:1], verbose=0)
            several = model.predict_on_batch(X)
        count = len(joined)
        np.testing.assert_array_equal(model.predict(X[:1], verbose=0), once)
        np.testing.assert_allclose(model.predict_on_batch(X), several, rtol=1e-6)
        assert len(joined) == count  # Not from the second time on.
        np.testing.assert_allclose(several, model(X), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(once, model(X[:1]), rtol=1e-4, atol=1e-6)


class Subclassed(tv.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(6, "relu") for _ in range(6)]
        self.last = layers.Dense(3)

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        return self.last(x)


def test_styles_chunks_and_looks_between_them_change_no_bit():
    def sequential():
        return tv.Sequential(
            [tv.Input((6,)), *(layers.Dense(6, "relu") for _ in range(6)), layers.Dense(3)]
        )

    looks = tv.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    seen = []

    class Looking(tv.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([w.copy() for w in self.model.get_weights()])
            kernel = self.model.trainable_variables[4]
            kernel.assign(kernel + 0.0)

    _, first, outputs = trained(sequential, True)
    for build, callbacks in (
        (lambda: stack(*(layers.Dense(6, "relu") for _ in range(6))), []),
        (Subclassed, []),
        (sequential, [looks]),
        (sequential, [Looking()]),
    ):
        _, weights, again = trained(build, True, callbacks=callbacks)
        for a, b in zip([*first, outputs], [*weights, again], strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(seen[0][4], seen[1][4])  # What was read then has stayed as it was.


def test_a_mask_goes_along():
    def build():
        return tv.Sequential(
            [tv.Input((4,), dtype="int32"), layers.Embedding(5, 6, mask_zero=True)]
            + [layers.LSTM(6, return_sequences=True) for _ in range(5)]
            + [layers.GlobalAveragePooling1D(), layers.Dense(3)]
        )

    x = np.array([[1, 2, 0, 0], [3, 4, 1, 0]] * 2)
    found = []
    for folding in (True, False):
        getattr(tv.config, f"{'enable' if folding else 'disable'}_block_folding")()
        tv.utils.set_random_seed(3)
        found.append(build().predict(x, verbose=0))
    tv.config.reset_block_folding()
    np.testing.assert_allclose(*found, rtol=1e-5)
