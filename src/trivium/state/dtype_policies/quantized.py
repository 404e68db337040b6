"""Policies of layers whose kernels are quantized."""

from __future__ import annotations

import re
from typing import ClassVar

from trivium.state.dtype_policies.base import DTYPE_POLICIES, DTypePolicy, dtype_policy, dtypes_of

__all__ = [
    "QUANTIZATION_MODES",
    "AWQDTypePolicy",
    "GPTQDTypePolicy",
    "Int4DTypePolicy",
    "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy",
    "named_policy",
]

QUANTIZATION_MODES = ("int8", "float8", "int4", "gptq", "awq")


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
        self.source_name, self._compute, self._variable = dtypes_of(source)
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


def named_policy(name: str) -> DTypePolicy:
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
