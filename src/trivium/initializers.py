"""Initializers: how the first values of a variable are drawn.

An initializer is anything that can be called with `(shape, dtype)` and gives an array. The
library's own draw with NumPy on the host, so nothing is compiled and every device starts from the
same numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from trivium.state.configured import Configured
from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.faces import faces
from trivium.state.registry import Registry, suggest
from trivium.state.seeds import Seed, SeedGenerator, host_generator
from trivium.state.types import DType
from trivium.state.variable import Variable

__all__ = [
    "INITIALIZERS",
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]  # fmt: skip


class _Initializers(Registry[Any]):
    """Initializers by name; an array in the place of one is the very values."""

    def get(self, identifier: Any) -> Any:
        """Return the initializer that `identifier` means."""
        if isinstance(identifier, np.ndarray | np.generic | jax.Array | Variable):
            return _Given(identifier)
        return super().get(identifier)


INITIALIZERS = _Initializers("initializer", "keras.initializers")

# Where a normal distribution of standard deviation 1 is cut, and the deviation that is left.
_CUT = 2.0
_CUT_STDDEV = math.sqrt(
    1 - _CUT * math.exp(-(_CUT**2) / 2) / (math.sqrt(math.pi / 2) * math.erf(_CUT / math.sqrt(2)))
)


class Initializer(Configured):
    """Base of initializers: override `__call__`, and `get_config` where there are arguments.

    Example:
        >>> class Halves(Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.full(shape, 0.5, dtype)
        >>> Halves()((2,), "float32").tolist()
        [0.5, 0.5]
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> Any:
        """Return the first values of a variable.

        Args:
            shape: The variable's shape.
            dtype: Its dtype; the default float type where it is `None`.

        Returns:
            An array of that shape and dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method `__call__(shape, dtype)`.")

    def clone(self) -> Self:
        """Return an equal initializer."""
        return self.from_config(self.get_config())


@INITIALIZERS.register("zeros", "zero")
class Zeros(Initializer):
    """All zeros.

    Example:
        >>> Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return zeros of this shape and dtype."""
        return np.zeros(_shape(shape), _dtype(dtype))


@INITIALIZERS.register("ones", "one")
class Ones(Initializer):
    """All ones.

    Example:
        >>> Ones()((2,), "int32").tolist()
        [1, 1]
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return ones of this shape and dtype."""
        return np.ones(_shape(shape), _dtype(dtype))


@INITIALIZERS.register("constant")
class Constant(Initializer):
    """One value everywhere.

    Args:
        value: A number, or an array that broadcasts to the variable's shape.

    Example:
        >>> Constant(3.0)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the value in this shape and dtype."""
        return np.full(_shape(shape), np.asarray(self.value), _dtype(dtype))

    def _config_argument(self, name: str) -> Any:
        return self.value.value if isinstance(self.value, Variable) else self.value

    @classmethod
    def _config_read(cls, name: str, value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") not in ("__numpy__", "__tensor__"):
            raise ValueError(
                f"Constant: the config's value is a number or an array; got {value!r}."
            )
        return super()._config_read(name, value)


class _Given(Constant):
    """An array given in place of an initializer; broadcasting it would hide a wrong shape."""

    _written_as = Constant

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        if _shape(shape) != tuple(self.value.shape):
            raise ValueError(
                f"The array given as an initializer has shape {tuple(self.value.shape)}, but the "
                f"variable has shape {_shape(shape)}. Give an array of that shape, or "
                "`Constant(array)`, which broadcasts."
            )
        return super().__call__(shape, dtype)


@INITIALIZERS.register("identity", "IdentityInitializer")
class Identity(Initializer):
    """The identity matrix; beyond the diagonal of a matrix that is not square there are zeros.

    Args:
        gain: What stands on the diagonal.

    Example:
        >>> Identity(2.0)((2, 3)).tolist()
        [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    # Files of Keras have no gain.
    _left_out: ClassVar[dict[str, Any]] = {"gain": 1.0}

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the matrix.

        Args:
            shape: Two sizes.
            dtype: The dtype.

        Raises:
            ValueError: The shape is not that of a matrix.
        """
        sizes = _shape(shape)
        if len(sizes) != 2:
            raise ValueError(f"Identity gives matrices, so the shape has two sizes; got {sizes}.")
        return (self.gain * np.eye(*sizes)).astype(_dtype(dtype))


class _Random(Initializer):
    """Base of initializers that draw: it reads, keeps and writes the seed."""

    def __init__(self, seed: Seed = None) -> None:
        whole = isinstance(seed, int | np.integer) and seed >= 0
        if not (seed is None or whole or isinstance(seed, SeedGenerator)):
            raise ValueError(
                f"{type(self).__name__}: `seed` is a whole number of at least 0, a "
                f"`SeedGenerator` or None; got {seed!r}."
            )
        self.seed = int(seed) if isinstance(seed, int | np.integer) else seed

    def _draw(
        self, kind: str, shape: Sequence[int], dtype: DType | None, scale: float, shift: float = 0.0
    ) -> np.ndarray:
        """Return `shift + scale * draws` of the standard distribution `kind`."""
        wanted = self._float(dtype)
        wide = wanted if wanted == np.float64 else np.dtype(np.float32)
        values = _STANDARD[kind](host_generator(self.seed), _shape(shape), wide)
        values *= float(scale)
        values += float(shift)
        return values.astype(wanted, copy=False)

    def _float(self, dtype: DType | None) -> np.dtype[Any]:
        wanted = _dtype(dtype)
        if not is_float(wanted):
            raise ValueError(f"{type(self).__name__} draws floats; got the dtype {wanted.name!r}.")
        return wanted


@INITIALIZERS.register("random_normal", "normal")
class RandomNormal(_Random):
    """Draws from a normal distribution.

    Args:
        mean: Its mean.
        stddev: Its standard deviation.
        seed: A whole number gives the same values at each call; a `SeedGenerator` new ones each
            time, from its own seed; `None` new ones each time, from the global seed.

    Example:
        >>> round(float(RandomNormal(stddev=0.01, seed=1)((784, 300)).std()), 4)
        0.01
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return draws of this shape and float dtype."""
        return self._draw("untruncated_normal", shape, dtype, self.stddev, self.mean)


@INITIALIZERS.register("truncated_normal")
class TruncatedNormal(RandomNormal):
    """Draws from a normal distribution, anew where that is over two standard deviations off.

    Args:
        mean: The mean.
        stddev: The standard deviation before the cut; 0.88 of it is left.
        seed: As for `RandomNormal`.

    Example:
        >>> float(abs(TruncatedNormal(stddev=1.0)((100, 100))).max()) <= 2.0
        True
    """

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return draws of this shape and float dtype."""
        return self._draw("truncated_normal", shape, dtype, self.stddev, self.mean)


@INITIALIZERS.register("random_uniform", "uniform")
class RandomUniform(_Random):
    """Draws evenly between two numbers.

    Args:
        minval: The lower end.
        maxval: The upper end.
        seed: As for `RandomNormal`.

    Example:
        >>> values = RandomUniform(0.0, 2.0)((3, 4))
        >>> bool((values >= 0).all() and (values <= 2).all())
        True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return draws of this shape and float dtype."""
        return self._draw("uniform", shape, dtype, self.maxval - self.minval, self.minval)


@INITIALIZERS.register("variance_scaling")
class VarianceScaling(_Random):
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
            ("distribution", distribution, _STANDARD),
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
            stddev /= _CUT_STDDEV
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


@INITIALIZERS.register("orthogonal", "OrthogonalInitializer")
class Orthogonal(_Random):
    """Draws a matrix with orthogonal rows or columns, whichever are fewer, evenly from all such.

    A shape of more than two sizes is a matrix too: all but the last size together are its rows.

    Args:
        gain: The length of its rows or columns.
        seed: As for `RandomNormal`.

    Example:
        >>> q = Orthogonal(seed=1)((4, 2))
        >>> np.abs(q.T @ q - np.eye(2)).max().item() < 1e-6
        True

    Reference:
        Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural
        networks", 2014,
        https://arxiv.org/abs/1312.6120
    """

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the matrix in this shape and float dtype.

        Raises:
            ValueError: The shape has fewer than two sizes.
        """
        sizes = _shape(shape)
        if len(sizes) < 2:
            raise ValueError(f"Orthogonal needs a shape of at least two sizes; got {sizes}.")
        rows, columns = math.prod(sizes[:-1]), sizes[-1]
        tall = (max(rows, columns), min(rows, columns))
        wanted = self._float(dtype)
        wide = "float64" if wanted == np.float64 else "float32"
        q, r = np.linalg.qr(self._draw("untruncated_normal", tall, wide, 1.0))
        # QR leaves the signs open; those of R's diagonal make the draw an even one.
        q *= self.gain * np.copysign(1, np.diagonal(r))
        matrix = q if rows >= columns else q.T
        return matrix.reshape(sizes).astype(wanted, copy=False)


@INITIALIZERS.register("stft", "STFTInitializer")
class STFT(Initializer):
    """The kernel of a convolution over samples that gives their Fourier transforms in a sliding window.

    Args:
        side: `"real"` or `"imag"`: which part of the transform.
        window: The weights of the samples: a name that `scipy.signal.get_window` knows, an array, or `None` for none.
        scaling: What the weights are divided by: `"density"` the root of the sum of their squares, `"spectrum"` their
            sum, `None` nothing.
        periodic: Whether the window, whose next sample is its first again, has one sample less than a symmetric one.

    Raises:
        ValueError: A word is none of these.

    Example:
        >>> STFT("imag", window=None, scaling=None)((4, 1, 3))[:, 0, 1].round().tolist()
        [-0.0, -1.0, -0.0, 1.0]

    Reference:
        Allen, "Short term spectral analysis, synthesis, and modification by discrete Fourier transform", 1977,
        https://doi.org/10.1109/TASSP.1977.1162950
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        for name, value, known in (
            ("side", side, ("real", "imag")),
            ("scaling", scaling, ("density", "spectrum", None)),
        ):
            if value not in known:
                raise ValueError(f"STFT: `{name}` is one of {known}; got {value!r}.")
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, periodic

    def __call__(self, shape: Sequence[int], dtype: DType | None = None) -> np.ndarray:
        """Return the kernel, of shape `(samples, 1, frequencies)`.

        Raises:
            ValueError: The shape is another, or the window has another length, or a sum of 0 to scale by.
        """
        sizes = _shape(shape)
        if len(sizes) != 3 or sizes[1] != 1 or sizes[2] < 2:
            raise ValueError(f"STFT: the kernel's shape is (samples, 1, frequencies); got {sizes}.")
        samples, _, frequencies = sizes
        angles = np.outer(np.arange(samples), np.arange(frequencies)) * np.pi / (frequencies - 1)
        waves = np.cos(angles) if self.side == "real" else -np.sin(angles)
        return (waves * self._weights(samples)[:, None])[:, None].astype(_dtype(dtype))

    def _weights(self, samples: int) -> np.ndarray:
        if self.window is None:
            weights = np.ones(samples)
        elif isinstance(self.window, str):
            from scipy.signal import get_window

            try:
                weights = get_window(self.window, samples, fftbins=self.periodic)
            except ValueError as error:
                raise ValueError(
                    "STFT: `window` is a name that `scipy.signal.get_window` knows, an array or None; got "
                    f"{self.window!r}. {error}"
                ) from None
        else:
            weights = np.asarray(self.window, "float64")
        if weights.shape != (samples,):
            raise ValueError(
                f"STFT: the window has the shape {weights.shape}; the kernel has {samples} samples."
            )
        total = {"density": np.sqrt(np.sum(weights**2)), "spectrum": np.sum(weights), None: 1.0}
        if not total[self.scaling]:
            raise ValueError(
                f"STFT: nothing can be scaled by the window {self.window!r} of {samples} samples, whose sum is 0. Take "
                "more samples, or scaling=None."
            )
        return np.asarray(weights / total[self.scaling])


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
    sizes = _shape(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(sizes[a] for a in input_axes), math.prod(sizes[a] for a in output_axes)
    if len(sizes) < 2:
        return math.prod(sizes), math.prod(sizes)
    window = math.prod(sizes[:-2])
    return window * sizes[-2], window * sizes[-1]


def _shape(shape: Any) -> tuple[int, ...]:
    try:
        return tuple(map(operator.index, (shape,) if isinstance(shape, int) else shape))
    except TypeError:
        raise ValueError(
            f"A variable's shape is a sequence of whole numbers; got {shape!r}. Its sizes have "
            "to be known: give the layer an input shape without None where a weight depends on it."
        ) from None


def _dtype(dtype: DType | None) -> np.dtype[Any]:
    return jnp.dtype(standardize_dtype(dtype))


def _truncated(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.ndarray:
    values = rng.standard_normal(shape, dtype)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) > _CUT)
    while outside.size:
        again = rng.standard_normal(outside.size, dtype)
        flat[outside] = again
        outside = outside[np.abs(again) > _CUT]
    return values


_STANDARD: dict[str, Callable[..., np.ndarray]] = {
    "uniform": lambda rng, shape, dtype: rng.random(shape, dtype),
    "untruncated_normal": lambda rng, shape, dtype: rng.standard_normal(shape, dtype),
    "truncated_normal": _truncated,
}


get, serialize, deserialize = faces(INITIALIZERS, __name__)

IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
constant = Constant
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
ones, zeros = Ones, Zeros
random_normal, random_uniform = RandomNormal, RandomUniform
STFTInitializer = stft = STFT
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling
