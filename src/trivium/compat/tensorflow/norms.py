"""TensorFlow's norms, and what is scaled or clipped by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivium import ops
from trivium.compat.written import covers

__all__: list[str] = []


@covers("tensorflow.norm")
def _norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: str = ""
) -> Any:
    order = None if ord == "euclidean" else ord
    if axis is None and order is not None:
        tensor = ops.ravel(tensor)
    return ops.norm(tensor, ord=order, axis=axis, keepdims=bool(keepdims))


@covers("tensorflow.math.l2_normalize")
def _l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str = "") -> Any:
    total = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(total, epsilon))


@covers("keras.backend.l2_normalize")
def _backend_l2_normalize(x: Any, axis: Any = None) -> Any:
    return _l2_normalize(x, axis)


@covers("tensorflow.clip_by_norm")
def _clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    length = ops.sqrt(ops.sum(ops.square(t), axis=axes, keepdims=True))
    return t * (clip_norm / ops.maximum(length, clip_norm))


@covers("tensorflow.linalg.global_norm")
def _global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    return ops.sqrt(sum(ops.sum(ops.square(t)) for t in t_list if t is not None))


@covers("tensorflow.clip_by_global_norm")
def _clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> Any:
    length = _global_norm(t_list) if use_norm is None else use_norm
    scale = clip_norm / ops.maximum(length, clip_norm)
    return [None if t is None else t * scale for t in t_list], length
