"""Effects in control flow: random nests of loops, branches and checkpoints do what the program written out does."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import trivium as tv
from trivium import ops

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)).astype("float32"), RNG.normal(size=(8, 3)).astype("float32")


class Counter(tv.Layer):
    """Counts its calls, and adds what it has counted."""

    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, inputs):
        self.calls.assign_add(1.0)
        self.add_loss(0.01 * ops.sum(ops.square(inputs)) * self.calls)
        return inputs + 0.1 * self.calls


MAKERS: list[Any] = [
    lambda: tv.layers.Dense(3, activation="tanh"),
    lambda: tv.layers.Dropout(0.4, seed=1),
    lambda: tv.layers.BatchNormalization(),
    lambda: tv.layers.ActivityRegularization(l2=0.1),
    lambda: tv.layers.GaussianNoise(0.3, seed=2),
    lambda: Counter(),
]


def made():
    """Return the layers, each with its first values, whatever a program reaches."""
    layers = [make() for make in MAKERS]
    for layer in layers:
        layer(X[:1])
    return layers


# A smaller program that fails would have to be compiled too, each on the way to the smallest.
SETTINGS: Any = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.explicit, Phase.reuse, Phase.generate),
}

# A program is a list of steps: ("call", which layer) or (kind, how often or which way, program, ...).
calls = st.tuples(st.just("call"), st.integers(0, len(MAKERS) - 1))


def nests(inner):
    body = st.lists(inner, min_size=1, max_size=2)
    return st.one_of(
        st.tuples(st.sampled_from(["scan", "fori_loop"]), st.integers(1, 3), body),
        st.tuples(st.just("cond"), st.booleans(), body, body),
        st.tuples(st.just("remat"), st.none(), body),
        st.tuples(st.just("switch"), st.integers(0, 2), body, body, body),
    )


steps = st.recursive(calls, nests, max_leaves=4)
programs = st.lists(nests(steps), min_size=1, max_size=2).map(lambda p: [*p, ("call", 0)])


def run(program: list[Any], h: Any, layers: list[Any], written_out: bool) -> Any:
    """Run a program by the ops, or written out in Python."""
    for kind, how, *bodies in program:
        if kind == "call":
            h = layers[how](h)
            continue
        first, *_ = parts = [lambda h, b=b: run(b, h, layers, written_out) for b in bodies]
        if written_out:
            times = how if kind in ("scan", "fori_loop") else 1
            way = {"cond": 1 - bool(how), "switch": how}.get(kind, 0)
            for _ in range(times):
                h = parts[way](h)
        elif kind == "scan":
            h, _ = ops.scan(lambda c, _, f=first: (f(c), ops.sum(c)), h, None, length=how)
        elif kind == "fori_loop":
            h = ops.fori_loop(0, how, lambda _, c, f=first: f(c), h)
        elif kind == "cond":
            square = ops.sum(ops.square(h))
            holds = square >= 0.0 if how else square < 0.0
            h = ops.cond(holds, lambda h=h, f=first: f(h), lambda h=h, g=parts[1]: g(h))
        elif kind == "switch":
            index = ops.cast(ops.sum(h) * 0.0, "int32") + how
            h = ops.switch(index, parts, h)
        else:
            h = ops.remat(first)(h)
    return h


class Program(tv.Layer):
    """A program as a layer."""

    def __init__(self, program, written_out, **kwargs):
        super().__init__(**kwargs)
        self.parts = made()
        self.program, self.written_out = program, written_out

    def call(self, inputs):
        return run(self.program, inputs, self.parts, self.written_out)


class Subclass(tv.Model):
    def __init__(self, program, written_out):
        super().__init__()
        self.parts = made()
        self.program, self.written_out = program, written_out

    def call(self, inputs):
        return run(self.program, inputs, self.parts, self.written_out)


def functional(program, written_out):
    x = tv.Input((3,))
    return tv.Model(x, run(program, x, made(), written_out))


def sequential(program, written_out):
    return tv.Sequential([tv.Input((3,)), Program(program, written_out)])


STYLES = {"sequential": sequential, "functional": functional, "subclass": Subclass}


def state_of(model):
    """The variables' values, by what they belong to. What no call reaches has none, or is not the model's at all."""
    leaves = [x for x in model._flatten_layers() if not x._layers]
    return {(type(x).__name__, v.name): np.asarray(v.value) for x in leaves for v in x.variables}


def trained(style, program, written_out):
    tv.utils.set_random_seed(5)
    model = STYLES[style](program, written_out)
    model.build((None, 3))
    model.compile(tv.optimizers.SGD(0.05), "mse")
    losses = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history["loss"]
    return model, losses


@settings(max_examples=3, **SETTINGS)
@given(programs)
def test_random_nests_train_as_they_do_written_out_in_all_three_styles(program):
    by_style = {style: trained(style, program, False) for style in STYLES}
    model, losses = by_style["subclass"]
    for style, (other, other_losses) in by_style.items():
        assert other_losses == losses, style
        mine, theirs = state_of(model), state_of(other)
        for key in mine.keys() & theirs.keys():
            np.testing.assert_array_equal(mine[key], theirs[key], f"{style}: {key}")
        assert {("Dense", "kernel"), ("Dense", "bias")} <= theirs.keys()
    plain, plain_losses = trained("subclass", program, True)
    np.testing.assert_allclose(losses, plain_losses, rtol=2e-4, atol=1e-6)
    # Written out, a branch that is never taken is not there, so neither are its layers.
    mine, theirs = state_of(model), state_of(plain)
    for key in mine.keys() & theirs.keys():
        compare = np.testing.assert_array_equal if mine[key].dtype == "uint32" else close
        compare(mine[key], theirs[key])


def close(a, b):
    np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-5)


def compiled_branch(program, within=False):
    """Say whether a branch stands inside a checkpoint."""
    for kind, _, *bodies in program:
        if within and kind in ("cond", "switch"):
            return True
        if kind != "call" and any(compiled_branch(b, within or kind == "remat") for b in bodies):
            return True
    return False


@settings(max_examples=12, **SETTINGS)
@given(programs)
def test_random_nests_are_the_written_out_program_to_the_bit(program):
    """JAX's loops run step by step with the arithmetic of the program written out."""

    def outcome(written_out):
        tv.utils.set_random_seed(5)
        layer = Program(program, written_out)
        tv.utils.set_random_seed(6)
        with jax.disable_jit():
            outputs = layer(X, training=True)
        return np.asarray(outputs), sum(map(float, layer.losses)), state_of(layer)

    # A branch inside a checkpoint is one operation to JAX, which XLA compiles, and may round otherwise, as a whole.
    same = close if compiled_branch(program) else np.testing.assert_array_equal
    looped, plain = outcome(False), outcome(True)
    same(looped[0], plain[0])
    np.testing.assert_allclose(looped[1], plain[1], rtol=1e-5)  # A loop's losses are added first.
    for key, value in looped[2].items():
        same(value, plain[2][key])


