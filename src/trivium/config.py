"""Settings of the library: default dtypes and policies, and epsilon."""

from trivium.state.dtypes import (
    dtype_policy,
    epsilon,
    floatx,
    set_dtype_policy,
    set_epsilon,
    set_floatx,
)

__all__ = ["dtype_policy", "epsilon", "floatx", "set_dtype_policy", "set_epsilon", "set_floatx"]
