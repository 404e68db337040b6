"""First values whose spread follows from how many inputs and outputs a kernel has."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trivium.initializers.base import INITIALIZERS, shape_of
from trivium.initializers.drawing import CUT_STDDEV, STANDARD, Random
from trivium.state.registry import suggest
from trivium.state.seeds import Seed
from trivium.state.types import DType

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
    "compute_fans",
]


@INITIALIZERS.register("variance_scaling")
class VarianceScaling(Random):
    """Draws with the variance `scale / n`, so that signals neither grow nor fade between layers.

    Args:
        scale: A number above 0.
        mode: What `n` is: `"fan_in"`, the inputs of a unit; `"fan_out"`, its outputs; or
            `"fan_avg"`, their mean.
        distribution: `"truncated_normal"` (or `"normal"`), `"untruncated_normal"` or `"uniform"`.
        seed: As for `RandomNormal`.
        input_axes: The axes whose sizes multiply to the number of inputs. Only with `output_axes`.
        output_axes: The axes whose sizes multiply to the number of outputs. Only with `input_axes`.

    Raises:
        ValueError: An argument is none of these.

    Example:
        >>> values = VarianceScaling(2.0, "fan_in", "untruncated_normal", seed=1)((200, 500))
        >>> round(float(values.var()), 4)
        0.01

    Reference:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", 2010.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if scale <= 0:
            raise ValueError(f"VarianceScaling: `scale` is a number above 0; got {scale}.")
        modes = ("fan_in", "fan_out", "fan_avg")
        for name, value, known in (
            ("mode", mode, modes),
            ("distribution", distribution, STANDARD),
        ):
            if value not in known:
                raise ValueError(
                    f"VarianceScaling: there is no {name} {value!r}. {suggest(value, known)}"
                )
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return draws of this shape and float dtype."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "uniform":
            limit = math.sqrt(3) * stddev
            return self._draw("uniform", shape, dtype, 2 * limit, -limit)
        if self.distribution == "truncated_normal":
            stddev /= CUT_STDDEV
        return self._draw(self.distribution, shape, dtype, stddev)


class _NamedScaling(VarianceScaling):
    """Base of the variance scalings that have a name of their own."""

    _SCALING: tuple[float, str, str]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._SCALING, seed, input_axes, output_axes)


@INITIALIZERS.register("glorot_uniform")
class GlorotUniform(_NamedScaling):
    """Draws evenly from `[-limit, limit]`, `limit = sqrt(6 / (fan_in + fan_out))` (Xavier).

    Args:
        seed: As for `RandomNormal`.
        input_axes: As for `VarianceScaling`.
        output_axes: As for `VarianceScaling`.

    Example:
        >>> float(abs(GlorotUniform()((4, 2))).max()) <= 1.0
        True

    Reference:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", 2010,
        https://proceedings.mlr.press/v9/glorot10a.html
    """

    _SCALING = (1.0, "fan_avg", "uniform")


@INITIALIZERS.register("glorot_normal")
class GlorotNormal(_NamedScaling):
    """Draws from a truncated normal of standard deviation `sqrt(2 / (fan_in + fan_out))` (Xavier).

    Args:
        seed: As for `RandomNormal`.
        input_axes: As for `VarianceScaling`.
        output_axes: As for `VarianceScaling`.

    Example:
        >>> round(float(GlorotNormal(seed=1)((200, 200)).std()), 2)
        0.07

    Reference:
        Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
        networks", 2010,
        https://proceedings.mlr.press/v9/glorot10a.html
    """

    _SCALING = (1.0, "fan_avg", "truncated_normal")


@INITIALIZERS.register("he_uniform")
class HeUniform(_NamedScaling):
    """Draws evenly from `[-limit, limit]`, `limit = sqrt(6 / fan_in)`: for layers with ReLU.

    Args:
        seed: As for `RandomNormal`.
        input_axes: As for `VarianceScaling`.
        output_axes: As for `VarianceScaling`.

    Example:
        >>> float(abs(HeUniform()((6, 20))).max()) <= 1.0
        True

    Reference:
        He et al., "Delving Deep into Rectifiers", 2015, https://arxiv.org/abs/1502.01852
    """

    _SCALING = (2.0, "fan_in", "uniform")


@INITIALIZERS.register("he_normal")
class HeNormal(_NamedScaling):
    """Draws from a truncated normal of standard deviation `sqrt(2 / fan_in)`: for layers with ReLU.

    Args:
        seed: As for `RandomNormal`.
        input_axes: As for `VarianceScaling`.
        output_axes: As for `VarianceScaling`.

    Example:
        >>> round(float(HeNormal(seed=1)((200, 200)).std()), 2)
        0.1

    Reference:
        He et al., "Delving Deep into Rectifiers", 2015, https://arxiv.org/abs/1502.01852
    """

    _SCALING = (2.0, "fan_in", "truncated_normal")


@INITIALIZERS.register("lecun_uniform")
class LecunUniform(_NamedScaling):
    """Draws evenly from `[-limit, limit]`, `limit = sqrt(3 / fan_in)`.

    Args:
        seed: As for `RandomNormal`.
        input_axes: As for `VarianceScaling`.
        output_axes: As for `VarianceScaling`.

    Example:
        >>> float(abs(LecunUniform()((3, 20))).max()) <= 1.0
        True

    Reference:
        LeCun et al., "Efficient BackProp", 1998.
    """

    _SCALING = (1.0, "fan_in", "uniform")


@INITIALIZERS.register("lecun_normal")
class LecunNormal(_NamedScaling):
    """Draws from a truncated normal of standard deviation `sqrt(1 / fan_in)`: for layers with SELU.

    Args:
        seed: As for `RandomNormal`.
        input_axes: As for `VarianceScaling`.
        output_axes: As for `VarianceScaling`.

    Example:
        >>> round(float(LecunNormal(seed=1)((100, 400)).std()), 2)
        0.1

    Reference:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017, https://arxiv.org/abs/1706.02515
    """

    _SCALING = (1.0, "fan_in", "truncated_normal")


def compute_fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Return how many inputs and how many outputs a unit of these weights has.

    Args:
        shape: The weights' shape: `(inputs, outputs)`, or `(*window, inputs, outputs)`.
        input_axes: The axes that are inputs; with `output_axes`, in place of the rule above.
        output_axes: The axes that are outputs; with `input_axes`.

    Example:
        >>> compute_fans((784, 300)), compute_fans((3, 3, 16, 32))
        ((784, 300), (144, 288))
        >>> compute_fans((64, 8, 16), input_axes=[0], output_axes=[1, 2])
        (64, 128)
    """
    sizes = shape_of(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(sizes[a] for a in input_axes), math.prod(sizes[a] for a in output_axes)
    if len(sizes) < 2:
        return math.prod(sizes), math.prod(sizes)
    window = math.prod(sizes[:-2])
    return window * sizes[-2], window * sizes[-1]
