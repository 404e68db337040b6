"""Small functions of `tf` and `tf.debugging` that stand by themselves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.tensorflow.draws import key_of_seed
from trivium.compat.tensorflow.dtypes import DType
from trivium.compat.written import covers
from trivium.data.fingerprints import farmhash64
from trivium.graph import SymbolicTensor
from trivium.state.functions import tracing_function
from trivium.state.types import Array, ArrayLike, Shape

__all__: list[str] = []


@covers("tensorflow.no_op", "tensorflow.group")
def _no_op(*inputs: Any, name: str | None = None) -> None:
    """Do nothing: what is to be done is done in the order of the lines."""


covers("tensorflow.inside_function")(tracing_function)


@covers("tensorflow.is_symbolic_tensor")
def _is_symbolic_tensor(tensor: Any) -> bool:
    return isinstance(tensor, SymbolicTensor | jax.core.Tracer)


@covers("tensorflow.grad_pass_through")
def _grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose gradient is that of doing nothing: the straight-through estimator.

    Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons", 2013, https://arxiv.org/abs/1308.3432
    """

    @functools.wraps(f)
    def call(x: ArrayLike, *args: Any, **kwargs: Any) -> Array:
        given = ops.convert_to_tensor(x)
        return given + ops.stop_gradient(f(given, *args, **kwargs) - given)

    return call


@covers("tensorflow.approx_top_k")
def _approx_top_k(
    input: ArrayLike,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    is_max_k: bool = True,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
    name: str | None = None,
) -> tuple[Array, Array]:
    function = jax.lax.approx_max_k if is_max_k else jax.lax.approx_min_k
    found: tuple[Array, Array] = function(
        jnp.asarray(input), int(k), reduction_dimension, recall_target
    )
    return found


@covers("tensorflow.extract_volume_patches")
def _extract_volume_patches(
    input: ArrayLike,
    ksizes: Sequence[int],
    strides: Sequence[int],
    padding: str,
    name: str | None = None,
) -> Array:
    sizes, steps = tuple(ksizes[1:4]), tuple(strides[1:4])
    return ops.image.extract_patches_3d(input, sizes, steps, 1, padding.lower(), "channels_last")


@covers("tensorflow.fingerprint")
def _fingerprint(data: ArrayLike, method: str = "farmhash64", name: str | None = None) -> Array:
    if str(method) != "farmhash64":
        raise ValueError(f"tf.fingerprint: `method` is 'farmhash64'; got {method!r}.")
    array = np.asarray(data)
    if array.dtype == object:  # strings: each row's hashes are hashed, as there
        flat = farmhash64(array.reshape(-1)).reshape(len(array), -1)
        rows = [flat[i].tobytes() for i in range(len(flat))] if array.ndim > 1 else None
        hashes = flat[:, 0] if rows is None else farmhash64(np.array(rows, object))
    else:
        hashes = farmhash64(np.array([row.tobytes() for row in array], object))
    return jnp.asarray(hashes.astype("<u8").view(np.uint8).reshape(-1, 8))


@covers("tensorflow.required_space_to_batch_paddings")
def _required_space_to_batch_paddings(
    input_shape: Shape,
    block_shape: Shape,
    base_paddings: ArrayLike | None = None,
    name: str | None = None,
) -> tuple[Array, Array]:
    sizes, blocks = (np.asarray(n, int) for n in (input_shape, block_shape))
    before, behind = (
        np.zeros((len(sizes), 2), int).T if base_paddings is None else np.asarray(base_paddings).T
    )
    crops = -(sizes + before + behind) % blocks
    paddings = np.stack([before, behind + crops], axis=1)
    return jnp.asarray(paddings), jnp.asarray(np.stack([np.zeros_like(crops), crops], axis=1))


@covers("tensorflow.random.stateless_parameterized_truncated_normal")
def _stateless_parameterized_truncated_normal(
    shape: Shape,
    seed: ArrayLike,
    means: ArrayLike = 0.0,
    stddevs: ArrayLike = 1.0,
    minvals: ArrayLike = -2.0,
    maxvals: ArrayLike = 2.0,
    name: str | None = None,
) -> Array:
    mean, spread, low, high = (jnp.asarray(x) for x in (means, stddevs, minvals, maxvals))
    sizes = tuple(int(n) for n in np.asarray(shape).tolist())
    bounds = (low - mean) / spread, (high - mean) / spread
    return jax.random.truncated_normal(key_of_seed(seed), *bounds, sizes) * spread + mean


@covers("tensorflow.debugging.assert_proper_iterable")
def _assert_proper_iterable(values: Any) -> None:
    if isinstance(values, jax.Array | np.ndarray | SymbolicTensor | str | bytes) or not isinstance(
        values, Iterable
    ):
        raise TypeError(
            f"Expected an iterable that is no tensor or string; got {type(values).__name__}."
        )


@covers("tensorflow.debugging.assert_same_float_dtype")
def _assert_same_float_dtype(tensors: Iterable[Any] | None = None, dtype: Any = None) -> DType:
    kinds = [str(ops.dtype(x)) for x in tensors or ()]
    wanted = DType(str(dtype) if dtype is not None else kinds[0] if kinds else "float32")
    if wrong := [kind for kind in kinds if kind != wanted]:
        raise ValueError(f"All tensors have the dtype {wanted}; got {wrong[0]}.")
    if not wanted.is_floating:
        raise ValueError(f"Expected a dtype of floats; got {wanted}.")
    return wanted
