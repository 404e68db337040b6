"""What the real Keras refuses, or gets wrong."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium import ops
from trivium.graph import Graph, SymbolicTensor

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def assert_close(got: Any, wanted: Any) -> None:
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-5, 5, width=32), min_size=4, max_size=4))
def test_sparsemax_is_the_closest_point_whose_coordinates_add_up_to_one(
    numbers: list[float],
) -> None:
    x = np.array(numbers, "float64")
    point = np.asarray(ops.sparsemax(np.float32(x)), "float64")
    assert np.all(point >= 0) and abs(point.sum() - 1) < 1e-5
    # The closest: no step towards a corner of the simplex comes nearer to x.
    assert np.all((np.eye(4) - point) @ (x - point) <= 1e-4)


def test_sparsemax_along_an_axis() -> None:
    x = normal(3, 4, 2)
    moved = ops.sparsemax(np.moveaxis(x, 1, -1))
    assert_close(ops.sparsemax(x, axis=1), np.moveaxis(moved, -1, 1))


@pytest.mark.parametrize("window", ["hann", "hamming", None])
@pytest.mark.parametrize("length", [8, 6])
def test_istft_undoes_stft(window: Any, length: int) -> None:
    samples = normal(2, 64)
    there = ops.stft(samples, length, 2, 8, window)
    back = ops.istft(there, length, 2, 8, window=window)
    assert back.shape == (2, 64)
    assert_close(back[:, 4:-4], samples[:, 4:-4])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_depth_to_space_undoes_space_to_depth(data_format: str) -> None:
    images = normal(2, 6, 4, 6)
    there = ops.space_to_depth(images, 2, data_format)
    np.testing.assert_array_equal(ops.depth_to_space(there, 2, data_format), images)


def test_folding_gives_the_size_asked_for_where_blocks_do_not_reach_the_edge() -> None:
    images = normal(2, 3, 5, 7)
    blocks = ops.unfold(images, 2, stride=2)
    folded = ops.fold(blocks, (5, 7), 2, stride=2)
    np.testing.assert_array_equal(folded[:, :, :4, :6], images[:, :, :4, :6])
    assert folded.shape == images.shape and not folded[:, :, 4].any()


def test_equations_for_batches_of_vectors() -> None:
    matrices = normal(5, 3, 3) + 4 * np.eye(3, dtype="float32")
    vectors = normal(5, 3)
    wanted = np.stack([np.linalg.solve(a, b) for a, b in zip(matrices, vectors, strict=True)])
    assert_close(ops.solve(matrices, vectors), wanted)
    triangles = np.tril(matrices)
    wanted = np.stack([np.linalg.solve(a, b) for a, b in zip(triangles, vectors, strict=True)])
    assert_close(ops.solve_triangular(triangles, vectors, lower=True), wanted)


@pytest.mark.parametrize("upper", [False, True])
def test_inverses_from_batches_of_triangles(upper: bool) -> None:
    factors = normal(5, 3, 3)
    matrices = factors @ factors.transpose(0, 2, 1) + 3 * np.eye(3, dtype="float32")
    got = ops.cholesky_inverse(ops.cholesky(matrices, upper=upper), upper=upper)
    assert_close(got, np.linalg.inv(matrices))


def test_axes_in_a_list() -> None:
    x = normal(2, 3, 4)
    for name in ("nanmean", "nansum", "nanmax", "norm"):
        function = getattr(ops, name)
        assert_close(function(x, axis=[0, 2]), function(x, axis=(0, 2)))


@pytest.mark.parametrize("name", ["max_pool", "average_pool"])
def test_windows_stand_side_by_side_by_default(name: str) -> None:
    images, pool = normal(2, 6, 7, 3), getattr(ops, name)
    for size in (2, (3, 2)):
        np.testing.assert_array_equal(pool(images, size), pool(images, size, strides=size))


def test_classes_along_any_axis() -> None:
    labels, scores = np.array([[0, 2, 1, 1, 0], [1, 1, 2, 0, 2]]), normal(2, 3, 5)
    last = ops.sparse_categorical_crossentropy(labels, np.moveaxis(scores, 1, -1), from_logits=True)
    for targets in (labels, labels[:, None]):
        assert_close(ops.sparse_categorical_crossentropy(targets, scores, True, axis=1), last)


def test_counting_in_more_axes() -> None:
    rows = np.array([[0, 1, 1], [3, 0, 1]])
    assert ops.bincount(rows).tolist() == [[1, 2, 0, 0], [1, 1, 0, 1]]
    counts, borders = ops.histogram(np.array([[0.0, 1.0], [2.0, 4.0]]), 2)
    assert counts.tolist() == [2, 2] and borders.tolist() == [0.0, 2.0, 4.0]


@pytest.mark.parametrize("causal", [False, True])
def test_attention_with_capped_logits(causal: bool) -> None:
    query, key, value = (normal(2, 3, 2, 4) for _ in range(3))
    mask = RNG.random((2, 1, 3, 3)) > 0.3
    mask |= np.eye(3, dtype=bool)
    bias = normal(1, 2, 3, 3)
    logits = np.einsum("bqhd,bkhd->bhqk", query, key) * 0.5 + bias
    logits = 0.7 * np.tanh(logits / 0.7)
    allowed = mask & np.tril(np.ones((3, 3), bool)) if causal else mask
    weights = np.exp(np.where(allowed, logits, -np.inf))
    weights /= weights.sum(-1, keepdims=True)
    wanted = np.einsum("bhqk,bkhd->bqhd", weights, value)
    got = ops.dot_product_attention(
        query, key, value, bias, mask, is_causal=causal, attn_logits_soft_cap=0.7
    )
    assert_close(got, wanted)
    plain = ops.dot_product_attention(query, key, value, bias, mask, is_causal=causal)
    nearly_none = ops.dot_product_attention(
        query, key, value, bias, mask, is_causal=causal, attn_logits_soft_cap=1e4
    )
    assert_close(nearly_none, plain)


IMAGES = SymbolicTensor((None, None, None, 4))
UNKNOWN_SIZES = {
    "conv": (
        lambda x: ops.conv(x, np.ones((3, 3, 4, 2), "float32"), 2, "same"),
        (None, None, None, 2),
    ),
    "groups": (lambda x: ops.conv(x, np.ones((3, 3, 2, 2), "float32")), (None, None, None, 2)),
    "transposed": (
        lambda x: ops.conv_transpose(x, np.ones((3, 3, 2, 4), "float32"), 2),
        (None, None, None, 2),
    ),
    "max": (lambda x: ops.max_pool(x, 2, padding="same"), (None, None, None, 4)),
    "average": (lambda x: ops.average_pool(x, 3, 2, padding="same"), (None, None, None, 4)),
    "adaptive": (lambda x: ops.adaptive_average_pool(x, (2, 1)), (None, 2, 1, 4)),
    "unstacked": (lambda x: ops.stack(ops.unstack(x, 7, axis=2)), (7, None, None, 4)),
    "depth": (lambda x: ops.depth_to_space(x, 2), (None, None, None, 1)),
    "columns": (lambda x: ops.unfold(ops.transpose(x, (0, 3, 1, 2)), 2), (None, 16, None)),
    "size": (ops.size, ()),
}


@pytest.mark.parametrize("name", UNKNOWN_SIZES)
def test_unknown_spatial_sizes(name: str) -> None:
    """A graph that was recorded without sizes gives what the op gives for arrays."""
    function, shape = UNKNOWN_SIZES[name]
    recorded = function(IMAGES)
    assert recorded.shape == shape
    images = jnp.asarray(normal(2, 6, 7, 4))
    np.testing.assert_array_equal(Graph(IMAGES, recorded).run(images), function(images))


def test_what_is_known_of_a_symbolic_tensor() -> None:
    assert ops.shape(IMAGES) == (None, None, None, 4) and ops.ndim(IMAGES) == 4
    assert ops.dtype(IMAGES) == "float32" and ops.is_tensor(IMAGES)


def test_numbers_that_are_no_arrays_stay_in_the_others_dtype() -> None:
    half = jnp.ones(2, "float16")
    assert {(half + 1).dtype, ops.add(half, 1.5).dtype, ops.maximum(2, half).dtype} == {half.dtype}
    assert ops.logaddexp(half, 2.0).dtype == half.dtype


def test_eager_convolution_is_one_program() -> None:
    """A call outside a program is compiled as a whole, not slice by slice."""
    kernel = np.ones((5, 5, 4, 2), "float32")
    traced = jax.make_jaxpr(lambda x: ops.conv(x, kernel, 1, "same"))(normal(1, 9, 9, 4))
    assert len(traced.eqns) == 1


@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("add", (np.ones((2, 2)), np.ones(2))),
        ("matmul", (np.ones((2, 2)), np.ones((2, 3)))),
        ("conv", (np.ones((1, 3, 1)), np.ones((2, 1, 1)))),
        ("depthwise_conv", (np.ones((1, 3, 1)), np.ones((2, 1, 1)))),
        ("separable_conv", (np.ones((1, 3, 1)), np.ones((2, 1, 1)), np.ones((1, 1, 1)))),
        ("fft", ((np.ones(3), np.zeros(3)),)),
        ("solve", (np.eye(2), np.ones(2))),
    ],
)
def test_lists_are_arrays(name: str, arrays: Any) -> None:
    function = getattr(ops, name)
    floats = jax.tree_util.tree_map(np.float32, arrays)
    lists = jax.tree_util.tree_map(lambda a: a.tolist(), arrays)
    for got, wanted in zip(
        *(jax.tree_util.tree_leaves(function(*a)) for a in (lists, floats)), strict=True
    ):
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "name",
    [
        "det", "slogdet", "logdet", "inv", "pinv", "cholesky", "cholesky_inverse", "qr", "svd", "eigh", "lu_factor",
        "norm",
    ],
)  # fmt: skip
def test_linear_algebra_takes_half_types(name: str, dtype: str) -> None:
    matrix = np.array([[4.0, 1.0], [1.0, 3.0]], "float32")
    settings = {"ord": "nuc"} if name == "norm" else {}
    wanted = jax.tree_util.tree_leaves(getattr(ops, name)(matrix, **settings))
    got = jax.tree_util.tree_leaves(getattr(ops, name)(jnp.asarray(matrix, dtype), **settings))
    for mine, other in zip(got, wanted, strict=True):
        assert mine.dtype == (dtype if other.dtype == "float32" else other.dtype)
        np.testing.assert_allclose(mine.astype("float32"), other, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("vectors", [True, False])
@pytest.mark.parametrize("name", ["solve", "solve_triangular", "lstsq"])
def test_equations_of_half_types_are_solved(name: str, vectors: bool) -> None:
    matrix, sides = np.array([[4.0, 1.0], [0.0, 2.0]]), np.array([[5.0], [2.0]])
    sides = sides[:, 0] if vectors else sides
    got = getattr(ops, name)(jnp.asarray(matrix, "float16"), jnp.asarray(sides, "float16"))
    assert got.dtype == "float16"
    np.testing.assert_allclose(got, np.ones_like(sides), rtol=1e-2)
