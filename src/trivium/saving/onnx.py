"""Models for ONNX runtimes: the program of a model's inference, converted by jax2onnx and tried in onnxruntime.

The model is traced here, with an open batch, and the converter sees a program of plain operations alone. What it cannot
convert is said in operations that it can: padding by concatenation, a loop from the end by one over the reverse.

Reference:
    https://onnx.ai/onnx/operators/ and https://github.com/enpasos/jax2onnx
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from trivium.saving.durable import durable
from trivium.state.frame import entered
from trivium.state.jaxpr_interpreter import rewritten
from trivium.state.trees import map_tree

__all__ = ["write_onnx"]

# How far onnxruntime's outputs may be from ours, relative to the largest: both add up in an order of their own.
_TOLERANCE = 1e-3
_BATCHES = (1, 3)


def write_onnx(
    model: Any, filepath: str | os.PathLike[str], specs: list[Any], opset: int | None = None
) -> None:
    """Write a model's inference as an ONNX file, once onnxruntime has given the model's own outputs with it.

    Args:
        model: The model.
        filepath: The path, which ends in `.onnx`.
        specs: The inputs, as specs whose open sizes are symbols, nested as the model takes them.
        opset: The version of ONNX's operators; the converter's own choice where it is `None`.

    Raises:
        ModuleNotFoundError: jax2onnx or onnxruntime is not installed.
        NotImplementedError: The converter does not know an operation of the model.
        ValueError: onnxruntime gives other outputs than the model, or refuses the file.
        OSError: The file cannot be written.
    """
    jax2onnx, onnxruntime = _needed()
    leaves, structure = jax.tree_util.tree_flatten(specs)

    def inference(*inputs: Any) -> Any:
        outputs = model(*jax.tree_util.tree_unflatten(structure, inputs), training=False)
        return tuple(jax.tree_util.tree_leaves(outputs))

    with entered(portable=True):
        program = jax.make_jaxpr(inference)(*leaves)
    names = _names(model, specs)
    settings = {} if opset is None else {"opset": opset}
    try:
        # Before the converter sees it: while it traces, functions of jax.numpy are its own.
        program = jax.make_jaxpr(rewritten(program, _RULES))(*leaves)
        with _quiet(), _as_it_was():
            proto = jax2onnx.to_onnx(
                rewritten(program, {}), leaves, model_name=model.name, input_names=names, **settings
            )
    except Exception as error:
        raise NotImplementedError(
            f"{model.name!r} cannot be written as ONNX: jax2onnx does not know one of its operations "
            f'({type(error).__name__}: {str(error).splitlines()[0]}). `format="stablehlo"` takes every model.'
        ) from error
    written = proto.SerializeToString()
    _check(onnxruntime, written, inference, leaves, model.name)
    with durable(filepath) as part:
        part.write_bytes(written)


def _needed() -> tuple[Any, Any]:
    missing = [n for n in ("jax2onnx", "onnxruntime") if importlib.util.find_spec(n) is None]
    if missing:
        raise ModuleNotFoundError(
            f'ONNX files are written by {" and ".join(missing)}: pip install "trivium[onnx]".',
            name=missing[0],
        )
    import jax2onnx
    import onnxruntime

    return jax2onnx, onnxruntime


def _names(model: Any, specs: list[Any]) -> list[str] | None:
    """Return the inputs' names, by their keys or tensors, if there is one for each and no two are the same."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(specs)]
    tensors = jax.tree_util.tree_leaves(getattr(model, "inputs", None) or [])
    keys = [str(path[-1].key) for path in paths if isinstance(path[-1], jax.tree_util.DictKey)]
    names = keys if len(keys) == len(paths) else [tensor.name for tensor in tensors]
    return names if len(set(names)) == len(paths) else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the converter tells of its own work from users: it prints and logs lines by the dozen."""
    logger, out = logging.getLogger("onnx_ir"), io.StringIO()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(out):
            yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Put back what the converter leaves changed in JAX: its `jnp.cumsum` would be everybody's from then on."""
    modules = (jax, jax.numpy, jax.lax, jax.nn, jax.random)
    before = [dict(vars(module)) for module in modules]
    try:
        yield
    finally:
        for module, names in zip(modules, before, strict=True):
            for name, value in names.items():
                if vars(module).get(name) is not value:
                    setattr(module, name, value)


