"""Every fast form gives the numbers and the gradients of XLA's own, inside compiled loops too."""

from __future__ import annotations

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from trivium.ops import lowering
from trivium.ops.lowering import canonical, convolution
from trivium.ops.lowering.canonical import Geometry
from trivium.ops.lowering.windows import pad_spatial, same_padding

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def with_gradients(function: Any) -> Any:
    """Return a function that gives a result and the gradients of a weighted sum of it."""

    def run(*arrays: Any) -> Any:
        result, pullback = jax.vjp(function, *arrays)
        return result, *pullback(
            jnp.cos(jnp.arange(result.size, dtype=result.dtype)).reshape(result.shape)
        )

    return run


def assert_equal(one: Any, other: Any, *arrays: Any) -> None:
    pairs = jax.jit(lambda *a: (with_gradients(one)(*a), with_gradients(other)(*a)))(*arrays)
    for got, wanted in zip(*pairs, strict=True):
        assert got.shape == wanted.shape and got.dtype == wanted.dtype
        scale = max(1.0, float(jnp.max(jnp.abs(wanted))))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6 * scale)


# Spatial sizes, window, strides, dilation, padding.
EVERY_KIND = [
    ((8,), (3,), (2,), (1,), "same"),
    ((7, 6), (2, 3), (2, 1), (1, 2), "valid"),
    ((4, 5, 3), (2, 3, 1), (1, 2, 1), (1, 1, 1), "same"),
]
GEOMETRIES = [
    *EVERY_KIND,
    ((9,), (4,), (1,), (2,), "same"),
    ((5,), (1,), (2,), (1,), "valid"),
    ((2,), (5,), (1,), (1,), "same"),
    ((5, 8), (3, 3), (3, 2), (1, 1), "same"),
]
# The form, the inputs' channels, those that each kernel sees, the filters.
CONVOLUTIONS = [
    *(("convolve", 3, 3, 4, geometry) for geometry in GEOMETRIES),
    *(("product", 3, 3, 4, geometry) for geometry in EVERY_KIND),
    *(("groups_apart", 6, 2, 9, geometry) for geometry in EVERY_KIND),
    *(("groups_batched", 20, 2, 10, geometry) for geometry in EVERY_KIND[1:]),
    *(("depthwise", 4, 1, 4, geometry) for geometry in EVERY_KIND),
    *(("depthwise", 3, 1, 6, geometry) for geometry in EVERY_KIND[1:2]),
]


@pytest.mark.parametrize(("form", "channels", "seen", "filters", "geometry"), CONVOLUTIONS, ids=str)
def test_forms_of_convolution(
    form: str, channels: int, seen: int, filters: int, geometry: Any
) -> None:
    sizes, window, strides, dilation, padding = geometry

    pads = [(0, 0)] * len(sizes)
    if padding == "same":
        pads = same_padding(sizes, window, strides, dilation)

    def fast(x: Any, kernel: Any) -> Any:
        if seen == channels:
            how = Geometry(strides, tuple(pads), dilation, (1,) * len(sizes))
            return getattr(canonical, form)(x, kernel, how)
        return getattr(convolution, form)(pad_spatial(x, pads), kernel, strides, dilation)

    def plain(x: Any, kernel: Any) -> Any:
        return canonical.plain(x, kernel, strides, padding, dilation)

    assert_equal(fast, plain, normal(2, *sizes, channels), normal(*window, seen, filters))


