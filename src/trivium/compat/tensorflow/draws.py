"""`tf.random` beyond the plain draws: generators with a state of their own, and functions of a seed without any.

The distributions are TensorFlow's; the numbers drawn for a seed are JAX's (see `docs/differences.md`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops, random
from trivium.compat.tensorflow.plain_draws import layer_seed
from trivium.compat.written import covers
from trivium.ops.keys import key_of
from trivium.state import SeedGenerator

__all__ = ["key_of_seed"]


@covers("tensorflow.random.Algorithm", "tensorflow.random.experimental.Algorithm")
class _Algorithm(IntEnum):
    PHILOX = 1
    THREEFRY = 2
    AUTO_SELECT = 3


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in np.atleast_1d(np.asarray(shape, "int64")).tolist())


def key_of_seed(seed: Any) -> Any:
    """Return JAX's key for the two whole numbers that TensorFlow's stateless functions take."""
    two = jnp.asarray(seed)
    if two.shape != (2,):
        raise ValueError(
            f"tf.random.stateless_…: the seed is two whole numbers; got shape {two.shape}."
        )
    key = jax.random.key(two[0].astype("uint32"))
    return jax.random.fold_in(key, two[1].astype("uint32"))


def _pair(key: Any) -> Any:
    return jax.random.randint(key, (2,), 0, np.iinfo("int32").max, "int32")


def _uniform(key: Any, shape: Any, minval: Any, maxval: Any, dtype: Any) -> Any:
    kind = str(dtype or "float32")
    if "int" in kind:
        if minval is None and maxval is None:
            return jax.random.bits(
                key, _sizes(shape), kind if kind.startswith("u") else f"u{kind}"
            ).astype(kind)
        if maxval is None:
            raise ValueError(
                "tf.random: whole numbers are drawn below `maxval`, which has to be given."
            )
        return jax.random.randint(key, _sizes(shape), minval or 0, maxval, kind)
    highest = 1.0 if maxval is None else maxval
    return jax.random.uniform(key, _sizes(shape), kind, minval or 0, highest)


def _normal(key: Any, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Any:
    return jax.random.normal(key, _sizes(shape), str(dtype)) * stddev + mean


def _truncated(key: Any, shape: Any, mean: Any, stddev: Any, dtype: Any) -> Any:
    return jax.random.truncated_normal(key, -2.0, 2.0, _sizes(shape), str(dtype)) * stddev + mean


# -- functions of a seed ----------------------------------------------------------------------------------------


@covers("tensorflow.random.stateless_normal")
def _stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", name: str | None = None,
    alg: Any = None,
) -> Any:  # fmt: skip
    return _normal(key_of_seed(seed), shape, mean, stddev, dtype)


@covers("tensorflow.random.stateless_truncated_normal")
def _stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", name: str | None = None,
    alg: Any = None,
) -> Any:  # fmt: skip
    return _truncated(key_of_seed(seed), shape, mean, stddev, dtype)


@covers("tensorflow.random.stateless_uniform")
def _stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", name: str | None = None,
    alg: Any = None,
) -> Any:  # fmt: skip
    return _uniform(key_of_seed(seed), shape, minval, maxval, dtype)


@covers("tensorflow.random.stateless_categorical")
def _stateless_categorical(
    logits: Any, num_samples: int, seed: Any, dtype: Any = "int32", name: str | None = None
) -> Any:
    logits = jnp.asarray(logits)
    drawn = jax.random.categorical(
        key_of_seed(seed), logits[:, None], shape=(logits.shape[0], num_samples)
    )
    return drawn.astype(str(dtype))


@covers("tensorflow.random.stateless_binomial")
def _stateless_binomial(
    shape: Any,
    seed: Any,
    counts: Any,
    probs: Any,
    output_dtype: Any = "int32",
    name: str | None = None,
) -> Any:
    drawn = jax.random.binomial(
        key_of_seed(seed), jnp.asarray(counts, "float32"), probs, _sizes(shape)
    )
    return drawn.astype(str(output_dtype))


@covers("tensorflow.random.stateless_gamma")
def _stateless_gamma(
    shape: Any,
    seed: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    drawn = jax.random.gamma(key_of_seed(seed), alpha, _sizes(shape), str(dtype))
    return drawn if beta is None else drawn / beta


@covers("tensorflow.random.stateless_poisson")
def _stateless_poisson(
    shape: Any, seed: Any, lam: Any, dtype: Any = "int32", name: str | None = None
) -> Any:
    return _poisson_numbers(key_of_seed(seed), lam, _sizes(shape), dtype)


@covers("tensorflow.random.experimental.stateless_shuffle")
def _stateless_shuffle(value: Any, seed: Any, alg: Any = None, name: str | None = None) -> Any:
    return jax.random.permutation(key_of_seed(seed), jnp.asarray(value), axis=0)


@covers("tensorflow.random.split", "tensorflow.random.experimental.stateless_split")
def _split(seed: Any, num: int = 2, alg: Any = None) -> Any:
    return jnp.stack([_pair(key) for key in jax.random.split(key_of_seed(seed), num)])


@covers("tensorflow.random.fold_in", "tensorflow.random.experimental.stateless_fold_in")
def _fold_in(seed: Any, data: Any, alg: Any = None) -> Any:
    return _pair(jax.random.fold_in(key_of_seed(seed), data))


# -- draws that go on -------------------------------------------------------------------------------------------


def _poisson_numbers(key: Any, lam: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    return jax.random.poisson(key, jnp.asarray(lam, "float32"), shape).astype(str(dtype))


@covers("tensorflow.random.poisson")
def _poisson(
    shape: Any, lam: Any, dtype: Any = "float32", seed: Any = None, name: str | None = None
) -> Any:
    # The numbers' shape is that of the rates, behind the one that was asked for.
    return _poisson_numbers(key_of(layer_seed(seed)), lam, (*_sizes(shape), *np.shape(lam)), dtype)


@covers("tensorflow.random.gamma")
def _gamma(
    shape: Any,
    alpha: Any,
    beta: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    around = np.broadcast_shapes(np.shape(alpha), np.shape(1.0 if beta is None else beta))
    drawn = random.gamma((*_sizes(shape), *around), alpha, dtype, seed=layer_seed(seed))
    return drawn if beta is None else drawn / beta


@covers("tensorflow.random.Generator", "tensorflow.random.experimental.Generator")
class _Generator(SeedGenerator):
    """Draws numbers from a state of its own, which moves on with each draw, in compiled code too."""

    def __init__(self, copy_from: Any = None, state: Any = None, alg: Any = None) -> None:
        if copy_from is not None:
            state = copy_from.state.value
        if state is None:
            raise ValueError(
                "tf.random.Generator: make one by `from_seed` or `from_non_deterministic_state`, or give `state`."
            )
        super().__init__(0)
        self.algorithm = int(alg or _Algorithm.PHILOX)
        self.reset(state)

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Any:
        return cls(state=[0, int(seed) % 2**32], alg=alg)

    @classmethod
    def from_state(cls, state: Any, alg: Any = None) -> Any:
        return cls(state=state, alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Any:
        return cls(state=np.random.SeedSequence().generate_state(2), alg=alg)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any = None) -> Any:
        return cls(state=[*np.ravel(counter)[:1], *np.ravel(key)[:1]], alg=alg)

    @property
    def key(self) -> Any:
        return self.state.value[1]

    def _next(self) -> Any:
        return key_of(self)

    def reset(self, state: Any) -> None:
        self.state.assign(np.resize(np.asarray(state).astype("uint32"), 2))

    def reset_from_seed(self, seed: int) -> None:
        self.reset([0, int(seed) % 2**32])

    def skip(self, delta: int) -> Any:
        for _ in range(int(delta)):
            self._next()
        return self.state

    def split(self, count: int = 1) -> list[Any]:
        return [type(self)(state=_pair(key)) for key in jax.random.split(self._next(), count)]

    def make_seeds(self, count: int = 1) -> Any:
        return jnp.stack([_pair(key) for key in jax.random.split(self._next(), count)], axis=1)

    def normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = "float32",
        name: str | None = None,
    ) -> Any:
        return _normal(self._next(), shape, mean, stddev, dtype)

    def truncated_normal(
        self,
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = "float32",
        name: str | None = None,
    ) -> Any:
        return _truncated(self._next(), shape, mean, stddev, dtype)

    def uniform(
        self,
        shape: Any,
        minval: Any = 0,
        maxval: Any = None,
        dtype: Any = "float32",
        name: str | None = None,
    ) -> Any:
        return _uniform(self._next(), shape, minval, maxval, dtype)

    def uniform_full_int(self, shape: Any, dtype: Any = "uint32", name: str | None = None) -> Any:
        return _uniform(self._next(), shape, None, None, dtype)

    def binomial(
        self, shape: Any, counts: Any, probs: Any, dtype: Any = "int32", name: str | None = None
    ) -> Any:
        drawn = jax.random.binomial(
            self._next(), jnp.asarray(counts, "float32"), probs, _sizes(shape)
        )
        return drawn.astype(str(dtype))


_global: list[Any] = []


@covers(
    "tensorflow.random.get_global_generator", "tensorflow.random.experimental.get_global_generator"
)
def _get_global_generator() -> Any:
    if not _global:
        _global.append(_Generator.from_non_deterministic_state())
    return _global[0]


@covers(
    "tensorflow.random.set_global_generator", "tensorflow.random.experimental.set_global_generator"
)
def _set_global_generator(generator: Any) -> None:
    _global[:] = [generator]


@covers("tensorflow.random.create_rng_state", "tensorflow.random.experimental.create_rng_state")
def _create_rng_state(seed: int, alg: Any) -> Any:
    return ops.convert_to_tensor([0, int(seed) % 2**32], "uint32")
