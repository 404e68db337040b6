"""Plain JAX by hand: an epoch is one compiled loop over data on the device; Optax's optimizers."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from benchmarks.case import Case
from benchmarks.drivers.jax_networks import NETWORKS, begin


class Driver:
    def __init__(self, module: str, case: Case, x: Any, y: Any, held: Any) -> None:
        self.network, shapes = NETWORKS[case.hand]
        self.optimizer = optax.sgd(0.01) if case.optimizer == "sgd" else optax.adam(1e-3, eps=1e-7)
        parameters, statistics = begin(shapes)
        self.state = parameters, statistics, self.optimizer.init(parameters), jax.random.key(1)
        self.batch_size = case.batch_size
        self.x, self.y = jnp.asarray(x), jnp.asarray(y)
        self.held = held and tuple(jnp.asarray(a) for a in held)

    def _step(self, state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        parameters, statistics, moments, key = state
        key, now = jax.random.split(key)

        def loss(parameters: Any) -> Any:
            scores, kept = self.network(parameters, statistics, x, now)
            losses = optax.softmax_cross_entropy_with_integer_labels(scores, y)
            return losses.mean(), (kept, jnp.sum(scores.argmax(-1) == y))

        (value, (kept, right)), gradients = jax.value_and_grad(loss, has_aux=True)(parameters)
        updates, moments = self.optimizer.update(gradients, moments, parameters)
        return (optax.apply_updates(parameters, updates), kept, moments, key), value, right

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _epoch(self, state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        *rest, key = state
        key, now = jax.random.split(key)
        steps = len(x) // self.batch_size
        order = jax.random.permutation(now, len(x)).reshape(steps, self.batch_size)

        def body(i: Any, carry: Any) -> Any:
            state, total, right = carry
            state, value, hits = self._step(state, x[order[i]], y[order[i]])
            return state, total + value, right + hits

        state, total, right = lax.fori_loop(0, steps, body, ((*rest, key), 0.0, 0))
        return state, total / steps, right

    @functools.partial(jax.jit, static_argnums=0)
    def _validate(self, state: Any, x: Any, y: Any) -> Any:
        def add(carry: Any, batch: Any) -> Any:
            scores, _ = self.network(*state[:2], batch[0], None)
            losses = optax.softmax_cross_entropy_with_integer_labels(scores, batch[1])
            return (
                carry[0] + losses.sum(),
                carry[1] + jnp.sum(scores.argmax(-1) == batch[1]),
            ), None

        shape = -1, self.batch_size
        batches = x.reshape(*shape, *x.shape[1:]), y.reshape(shape)
        return lax.scan(add, (0.0, 0), batches)[0]

    def epoch(self) -> float:
        self.state, loss, right = self._epoch(self.state, self.x, self.y)
        if self.held:
            jax.block_until_ready(self._validate(self.state, *self.held))
        int(right)
        return float(loss)

    @functools.partial(jax.jit, static_argnums=0)
    def _outputs(self, state: Any, x: Any) -> Any:
        return jax.nn.softmax(self.network(*state[:2], x, None)[0])

    def predict(self, x: np.ndarray) -> None:
        batches = [self._outputs(self.state, x[i : i + 32]) for i in range(0, len(x), 32)]
        np.concatenate(batches)

    def call(self, x: np.ndarray) -> None:
        np.asarray(self._outputs(self.state, x))

    @functools.partial(jax.jit, static_argnums=0, donate_argnums=1)
    def _one(self, state: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
        return self._step(state, x, y)

    def train_on_batch(self, x: np.ndarray, y: np.ndarray) -> None:
        self.state, loss, _ = self._one(self.state, x, y)
        float(loss)