@pytest.mark.parametrize(
    ("window", "channels", "seen", "dtype", "padding", "form"),
    [
        (3, 32, 32, "float32", "same", "convolve"),
        (3, 32, 32, "float32", "valid", "_product_of_gradients"),
        (17, 32, 32, "float32", "valid", "convolve"),
        (3, 1, 1, "float32", "same", "product"),
        (3, 32, 32, "bfloat16", "same", "convolve"),
        (3, 32, 32, "int32", "same", "product"),
        (1, 99, 99, "float32", "same", "product"),
        (3, 4, 2, "float32", "same", "groups_apart"),
        (3, 20, 2, "float32", "same", "groups_batched"),
        (3, 4, 1, "float32", "same", "depthwise"),
    ],
)
def test_the_form_follows_from_the_shapes(
    window: int,
    channels: int,
    seen: int,
    dtype: str,
    padding: str,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []

    def record(x: Any, *_: Any) -> Any:
        called.append(form)
        return x

    monkeypatch.setattr(convolution, form, record)
    x, kernel = normal(2, 20, channels).astype(dtype), normal(window, seen, channels).astype(dtype)
    convolution.conv.__wrapped__(x, kernel, (1,), padding, (1,))
    assert called == [form]


# Sizes, window, strides, cells added (negative: cut), dilation, cells' distance.
SLIDING = [
    ((6, 5), (3, 2), (1, 1), ((1, 1), (0, 0)), (1, 1), (1, 1)),
    ((6, 5), (3, 2), (2, 1), ((-1, 2), (0, -1)), (1, 2), (1, 1)),
    ((3, 2), (3, 2), (1, 1), ((2, 1), (0, 1)), (1, 1), (2, 3)),
    ((4, 4), (2, 3), (2, 1), ((1, 1), (-1, 1)), (1, 1), (2, 1)),
    ((2, 2), (3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), (1, 1)),
    ((5,), (2,), (1,), ((4, 4),), (3,), (1,)),
]


@pytest.mark.parametrize("geometry", SLIDING, ids=str)
def test_convolutions_and_their_gradients_in_one_order(geometry: Any) -> None:
    """Values and gradients; and no order of axes but the one that Eigen knows."""
    sizes, window, *how = geometry
    how = Geometry(*how)
    x, kernel = normal(2, *sizes, 3), normal(*window, 3, 4)

    def ours(x: Any, kernel: Any) -> Any:
        return canonical.convolve(x, kernel, how)

    def plain(x: Any, kernel: Any) -> Any:
        return canonical.plain(x, kernel, *how)

    assert_equal(ours, plain, x, kernel)

    text = jax.jit(with_gradients(ours)).lower(x, kernel).as_text()
    axes = ", ".join(map(str, range(len(sizes))))
    orders = set(re.findall(r"dim_numbers = (\S+ ?x?.*?), window", text))
    assert all(o == f"[b, {axes}, f]x[{axes}, i, o]->[b, {axes}, f]" for o in orders)


@pytest.mark.parametrize(("samples", "at_once"), [(24, 8), (18, 9), (19, 10), (7, 7)])
def test_gradients_of_kernels_some_samples_at_a_time(
    samples: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canonical, "_CACHE", 10 * 5 * 3 * 4)
    how = Geometry((1,), ((1, 0),), (1,), (1,))
    x, kernel = normal(samples, 5, 3), normal(2, 3, 4)
    assert canonical._samples_at_once(x) == at_once
    assert_equal(
        lambda x, k: canonical.convolve(x, k, how),
        lambda x, k: canonical.plain(x, k, *how),
        x,
        kernel,
    )


@pytest.mark.parametrize("geometry", SLIDING[1:3], ids=str)
def test_second_derivatives_of_convolutions(geometry: Any) -> None:
    """The derivative forward of the gradients backward."""
    sizes, window, *how = geometry
    how = Geometry(*how)
    x, kernel = normal(2, *sizes, 3), normal(*window, 3, 4)

    def second(f: Any) -> Any:
        def slope(x: Any, kernel: Any) -> Any:
            return jax.grad(lambda x, k: jnp.sum(jnp.sin(f(x, k))), (0, 1))(x, kernel)

        return jax.jit(lambda x, k: jax.jvp(slope, (x, k), (jnp.cos(x), jnp.cos(k)))[1])(x, kernel)

    got = second(lambda x, k: canonical.convolve(x, k, how))
    wanted = second(lambda x, k: canonical.plain(x, k, *how))
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (1, 2)])
def test_convolutions_of_many_arrays_and_kernels(axes: Any) -> None:
    how = Geometry((2,), ((1, 0),), (1,), (1,))
    shapes = [[2, 6, 3], [3, 3, 4]]
    for shape, axis in zip(shapes, axes, strict=True):
        if axis is not None:
            shape.insert(axis, 5)
    arrays = [normal(*shape) for shape in shapes]

    def many(f: Any) -> Any:
        return jax.vmap(f, axes)

    def plain(x: Any, kernel: Any) -> Any:
        return canonical.plain(x, kernel, *how)

    assert_equal(many(lambda x, k: canonical.convolve(x, k, how)), many(plain), *arrays)


