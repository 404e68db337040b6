"""The parts of networks, under the names that Keras has for them once more."""
# ruff: noqa: I001
# fmt: off

from trivium.ops.attention import dot_product_attention
from trivium.ops.convolution import (
    conv, conv_transpose, depthwise_conv, separable_conv,
)
from trivium.ops.crossentropy import (
    binary_crossentropy, categorical_crossentropy, ctc_loss, psnr, sparse_categorical_crossentropy,
)
from trivium.ops.decoding import ctc_decode
from trivium.ops.encodings import (
    multi_hot, one_hot,
)
from trivium.ops.nonlinear import (
    celu, elu, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh, leaky_relu,
    log_sigmoid, relu, relu6, selu, sigmoid, silu, soft_shrink, softplus, softsign, sparse_plus,
    sparse_sigmoid, squareplus, swish, tanh_shrink, threshold,
)
from trivium.ops.normalization import (
    batch_normalization, layer_normalization, moments, normalize, rms_normalization,
)
from trivium.ops.pairwise import polar
from trivium.ops.pooling import (
    adaptive_average_pool, adaptive_max_pool, average_pool, max_pool,
)
from trivium.ops.shapes import (
    depth_to_space, space_to_depth,
)
from trivium.ops.simplex import (
    log_softmax, softmax, sparsemax,
)
from trivium.ops.sliding_blocks import (
    fold, unfold,
)

__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "batch_normalization",
    "binary_crossentropy", "categorical_crossentropy", "celu", "conv", "conv_transpose",
    "ctc_decode", "ctc_loss", "depth_to_space", "depthwise_conv", "dot_product_attention", "elu",
    "fold", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "moments",
    "multi_hot", "normalize", "one_hot", "polar", "psnr", "relu", "relu6", "rms_normalization",
    "selu", "separable_conv", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "space_to_depth", "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold", "unfold",
]
