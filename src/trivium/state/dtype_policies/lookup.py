"""The policy that an argument `dtype` means, and the one that new layers get."""

from __future__ import annotations

from typing import Any, TypeAlias

from trivium.state.dtype_policies.base import DTYPE_POLICIES, DTypePolicy, dtype_policy
from trivium.state.dtype_policies.quantized import named_policy
from trivium.state.dtypes import standardize_dtype
from trivium.state.session import own_session
from trivium.state.types import DType

__all__ = ["DTypeLike", "get_policy", "set_dtype_policy"]


def set_dtype_policy(policy: str | DTypePolicy | None) -> None:
    """Set the policy that new layers get.

    Args:
        policy: A policy or its name; `None` goes back to the default float type.

    Example:
        >>> set_dtype_policy("mixed_bfloat16"); dtype_policy().compute_dtype
        'bfloat16'
        >>> set_dtype_policy(None)
    """
    own_session().policy = get_policy(policy) if policy is not None else None


def get_policy(identifier: Any) -> DTypePolicy:
    """Return the policy that a layer's `dtype` argument means.

    Args:
        identifier: `None` for the default policy, a dtype, a policy's name, its config, or the policy itself.

    Raises:
        ValueError: There is none like it.

    Example:
        >>> get_policy("int8_from_mixed_bfloat16")
        <QuantizedDTypePolicy 'int8_from_mixed_bfloat16'>
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        policy: DTypePolicy = DTYPE_POLICIES.deserialize(identifier)
        return policy
    if isinstance(identifier, str):
        return named_policy(identifier)
    return DTypePolicy(standardize_dtype(identifier))


DTypeLike: TypeAlias = DType | DTypePolicy | dict[str, Any]
"""What an argument `dtype` of a layer, loss or metric may be: a dtype, a policy, its name or its config."""
