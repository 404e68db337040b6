from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import GradientTape, Variable, ops

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


class Block(tv.Layer):
    def __init__(self):
        super().__init__()
        self.inner = tv.layers.Dense(4, activation="tanh")
        self.norm = tv.layers.BatchNormalization()

    def call(self, x, training=False):
        if x.shape[0] > 3 and training:
            self.add_loss(0.1 * ops.mean(x**2))
        return self.norm(self.inner(x), training=training) + x


class Subclass(tv.Model):
    def __init__(self):
        super().__init__()
        self.block, self.out = Block(), tv.layers.Dense(1, kernel_regularizer="l2")

    def call(self, x, training=False):
        return self.out(self.block(x, training=training))


def functional():
    x = tv.Input((4,))
    return tv.Model(x, tv.layers.Dense(1, kernel_regularizer="l2")(tv.layers.add([Block()(x), x])))


@pytest.mark.parametrize(("make", "compiled"), [(Subclass, False), (functional, True)])
def test_gradients_are_those_of_jax(make, compiled):
    model, x = make(), jnp.asarray(X)
    model(X)
    trained, others = model.trainable_variables, model.non_trainable_variables
    before = [v.numpy() for v in others]

    def loss_of():
        return ops.mean((model(x, training=True) - Y) ** 2) + sum(model.losses)

    def pure(values):
        pairs = [*zip(trained, values, strict=True), *zip(others, before, strict=True)]
        with tv.StatelessScope(pairs, collect_losses=True):
            return loss_of()

    def taped():
        with GradientTape() as tape:
            loss = loss_of()
        assert {id(v) for v in tape.watched_variables()} == set(map(id, trained))
        return loss, tape.gradient(loss, {"all": trained})["all"]

    @jax.jit
    def taped_and_compiled(values):
        pairs = [*zip(trained, values, strict=True), *zip(others, before, strict=True)]
        with tv.StatelessScope(pairs):
            return taped()

    values = [v.value for v in trained]
    wanted_loss, wanted = jax.jit(jax.value_and_grad(pure))(values)
    loss, gradients = taped_and_compiled(values) if compiled else taped()
    np.testing.assert_allclose(loss, wanted_loss, rtol=1e-6)
    for ours, theirs in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-6)
    moved = [(a != v.numpy()).any() for a, v in zip(before, others, strict=True)]
    assert any(moved) != compiled


def test_arrays_inside_and_after_are_arrays():
    x = jnp.array([3.0, -1.0])
    total = 0.0
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
        for part in y:
            if part > 2:
                total = total + part * float(part)
        shown = f"{total:.1f} {np.asarray(y)[0]}"
    assert shown == "81.0 9.0"
    assert type(y) is type(x) and float(jnp.sum(y)) == 10 and float(tv.metrics.Mean()(y)) == 5
    # The number that `float` gave is a constant.
    assert tape.gradient(total, x).tolist() == [54.0, 0.0]


def test_no_way_is_none_or_zeros():
    x, v, whole = jnp.ones(2), tv.Variable([1.0]), jnp.array([1, 2])
    frozen = tv.Variable([1.0], trainable=False)

    def ask(**kwargs):
        with GradientTape() as tape:
            tape.watch([x, whole])
            y = ops.stop_gradient(x) * 2 + frozen + jnp.round(v * 0 + 1).astype("int32")
        return tape.gradient(y, {"x": x, "v": v, "f": frozen, "w": whole}, **kwargs)

    assert ask() == dict.fromkeys("xvfw")
    zeros = ask(unconnected_gradients="zero")
    assert {k: g.tolist() for k, g in zeros.items()} == {
        "x": [0, 0], "v": [0], "f": [0], "w": [0, 0]
    }  # fmt: skip
    with pytest.raises(ValueError, match="'none', 'zero'"):
        ask(unconnected_gradients="one")


def test_what_is_watched():
    x, v, w = jnp.array(2.0), tv.Variable(3.0), tv.Variable(5.0)
    with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(v)
        y = x * v * w
        assert [u is v for u in tape.watched_variables()] == [True]
        tape.watch(x)
        z = x * y
        inside = tape.gradient(z, x)
    assert tape.gradient(y, [x, v, w]) == [None, 10.0, None]
    assert tape.gradient(z, [x, y, v]) == [30.0, 2.0, 20.0] and inside == 30
    assert tape.gradient(z, z) == 1 and tape.gradient([z, y], v) == 30
    assert tape.gradient(y, v, output_gradients=jnp.array(2.0)) == 20
    with pytest.raises(TypeError, match=r"`watch` takes arrays and variables; got 1\.0, a float"):
        tape.watch(1.0)
    with pytest.raises(TypeError, match="A target is an array or a variable; got 2"):
        tape.gradient(2, x)
    with pytest.raises(ValueError, match=r"the shape \(2,\) for a target of shape \(\)"):
        tape.gradient(y, v, output_gradients=jnp.ones(2))


def test_asking_once_and_again():
    x = jnp.array(2.0)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x) == 4
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)
    with tape:
        with pytest.raises(ValueError, match="recording already"), tape:
            pass
        tape.reset()
        tape.watch(x)
        y = x * x
        with tape.stop_recording():
            y2 = y * y
        y = y2 * y
    assert tape.gradient(y, x) == 64


