"""Dtype policies: what a layer computes in, and what it keeps its variables in."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any, ClassVar, TypeAlias

from trivium.state.configured import Configured
from trivium.state.dtypes import standardize_dtype
from trivium.state.registry import Registry, serialize
from trivium.state.session import own_session, session
from trivium.state.types import DType

__all__ = [
    "DTYPE_POLICIES", "QUANTIZATION_MODES", "AWQDTypePolicy", "DTypeLike", "DTypePolicy", "DTypePolicyMap",
    "FloatDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy", "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy",
    "dtype_policy", "get_policy", "set_dtype_policy",
]  # fmt: skip

DTYPE_POLICIES: Registry[Any] = Registry("dtype policy", "keras.dtype_policies")
QUANTIZATION_MODES = ("int8", "float8", "int4", "gptq", "awq")


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
        self._name, self._compute, self._variable = _dtypes(name)

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


def _dtypes(name: str | None) -> tuple[str, str, str]:
    """Return a policy's name, and the dtypes that it computes and keeps variables in."""
    if name is not None and name in ("mixed_float16", "mixed_bfloat16"):
        return name, name.removeprefix("mixed_"), "float32"
    dtype = standardize_dtype(name)
    return dtype, dtype, dtype


@DTYPE_POLICIES.register(module="keras")
class FloatDTypePolicy(DTypePolicy):
    """The policy of a layer that is not quantized: `DTypePolicy` under its older name."""


@DTYPE_POLICIES.register()
class QuantizedDTypePolicy(DTypePolicy):
    """The policy of a layer whose kernel is quantized, and that computes the rest as another policy says.

    Args:
        mode: `"int8"`, `"int4"` or `"float8"`.
        source_name: The name of the policy for everything but the kernel; the default policy's where it is `None`.

    Raises:
        ValueError: There is no such mode or policy, or an int8 layer would compute in float16, which holds none of
            its sums.

    Example:
        >>> QuantizedDTypePolicy("int8", "mixed_bfloat16").name
        'int8_from_mixed_bfloat16'
    """

    # What a mode looks like, and how to write it.
    _modes: ClassVar[tuple[str, str]] = ("int8|int4|float8", "'int8', 'int4' or 'float8'")

    def __init__(self, mode: str, source_name: str | None = None) -> None:
        pattern, said = self._modes
        if not isinstance(mode, str) or not re.fullmatch(pattern, mode):
            raise ValueError(f"{type(self).__name__}: `mode` is {said}; got {mode!r}.")
        source = dtype_policy().name if source_name is None else source_name
        self.mode = mode
        self.source_name, self._compute, self._variable = _dtypes(source)
        self._name = f"{mode}_from_{self.source_name}"
        if mode == "int8" and self._compute == "float16":
            raise ValueError(
                f"{type(self).__name__}: sums of products of int8 numbers exceed what float16 holds; got "
                f"source_name={source!r}. Take 'float32', 'bfloat16' or 'mixed_bfloat16'."
            )

    @property
    def quantization_mode(self) -> str:
        """How the layer's kernel is quantized."""
        return self.mode.partition("/")[0]


