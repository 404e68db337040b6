"""How a layer is to be quantized: the mode, and what quantizes its weights and its inputs."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium.quantizers.base import QUANTIZERS, AbsMaxQuantizer, get
from trivium.state.configured import Configured
from trivium.state.registry import suggest

__all__ = [
    "Float8QuantizationConfig", "Int4QuantizationConfig", "Int8QuantizationConfig", "QuantizationConfig", "config_of",
]  # fmt: skip


@QUANTIZERS.register()
class QuantizationConfig(Configured):
    """Base of what says how a layer is quantized.

    Args:
        weight_quantizer: What quantizes the kernel; the mode's own way where it is `None`.
        activation_quantizer: What quantizes the inputs; they stay floats where it is `None`.
    """

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = None) -> None:
        self.weight_quantizer = get(weight_quantizer)
        self.activation_quantizer = get(activation_quantizer)

    @property
    def mode(self) -> str:
        """The mode: `"int8"`, `"int4"` or `"float8"`."""
        raise NotImplementedError(
            f"{type(self).__name__} says no mode: take `Int8QuantizationConfig` or another one of its subclasses."
        )

    @property
    def policy_mode(self) -> str:
        """The mode as a dtype policy has it."""
        return self.mode

    @staticmethod
    def weight_quantizer_or_default(config: QuantizationConfig | None, default: Any) -> Any:
        """Return what quantizes the kernel: what the config says, else `default`.

        Args:
            config: A config, or `None`.
            default: The quantizer where none is said.
        """
        return (
            default
            if config is None or config.weight_quantizer is None
            else config.weight_quantizer
        )

    @staticmethod
    def activation_quantizer_or_default(config: QuantizationConfig | None, default: Any) -> Any:
        """Return what quantizes the inputs: what the config says, `None` included, and `default` without a config.

        Args:
            config: A config, or `None`.
            default: The quantizer where there is no config.
        """
        return default if config is None else config.activation_quantizer


@QUANTIZERS.register()
class Int8QuantizationConfig(QuantizationConfig):
    """Kernels, and inputs where they are quantized too, as whole numbers from -127 to 127.

    Args:
        weight_quantizer: What quantizes the kernel, in place of a scale for each output.
        activation_quantizer: What quantizes the inputs; `"default"` takes a scale for each row of them. `None` leaves
            them floats.

    Example:
        >>> Int8QuantizationConfig(activation_quantizer=None).mode
        'int8'
    """

    mode = "int8"

    def __init__(self, weight_quantizer: Any = None, activation_quantizer: Any = "default") -> None:
        given = AbsMaxQuantizer() if activation_quantizer == "default" else activation_quantizer
        super().__init__(weight_quantizer, given)


@QUANTIZERS.register()
class Int4QuantizationConfig(QuantizationConfig):
    """Kernels in four bits, two numbers a byte; inputs stay floats.

    Args:
        weight_quantizer: What quantizes the kernel, for a scale for each output only.
        activation_quantizer: What quantizes the inputs, likewise; `"default"` leaves them floats.
        block_size: How many weights along the input share a scale and a zero point; `None` or -1 for a scale for each
            output.

    Raises:
        ValueError: Another block size, or quantizers for weights in groups, which have zero points besides scales.

    Example:
        >>> Int4QuantizationConfig(block_size=64).policy_mode
        'int4/64'
    """

    mode = "int4"

    def __init__(
        self,
        weight_quantizer: Any = None,
        activation_quantizer: Any = "default",
        block_size: int | None = 128,
    ) -> None:
        whole = isinstance(block_size, int) and not isinstance(block_size, bool)
        if block_size is not None and (not whole or (block_size != -1 and block_size < 1)):
            raise ValueError(
                "Int4QuantizationConfig: `block_size` is a whole number above zero, or None or -1 for one scale for "
                f"each output; got {block_size!r}."
            )
        given = None if activation_quantizer == "default" else activation_quantizer
        super().__init__(weight_quantizer, given)
        self.block_size = block_size
        if self.block_size not in (None, -1) and (
            self.weight_quantizer or self.activation_quantizer
        ):
            raise ValueError(
                f"Int4QuantizationConfig: weights in groups of {block_size} have zero points besides scales, which "
                "quantizers do not give. Leave the quantizers out, or pass `block_size=None`."
            )

    @property
    def policy_mode(self) -> str:
        """The mode as a dtype policy has it, the block size in it."""
        return f"int4/{self.block_size or -1}"


@QUANTIZERS.register()
class Float8QuantizationConfig(QuantizationConfig):
    """Training and inference with eight-bit floats; kernels are kept as they are.

    Example:
        >>> Float8QuantizationConfig().mode
        'float8'
    """

    mode = "float8"
    _unwritten: ClassVar[frozenset[str]] = frozenset({"weight_quantizer", "activation_quantizer"})

    def __init__(self) -> None:
        super().__init__()


_CONFIGS: dict[str, Any] = {
    "int8": Int8QuantizationConfig,
    "int4": Int4QuantizationConfig,
    "float8": Float8QuantizationConfig,
}


def config_of(mode: str | None, config: Any, where: str) -> QuantizationConfig:
    """Return how to quantize, given a mode, a config or both.

    Args:
        mode: The mode.
        config: A `QuantizationConfig`, or the config of one.
        where: What is to be quantized, for messages.

    Raises:
        ValueError: There is no such mode, neither is given, or one contradicts the other.
        TypeError: `config` is something else.
        NotImplementedError: The mode is one that needs data, GPTQ or AWQ.

    Example:
        >>> config_of("int4", None, "a layer").block_size
        128
    """
    if isinstance(config, dict):
        config = QUANTIZERS.deserialize(config)
    if config is not None and not isinstance(config, QuantizationConfig):
        raise TypeError(
            f"{where} cannot be quantized: `config` is a `QuantizationConfig`; got {config!r}."
        )
    if mode is None and config is None:
        raise ValueError(
            f"{where} cannot be quantized: say how, by `mode`, one of {', '.join(map(repr, _CONFIGS))}, or `config`."
        )
    if mode in ("gptq", "awq"):
        raise NotImplementedError(
            f"{where} cannot be quantized by {mode!r}, which needs a text data set and its tokenizer to calibrate and "
            "is not here. 'int4' and 'int8' need no data."
        )
    if config is not None and mode in (None, config.mode):
        return config
    if mode not in _CONFIGS:
        raise ValueError(
            f"{where} cannot be quantized: there is no mode {mode!r}. {suggest(str(mode), _CONFIGS)}"
        )
    if config is not None:
        raise ValueError(
            f"{where} cannot be quantized: mode={mode!r}, and `config` is for {config.mode!r}. Pass one of them."
        )
    made: QuantizationConfig = _CONFIGS[mode]()
    return made