def _check(
    onnxruntime: Any, written: bytes, inference: Callable[..., Any], specs: list[Any], name: str
) -> None:
    """Raise an error unless onnxruntime gives the model's outputs, for batches of several sizes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    rng = np.random.default_rng(0)
    try:
        session = onnxruntime.InferenceSession(written, options, providers=["CPUExecutionProvider"])
        for batch in _BATCHES:
            inputs, ours = _tried(inference, specs, batch, rng)
            said = dict(zip((i.name for i in session.get_inputs()), inputs, strict=True))
            pairs = list(zip(ours, session.run(None, said), strict=True))
            furthest = max((_distance(*pair) for pair in pairs), default=0.0)
            if not furthest < _TOLERANCE:
                raise ValueError(
                    f"its outputs for {batch} samples differ from the model's by {furthest:.2g}"
                )
    except Exception as error:
        raise ValueError(
            f"{name!r} cannot be written as ONNX: onnxruntime does not run it as it should: "
            f'{str(error).splitlines()[0]}. `format="stablehlo"` takes every model.'
        ) from error


def _tried(
    inference: Callable[..., Any], specs: list[Any], batch: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], Any]:
    """Return inputs of some size and the model's outputs for them."""
    shapes = [[n if isinstance(n, int) else batch for n in spec.shape] for spec in specs]
    # Zeros and ones, which a table of two rows has; floats as floats are where the model takes such.
    inputs = [
        rng.integers(0, 2, shape).astype(spec.dtype)
        for shape, spec in zip(shapes, specs, strict=True)
    ]
    floats = [
        rng.normal(size=x.shape).astype(x.dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else x
        for x in inputs
    ]
    try:
        return floats, inference(*floats)
    except ValueError:  # It looks them up.
        return inputs, inference(*inputs)


def _distance(ours: Any, theirs: Any) -> float:
    """Return how far outputs are apart, relative to the largest of them; infinity where one is no number."""
    ours, theirs = np.asarray(ours, "float64"), np.asarray(theirs, "float64")
    if ours.shape != theirs.shape:
        return np.inf
    far = np.abs(ours - theirs).max(initial=0.0)
    return float(np.nan_to_num(far, nan=np.inf) / max(1.0, np.abs(ours).max(initial=0.0)))


# -- operations said otherwise --------------------------------------------------------------------------------------


def _pad(x: Any, value: Any, *, padding_config: Sequence[tuple[int, int, int]]) -> Any:
    """Pad by concatenation: the converter's own takes no array whose batch is open."""
    for axis, (low, high, between) in enumerate(padding_config):
        if between:
            x = _apart(x, value, axis, between)
        if low < 0 or high < 0:
            x = lax.slice_in_dim(x, max(-low, 0), x.shape[axis] - max(-high, 0), axis=axis)
        parts = [_filled(x, value, axis, max(n, 0)) for n in (low, high)]
        if low > 0 or high > 0:
            x = jnp.concatenate([parts[0], x, parts[1]], axis)
    return x


def _apart(x: Any, value: Any, axis: int, between: int) -> Any:
    """Put cells between those of an axis: behind each of them, but for the last."""
    size = x.shape[axis]
    wide = jnp.expand_dims(x, axis + 1)
    wide = jnp.concatenate([wide, _filled(wide, value, axis + 1, between)], axis + 1)
    shape = (*x.shape[:axis], size * (between + 1), *x.shape[axis + 1 :])
    return lax.slice_in_dim(wide.reshape(shape), 0, size * (between + 1) - between, axis=axis)


def _filled(x: Any, value: Any, axis: int, count: int) -> Any:
    return jnp.full((*x.shape[:axis], count, *x.shape[axis + 1 :]), value, x.dtype)


def _scan(
    *operands: Any,
    jaxpr: Callable[..., list[Any]],
    num_consts: int,
    num_carry: int,
    length: int,
    reverse: bool,
    unroll: int,
    **_: Any,
) -> list[Any]:
    """Run a loop from the start, over what is turned round where it goes from the end."""
    first = num_consts + num_carry
    fixed, carry, over = operands[:num_consts], operands[num_consts:first], operands[first:]
    turned = [jnp.flip(x, 0) if reverse else x for x in over]

    def step(carry: Any, x: Any) -> Any:
        outputs = jaxpr(*fixed, *carry, *x)
        return outputs[:num_carry], outputs[num_carry:]

    last, given = lax.scan(
        step, list(carry), turned, length=None if turned else length, unroll=unroll
    )
    return [*last, *(map_tree(lambda y: jnp.flip(y, 0) if reverse else y, given))]


def _convolution(
    x: Any,
    kernel: Any,
    *,
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int],
    rhs_dilation: Sequence[int],
    dimension_numbers: Any,
    **settings: Any,
) -> Any:
    """Convolve with a kernel whose axes are in the usual order, where cells between the input's stand already."""
    inputs, kernels, outputs = dimension_numbers
    for axis, factor in zip(inputs[2:], lhs_dilation, strict=True):
        x = _apart(x, 0, axis, factor - 1) if factor > 1 else x
    # Space, inputs, outputs.
    kernel = jnp.transpose(kernel, (*kernels[2:], kernels[1], kernels[0]))
    rank = kernel.ndim
    usual = (rank - 1, rank - 2, *range(rank - 2))
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides,
        padding,
        rhs_dilation=rhs_dilation,
        dimension_numbers=lax.ConvDimensionNumbers(inputs, usual, outputs),
        **settings,
    )


def _largest(
    x: Any,
    *,
    window_dimensions: Sequence[int],
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    base_dilation: Sequence[int],
    window_dilation: Sequence[int],
) -> Any:
    """Return the largest of each window: of slices, one for each place in it."""
    least = -jnp.inf if jnp.issubdtype(x.dtype, jnp.inexact) else jnp.iinfo(x.dtype).min
    edges = [(*p, d - 1) for p, d in zip(padding, base_dilation, strict=True)]
    x = _pad(x, least, padding_config=edges)
    reach = [d * (n - 1) for n, d in zip(window_dimensions, window_dilation, strict=True)]
    best = None
    for place in itertools.product(*map(range, window_dimensions)):
        cut = x
        for axis, (p, d, r, stride) in enumerate(
            zip(place, window_dilation, reach, window_strides, strict=True)
        ):
            if r or stride > 1:
                start = p * d
                cut = lax.slice_in_dim(cut, start, x.shape[axis] - r + start, stride, axis)
        best = cut if best is None else jnp.maximum(best, cut)
    return best


_RULES: dict[str, Callable[..., Any]] = {
    "conv_general_dilated": _convolution,
    "pad": _pad,
    "reduce_window_max": _largest,
    "scan": _scan,
}
