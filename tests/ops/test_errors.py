"""What goes wrong in an op is said with the op's name, what each argument was, and what was wanted."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from trivium import ops
from trivium.graph import SymbolicTensor

X = jnp.ones((5, 4))
T = jnp.ones((5, 4, 3))
IMAGES = jnp.ones((2, 6, 6, 4))
HEADS = jnp.ones((1, 2, 3, 4))

# Which op, with which arguments; what the message says before and behind the colon.
ERRORS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str]] = [
    # Shapes that do not go together.
    ("add", (X, jnp.ones(3)), {}, "x1=float32(5, 4), x2=float32(3,)", "Incompatible shapes for broadcasting"),
    ("maximum", (X, T), {}, "x1=float32(5, 4), x2=float32(5, 4, 3)", "Incompatible shapes"),
    ("matmul", (X, X), {}, "x1=float32(5, 4), x2=float32(5, 4)", "same shape, got (4,) and (5,)"),
    ("einsum", ("ij,jk->ik", X, X), {}, "subscripts='ij,jk->ik', operands=[", "label 'j'"),
    ("concatenate", ([X, T],), {}, "xs=[float32(5, 4), float32(5, 4, 3)]", "numbers of dimensions"),
    ("stack", ([X, X[:2]],), {}, "x=[float32(5, 4), float32(2, 4)]", "same shape"),
    ("reshape", (X, (3, -1)), {}, "newshape=(3, -1)", "does not evenly divide 20"),
    ("broadcast_to", (X, (2, 2)), {}, "shape=(2, 2)", "Incompatible"),
    ("split", (X, 3), {"axis": 1}, "indices_or_sections=3, axis=1", "equal division"),
    ("squeeze", (X, 0), {}, "axis=0", "size not equal to one"),
    ("unstack", (X, 3), {}, "num=3", "axis 0 has size 5, not 3"),
    ("glu", (T,), {}, "x=float32(5, 4, 3)", "even size"),
    ("in_top_k", ([1], X, 1), {}, "predictions=float32(5, 4)", "each target needs a row"),
    ("top_k", (X, 9), {}, "k=9", "no larger than size along axis"),
    ("binary_crossentropy", (X, T), {}, "target=float32(5, 4)", "one shape; got (5, 4) and (5, 4, 3)"),
    ("categorical_crossentropy", (X, X[:2]), {}, "output=float32(2, 4)", "one shape"),
    ("sparse_categorical_crossentropy", (X, X), {}, "target=float32(5, 4)", "use `categorical_crossentropy`"),
    ("psnr", (X, T, 1.0), {}, "max_val=1.0", "one shape"),
    ("fft", ((X, T),), {}, "x=[float32(5, 4), float32(5, 4, 3)]", "differ in shape"),
    ("fft", (X,), {}, "x=float32(5, 4)", "pair of arrays"),
    ("fold", (T, 3, 2), {}, "output_size=3, kernel_size=2", "blocks of shape (5, 4, 4); got (5, 4, 3)"),
    ("layer_normalization", (X, jnp.ones(3)), {}, "gamma=float32(3,)", "cannot reshape array of shape (3,)"),
    ("view_as_complex", (X,), {}, "x=float32(5, 4)", "the last axis has size 2"),
    ("cholesky", (X,), {}, "x=float32(5, 4)", "matrices are square"),
    ("solve", (jnp.eye(3), X), {}, "b=float32(5, 4)", "as many rows"),
    ("solve_triangular", (X, X), {}, "a=float32(5, 4)", "matrices are square"),
    ("depth_to_space", (IMAGES, 3), {}, "block_size=3", "no multiples of 9"),
    ("space_to_depth", (IMAGES, 4), {}, "block_size=4", "no multiples of 4"),
    # Wrong ranks.
    ("conv", (X, jnp.ones((3, 4))), {}, "inputs=float32(5, 4)", "1 to 3 spatial axes and a channels axis; got shape"),
    ("conv", (T, jnp.ones((3, 3, 3, 2))), {}, "kernel=float32(3, 3, 3, 2)", "a kernel of shape (*window, channels"),
    ("max_pool", (X, 2), {}, "inputs=float32(5, 4)", "1 to 3 spatial axes"),
    ("adaptive_max_pool", (X, 2), {}, "inputs=float32(5, 4)", "1 to 3 spatial axes"),
    ("searchsorted", (X, X), {}, "sorted_sequence=float32(5, 4)", "the sequence has one axis"),
    ("dot_product_attention", (X, X, X), {}, "query=float32(5, 4)", "(batch, time, heads, depth); got (5, 4)"),
    ("ctc_loss", (X, X, 1, 1), {}, "target=float32(5, 4)", "(batch, time, classes); got (5, 4) and (5, 4)"),
    ("space_to_depth", (T, 2), {}, "x=float32(5, 4, 3)", "images have 4 axes"),
    ("unfold", (X, 2), {}, "kernel_size=2", "(batch, channels, height, width); got (5, 4)"),
    ("dsplit", (X, 2), {}, "x=float32(5, 4)", "axis 2 is out of bounds"),
    # Convolution and pooling.
    ("conv", (T, jnp.ones((3, 2, 4))), {}, "kernel=float32(3, 2, 4)", "3 channels are no multiple of the kernel's 2"),
    ("conv", (IMAGES, jnp.ones((3, 3, 2, 5))), {}, "kernel=float32(3, 3, 2, 5)", "among 2 groups of channels"),
    ("conv", (T, jnp.ones((7, 3, 4))), {}, "kernel=float32(7, 3, 4)", "Use a smaller window or padding='same'"),
    ("conv", (T, jnp.ones((3, 3, 4)), (1, 2)), {}, "strides=(1, 2)", "`strides` is one whole number or 1"),
    ("conv", (T, jnp.ones((3, 3, 4)), 0), {}, "strides=0", "of at least 1; got 0"),
    ("depthwise_conv", (T, jnp.ones((3, 4, 4))), {}, "kernel=float32(3, 4, 4)", "3 channels, the kernel 4"),
    (
        "separable_conv",
        (T, jnp.ones((3, 3, 1)), jnp.ones((1, 4, 1))),
        {},
        "pointwise_kernel=float32(1, 4, 1)",
        "gives 3 channels, the pointwise kernel takes 4",
    ),
    ("conv_transpose", (T, jnp.ones((3, 4, 4))), {}, "kernel=float32(3, 4, 4)", "3 channels, the kernel 4"),
    ("conv_transpose", (T, jnp.ones((3, 4, 3), int)), {}, "kernel=int32(3, 4, 3)", "the kernel holds floats"),
    ("max_pool", (T, 9), {}, "pool_size=9", "does not fit into the spatial shape (4,)"),
    ("average_pool", (T, (2, 2)), {}, "pool_size=(2, 2)", "`pool_size` is one whole number or 1"),
    ("adaptive_average_pool", (T, (2, 2)), {}, "output_size=(2, 2)", "`output_size` is one whole number or 1"),
    # Names.
    ("conv", (T, jnp.ones((3, 3, 4))), {"padding": "sames"}, "padding='sames'", "'valid' or 'same'; got 'sames'"),
    ("max_pool", (T, 2), {"padding": "full"}, "padding='full'", "'valid' or 'same'"),
    ("average_pool", (T, 2), {"data_format": "last"}, "data_format='last'", "'channels_last' or 'channels_first'"),
    ("space_to_depth", (IMAGES, 2, "first"), {}, "data_format='first'", "'channels_last' or 'channels_first'"),
    ("pad", (X, 1, "reflct"), {}, "mode='reflct'", "Did you mean 'reflect'?"),
    ("pad", (X, 1, "edge", 0), {}, "constant_values=0", "goes with mode='constant'"),
    ("cast", (X, "flaot32"), {}, "dtype='flaot32'", "Did you mean 'float32'?"),
    ("scatter_update", (X, [[0]], X[:1], "mlu"), {}, "reduction='mlu'", "Did you mean 'mul'?"),
    ("stft", (X, 2, 2, 2, "hnan"), {}, "window='hnan'", "Did you mean 'hann'?"),
    ("quantile", (X, 0.5), {"method": "lin"}, "method='lin'", "'linear'"),
    # Numbers.
    ("normalize", (X,), {"order": 0}, "order=0", "at least 1; got 0"),
    ("stft", (X, 4, 2, 2), {}, "sequence_length=4", "`fft_length` is at least `sequence_length`"),
    ("stft", (X, 2, 2, 2, jnp.ones(3)), {}, "window=float32(3,)", "wanted (2,), the frames' length"),
    ("segment_sum", (X, [0]), {}, "segment_ids=[0]", "`num_segments` must be given"),
    ("where", (X > 0, X), {}, "condition=bool(5, 4)", "given together or not at all"),
    ("one_hot", ([1], 3), {"sparse": True}, "sparse=True", "Sparse arrays are not supported"),
    ("convert_to_tensor", (X,), {"ragged": True}, "ragged=True", "not supported"),
    (
        "dot_product_attention",
        (HEADS, HEADS, HEADS),
        {"flash_attention": True, "attn_logits_soft_cap": 1.0},
        "flash_attention=True",
        "leave one out",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "call", "reason"),
    ERRORS,
    ids=[f"{e[0]}-{i}" for i, e in enumerate(ERRORS)],
)
def test_errors(name: str, args: Any, kwargs: Any, call: str, reason: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(ops, name)(*args, **kwargs)
    message = str(caught.value)
    before, _, behind = message.partition("): ")
    assert before.startswith(f"{name}(") and call in f"{before})" and reason in behind
    assert message.count(f"{name}(") == 1


AXES = [
    "all", "any", "amax", "amin", "argmax", "argmin", "argsort", "average", "count_nonzero", "cumprod", "cumsum",
    "diff", "flip", "glu", "layer_normalization", "log_softmax", "logsumexp", "max", "mean", "median", "min",
    "nanargmax", "nanargmin", "nancumsum", "nanmax", "nanmean", "nanmedian", "nansum", "nanvar", "normalize",
    "prod", "ptp", "rms_normalization", "softmax", "sort", "sparsemax", "squeeze", "std", "sum", "trapezoid",
    "unstack", "var",
]  # fmt: skip


@pytest.mark.parametrize("name", AXES)
def test_an_axis_that_is_not_there(name: str) -> None:
    for x, shape in ((X, "(5, 4)"), (SymbolicTensor((None, 4)), "(None, 4)")):
        with pytest.raises(ValueError) as caught:
            getattr(ops, name)(x, axis=4)
        pattern = rf"{name}\(\w+=float32{re.escape(shape)}, axis=4\): axis 4 is out of bounds for array of dimension 2"
        assert re.match(pattern, str(caught.value))


def test_the_call_in_a_graph_is_named_with_its_unknown_sizes() -> None:
    with pytest.raises(ValueError, match=r"^add\(x1=float32\(None, 4\), x2=float32\(3,\)\): "):
        ops.add(SymbolicTensor((None, 4)), jnp.ones(3))


def test_a_mistyped_argument_gets_the_nearest_name() -> None:
    with pytest.raises(
        TypeError, match=r"^sum: got an unexpected keyword argument 'axes'\. Did you mean 'axis'\?"
    ):
        ops.sum(X, axes=1)
    with pytest.raises(TypeError, match="sum: missing a required argument: 'x'"):
        ops.sum()


@pytest.mark.parametrize("name", ["nonzero", "unique", "bincount", "where"])
def test_ops_whose_shapes_follow_from_values_say_so(name: str) -> None:
    with pytest.raises(
        ValueError,
        match=rf"^{name}\(\w+=int32\(None, 4\)\): the shape of the result depends on values",
    ):
        getattr(ops, name)(SymbolicTensor((None, 4), "int32"))
    with pytest.raises(ValueError, match="depends on values"):
        jax.jit(getattr(ops, name))(jnp.ones(3, int))


def test_an_unknown_size_is_no_size_for_a_new_array() -> None:
    with pytest.raises(ValueError, match="use `zeros_like`"):
        ops.zeros((None, 2))


def test_an_unknown_count_is_asked_for() -> None:
    with pytest.raises(ValueError, match="the size of axis 1 is not known; give `num`"):
        ops.unstack(SymbolicTensor((None, None, 3)), axis=1)


def test_scan_checks_how_much_to_unroll() -> None:
    with pytest.raises(
        ValueError, match="`unroll` is a whole number of at least 1 or a bool; got -1"
    ):
        ops.scan(lambda s, x: (s, x), 0, X, unroll=-1)
