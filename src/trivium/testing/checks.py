"""The checks, in the order in which they run: each tries one thing and yields what is wrong, and what to do."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import pickle
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_leaves, tree_map

from trivium.layers import Layer, serialize
from trivium.models import Model, Sequential
from trivium.state import StatelessScope
from trivium.state.configured import arguments
from trivium.state.effects import Effects
from trivium.state.masks import get_mask, set_mask
from trivium.styles import source
from trivium.styles.explain import explain
from trivium.testing.control import WAYS, in_turn
from trivium.testing.subject import Subject, difference, is_float_array, program

__all__ = ["CHECKS", "Check"]

Problems = Iterator[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: Its name.
        run: The function.
        fails: What is said where it fails with an error.
        needs: The checks without which it says nothing new.
    """

    name: str
    run: Callable[[Subject], Problems]
    fails: str
    needs: tuple[str, ...]


CHECKS: list[Check] = []


def _check(name: str, fails: str, *needs: str) -> Callable[[Callable[[Subject], Problems]], Any]:
    def register(run: Callable[[Subject], Problems]) -> Any:
        CHECKS.append(Check(name, run, fails, needs))
        return run

    return register


@_check("call", "Calling the layer fails")
def _call(s: Subject) -> Problems:
    """It runs, in both modes, and gives numbers."""
    layer = s.fresh()
    outputs = layer(s.inputs, **s.kwargs)
    # Weights that begin as zeros or ones hide what is wrong.
    for w in layer.trainable_weights:
        w.assign(w.value + 0.05 * np.cos(np.arange(w.size)).reshape(w.shape))
    s.layer = layer
    if not tree_leaves(outputs):
        yield "`call` returns nothing.", "End it with `return` and the outputs."
    for training in (False, True):
        outputs, losses, _ = s.run(layer, s.inputs, training)
        for x in [*tree_leaves(outputs), losses]:
            if is_float_array(x) and not bool(jnp.isfinite(x).all()):
                yield (
                    f"The outputs have NaN or infinity in them (training={training}).",
                    "Look for divisions by 0, logarithms and roots of what may be 0, and overflow.",
                )
                return


@_check("building", "Building the layer by `build(input_shape)` fails", "call")
def _building(s: Subject) -> Problems:
    """`build` makes all weights, from the shape alone, and none of them has the batch's size."""
    before = len(s.layer.variables)
    s.layer(s.inputs, **s.kwargs)
    made = s.layer.variables[before:]
    if made:
        yield (
            f"Each call makes new variables: the second one made {_names(made)}.",
            "Make weights in `build`, and layers in `__init__` or `build`.",
        )
        return
    if s.given.built or s.kwargs:
        return
    forms = _forms(s.layer)
    for batch in (None, s.batch + 1):
        other = s.fresh()
        other.build(s.sizes(batch))
        built = _forms(other)
        missing = [name for name, _ in forms if name not in [n for n, _ in built]]
        if missing:
            yield (
                f"`build` does not make {', '.join(map(repr, missing))}; only calling the layer does.",
                "Make weights in `build`, and build the layers inside there: what is built without data (from a "
                "config, or to load weights) lacks them.",
            )
            return
        if built != forms:
            yield (
                f"The weights' shapes depend on the size of the batch: {forms} for {s.batch} examples, {built} for "
                f"{'an unknown number' if batch is None else batch}.",
                "Use `input_shape[1:]` only.",
            )
            return


def _forms(layer: Any) -> list[tuple[str, Any]]:
    """Return the weights' names and shapes. A name that came by itself has a number, another one in each layer."""
    return [(re.sub(r"^variable_\d+$", "variable", w.name), w.shape) for w in layer.weights]


@_check("determinism", "Calling the layer twice fails", "call")
def _determinism(s: Subject) -> Problems:
    """The same input and the same state give the same output."""
    for training in (False, True):
        one, other = (s.run(s.layer, s.inputs, training) for _ in range(2))
        if difference(one, other, 0):
            where = "in training" if training else "in inference"
            yield (
                f"Two calls {where} on the same input, with the same weights, give different results.",
                "Draw random numbers from a `trivium.random.SeedGenerator` that `__init__` assigns to an attribute, "
                "and in training only; and let nothing else that changes go into the result.",
            )
            return
    with StatelessScope([(v, v.value) for v in s.layer.variables]):
        one, other = (s.layer(s.inputs, training=False, **s.kwargs) for _ in range(2))
    if difference(one, other, 0):
        yield (
            "Two calls in inference give different results: the layer changes its state, or draws, there too.",
            "Change weights and draw random numbers only if `training` is true.",
        )