@pytest.mark.parametrize(
    ("op", "around"),
    [
        ("ops.scan", lambda f: lambda x: jax.lax.scan(lambda c, t: (c, f(t)), 0.0, x[None])[1][0]),
        ("ops.cond", lambda f: lambda x: jax.lax.cond(x.sum() < 1e9, f, lambda x: x, x)),
        ("ops.remat", lambda f: jax.checkpoint(f)),
        ("ops.vectorized_map", lambda f: lambda x: jax.vmap(f)(x[None])[0]),
        ("ops.map", lambda f: lambda x: jax.lax.map(f, x[None])[0]),
        ("ops.fori_loop", lambda f: lambda x: jax.lax.fori_loop(0, 2, lambda i, x: f(x), x)),
    ],
)
@pytest.mark.parametrize("make", [MAKERS[1], MAKERS[2], MAKERS[5]], ids=["draws", "moves", "adds"])
def test_plain_jax_around_a_layer_with_effects_names_the_layer_and_the_op(op, around, make):
    class Plain(tv.Layer):
        def __init__(self):
            super().__init__()
            self.inner = make()

        def build(self, input_shape):
            self.inner.build(input_shape)

        def call(self, inputs):
            return around(self.inner)(inputs)

    model = tv.Sequential([tv.layers.Dense(3), Plain()])
    model.compile("sgd", "mse")
    with pytest.raises(tv.state.EffectError) as caught:
        model.fit(X, Y, verbose=0)
    assert model.layers[1].inner.name in str(caught.value) and op in str(caught.value)


def test_plain_jax_around_a_layer_without_effects_works():
    class Plain(tv.Layer):
        def __init__(self):
            super().__init__()
            self.inner = tv.layers.Dense(3)

        def call(self, inputs):
            return jax.checkpoint(self.inner)(inputs)

    tv.utils.set_random_seed(1)
    model = tv.Sequential([Plain()])
    model.compile("sgd", "mse")
    first = model.fit(X, Y, verbose=0).history["loss"]
    tv.utils.set_random_seed(1)
    twin = tv.Sequential([tv.layers.Dense(3)])
    twin.compile("sgd", "mse")
    np.testing.assert_allclose(first, twin.fit(X, Y, verbose=0).history["loss"], rtol=1e-6)
