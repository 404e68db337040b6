"""One compiled pass through a model: every value, its statistics, and every gradient."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import activations, ops
from trivium.layers import ELU, Layer, LeakyReLU, ReLU
from trivium.state import Variable
from trivium.styles.explain.objective import Objective
from trivium.styles.explain.tape import Slot, Step, Tape

__all__ = ["Row", "WeightRow", "record"]

# What a function of a layer's output says of single units: whether it can be dead, and between which limits it runs.
_RECTIFIERS = {activations.relu, activations.relu6, ops.relu, ops.relu6}
_LIMITS = {
    activations.sigmoid: (0.0, 1.0), activations.hard_sigmoid: (0.0, 1.0),
    activations.tanh: (-1.0, 1.0), activations.hard_tanh: (-1.0, 1.0), activations.softsign: (-1.0, 1.0),
}  # fmt: skip
_NORMALIZED = {activations.softmax, ops.softmax, activations.sparsemax}


@dataclasses.dataclass
class Row:
    """A value inside a model: an input, or an output of a layer or op.

    Args:
        name: The layer's or op's name within the model; with `:2`, `:3` for further calls, `[1]` for further outputs.
        kind: The layer's class; `op` or `input`.
        shape: Its shape, with the batch.
        dtype: Its dtype.
        mean: The mean of its finite numbers, as the next three; not a number where it has none.
        std: Their standard deviation.
        min: The smallest.
        max: The largest.
        zeros: The share of zeros.
        nans: How many are not a number.
        infs: How many are infinite.
        gradient: The length of its gradient as a vector; `None` where it has none.
        gradient_nans: How many numbers of the gradient are not finite.
        units: How many units there are along the axis of features.
        dead: How many of them gave 0 everywhere, where the function is a rectifier; else `None`.
        saturated: How many of them were at a limit of the function everywhere, where it has two limits; else `None`.
        sources: The names of what it was computed from.
        output: The value.
        gradients: Its gradient; `None` where it has none.
        normalized: Whether the function makes the numbers add up to 1.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    mean: float
    std: float
    min: float
    max: float
    zeros: float
    nans: int
    infs: int
    gradient: float | None
    gradient_nans: int
    units: int
    dead: int | None
    saturated: int | None
    sources: tuple[str, ...] = ()
    output: Any = dataclasses.field(default=None, repr=False)
    gradients: Any = dataclasses.field(default=None, repr=False)
    normalized: bool = dataclasses.field(default=False, repr=False)


@dataclasses.dataclass
class WeightRow:
    """A trained weight.

    Args:
        name: Its name within the model.
        layer: The name of the layer or op that reads it first.
        shape: Its shape.
        norm: Its length as a vector.
        nans: How many of its numbers are not finite.
        gradient: The length of its gradient.
        gradient_nans: How many numbers of the gradient are not finite.
        update: The length of what the optimizer's next step adds to it; `None` where there is no optimizer.
        ratio: `update` as a share of `norm`; `None` where there is no update, or the weight is all zeros.
        gradients: Its gradient.
    """

    name: str
    layer: str
    shape: tuple[int, ...]
    norm: float
    nans: int
    gradient: float
    gradient_nans: int
    update: float | None
    ratio: float | None
    gradients: Any = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass
class Recorded:
    """What a pass gave.

    Args:
        rows: The values, in the order of the data's flow.
        weights: The trained weights.
        target: The number that was differentiated.
        names: The rows' names, by the ids of the tape's slots.
    """

    rows: list[Row]
    weights: list[WeightRow]
    target: float
    names: dict[int, str]


