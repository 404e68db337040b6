"""Dtype policies: what layers compute in and keep their variables in, by name, by path, and quantized."""

from typing import Any

from trivium.state.dtype_policies import (
    DTYPE_POLICIES,
    AWQDTypePolicy,
    DTypePolicy,
    DTypePolicyMap,
    FloatDTypePolicy,
    GPTQDTypePolicy,
    Int4DTypePolicy,
    QuantizedDTypePolicy,
    QuantizedFloat8DTypePolicy,
    get_policy,
)
from trivium.state.faces import faces

__all__ = [
    "AWQDTypePolicy", "DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy",
    "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy", "deserialize", "get", "serialize",
]  # fmt: skip

_, serialize, deserialize = faces(DTYPE_POLICIES, __name__)


def get(identifier: Any) -> DTypePolicy:
    """Return the policy that a layer's `dtype` argument means.

    Args:
        identifier: `None` for the default policy, a dtype, a policy's name, its config, or the policy itself.

    Raises:
        ValueError: There is none like it.

    Example:
        >>> get("mixed_bfloat16"), get("int8_from_float32").quantization_mode
        (<DTypePolicy 'mixed_bfloat16'>, 'int8')
    """
    return get_policy(identifier)
