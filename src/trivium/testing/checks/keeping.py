"""Configs, copies, files and models: what is made of the layer is the layer again."""

from __future__ import annotations

import copy
import json
import pickle
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import tree_leaves

from trivium.layers import Layer, serialize
from trivium.models import Model, Sequential
from trivium.state.configured import arguments
from trivium.styles import source
from trivium.styles.explain import explain
from trivium.testing.checks.registry import Problems, check, one_or_all
from trivium.testing.subject import Subject, difference, is_float_array

__all__: list[str] = []


@check("config", "The layer cannot be made anew from its config", "call")
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


@check("half precision", "The layer fails with `dtype='mixed_bfloat16'`", "config", "compiling")
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
            f"The outputs are {one_or_all(sorted(set(floats)))} and not bfloat16.",
            "A float32 constant makes float32 of everything that it meets: use Python's numbers, or "
            "`ops.cast(x, self.compute_dtype)`.",
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


@check("copies", "The layer cannot be copied or pickled", "call")
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


@check("saving", "The layer's weights cannot be saved and loaded", "shapes")
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


@check("styles", "The layer fails in a model", "shapes")
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