def primitives(function: Any, *arrays: Any) -> str:
    return str(jax.make_jaxpr(lambda *a: function(*a))(*arrays))


def test_xlas_own_forms_are_taken_off_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    x, kernel = normal(2, 6, 6, 16), normal(3, 3, 16, 2)

    def conv(x: Any, kernel: Any) -> Any:
        return lowering.conv(x, kernel, (1, 1), "same", (1, 1))

    def pool(x: Any) -> Any:
        pools = lowering.max_pool, lowering.average_pool
        return [p(x, (2, 2), (2, 2), "same") for p in pools]

    assert "trivium_convolve" in primitives(conv, x, kernel)
    assert "reduce_window" not in primitives(pool, x)
    monkeypatch.setattr(lowering.windows, "on_cpu", lambda: False)
    assert "conv_general_dilated" in primitives(conv, x, kernel)
    assert (
        primitives(pool, x).count("= reduce_window") == 3
    )  # The average's sum and the count of its cells.


TRANSPOSED = [
    # Sizes, window, strides, dilation, cells added before and after.
    ((4,), (3,), (1,), (1,), ((0, 0),)),
    ((4,), (3,), (2,), (1,), ((-1, 0),)),
    ((5,), (2,), (3,), (2,), ((0, 2),)),
    ((3, 4), (3, 2), (2, 1), (1, 1), ((-1, -1), (0, 1))),
    ((2, 3, 2), (2, 2, 1), (2, 1, 3), (1, 2, 1), ((0, 0), (-1, 0), (0, 1))),
]


@pytest.mark.parametrize("geometry", TRANSPOSED, ids=str)
def test_transposed_convolution(geometry: Any) -> None:
    sizes, window, strides, dilation, padding = geometry
    axes = "DHW"[-len(sizes) :]

    def fast(x: Any, kernel: Any) -> Any:
        return lowering.conv_transpose(x, kernel, strides, padding, dilation)

    def plain(x: Any, kernel: Any) -> Any:
        reach = [(k - 1) * d for k, d in zip(window, dilation, strict=True)]
        return lax.conv_general_dilated(
            x,
            jnp.flip(kernel, range(len(sizes))),
            (1,) * len(sizes),
            [(r + low, r + high) for r, (low, high) in zip(reach, padding, strict=True)],
            lhs_dilation=strides,
            rhs_dilation=dilation,
            dimension_numbers=(f"N{axes}C", f"{axes}OI", f"N{axes}C"),
        )

    assert_equal(fast, plain, normal(2, *sizes, 3), normal(*window, 4, 3))


POOLS = [
    ((6,), (2,), (2,), "valid"),
    ((7,), (3,), (2,), "same"),
    ((5,), (1,), (2,), "valid"),
    ((7, 6), (2, 3), (2, 1), "same"),
    ((6, 8), (2, 2), (2, 2), "valid"),
    ((5, 5), (4, 5), (3, 3), "same"),
    ((4, 5, 3), (2, 3, 2), (1, 2, 2), "same"),
]


def window_sum(x: Any, window: Any, strides: Any, padding: str) -> Any:
    return lax.reduce_window(x, 0.0, lax.add, (1, *window, 1), (1, *strides, 1), padding.upper())


@pytest.mark.parametrize("geometry", POOLS, ids=str)
def test_average_pooling(geometry: Any) -> None:
    sizes, window, strides, padding = geometry

    def plain(x: Any) -> Any:
        total = window_sum(x, window, strides, padding)
        return total / (
            math.prod(window)
            if padding == "valid"
            else window_sum(jnp.ones_like(x), window, strides, padding)
        )

    assert_equal(
        lambda x: lowering.average_pool(x, window, strides, padding), plain, normal(2, *sizes, 3)
    )


def plain_max_pool(x: Any, window: Any, strides: Any, padding: str) -> Any:
    lowest = -jnp.inf if jnp.issubdtype(x.dtype, jnp.floating) else jnp.iinfo(x.dtype).min
    start = np.asarray(lowest, x.dtype)
    return lax.reduce_window(x, start, lax.max, (1, *window, 1), (1, *strides, 1), padding.upper())


