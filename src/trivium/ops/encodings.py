"""Class indices as vectors of zeros and ones."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import dense_only
from trivium.state.dtypes import standardize_dtype
from trivium.state.types import Array, ArrayLike, DType

__all__ = ["multi_hot", "one_hot"]


@op
def one_hot(
    x: ArrayLike, num_classes: int, axis: int = -1, dtype: DType | None = None, sparse: bool = False
) -> Array:
    """Turn class indices into vectors with a 1 at the index and 0 elsewhere; an index out of range gives zeros.

    Args:
        num_classes: How many classes.
        axis: Where the classes' axis stands.
        dtype: The result's dtype.
        sparse: Kept for Keras's signature; only `False` is supported.

    Raises:
        ValueError: `sparse` is asked for.

    Example:
        >>> one_hot([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    dense_only(sparse)
    return jax.nn.one_hot(jnp.asarray(x), num_classes, dtype=standardize_dtype(dtype), axis=axis)


@op
def multi_hot(
    inputs: ArrayLike,
    num_classes: int,
    axis: int = -1,
    dtype: DType | None = None,
    sparse: bool = False,
) -> Array:
    """Turn sets of class indices into vectors with a 1 at each of the indices and 0 elsewhere.

    An index out of range adds nothing.

    Args:
        inputs: Class indices, shape `(..., labels)`.
        num_classes: How many classes.
        axis: Where the classes' axis stands.
        dtype: The result's dtype.
        sparse: Kept for Keras's signature; only `False` is supported.

    Raises:
        ValueError: `sparse` is asked for.

    Example:
        >>> multi_hot([[0, 2]], 3).tolist()
        [[1.0, 0.0, 1.0]]
    """
    dense_only(sparse)
    x = jnp.asarray(inputs)
    return jnp.max(
        one_hot(x.astype("int32"), num_classes, axis, dtype), axis=1 if x.ndim > 1 else 0
    )
