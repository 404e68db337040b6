"""`tf.math.special`: functions that neither XLA nor JAX has are SciPy's, called from compiled code, with gradients.

Each has the derivative that its definition gives: Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964,
9.1.28 and 9.6.27 for those of Bessel.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from trivium.compat.written import covers
from trivium.graph.op import op
from trivium.ops.arrays import as_floats
from trivium.state.types import Array, ArrayLike

__all__: list[str] = []


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _scipy(name: str, x: Array) -> Array:
    """Compute one of SciPy's functions on the host."""

    def on_host(values: np.ndarray) -> np.ndarray:
        import scipy.special

        return np.asarray(getattr(scipy.special, name)(np.asarray(values)), values.dtype)

    found: Array = jax.pure_callback(
        on_host, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="expand_dims"
    )
    return found


def _bessel(name: str, x: Array) -> Array:
    found: Array = _scipy(name, x)
    return found


# By name: the derivative at x, from the function's value there.
_DERIVATIVES: dict[str, Callable[[Array, Array], Array]] = {
    "j0": lambda x, y: -_bessel("j1", x),
    "j1": lambda x, y: _bessel("j0", x) - jnp.where(x == 0, 0.5, y / jnp.where(x == 0, 1, x)),
    "y0": lambda x, y: -_bessel("y1", x),
    "y1": lambda x, y: _bessel("y0", x) - y / x,
    "k0": lambda x, y: -_bessel("k1", x),
    "k1": lambda x, y: -_bessel("k0", x) - y / x,
    "k0e": lambda x, y: y - _bessel("k1e", x),
    "k1e": lambda x, y: y * (1 - 1 / x) - _bessel("k0e", x),
}


@_scipy.defjvp
def _along(name: str, at: tuple[Array], direction: tuple[Array]) -> tuple[Array, Array]:
    value = _bessel(name, at[0])
    return value, _DERIVATIVES[name](at[0], value) * direction[0]


def _cover(name: str) -> None:
    def function(x: ArrayLike, name: str | None = None) -> Array:
        return _bessel(kind, as_floats(x))

    kind = name
    function.__name__ = f"bessel_{name}"
    covers(f"tensorflow.math.special.bessel_{name}")(op(function))


for _name in _DERIVATIVES:
    _cover(_name)


@covers("tensorflow.math.special.expint")
@op
def _expint(x: ArrayLike, name: str | None = None) -> Array:
    x = as_floats(x)
    zero = x == 0  # JAX's is not a number there.
    return jnp.where(zero, -jnp.inf, jax.scipy.special.expi(jnp.where(zero, 1, x)))


@covers("tensorflow.math.special.fresnel_sin")
@op
def _fresnel_sin(x: ArrayLike, name: str | None = None) -> Array:
    return jax.scipy.special.fresnel(as_floats(x))[0]


@covers("tensorflow.math.special.fresnel_cos")
@op
def _fresnel_cos(x: ArrayLike, name: str | None = None) -> Array:
    return jax.scipy.special.fresnel(as_floats(x))[1]