@DTYPE_POLICIES.register()
class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer that computes with float8 numbers, scaled by the largest of the last steps.

    Args:
        mode: `"float8"`.
        source_name: As for `QuantizedDTypePolicy`.
        amax_history_length: How many steps' largest numbers are remembered.

    Raises:
        ValueError: Another mode, or a length that is no whole number above zero.

    Example:
        >>> QuantizedFloat8DTypePolicy("float8", "float32", amax_history_length=16)
        <QuantizedFloat8DTypePolicy 'float8_from_float32'>

    Reference:
        Micikevicius et al., "FP8 Formats for Deep Learning", 2022, https://arxiv.org/abs/2209.05433
    """

    _modes = ("float8", "'float8'")
    default_amax_history_length = 1024

    def __init__(
        self,
        mode: str,
        source_name: str | None = None,
        amax_history_length: int = default_amax_history_length,
    ) -> None:
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int) or amax_history_length < 1:
            raise ValueError(
                f"{type(self).__name__}: `amax_history_length` is a whole number above zero; got "
                f"{amax_history_length!r}."
            )
        self.amax_history_length = amax_history_length


class _Grouped(QuantizedDTypePolicy):
    """A policy whose mode says the size of the groups of weights that share a scale, too."""

    @property
    def block_size(self) -> int:
        """How many weights along the input share a scale; -1 for all of them."""
        return int(self.mode.rpartition("/")[2])


@DTYPE_POLICIES.register()
class Int4DTypePolicy(_Grouped):
    """The policy of a layer whose kernel is kept in four bits, with a scale for each group of weights.

    Args:
        mode: `"int4/"` and how many weights along the input share a scale; -1 for all of them.
        source_name: As for `QuantizedDTypePolicy`.

    Raises:
        ValueError: Another mode.

    Example:
        >>> Int4DTypePolicy("int4/128", "float32").block_size
        128
    """

    _modes = (r"int4/(-1|[1-9]\d*)", "'int4/<block size>', e.g. 'int4/128'")


@DTYPE_POLICIES.register()
class GPTQDTypePolicy(_Grouped):
    """The policy of a layer quantized by GPTQ.

    Args:
        mode: `"gptq/<bits>/<group size>"`.
        source_name: As for `QuantizedDTypePolicy`.

    Raises:
        ValueError: Another mode.

    Reference:
        Frantar et al., "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers", 2022,
        https://arxiv.org/abs/2210.17323
    """

    _modes = (r"gptq/[2348]/(-1|[1-9]\d*)", "'gptq/<bits>/<group size>', e.g. 'gptq/4/128'")


@DTYPE_POLICIES.register()
class AWQDTypePolicy(_Grouped):
    """The policy of a layer quantized by AWQ.

    Args:
        mode: `"awq/4/<group size>"`.
        source_name: As for `QuantizedDTypePolicy`.

    Raises:
        ValueError: Another mode.

    Reference:
        Lin et al., "AWQ: Activation-aware Weight Quantization", 2023, https://arxiv.org/abs/2306.00978
    """

    _modes = (r"awq/4/(-1|[1-9]\d*)", "'awq/4/<group size>', e.g. 'awq/4/128'")


@DTYPE_POLICIES.register()
class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """Policies by layers' paths: a layer that is given the map takes the policy at its own path.

    A key is a path, or a regular expression that fits the whole of it; an equal path counts before any expression.

    Args:
        default_policy: The policy, or its name, of layers that no key fits; the default one where it is `None`.
        policy_map: Policies by key.

    Raises:
        TypeError: A key is no text.
        ValueError: A key is there already, or several expressions fit a path.

    Example:
        >>> policies = DTypePolicyMap("float32")
        >>> policies["encoder/.*"] = DTypePolicy("mixed_bfloat16")
        >>> policies["encoder/dense"].name, policies["decoder"].name
        ('mixed_bfloat16', 'float32')
    """

    def __init__(
        self, default_policy: Any = None, policy_map: dict[str, Any] | None = None
    ) -> None:
        self._given = None if default_policy is None else get_policy(default_policy)
        self._default = dtype_policy() if self._given is None else self._given
        self._policies: dict[str, DTypePolicy] = {}
        for key, policy in (policy_map or {}).items():
            self[key] = policy

    @property
    def name(self) -> str:
        """The name, which says the default policy's."""
        return f"map_{self._default.name}"

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that no key fits."""
        return self._default

    @property
    def compute_dtype(self) -> str:
        """The default policy's."""
        return self._default.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The default policy's."""
        return self._default.variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """The default policy's."""
        return self._default.quantization_mode

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policies:
            return self._policies[key]
        fitting = [k for k in self._policies if re.fullmatch(k, key)]
        if len(fitting) > 1:
            raise ValueError(
                f"DTypePolicyMap: several keys fit the path {key!r}: {fitting}. Add the path itself, or narrow one."
            )
        return self._policies[fitting[0]] if fitting else self._default

    def __setitem__(self, key: str, policy: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(
                f"DTypePolicyMap: a key is a path or an expression, a text; got {key!r}."
            )
        if key in self._policies:
            raise ValueError(
                f"DTypePolicyMap: {key!r} has the policy {self._policies[key]!r} already. Delete it first."
            )
        self._policies[key] = get_policy(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the map anew."""
        return {
            "default_policy": None if self._given is None else serialize(self._given),
            "policy_map": {key: serialize(policy) for key, policy in self._policies.items()},
        }

    __eq__ = DTypePolicy.__eq__
    __hash__ = DTypePolicy.__hash__

    def __repr__(self) -> str:
        said = {key: policy.name for key, policy in self._policies.items()}
        return f"<DTypePolicyMap default_policy={self._default.name!r}, mapping={said}>"


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
        return _named(identifier)
    return DTypePolicy(standardize_dtype(identifier))


def _named(name: str) -> DTypePolicy:
    """Return the policy of a name: `"float32"`, `"mixed_float16"`, `"int4/128_from_float32"`."""
    kind = name.partition("_from_")[0].partition("/")[0]
    if kind not in QUANTIZATION_MODES:
        return DTypePolicy(name)
    mode, apart, source = name.partition("_from_")
    if not apart:
        raise ValueError(
            f"{name!r} is a way of quantizing, and a policy says what of as well: '{name}_from_float32', say."
        )
    grouped = {"int4": Int4DTypePolicy, "gptq": GPTQDTypePolicy, "awq": AWQDTypePolicy}
    if "/" in mode:
        return grouped.get(kind, QuantizedDTypePolicy)(mode, source)
    cls = QuantizedFloat8DTypePolicy if kind == "float8" else QuantizedDTypePolicy
    return cls(mode, source)


DTypeLike: TypeAlias = DType | DTypePolicy | dict[str, Any]
"""What an argument `dtype` of a layer, loss or metric may be: a dtype, a policy, its name or its config."""
