"""Initializers: how the first values of a variable are drawn.

An initializer is anything that can be called with `(shape, dtype)` and gives an array. The
library's own draw with NumPy on the host, so nothing is compiled and every device starts from the
same numbers.
"""

from trivium.initializers.base import INITIALIZERS, Initializer
from trivium.initializers.constants import Constant, Identity, Ones, Zeros
from trivium.initializers.drawing import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from trivium.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
    compute_fans,
)
from trivium.initializers.waves import STFT
from trivium.state.faces import faces

__all__ = [
    "INITIALIZERS",
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]  # fmt: skip

get, serialize, deserialize = faces(INITIALIZERS, __name__)

IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
constant = Constant
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
ones, zeros = Ones, Zeros
random_normal, random_uniform = RandomNormal, RandomUniform
STFTInitializer = stft = STFT
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling
