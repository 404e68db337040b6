"""The cases' networks in plain JAX: how a network begins, and what it computes.

Each takes its parameters `p` (arrays by name), the statistics `s` that batch normalization keeps, the inputs, and a key
where it trains or `None`; it returns the scores of the classes and the new statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.data import CLASSES, VOCABULARY

__all__ = ["NETWORKS", "begin"]

Arrays = dict[str, Any]
Shapes = dict[str, tuple[int, ...]]
Network = Callable[[Arrays, Arrays, Any, Any], tuple[Any, Arrays]]


def begin(shapes: Shapes) -> tuple[Arrays, Arrays]:
    """Return the first parameters and statistics, as Keras begins, so that the losses can be compared."""
    parameters, statistics = {}, {}
    for key, (name, shape) in zip(
        jax.random.split(jax.random.key(0), len(shapes)), shapes.items(), strict=True
    ):
        if "mean" in name or "variance" in name:
            statistics[name] = jnp.full(shape, float("variance" in name))
        elif name == "table":
            parameters[name] = jax.random.uniform(key, shape, minval=-0.05, maxval=0.05)
        elif len(shape) == 1:
            parameters[name] = jnp.full(shape, float("scale" in name))
        else:
            cells = math.prod(shape[:-2])
            limit = math.sqrt(6 / (cells * (shape[-2] + shape[-1])))
            parameters[name] = jax.random.uniform(key, shape, minval=-limit, maxval=limit)
    return parameters, statistics


def dense(p: Arrays, name: str, x: Any) -> Any:
    return x @ p[name] + p[f"{name}_bias"]


def of_dense(name: str, before: int, units: int) -> Shapes:
    return {name: (before, units), f"{name}_bias": (units,)}


def conv(p: Arrays, name: str, x: Any, strides: int = 1, padding: str = "SAME") -> Any:
    form = ("NHWC", "HWIO", "NHWC")
    kernel = p[name]
    y = lax.conv_general_dilated(x, kernel, (strides, strides), padding, dimension_numbers=form)
    return y + p[f"{name}_bias"]


def of_conv(name: str, size: int, before: int, filters: int) -> Shapes:
    return {name: (size, size, before, filters), f"{name}_bias": (filters,)}


def norm(p: Arrays, s: Arrays, name: str, x: Any, training: bool) -> tuple[Any, Arrays]:
    """Normalize by the batch's mean and variance, or by what was kept of them."""
    mean, variance = s[f"{name}_mean"], s[f"{name}_variance"]
    if training:
        axes = tuple(range(x.ndim - 1))
        now = jnp.mean(x, axes), jnp.var(x, axes)
        s = s | {
            f"{name}_mean": 0.99 * mean + 0.01 * now[0],
            f"{name}_variance": 0.99 * variance + 0.01 * now[1],
        }
        mean, variance = now
    scaled = (x - mean) * lax.rsqrt(variance + 1e-3)
    return scaled * p[f"{name}_scale"] + p[f"{name}_bias"], s


def of_norm(name: str, size: int) -> Shapes:
    return {f"{name}_{what}": (size,) for what in ("scale", "bias", "mean", "variance")}


def dropout(x: Any, rate: float, key: Any) -> Any:
    if key is None:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