def record(tape: Tape, objective: Objective, saturation: float) -> Recorded:
    """Run a model once, forward and back, in one compiled program.

    Args:
        tape: The model's steps.
        objective: The number to differentiate.
        saturation: How near to a limit counts as at the limit, as a share of the distance between the limits.
    """
    slots = [*tape.inputs, *(s for step in tape.steps if not step.is_read for s in step.outputs)]
    floats = [s for s in slots if s.differentiable]
    # The optimizer's variables are built outside of the program.
    optimizer = _optimizer(tape, objective)

    def forward(probes: list[Any], trained: list[Any], values: dict[int, Any], inputs: Any) -> Any:
        now = {**values, **{id(v): x for v, x in zip(tape.weights, trained, strict=True)}}
        added = {id(s): p for s, p in zip(floats, probes, strict=True)}
        known, outputs = _forward(tape, objective, now, inputs, added)
        return outputs, [known[id(s)] for s in slots]

    def program(values: dict[int, Any], inputs: Any) -> Any:
        trained = [values[id(v)] for v in tape.weights]
        specs = jax.eval_shape(lambda: forward([0.0] * len(floats), trained, values, inputs)[1])
        shapes = {id(s): x for s, x in zip(slots, specs, strict=True)}
        probes = [jnp.zeros(shapes[id(s)].shape, shapes[id(s)].dtype) for s in floats]
        (target, found), (back, grads) = jax.value_and_grad(forward, argnums=(0, 1), has_aux=True)(
            probes, trained, values, inputs
        )
        return target, found, back, trained, grads, _updates(optimizer, grads, trained)

    result = jax.jit(program)(objective.values(), tape.values(objective.x))
    target, found, back, trained, grads, updates = jax.device_get(result)
    gradients = {id(slot): gradient for slot, gradient in zip(floats, back, strict=True)}
    names = _names(tape)
    rows = [
        _row(slot, names, value, gradients.get(id(slot)), saturation)
        for slot, value in zip(slots, found, strict=True)
    ]
    weights = [
        _weight_row(tape, variable, *numbers)
        for variable, *numbers in zip(
            tape.weights, trained, grads, updates or [None] * len(trained), strict=True
        )
    ]
    return Recorded(rows, weights, float(target), names)


def _forward(
    tape: Tape,
    objective: Objective,
    values: dict[int, Any],
    inputs: list[Any],
    probes: dict[int, Any],
) -> tuple[dict[int, Any], Any]:
    """Run the steps, adding to each value its probe: a zero whose gradient is that of the value."""
    known: dict[int, Any] = {}
    masks: dict[int, Any] = {}

    def keep(slot: Slot, value: Any, mask: Any) -> None:
        probe = probes.get(id(slot))
        known[id(slot)] = value if probe is None else value + jnp.asarray(probe, value.dtype)
        masks[id(slot)] = mask

    for slot, value in zip(tape.inputs, inputs, strict=True):
        keep(slot, value, None)
    state, penalties = dict(values), []
    for step in tape.steps:
        result = step.run(
            [known[id(s)] for s in step.inputs], [masks[id(s)] for s in step.inputs], state
        )
        state |= result.state
        penalties += result.penalties
        for slot, value, mask in zip(step.outputs, result.outputs, result.masks, strict=True):
            keep(slot, value, mask)
    penalties += [known[id(s)] for s in tape.losses]
    ends = [id(s) for s in tape.outputs]
    return known, objective.last(
        [known[e] for e in ends], [masks[e] for e in ends], penalties, values
    )


def _optimizer(tape: Tape, objective: Objective) -> Any:
    """Return the model's optimizer; a copy of it where it is not built yet, so that it stays so."""
    model = tape.model
    optimizer = model.optimizer if model.compiled and objective.uses_loss else None
    if optimizer is None or not tape.weights:
        return None
    if not optimizer.built:
        optimizer = copy.deepcopy(optimizer)
        optimizer.build(tape.weights)
    mine = [id(v) for v in optimizer._trainable_variables]
    return optimizer if mine == [id(v) for v in tape.weights] else None


def _updates(optimizer: Any, grads: list[Any], trained: list[Any]) -> list[Any]:
    """Return what the optimizer's next step adds to the weights."""
    if optimizer is None:
        return []
    state = [v.value for v in optimizer.variables]
    after, _ = optimizer.stateless_apply(state, grads, trained)
    return [a - b for a, b in zip(after, trained, strict=True)]


# -- statistics ----------------------------------------------------------------------------------------------------


def _wide(value: Any) -> np.ndarray:
    """Return numbers in double precision, so that no sum or square of theirs is lost."""
    array = np.asarray(value)
    return array.real.astype("float64") if np.iscomplexobj(array) else array.astype("float64")


def _statistics(x: np.ndarray) -> dict[str, float]:
    finite = x[np.isfinite(x)]
    if not finite.size:
        return dict.fromkeys(("mean", "std", "min", "max"), float("nan"))
    return {name: float(getattr(np, name)(finite)) for name in ("mean", "std", "min", "max")}


