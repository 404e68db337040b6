"""Dtype policies: what a layer computes in, and what it keeps its variables in."""

from __future__ import annotations

from typing import Any

from trivium.state.configured import Configured
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import Registry, serialize
from trivium.state.session import session

__all__ = ["DTYPE_POLICIES", "DTypePolicy", "FloatDTypePolicy", "dtype_policy", "dtypes_of"]

DTYPE_POLICIES: Registry[Any] = Registry("dtype policy", "keras.dtype_policies")


@DTYPE_POLICIES.register(module="keras")
class DTypePolicy(Configured):
    """What a layer computes in and what it keeps its variables in.

    Args:
        name: A dtype (both are that), or `"mixed_float16"` or `"mixed_bfloat16"`: computing in the half type,
            variables in float32. `None` takes the default float type.

    Raises:
        ValueError: There is no such policy.

    Example:
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')

    Reference:
        Micikevicius et al., "Mixed Precision Training", 2017, https://arxiv.org/abs/1710.03740
    """

    def __init__(self, name: str | None = None) -> None:
        self._name, self._compute, self._variable = dtypes_of(name)

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype that inputs and weights are cast to for computing."""
        return self._compute

    @property
    def variable_dtype(self) -> str:
        """The dtype that weights are kept in."""
        return self._variable

    @property
    def quantization_mode(self) -> str | None:
        """How the layer's kernel is quantized: `"int8"`, `"int4"`, `"float8"`, …; `None` where it is not."""
        return None

    def serialize(self) -> dict[str, Any]:
        """Return the policy as a config names it."""
        config: dict[str, Any] = serialize(self)
        return config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def dtypes_of(name: str | None) -> tuple[str, str, str]:
    """Return a policy's name, and the dtypes that it computes and keeps variables in."""
    if name is not None and name in ("mixed_float16", "mixed_bfloat16"):
        return name, name.removeprefix("mixed_"), "float32"
    dtype = standardize_dtype(name)
    return dtype, dtype, dtype


@DTYPE_POLICIES.register(module="keras")
class FloatDTypePolicy(DTypePolicy):
    """The policy of a layer that is not quantized: `DTypePolicy` under its older name."""


def dtype_policy() -> DTypePolicy:
    """Return the policy that new layers get.

    Example:
        >>> dtype_policy()
        <DTypePolicy 'float32'>
    """
    here = session()
    return here.policy or DTypePolicy(here.floatx)
