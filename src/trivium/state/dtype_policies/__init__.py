"""Dtype policies: what a layer computes in, and what it keeps its variables in."""

from trivium.state.dtype_policies.base import (
    DTYPE_POLICIES,
    DTypePolicy,
    FloatDTypePolicy,
    dtype_policy,
)
from trivium.state.dtype_policies.by_path import DTypePolicyMap
from trivium.state.dtype_policies.lookup import DTypeLike, get_policy, set_dtype_policy
from trivium.state.dtype_policies.quantized import (
    QUANTIZATION_MODES,
    AWQDTypePolicy,
    GPTQDTypePolicy,
    Int4DTypePolicy,
    QuantizedDTypePolicy,
    QuantizedFloat8DTypePolicy,
)

__all__ = [
    "DTYPE_POLICIES", "QUANTIZATION_MODES", "AWQDTypePolicy", "DTypeLike", "DTypePolicy", "DTypePolicyMap",
    "FloatDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy",
    "dtype_policy", "get_policy", "set_dtype_policy",
]  # fmt: skip