@_check("side effects", "Calling the layer again fails", "call")
def _side_effects(s: Subject) -> Problems:
    """`call` computes, and changes nothing but variables."""
    before = _attributes(s.layer)
    s.run(s.layer, s.inputs, True)
    after = _attributes(s.layer)
    changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    if changed:
        yield (
            f"`call` changes the attribute{'s' * (len(changed) > 1)} {', '.join(f'`{k}`' for k in changed)}.",
            "A compiled step runs the program, not the Python code, so it happens once and never again. Keep what "
            "changes\nin a weight (`add_weight(..., trainable=False)`) and give it new values by `assign`.",
        )


@_check("compiling", "Compiled, the layer fails", "call")
def _compiling(s: Subject) -> Problems:
    """What is compiled gives what plain calls give."""
    for training in (False, True):
        plain = s.run(s.layer, s.inputs, training)
        compiled = program(functools.partial(s.run, s.layer, training=training), s.inputs)
        found = difference(plain, compiled)
        if found:
            yield (
                f"Compiled, the layer gives something else than in a plain call (training={training}): {found}.",
                "A program is made by one run of the code. Look for Python code that does another thing each time: "
                "counters, clocks, files, global variables.",
            )
            return


@_check(
    "shapes",
    "The layer cannot be called on symbolic tensors (`Input`) of an unknown batch size",
    "compiling",
)
def _shapes(s: Subject) -> Problems:
    """The shapes and dtypes that are said are those that come."""
    outputs = s.run(s.layer, s.inputs, False)[0]
    symbolic = s.layer(s.symbols(), **s.kwargs)
    for real, symbol in zip(tree_leaves(outputs), tree_leaves(symbolic), strict=True):
        want = (None if real.shape[:1] == (s.batch,) else real.shape[:1], *real.shape[1:])
        if real.ndim and (symbol.shape[1:], symbol.dtype) != (want[1:], str(real.dtype)):
            yield (
                f"Called on an `Input`, the output is {symbol.shape} of {symbol.dtype}; called on arrays it is "
                f"{want} of {real.dtype}.",
                "Let what `call` does depend on shapes alone.",
            )
    if s.kwargs:
        return
    said = s.layer.compute_output_shape(s.sizes(s.batch))
    flat = jax.tree_util.tree_leaves(said, is_leaf=_is_shape)
    real = [x.shape for x in tree_leaves(outputs)]
    if [tuple(x) for x in flat] != real:
        yield (
            f"`compute_output_shape` says {said}; the outputs have {_one(real)}.",
            "Leave the method away, since shapes are found by tracing `call`, or correct it.",
        )


@_check("batch", "The layer cannot be called on batches of another size", "call", "determinism")
def _batch(s: Subject) -> Problems:
    """In inference an example's result does not depend on the others."""
    whole = s.run(s.layer, s.inputs, False)[0]
    half = s.batch // 2
    parts = [
        s.run(s.layer, s.rows(s.inputs, *ends), False)[0] for ends in ((0, half), (half, s.batch))
    ]
    for x, *split in zip(*map(tree_leaves, (whole, *parts)), strict=True):
        if x.shape[:1] != (s.batch,):
            continue
        found = difference(x, jnp.concatenate(split))
        if found:
            yield (
                "In inference, an example's result depends on the other examples of its batch: alone and together "
                f"{found}.",
                "Axis 0 is the batch: reduce over axes from 1 on, and reshape to `(-1, ...)`, the other sizes said.",
            )
            return


@_check("gradients", "The layer cannot be differentiated", "compiling")
def _gradients(s: Subject) -> Problems:
    """Each trained weight is used, and gradients are numbers."""
    variables = s.layer.trainable_variables
    touched = Effects(functools.partial(s.layer, training=True), (s.inputs,), s.kwargs).touched
    unused = [v for v in variables if not any(v is t for t in touched)]
    if unused:
        yield (
            f"`call` never uses {_names(unused)}, which are trained.",
            "Use them, make them with `trainable=False`, or do not make them.",
        )

    def total(values: Any, inputs: Any) -> Any:
        with StatelessScope(
            list(zip(variables, values, strict=True)), collect_losses=True
        ) as scope:
            outputs = s.layer(inputs, training=True, **s.kwargs)
        floats = [x for x in tree_leaves(outputs) if is_float_array(x)]
        weighed = [jnp.sum(x * jnp.cos(jnp.arange(x.size)).reshape(x.shape)) for x in floats]
        return sum((jnp.sum(x) for x in [*weighed, *scope.losses]), jnp.zeros(())).astype("float32")

    whole = any(not is_float_array(x) for x in tree_leaves(s.inputs))
    wanted = (0,) if whole else (0, 1)
    grads = program(jax.grad(total, wanted), [v.value for v in variables], s.inputs)
    bad = [v for v, g in zip(variables, grads[0], strict=True) if not bool(jnp.isfinite(g).all())]
    if bad:
        yield (
            f"The gradients of {_names(bad)} have NaN or infinity in them.",
            "`ops.where` stops a value, not its gradient: make what is divided by, or what a root or logarithm is "
            "taken of, harmless before.",
        )
    elif any(not bool(jnp.isfinite(g).all()) for g in tree_leaves(grads[1:])):
        yield (
            "The gradients with respect to the input have NaN or infinity in them.",
            "Roots, norms and divisions have infinite slopes at 0: give them a value that is not 0.",
        )