def article(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    x = jax.nn.relu(dense(p, "a", x.reshape(len(x), -1)))
    return dense(p, "head", jax.nn.relu(dense(p, "b", x))), s


def cnn(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    for name in ("a", "b"):
        x = jax.nn.relu(conv(p, name, x, padding="VALID"))
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return dense(p, "head", dropout(x.reshape(len(x), -1), 0.5, key)), s


BLOCKS = ((32, 32, 1), (32, 64, 2), (64, 128, 2))


def resnet(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    x = jax.nn.relu(conv(p, "stem", x))
    for i, (_, _, strides) in enumerate(BLOCKS):
        y, s = norm(p, s, f"{i}n", conv(p, f"{i}a", x, strides), key is not None)
        y, s = norm(p, s, f"{i}m", conv(p, f"{i}b", jax.nn.relu(y)), key is not None)
        x = jax.nn.relu((conv(p, f"{i}s", x, strides) if strides > 1 else x) + y)
    return dense(p, "head", x.mean((1, 2))), s


def of_block(i: int, before: int, filters: int, strides: int) -> Shapes:
    convs = of_conv(f"{i}a", 3, before, filters) | of_conv(f"{i}b", 3, filters, filters)
    short = of_conv(f"{i}s", 1, before, filters) if strides > 1 else {}
    return convs | short | of_norm(f"{i}n", filters) | of_norm(f"{i}m", filters)


def lstm(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    def step(state: Any, row: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(row + h @ p["again"], 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    start = jnp.zeros((len(x), 64))
    (h, _), _ = lax.scan(step, (start, start), dense(p, "inner", x).swapaxes(0, 1))
    return dense(p, "head", h), s


def gru(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    def step(h: Any, row: Any) -> Any:
        z, r, n = jnp.split(row, 3, -1)
        z_h, r_h, n_h = jnp.split(dense(p, "again", h), 3, -1)
        z, r = jax.nn.sigmoid(z + z_h), jax.nn.sigmoid(r + r_h)
        return z * h + (1 - z) * jnp.tanh(n + r * n_h), None

    h, _ = lax.scan(step, jnp.zeros((len(x), 64)), dense(p, "inner", x).swapaxes(0, 1))
    return dense(p, "head", h), s


def _layer_norm(p: Arrays, name: str, x: Any) -> Any:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    scaled = (x - mean) * lax.rsqrt(variance + 1e-3)
    return scaled * p[f"{name}_scale"] + p[f"{name}_bias"]


def transformer(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    x = dense(p, "inner", x)
    heads = [dense(p, name, x).reshape(*x.shape[:2], 4, 16) for name in ("q", "k", "v")]
    y = jax.nn.dot_product_attention(*heads).reshape(x.shape)
    x = _layer_norm(p, "n", x + dense(p, "o", y))
    x = _layer_norm(p, "m", x + dense(p, "b", jax.nn.relu(dense(p, "a", x))))
    return dense(p, "head", x.mean(1)), s


OF_TRANSFORMER: Shapes = {
    **of_dense("inner", 16, 64),
    **{k: v for name in ("q", "k", "v", "o") for k, v in of_dense(name, 64, 64).items()},
    **of_dense("a", 64, 128),
    **of_dense("b", 128, 64),
    **{f"{name}_{what}": (64,) for name in ("n", "m") for what in ("scale", "bias")},
    **of_dense("head", 64, CLASSES),
}


def embeddings(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    return dense(p, "head", p["table"][x].mean(1)), s


def tabular(p: Arrays, s: Arrays, x: Any, key: Any) -> tuple[Any, Arrays]:
    keys = [None] * 3 if key is None else jax.random.split(key, 3)
    for i in range(3):
        x, s = norm(p, s, f"{i}n", x @ p[f"{i}"], key is not None)
        x = dropout(jax.nn.relu(x), 0.2, keys[i])
    return dense(p, "head", x), s


def _tabular_shapes() -> Shapes:
    shapes: Shapes = {}
    for i in range(3):
        shapes |= {f"{i}": (512 if i else 500, 512), **of_norm(f"{i}n", 512)}
    return shapes | of_dense("head", 512, CLASSES)


NETWORKS: dict[str, tuple[Network, Shapes]] = {
    "article": (
        article,
        of_dense("a", 784, 300) | of_dense("b", 300, 100) | of_dense("head", 100, CLASSES),
    ),
    "cnn": (
        cnn,
        of_conv("a", 3, 1, 32) | of_conv("b", 3, 32, 64) | of_dense("head", 1600, CLASSES),
    ),
    "resnet": (
        resnet,
        {
            **of_conv("stem", 3, 1, 32),
            **{k: v for i, row in enumerate(BLOCKS) for k, v in of_block(i, *row).items()},
            **of_dense("head", 128, CLASSES),
        },
    ),
    "lstm": (lstm, of_dense("inner", 16, 256) | {"again": (64, 256)} | of_dense("head", 64, CLASSES)),
    "gru": (gru, of_dense("inner", 16, 192) | of_dense("again", 64, 192) | of_dense("head", 64, CLASSES)),
    "transformer": (transformer, OF_TRANSFORMER),
    "embeddings": (embeddings, {"table": (VOCABULARY, 32), **of_dense("head", 32, CLASSES)}),
    "tabular": (tabular, _tabular_shapes()),
}  # fmt: skip
