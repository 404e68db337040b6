"""Settings of the library: default dtypes and policies, epsilon, and where images have their channels."""

from trivium.state.dtype_policies import dtype_policy, set_dtype_policy
from trivium.state.dtypes import (
    epsilon,
    floatx,
    set_epsilon,
    set_floatx,
)
from trivium.state.image_format import image_data_format, set_image_data_format

__all__ = [
    "dtype_policy",
    "epsilon",
    "floatx",
    "image_data_format",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]