def _length(value: Any) -> tuple[float, int]:
    """Return the length of the finite part, and how many numbers are not finite."""
    x = np.abs(np.asarray(value)).astype("float64")
    finite = np.isfinite(x)
    return float(np.linalg.norm(x[finite])), int(x.size - finite.sum())


def _unit_axis(slot: Slot, rank: int) -> int:
    operation = slot.step.operation if slot.step is not None else None
    return 1 if getattr(operation, "data_format", "") == "channels_first" else rank - 1


def _units(slot: Slot, x: np.ndarray, saturation: float) -> dict[str, int]:
    """Count the units that gave nothing, or a limit, for all samples and at all positions."""
    function = None if slot.step is None else _function(slot.step)
    if function is None or x.ndim < 2:
        return {}
    axes = tuple(i for i in range(x.ndim) if i != _unit_axis(slot, x.ndim))
    if function in _RECTIFIERS:
        return {"dead": int(np.all(x == 0, axes).sum())}
    if function in _LIMITS:
        low, high = _LIMITS[function]
        near = saturation * (high - low)
        return {"saturated": int(np.all((x < low + near) | (x > high - near), axes).sum())}
    return {}


def _function(step: Step) -> Any:
    """Return the function that a step's output comes out of; `None` where there is none."""
    operation = step.operation
    if isinstance(operation, ReLU):
        plain = operation.max_value is None and not operation.negative_slope
        return activations.relu if plain else None
    if isinstance(operation, ELU | LeakyReLU):
        return None
    function = getattr(operation, "activation", None) if isinstance(operation, Layer) else operation
    return function if function is not None and type(function).__hash__ is not None else None


# -- rows ----------------------------------------------------------------------------------------------------------


def _names(tape: Tape) -> dict[int, str]:
    names: dict[int, str] = {}
    for i, slot in enumerate(tape.inputs):
        names[id(slot)] = slot.tensor.name if len(tape.inputs) > 1 else "input"
        if list(names.values()).count(names[id(slot)]) > 1:
            names[id(slot)] += f"_{i}"
    calls: dict[str, int] = {}
    for step in tape.steps:
        calls[step.path] = count = calls.get(step.path, 0) + 1
        base = step.path if count == 1 else f"{step.path}:{count}"
        for slot in step.outputs:
            names[id(slot)] = base if slot.index == 0 else f"{base}[{slot.index}]"
    return names


def _row(
    slot: Slot,
    names: dict[int, str],
    value: np.ndarray,
    gradient: np.ndarray | None,
    saturation: float,
) -> Row:
    step, x = slot.step, _wide(value)
    length, lost = (None, 0) if gradient is None else _length(gradient)
    units = _units(slot, x, saturation)
    return Row(
        name=names[id(slot)],
        kind="input" if step is None else step.kind,
        shape=tuple(x.shape),
        dtype=str(slot.tensor.dtype),
        **_statistics(x),
        zeros=float(np.mean(x == 0)) if x.size else 0.0,
        nans=int(np.isnan(x).sum()),
        infs=int(np.isinf(x).sum()),
        gradient=length,
        gradient_nans=lost,
        units=x.shape[_unit_axis(slot, x.ndim)] if x.ndim > 1 else 1,
        dead=units.get("dead"),
        saturated=units.get("saturated"),
        sources=() if step is None else tuple(names[id(s)] for s in step.sources if id(s) in names),
        output=value,
        gradients=gradient,
        normalized=step is not None and _function(step) in _NORMALIZED,
    )


def _weight_row(
    tape: Tape, variable: Variable, value: Any, gradient: Any, update: Any
) -> WeightRow:
    norm, lost = _length(value)
    length, wrong = _length(gradient)
    step, broken = (None, 0) if update is None else _length(update)
    step = None if broken else step
    return WeightRow(
        name=tape.names[id(variable)],
        layer=_reader(tape, variable),
        shape=tuple(variable.shape),
        norm=norm,
        nans=lost,
        gradient=length,
        gradient_nans=wrong,
        update=step,
        ratio=step / norm if step is not None and norm else None,
        gradients=gradient,
    )


def _reader(tape: Tape, variable: Variable) -> str:
    found = next((s for s in tape.steps if any(v is variable for v in s.touched)), None)
    return found.path if found is not None else ""
