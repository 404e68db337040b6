"""Steps in plain Python compile nothing anew, and nothing that JAX remembers of a step before gets into the next."""

import functools
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium.state import retracing

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X[:, :1]


class Scaled(tv.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, x, training=False):
        return jnp.tanh(x * self.scale.value) * (1.5 if training else 1.0)


class Checkpointed(tv.layers.Layer):
    """Hands a layer to JAX, which remembers it, mode and all."""

    def __init__(self):
        super().__init__()
        self.inner = Scaled()

    def call(self, x):
        return jax.checkpoint(self.inner)(x)


class Compiled(Scaled):
    """Keeps a compiled function that closes over a variable which each call moves on."""

    def build(self, shape):
        super().build(shape)
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")
        self.function = jax.jit(lambda x: jnp.sin(x) * self.scale + 0.1 * self.count)

    def call(self, x):
        y = self.function(x)
        self.count.assign_add(1.0)
        return y


class Method(Scaled):
    @functools.partial(jax.jit, static_argnums=0)
    def scaled(self, x):
        return x * self.scale.value

    def call(self, x):
        return self.scaled(x)


class Scanned(Scaled):
    def __init__(self):
        super().__init__()
        self.norm = tv.layers.BatchNormalization()

    def step(self, carry, x):
        return carry + x * self.scale.value, carry

    def call(self, x):
        x, _ = tv.ops.scan(lambda c, a: (self.norm(c) + a, c), x, jnp.stack([x, x]))
        return jax.lax.scan(self.step, x, jnp.stack([x, x]))[0]


INNER = []


class Within(tv.layers.Layer):
    """Calls of one class within each other, in other modes, that hand the same layer to JAX."""

    def __init__(self, child=None):
        super().__init__()
        self.child = child
        self.inner = INNER[0] if INNER else Scaled()
        INNER[:] = [self.inner]

    def call(self, x, training=False):
        if self.child is not None:
            x = self.child(x, training=not training)
        return jax.checkpoint(self.inner)(x)


def network():
    INNER.clear()
    kinds = [Checkpointed(), Compiled(), Method(), Scanned(), Within(Within())]
    return tv.Sequential([tv.Input((3,)), *kinds, tv.layers.Dense(1)])


def test_what_jax_remembers_is_of_this_step():
    results = []
    for eagerly in (False, True):
        tv.utils.set_random_seed(1)
        model = network()
        model.compile(tv.optimizers.SGD(0.05), "mse", run_eagerly=eagerly)
        fit = functools.partial(model.fit, X, Y, verbose=0)
        history = fit(validation_data=(X, Y)).history
        model.set_weights([0.9 * w for w in model.get_weights()])
        results.append([history, fit().history, model.get_weights()])
    jax.tree_util.tree_map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), *results
    )


class Known(tv.layers.Layer):
    """Reads an attribute in a function that JAX remembers."""

    def __init__(self, moving=False):
        super().__init__()
        self.factor, self.moving = 1.0, moving
        self.function = jax.jit(lambda x: x * self.factor)

    def call(self, x):
        if self.moving:
            self.factor = self.factor + 1.0
        return self.function(x)


def test_attributes_that_were_set_are_read_anew():
    ones, zeros = np.ones((2, 1), "float32"), np.zeros((2, 1), "float32")
    for moving, factors in ((False, [1, 3]), (True, [3, 4])):
        layer = Known(moving)
        model = tv.Sequential([tv.Input((1,)), layer])
        model.compile(loss="mae", run_eagerly=True)
        model.evaluate(ones, zeros, verbose=0)
        layer.factor = 1.0 if not moving else 2.0
        first = model.evaluate(ones, zeros, verbose=0)
        layer.factor = 3.0
        assert [first, model.evaluate(ones, zeros, verbose=0)] == factors


class Own(Scaled):
    """Hands nothing to JAX but what JAX has, or what depends on its arguments alone."""

    def call(self, x):
        y = tv.ops.relu(x @ jnp.diag(self.scale.value))
        return jax.vmap(jax.grad(lambda a: jnp.sum(jnp.sin(a * self.scale))))(y)


class Holding(tv.Model):
    def __init__(self):
        super().__init__()
        self.own, self.again, self.dense = Own(), Own(), tv.layers.Dense(1)

    def call(self, x):
        return self.dense(self.again(self.own(x)))