@pytest.mark.parametrize("geometry", POOLS, ids=str)
def test_max_pooling(geometry: Any) -> None:
    """With ties: the gradient goes to the first cell that has the largest value."""
    sizes, window, strides, padding = geometry
    assert_equal(
        lambda x: lowering.max_pool(x, window, strides, padding),
        lambda x: plain_max_pool(x, window, strides, padding),
        np.round(2 * normal(2, *sizes, 3)),
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int32", "uint8"])
def test_max_pooling_of_other_dtypes(dtype: str) -> None:
    x = jnp.asarray(RNG.integers(0, 9, size=(2, 5, 4, 3))).astype(dtype)
    got = lowering.max_pool(x, (2, 3), (2, 2), "same")
    wanted = plain_max_pool(x, (2, 3), (2, 2), "same")
    assert got.dtype == dtype and np.array_equal(got, wanted)


def test_not_a_number_goes_through_pooling() -> None:
    x = jnp.array([1.0, jnp.nan, 3.0, 4.0]).reshape(1, 4, 1)
    for pool in (lowering.max_pool, lowering.average_pool):
        got = pool(x, (2,), (2,), "valid").ravel()
        assert np.isnan(got[0]) and not np.isnan(got[1])


# Bits, and a loop, in the code that users get.


@pytest.mark.optimized
def test_inside_a_compiled_loop() -> None:
    """Two steps of descent through convolution and pooling, each form in a loop."""
    images = normal(2, 7, 6, 3)

    def train(conv: Any, pool: Any) -> Any:
        def loss(kernel: Any) -> Any:
            return jnp.mean(
                jnp.sin(pool(conv(images, kernel, (1, 1), "same", (1, 1)), (2, 2), (2, 2), "same"))
            )

        return lambda kernel: lax.fori_loop(0, 2, lambda _, k: k - jax.grad(loss)(k), kernel)

    kernel = normal(3, 3, 3, 4)
    fast, plain = (
        jax.jit(train(*forms))(kernel)
        for forms in ((lowering.conv, lowering.max_pool), (canonical.plain, plain_max_pool))
    )
    assert not np.array_equal(plain, kernel)
    np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-6)


@pytest.mark.optimized
@pytest.mark.parametrize("kernel", [normal(2, 3, 14, 4), normal(3, 3, 1, 16)])
def test_values_alone_are_a_convolution_and_derivatives_a_product(kernel: np.ndarray) -> None:
    """So a prediction has the form that is fast by itself, and a step of training the one that trains fast."""
    x, weights = normal(2, 5, 6, kernel.shape[2]), normal(2, 3, 4, kernel.shape[3])
    how = Geometry((1, 1), ((0, 0),) * 2, (1, 1), (1, 1))

    def conv(x: Any, kernel: Any) -> Any:
        return lowering.conv(x, kernel, (1, 1), "valid", (1, 1))

    def product(x: Any, kernel: Any) -> Any:
        return canonical.product(x, kernel, how)

    def loss(function: Any) -> Any:
        return lambda x, kernel: jnp.sum(jnp.sin(function(x, kernel)[:, :3, :4]) * weights[:, :3])

    assert "stablehlo.convolution" in jax.jit(conv).lower(x, kernel).as_text()
    np.testing.assert_allclose(conv(x, kernel), product(x, kernel), rtol=1e-4, atol=1e-5)
    both = (x, kernel)
    for derivative in (
        lambda f: jax.value_and_grad(f, (0, 1)),
        lambda f: jax.value_and_grad(jax.checkpoint(f), 1),
        lambda f: lambda *a: jax.jvp(f, a, a),
        lambda f: lambda x, k: jax.jvp(lambda k: jax.grad(f, 1)(x, k), [k], [k]),
        lambda f: jax.grad(lambda x, k: jnp.sum(jax.grad(f)(x, k) ** 2), 1),
        lambda f: jax.grad(lambda x, k: jax.vmap(lambda x: f(x[None], k))(x).sum(), 1),
    ):
        ours = jax.jit(derivative(loss(conv)))
        assert "stablehlo.convolution" not in ours.lower(*both).as_text()
        for got, wanted in zip(
            jax.tree_util.tree_leaves(ours(*both)),
            jax.tree_util.tree_leaves(jax.jit(derivative(loss(product)))(*both)),
            strict=True,
        ):
            np.testing.assert_array_equal(got, wanted)