@_check(
    "loops and branches",
    "The layer fails inside `ops.scan`, `ops.cond` or `ops.remat`",
    "compiling",
)
def _loops(s: Subject) -> Problems:
    """There it gives, draws, adds and keeps what it does in plain calls."""

    def call(inputs: Any) -> Any:
        return s.layer(inputs, training=True, **s.kwargs)

    def run(arrays: Any, flag: Any) -> Any:
        return [in_turn(s.layer, call, way, arrays, flag) for way in WAYS]

    plain, *others = program(run, s.inputs, jnp.array(True))
    for way, other in zip(WAYS[1:], others, strict=True):
        found = difference(plain, other)
        if found:
            yield (
                f"Inside `ops.{way}` the layer gives something else than in plain calls: {found}.",
                "Keep what changes in weights and seed generators, which these carry along.",
            )


@_check("masks", "The layer fails on an input with a mask", "call")
def _masks(s: Subject) -> Problems:
    """A mask of the steps can come with each input, and what comes out fits the outputs."""
    marked = tree_map(lambda x: x + 0, s.inputs)
    for x in tree_leaves(marked):
        if x.ndim > 2:
            set_mask(x, jnp.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2]) % 3 > 0)
    outputs = s.layer(marked, **s.kwargs)
    for x in tree_leaves(outputs):
        mask = get_mask(x)
        if mask is not None and tuple(mask.shape) != x.shape[: mask.ndim]:
            yield (
                f"The outputs have shape {x.shape}, and their mask {tuple(mask.shape)}.",
                "Give the layer a `compute_mask(inputs, previous_mask)` that returns the mask of its outputs, or "
                "`None`; or leave `supports_masking` false.",
            )


@_check("config", "The layer cannot be made anew from its config", "call")
def _config(s: Subject) -> Problems:
    """`get_config` and `from_config` make the same layer."""
    config = s.layer.get_config()
    own = [
        k for k, owner in arguments(s.kind).items() if owner.__module__.split(".")[0] != "trivium"
    ]
    lost = [k for k in own if k not in config]
    if lost:
        yield (
            f"The config lacks {', '.join(f'`{k}`' for k in lost)}, which `__init__` takes.",
            f"Let `get_config` return `{{**super().get_config(), {lost[0]!r}: self.{lost[0]}, ...}}`, or remove the "
            "method: then the arguments are noted by themselves.",
        )
        return
    try:
        json.dumps(serialize(s.layer))
    except (TypeError, ValueError) as error:
        yield (
            f"The config cannot be written to a file: {error}",
            "Let it hold numbers, texts, lists, dicts and objects with configs of their own.",
        )
        return
    twin = s.kind.from_config(config)
    twin(s.inputs, **s.kwargs)
    if json.dumps(serialize(twin.get_config())) != json.dumps(serialize(config)):
        yield (
            "A layer that is made from the config has another config.",
            "Let `get_config` return the arguments as `__init__` takes them.",
        )
    if [w.shape for w in twin.weights] != [w.shape for w in s.layer.weights]:
        yield (
            "A layer that is made from the config has other weights.",
            "An argument is missing in the config, or written there with another value.",
        )
        return
    twin.set_weights(s.layer.get_weights())
    found = difference(s.run(s.layer, s.inputs, False)[0], s.run(twin, s.inputs, False)[0])
    if found:
        yield (
            f"A layer that is made from the config computes something else, with the same weights: {found}.",
            "An argument is missing in the config, or written there with another value.",
        )


@_check("half precision", "The layer fails with `dtype='mixed_bfloat16'`", "config", "compiling")
def _half(s: Subject) -> Problems:
    """With a mixed policy it keeps its weights in float32 and computes in bfloat16."""
    config = s.layer.get_config()
    dtype = config.get("dtype", serialize(s.layer.dtype_policy))
    layer = s.kind.from_config(_with_dtype(config, dtype, "mixed_bfloat16"))
    shapes = jax.eval_shape(lambda x: s.run(layer, x, False)[0], s.inputs)
    wide = [
        w.path for w in layer.weights if is_float_array(w.kept_value) and w.kept_dtype != "float32"
    ]
    if wide:
        yield (
            f"The weights {', '.join(wide)} are not kept in float32.",
            "Make weights without a `dtype`: the layer's policy says it.",
        )
    floats = [str(x.dtype) for x in tree_leaves(shapes) if jnp.issubdtype(x.dtype, jnp.floating)]
    if any(dtype != "bfloat16" for dtype in floats):
        yield (
            f"The outputs are {_one(sorted(set(floats)))} and not bfloat16.",
            "A float32 constant makes float32 of everything that it meets: use Python's numbers, or "
            "`ops.cast(x, self.compute_dtype)`.",
        )