def test_the_third_step_compiles_nothing(caplog):
    model = Holding()
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X[:4], Y[:4], epochs=2, verbose=0)
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        model.fit(X[:4], Y[:4], verbose=0)
    assert not [r for r in caplog.records if "ompil" in r.getMessage()]


def test_numbers_are_of_a_class_and_what_was_set():
    layer, other, seen = Own(), Own(), []

    def number():
        with retracing.traces_of(layer):
            seen.append(retracing._numbered.value)

    with retracing.in_plain_python():
        number()
        number()
        other.attribute = 1
        number()
    assert seen[0] == seen[1] != seen[2]


READ = []
times_read = jax.jit(lambda x: x * READ[-1].value)


class Nested(tv.layers.Layer):
    """A layer in a model in a layer of the same class; one function, which JAX remembers, reads the weight of each."""

    def __init__(self, inside=None):
        super().__init__()
        self.inside = None if inside is None else tv.Sequential([inside])

    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        if self.inside is not None:
            self.inside.build(shape)

    def call(self, x):
        x = x if self.inside is None else self.inside(x)
        READ.append(self.scale)
        try:
            return times_read(x)
        finally:
            READ.pop()


class Asking(tv.layers.Layer):
    """Reads what a layer inside is told, in a function that JAX remembers."""

    def __init__(self):
        super().__init__()
        self.inside = tv.layers.LeakyReLU(negative_slope=1.0)
        self.function = jax.jit(lambda x: x * self.inside.negative_slope * (1 + self.trainable))

    def call(self, x):
        return self.function(x)


def losses_of(layer, eagerly, change):
    x = tv.Input((1,))
    model = tv.Model(x, tv.layers.Dense(1, kernel_initializer="ones")(layer(x)))
    model.compile(tv.optimizers.SGD(0.0), "mae", run_eagerly=eagerly)
    ones = np.ones((2, 1), "float32")
    first = model.train_on_batch(ones, 0 * ones)
    change(model, layer)
    return [first, model.train_on_batch(ones, 0 * ones)]


@pytest.mark.filterwarnings("ignore:Model .* has no trainable weights")
@pytest.mark.parametrize("eagerly", [False, True])
def test_what_is_read_by_way_of_others_is_of_this_step(eagerly):
    inner = Nested()
    assert losses_of(Nested(inner), eagerly, lambda m, _: inner.scale.assign(3.0)) == [1, 3]

    def change(model, layer):
        layer.inside.negative_slope = 5.0

    assert losses_of(Asking(), eagerly, change) == [2, 10]

    def freeze(model, layer):
        model.trainable = False
        model.layers[-1].trainable = True
        model.compile(tv.optimizers.SGD(0.0), "mae", run_eagerly=eagerly)

    assert losses_of(Asking(), eagerly, freeze) == [2, 1]


@pytest.mark.parametrize("eagerly", [False, True])
def test_an_activation_that_jax_remembers_reads_its_variable(eagerly):
    factor = tv.Variable(2.0)
    layer = tv.layers.Dense(
        1, activation=jax.jit(lambda x: x * factor.value), kernel_initializer="ones"
    )
    assert losses_of(layer, eagerly, lambda *_: None) == [2, 2]


class Reversed(tv.layers.Layer):
    """Gradients times a variable, as where a domain is to be unlearned (Ganin & Lempitsky, 2015)."""

    def build(self, shape):
        self.factor = self.add_weight(shape=(), initializer="ones", trainable=False, name="factor")
        self.function = jax.custom_vjp(lambda x: x)
        self.function.defvjp(lambda x: (x, None), lambda _, g: (-g * self.factor.value,))

    def call(self, x):
        return self.function(x)


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_rule_of_derivatives_reads_variables_of_this_step(eagerly):
    reverse = Reversed()
    dense = tv.layers.Dense(1, kernel_initializer="zeros", use_bias=False)
    model = tv.Sequential([tv.Input((1,)), dense, reverse])
    model.compile(tv.optimizers.SGD(1.0), lambda y, p: tv.ops.mean(p, -1), run_eagerly=eagerly)
    ones, steps = np.ones((2, 1), "float32"), []
    for factor in (1.0, 10.0, 100.0):
        reverse.factor.assign(factor)
        before = dense.kernel.numpy().item()
        model.train_on_batch(ones, ones)
        steps.append(dense.kernel.numpy().item() - before)
    assert steps == [1, 10, 100]
