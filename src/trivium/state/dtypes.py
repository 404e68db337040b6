"""Dtypes: the default float type, epsilon, and the policies that say what a layer computes and stores in."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.state.configured import Configured
from trivium.state.registry import Registry, serialize, suggest
from trivium.state.session import own_session, session
from trivium.state.types import DType

__all__ = [
    "DTypePolicy",
    "dtype_policy",
    "epsilon",
    "floatx",
    "is_float",
    "is_half",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "standardize_dtype",
]

_FLOATS = ("float16", "bfloat16", "float32", "float64")
_OTHERS = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "complex64",
)  # fmt: skip
_PYTHON = {bool: "bool", int: "int32", float: "float32", "int": "int32"}


def floatx() -> str:
    """Return the default float type, `"float32"` unless set otherwise.

    Example:
        >>> floatx()
        'float32'
    """
    return session().floatx


def set_floatx(value: str) -> None:
    """Set the default float type.

    Args:
        value: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"` (the last needs JAX's 64-bit mode).

    Raises:
        ValueError: It is none of these.

    Example:
        >>> set_floatx("float32")
    """
    if value not in _FLOATS:
        raise ValueError(
            f"floatx must be one of {_FLOATS}; got {value!r}. {suggest(value, _FLOATS)}"
        )
    own_session().floatx = value


def epsilon() -> float:
    """Return the small number that keeps divisions and logarithms finite, `1e-7` unless set otherwise.

    Example:
        >>> epsilon()
        1e-07
    """
    return session().epsilon


def set_epsilon(value: float) -> None:
    """Set the small number that `epsilon` returns.

    Example:
        >>> set_epsilon(1e-7)
    """
    own_session().epsilon = float(value)


def standardize_dtype(dtype: DType | None) -> str:
    """Return the name of a dtype; `None` gives the default float type.

    Args:
        dtype: A name, a NumPy or JAX dtype, a Python type or `None`.

    Raises:
        ValueError: There is no such dtype.

    Example:
        >>> standardize_dtype(None), standardize_dtype(int), standardize_dtype(np.uint8)
        ('float32', 'int32', 'uint8')
    """
    if dtype is None:
        return session().floatx
    if dtype in _PYTHON:
        return _PYTHON[dtype]
    try:
        # A text is a name as it stands: NumPy's own names for 64 bits and bytes are not.
        name = dtype if isinstance(dtype, str) else str(jnp.dtype(dtype))
    except TypeError:
        name = str(dtype)
    if name not in _FLOATS and name not in _OTHERS and name != "string":
        raise ValueError(f"Unknown dtype {dtype!r}. {suggest(name, _FLOATS + _OTHERS)}")
    return name


def is_float(dtype: DType) -> bool:
    """Say whether a dtype is a floating-point one, bfloat16 included.

    Example:
        >>> is_float("bfloat16"), is_float(np.int32)
        (True, False)
    """
    return bool(jnp.issubdtype(jnp.dtype(dtype), np.floating))


def is_half(dtype: DType) -> bool:
    """Say whether a dtype is a floating-point one of 16 bits, whose sums overflow or lose digits.

    Example:
        >>> is_half("bfloat16"), is_half("float32")
        (True, False)
    """
    return str(dtype) in ("float16", "bfloat16")


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
        if name in ("mixed_float16", "mixed_bfloat16"):
            assert name is not None
            self._name, self._compute, self._variable = name, name[len("mixed_") :], "float32"
        else:
            self._compute = self._variable = self._name = standardize_dtype(name)

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

    def serialize(self) -> dict[str, Any]:
        """Return the policy as a config names it."""
        config: dict[str, Any] = serialize(self)
        return config

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f"<DTypePolicy {self._name!r}>"


def dtype_policy() -> DTypePolicy:
    """Return the policy that new layers get.

    Example:
        >>> dtype_policy()
        <DTypePolicy 'float32'>
    """
    here = session()
    return here.policy or DTypePolicy(here.floatx)


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
    """Return the policy that a layer's `dtype` argument means."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        policy: DTypePolicy = DTYPE_POLICIES.deserialize(identifier)
        return policy
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    return DTypePolicy(standardize_dtype(identifier))