def test_a_variable_is_what_it_is_read_as():
    v, w = tv.Variable(3.0), tv.Variable(1.0)
    x = jnp.array(2.0)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        first = v * v
        v.assign(x * 5)  # No way leads through an assignment.
        second = v * v
        w.assign(v)
        third = w * v
        both = first + second
    assert tape.gradient(both, v) == 2 * 3 + 2 * 10
    assert tape.gradient([second, third], x) is None
    assert tape.gradient(third, [w, v]) == [10.0, 10.0]


def test_an_array_that_comes_back_as_it_came():
    x = jnp.array(3.0)
    same = jax.jit(lambda x: x)
    with GradientTape() as tape:
        tape.watch(x)
        y = same(x) + same(same(x)) * x
    assert tape.gradient(y, x) == 1 + 6


def test_derivatives_of_derivatives():
    x = jnp.array([0.5, 2.0])
    with GradientTape() as third:
        third.watch(x)
        with GradientTape() as second:
            second.watch(x)
            with GradientTape() as first:
                first.watch(x)
                y = ops.sin(x) * x**2
            g = first.gradient(y, x)
        h = second.gradient(g, x)
    wanted = jax.vmap(jax.grad(jax.grad(jax.grad(lambda x: jnp.sin(x) * x**2))))(x)
    np.testing.assert_allclose(third.gradient(h, x), wanted, rtol=1e-5)


def test_a_penalty_on_a_gradient():
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, "tanh"), tv.layers.Dense(1)])
    x = jnp.asarray(X)

    def penalty(values):
        def value(x):
            return model.stateless_call(values, [], x)[0].sum()

        return jnp.mean((jnp.linalg.norm(jax.grad(value)(x), axis=1) - 1) ** 2)

    @jax.jit
    def gradients_of(values):
        with tv.StatelessScope(zip(model.trainable_variables, values, strict=True)):
            with GradientTape() as outer:
                with GradientTape() as inner:
                    inner.watch(x)
                    y = model(x)
                slopes = inner.gradient(y, x)
                loss = ops.mean((ops.norm(slopes, axis=1) - 1) ** 2)
            return outer.gradient(loss, model.trainable_variables)

    values = [v.value for v in model.trainable_variables]
    gradients, wanted = gradients_of(values), jax.jit(jax.grad(penalty))(values)
    assert gradients[-1] is None  # The last bias moves no slope.
    for ours, theirs in zip(gradients[:-1], wanted, strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_jacobians():
    w, x = tv.Variable(X[:4].copy()), jnp.asarray(X[:2])
    other = jnp.ones(3)
    with GradientTape(persistent=True) as tape:
        tape.watch([x, other])
        y = ops.tanh(x @ w.value)
    by_x, by_w, none = tape.jacobian(y, [x, w, other])
    wanted = jax.jacobian(lambda x, w: jnp.tanh(x @ w), (0, 1))(x, w.value)
    np.testing.assert_allclose(by_x, wanted[0], rtol=1e-5)
    np.testing.assert_allclose(by_w, wanted[1], rtol=1e-5)
    assert none is None
    assert tape.jacobian(y, other, unconnected_gradients="zero").shape == (2, 4, 3)
    rows = tape.batch_jacobian(y, x)
    np.testing.assert_allclose(rows, [wanted[0][i, :, i] for i in range(2)], rtol=1e-5)
    assert tape.batch_jacobian(y, jnp.ones((2, 1))) is None
    with pytest.raises(ValueError, match=r"\(2, 4\) and \(3,\)"):
        tape.batch_jacobian(y, other)


def test_an_error_inside_leaves_nothing_behind():
    v = tv.Variable(2.0)
    with pytest.raises(ZeroDivisionError), GradientTape() as tape:
        y = v * v
        raise ZeroDivisionError
    assert tape.gradient(y, v) == 4
    with pytest.raises(TypeError), GradientTape() as tape:
        ops.matmul(v, "text")
    z = v * v
    assert not isinstance(z, jax.core.Tracer) and len(tape.watched_variables()) == 1


def test_control_flow_and_effects_inside():
    total, x = tv.Variable(0.0, trainable=False), jnp.array([1.0, 2.0, 3.0])

    def body(carry, a):
        total.assign_add(a)
        return carry * a, carry

    with GradientTape() as tape:
        tape.watch(x)
        last, _ = ops.scan(body, jnp.array(1.0), x)
        y = last + ops.cond(last > 3, lambda: x[0] * 10, lambda: x[0])
    assert tape.gradient(y, x).tolist() == [16.0, 3.0, 2.0] and float(total) == 6


def test_compiled_functions_that_close_over_variables():
    """What they close over is none of their arguments, and gradients go by it all the same."""
    w, x = Variable([1.0, 2.0]), jnp.ones((3, 2))
    for _ in range(2):
        with GradientTape() as tape:
            scaled = jax.jit(lambda z: jax.nn.relu(z) * w.value)(x)
            squared = jax.jit(
                lambda z: jax.lax.scan(lambda c, _: (c * w.value, None), z, length=2)[0]
            )(x)
            y = jnp.sum(scaled) + jnp.sum(squared)
        np.testing.assert_allclose(tape.gradient(y, w), [9.0, 15.0])
