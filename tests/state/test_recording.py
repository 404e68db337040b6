"""What the recorder relies on of JAX: see the docstring of `trivium.state.recording`."""

from __future__ import annotations

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium.state.recording import recorded_by, without_recorders
from trivium.state.traces import trace_state


class Listener:
    """Wants everything that is a float, and counts."""

    def __init__(self):
        self.count, self.backward = 0, None

    def wanted(self, inputs):
        return tuple(i for i, x in enumerate(inputs) if getattr(x, "dtype", None) == "float32")

    def heard(self, inputs, outputs, backward):
        self.count, self.backward = self.count + 1, backward
        return outputs


X = jnp.arange(3.0)


@jax.custom_jvp
def doubled(x):
    return x * 1


doubled.defjvp(lambda x, dx: (x[0], 2 * dx[0]))


@jax.custom_vjp
def tripled(x):
    return x * 1


tripled.defvjp(lambda x: (x, None), lambda _, g: (3 * g,))

OPERATIONS = {
    "a primitive": (lambda x: jax.lax.sin(x), jnp.cos),
    "a compiled function": (lambda x: jnp.where(x > 1, x, 2 * x), lambda x: jnp.where(x > 1, 1, 2)),
    "a derivative of one's own": (doubled, lambda x: 2 + 0 * x),
    "a gradient of one's own": (tripled, lambda x: 3 + 0 * x),
    "a loop": (lambda x: jax.lax.scan(lambda c, a: (c, 2 * a), 0, x)[1], lambda x: 2 + 0 * x),
    "a checkpoint": (jax.checkpoint(lambda x: jnp.sin(x)), jnp.cos),
    "a map": (jax.vmap(lambda x: jnp.sin(x)), jnp.cos),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("compiled", [False, True])
def test_what_comes_out_is_what_would_have_come_out(name, compiled):
    function, slope = OPERATIONS[name]

    def run(x):
        listener = Listener()
        with recorded_by(listener):
            y = function(x)
        assert listener.count >= 1
        assert isinstance(y, jax.core.Tracer) == compiled
        return y, listener.backward([jnp.ones_like(y)])[0] if listener.count == 1 else slope(x)

    y, gradient = (jax.jit(run) if compiled else run)(X)
    np.testing.assert_array_equal(y, function(X))
    np.testing.assert_allclose(gradient, slope(X), rtol=1e-6)


def test_whole_numbers_pass():
    listener = Listener()
    with recorded_by(listener):
        _, places = jax.lax.top_k(X, 2)
    assert places.tolist() == [2, 1]
    (gradient,) = listener.backward([jnp.array([5.0, 7.0]), None])
    assert gradient.tolist() == [0.0, 7.0, 5.0]
    assert listener.backward([None, None])[0].tolist() == [0.0] * 3


def test_what_has_no_gradient_has_its_value_and_says_so_when_it_is_asked():
    listener = Listener()
    with recorded_by(listener):
        y = jax.lax.while_loop(lambda x: x.sum() < 20, lambda x: 2 * x, X)
    assert y.tolist() == [0.0, 8.0, 16.0]
    with pytest.raises(ValueError, match="Reverse-mode"):
        listener.backward([y])


def test_compiled_functions_are_heard_after_they_ran_alone_and_before():
    function = jax.jit(lambda x: x * 3)
    function(X)
    for _ in range(3):
        listener = Listener()
        with recorded_by(listener):
            function(X)
            function(X)
        function(X)
        assert listener.count == 2


def test_recorders_nest_and_end_with_their_block():
    outer, inner = Listener(), Listener()
    with recorded_by(outer):
        with recorded_by(inner):
            jnp.sin(X)
            with without_recorders():
                jnp.sin(X)
        before = outer.count
        inner.backward([X])
        assert inner.count == 1 and outer.count > before >= 1
    with pytest.raises(ZeroDivisionError), recorded_by(outer):
        raise ZeroDivisionError
    count = outer.count
    jnp.sin(X)
    assert outer.count == count


def test_code_inside_is_in_the_same_function_for_whoever_asks():
    outside = trace_state()
    with recorded_by(Listener()):
        assert trace_state() == outside


def test_threads_have_their_own():
    listener, found = Listener(), []
    with recorded_by(listener):
        thread = threading.Thread(target=lambda: found.append(jnp.sin(X)))
        thread.start()
        thread.join()
    assert found and listener.count == 0