@_check("copies", "The layer cannot be copied or pickled", "call")
def _copies(s: Subject) -> Problems:
    """Copies compute the same and share no weight."""
    wanted = s.run(s.layer, s.inputs, False)[0]
    for how, made in (
        ("copied", copy.deepcopy),
        ("pickled", lambda x: pickle.loads(pickle.dumps(x))),
    ):
        if how == "pickled" and "<locals>" in s.kind.__qualname__:
            continue  # Python pickles no class that is made inside a function.
        other: Layer = made(s.layer)
        if any(a is b for a, b in zip(other.variables, s.layer.variables, strict=True)):
            yield f"A {how} layer shares weights with the first.", "Remove its `__deepcopy__`."
        found = difference(wanted, s.run(other, s.inputs, False)[0])
        if found:
            yield (
                f"A {how} layer computes something else: {found}.",
                "Keep what it needs in attributes, and not in global variables.",
            )


@_check("saving", "The layer's weights cannot be saved and loaded", "shapes")
def _saving(s: Subject) -> Problems:
    """Weights that are saved and loaded are the same."""
    if not s.layer.weights:
        return
    one, other = s.twin(), s.fresh()
    models = s.model(one), s.model(other)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "layer.weights.h5")
        models[0].save_weights(file)
        models[1].load_weights(file)
    for a, b in zip(one.weights, other.weights, strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            yield (
                f"The weight {a.name!r} is another one after saving and loading.",
                "Let `build` make all weights, under one name each.",
            )


class _Around(Model):
    """A subclassed model of one layer."""

    def __init__(self, layer: Layer, kwargs: dict[str, Any]) -> None:
        super().__init__()
        self.inner = layer
        self._given = kwargs

    def call(self, inputs: Any) -> Any:
        """Call the layer."""
        return self.inner(inputs, **self._given)


@_check("styles", "The layer fails in a model", "shapes")
def _styles(s: Subject) -> Problems:
    """A stack, a graph of calls and a class are one model, and can be written and explained."""
    functional, subclassed = s.model(s.twin()), _Around(s.twin(), s.kwargs)
    subclassed(s.inputs)
    models = {"functional": functional, "subclassed": subclassed}
    if hasattr(s.inputs, "shape") and not s.kwargs:
        models["sequential"] = Sequential([s.symbols(), s.twin()])
    if len({model.fingerprint() for model in models.values()}) > 1:
        yield (
            "A functional, a subclassed and a sequential model of the layer are not the same program.",
            "Let what `call` does depend on its arguments and settings alone, not on who calls it.",
        )
    wanted = functional.predict(s.inputs, verbose=0)
    for style, model in models.items():
        if difference(wanted, model.predict(s.inputs, verbose=0), 0):
            yield (
                f"A {style} model of the layer predicts something else than a functional one.",
                "Let what `call` does depend on its arguments and settings alone, not on who calls it.",
            )
    for what, write in (("written as source", source), ("explained", explain)):
        try:
            str(write(functional))
        except Exception as error:
            yield (
                f"A model of the layer cannot be {what}: {error}",
                "The message says what is missing.",
            )


def _with_dtype(config: Any, old: Any, new: str) -> Any:
    """Return a config with another dtype wherever it has the old one, in the configs of layers inside too."""
    if isinstance(config, dict):
        return {
            k: new if k == "dtype" and v == old else _with_dtype(v, old, new)
            for k, v in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(_with_dtype(v, old, new) for v in config)
    return config


def _names(variables: Any) -> str:
    return ", ".join(repr(v.name) for v in variables)


def _one(values: list[Any]) -> str:
    return str(values[0]) if len(values) == 1 else str(values)


def _is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(n is None or isinstance(n, int) for n in x)


def _attributes(layer: Layer) -> dict[str, Any]:
    """Return the attributes of a layer and those inside, as far as they can be compared."""
    own = vars(Layer())
    return {
        (name if inner is layer else f"{inner.name}.{name}"): _noted(value)
        for inner in layer._flatten_layers()
        for name, value in vars(inner).items()
        if name not in own and name not in ("_call_args", "_tracked")
    }


def _noted(value: Any) -> Any:
    """Return what of a value can be compared with itself later."""
    if isinstance(value, list | tuple | set):
        return type(value), [_noted(v) for v in value]
    if isinstance(value, dict):
        return {k: _noted(v) for k, v in value.items()}
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return value
    return value.tobytes() if isinstance(value, np.ndarray) else id(value)
