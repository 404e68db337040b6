from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import GradientTape, ops
from trivium.state.functions import (
    PlainRunNeeded,
    StatefulFunction,
    needs_plain_run,
    tracing_function,
)

X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def test_a_step_of_training_is_traced_once_and_keeps_what_it_does():
    traced = []

    def parts():
        tv.utils.set_random_seed(1)
        model = tv.Sequential([tv.layers.Dense(4), tv.layers.Dropout(0.5), tv.layers.Dense(1)])
        model.build((None, 3))
        return model, tv.optimizers.Adam(0.1), tv.metrics.Mean()

    def step_of(model, optimizer, metric):
        def step(x, y, extra=None):
            traced.append(x.shape)
            with GradientTape() as tape:
                loss = ops.mean((model(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            metric.update_state(loss)
            return {"loss": loss, "extra": extra, "noise": tv.random.normal((1,))}

        return step

    ours, plain = parts(), parts()
    compiled, eager = StatefulFunction(step_of(*ours)), step_of(*plain)
    noises = set()
    for rows in (6, 6, 4):
        found = compiled(jnp.asarray(X[:rows]), Y[:rows], extra="text")
        noises.add(float(found["noise"][0]))
        assert found["extra"] == "text" and not isinstance(found["loss"], jax.core.Tracer)
    assert traced == [(6, 3), (4, 3)] and compiled.count == 2 and len(noises) == 3
    for rows in (6, 6, 4):
        found = eager(jnp.asarray(X[:rows]), Y[:rows])
    for a, b in zip(ours[0].get_weights(), plain[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=1e-6)
    assert float(ours[2].result()) == pytest.approx(float(plain[2].result()), rel=1e-4)
    assert int(ours[1].iterations) == 3


def test_gradients_go_through_it():
    v = tv.Variable([1.0, 2.0])
    square = StatefulFunction(lambda x: ops.sum(x * v.value**2))
    x = jnp.array([3.0, 4.0])
    for _ in range(2):
        with GradientTape() as tape:
            tape.watch(x)
            y = square(x)
        assert [g.tolist() for g in tape.gradient(y, [x, v])] == [[1.0, 4.0], [6.0, 16.0]]


def test_what_it_reads_in_loops_and_writes_twice():
    total, rate = tv.Variable(0.0), tv.Variable(2.0)

    @StatefulFunction
    def run(xs):
        def body(carry, x):
            total.assign_add(x * rate)
            return carry, total.value

        _, seen = ops.scan(body, 0.0, xs)
        total.assign_add(100.0)
        return seen, total

    seen, last = run(jnp.array([1.0, 2.0]))
    rate.assign(1.0)
    again, _ = run(jnp.array([1.0, 2.0]))
    assert seen.tolist() == [2.0, 6.0] and last == 106
    assert again.tolist() == [107.0, 109.0] and float(total) == 209


def test_other_arguments_are_traced_anew():
    @StatefulFunction
    def power(x, n, flags=(True,)):
        return x**n if flags[0] else x

    x = jnp.array(3.0)
    assert [power(x, 2).item(), power(x, 3).item(), power(x, 2, (False,)).item()] == [9, 27, 3]
    assert power.count == 3 and power(x, 2).item() == 9 and power.count == 3


def test_inside_of_others_it_is_a_part_of_them():
    v = tv.Variable(0.0)
    inner = StatefulFunction(lambda x: v.assign_add(x))
    outer = StatefulFunction(lambda x: inner(inner(x)))
    assert outer(jnp.array(1.0)) == 2 and float(v) == 2 and inner.count == 0
    with tv.StatelessScope() as scope:
        inner(jnp.array(5.0))
    assert scope.get_current_value(v) == 7 and float(v) == 2
    tensor = tv.Input((3,))
    assert StatefulFunction(lambda x: x * 2)(tensor).shape == (None, 3)


def test_an_error_changes_nothing():
    v = tv.Variable(1.0)

    @StatefulFunction
    def wrong(x):
        v.assign(x)
        if x > 3:
            return x
        return -x

    with pytest.raises(jax.errors.ConcretizationTypeError):
        wrong(jnp.array(5.0))
    assert float(v) == 1 and not tracing_function() and wrong.count == 0


def test_plain_python_can_be_asked_for():
    def run(x):
        needs_plain_run("it prints")
        return x

    assert run(3) == 3
    with pytest.raises(PlainRunNeeded, match="it prints"):
        StatefulFunction(run)(jnp.array(1.0))
