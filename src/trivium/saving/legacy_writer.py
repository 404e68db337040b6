"""Writing the older HDF5 files that `legacy` reads: a config among the attributes, and weights by layer.

A layer's entry in the config is as in a `.keras` archive, with the module that it comes from. Keras reads such entries
in these files, too, and loses less by them than by its own: by a class's name alone it finds no op, and takes an op for
the layer of its name.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from trivium import losses
from trivium.saving.archive import FORMAT
from trivium.saving.durable import durable
from trivium.saving.hdf5 import hdf5
from trivium.saving.legacy import TOP, name_within, ordered
from trivium.saving.numbers import write_dataset
from trivium.state import Variable
from trivium.state.registry import serialize

__all__ = ["save_model", "save_weights"]

# An attribute lies in its object's header, and no message there is longer than 64 KiB; as much as Keras leaves for it.
_HEADER = 64_512
_INSTEAD = "A path that ends in '.keras' keeps any model; one in '.weights.h5', by `save_weights`, its weights."


def save_model(
    model: Any, path: Path, overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a whole model.

    Args:
        model: The model.
        path: The file.
        overwrite: Whether a file that is there may be replaced.
        include_optimizer: Whether the file says what the model was compiled with, and has the optimizer's state.

    Raises:
        NotImplementedError: The model is no Sequential and no Functional one: these files have no other's graph.
        TypeError, ValueError: A layer holds what no config can.
        FileExistsError: The file is there and `overwrite` is false.
        OSError: It could not be written; what was there is unchanged.
    """
    if model._graph is None and not hasattr(model, "pop"):  # A Sequential has one once it is built.
        raise NotImplementedError(
            f"{path} cannot hold model {model.name!r}: an older HDF5 file holds Sequential and Functional models, and "
            f"{type(model).__name__} is defined by the code of its `call`. {_INSTEAD}"
        )
    try:
        config = serialize(model)
    except (NotImplementedError, TypeError, ValueError) as error:
        error.add_note(f"{path} holds a model by its config alone. {_INSTEAD}")
        raise
    training = config.pop("compile_config", None) or {}
    # Keras finds the outermost class by this name.
    config["class_name"] = config["registered_name"] or config["class_name"]
    # Without the path: a checkpoint each epoch is warned of once.
    warnings.warn(
        "An HDF5 file ('.h5') is the older form of a model; '.keras' is the form of today, which also keeps the states "
        "of random generators, vocabularies and graphs of your own classes.",
        stacklevel=4,
    )
    with (
        durable(path, overwrite) as part,
        open(part, "xb+", buffering=0) as raw,
        hdf5(raw, "w") as file,
    ):
        _write_origin(file)
        file.attrs["model_config"] = json.dumps(config)
        _write_layers(model, file.create_group("model_weights"))
        if training.get("optimizer") and include_optimizer:
            training["optimizer_config"] = training.pop("optimizer")
            training["loss"] = _in_full(training["loss"])
            file.attrs["training_config"] = json.dumps(training)
            state = model.optimizer.variables
            _write(file.create_group("optimizer_weights"), [v.path for v in state], state)


def save_weights(model: Any, path: Path, overwrite: bool = True) -> None:
    """Write a model's weights alone, as Keras 2 did into a path that ends in `.h5`.

    Args:
        model: The model, of any style.
        path: The file.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        ValueError: The model has no weights yet, or some that no layer has.
        FileExistsError: The file is there and `overwrite` is false.
        OSError: It could not be written; what was there is unchanged.
    """
    if not model.weights:
        raise ValueError(
            f"{model.name!r} has no weights to save: call it on data first, so that it is built."
        )
    with (
        durable(path, overwrite) as part,
        open(part, "xb+", buffering=0) as raw,
        hdf5(raw, "w") as file,
    ):
        _write_layers(model, file)


def _in_full(loss: Any) -> Any:
    """Return what names losses, with full names: from these files Keras reads no `mse`, not its own either."""
    if isinstance(loss, list):
        return [_in_full(one) for one in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {output: _in_full(one) for output, one in loss.items()}
    return getattr(losses.get(loss), "__name__", loss) if isinstance(loss, str) else loss


def _write_layers(model: Any, group: Any) -> None:
    """Write the weights of a model, layer by layer, into a group."""
    layers = list(getattr(model, "layers", [model]))
    own = model._own_weights() if hasattr(model, "layers") else []
    known = {id(w) for one in layers for w in one.weights} | {id(w) for w in own}
    if lost := [w.path for w in model.weights if id(w) not in known]:
        raise ValueError(f"No layer of {model.name!r} has the weights {lost}. {_INSTEAD}")
    _write_names(group, "layer_names", [layer.name for layer in layers])
    _write_origin(group)
    for layer in layers:
        weights = ordered(layer)
        names = [name_within(layer.name, w.path) for w in weights]
        _write(group.create_group(layer.name), names, weights)
    _write(group.create_group(TOP), [w.path for w in own], own)


def _write_origin(group: Any) -> None:
    group.attrs["keras_version"], group.attrs["backend"] = FORMAT, "jax"


def _write(group: Any, names: list[str], weights: Iterable[Variable]) -> None:
    """Write variables into a group that lists their names."""
    folders = {name[:i] for name in names for i, sign in enumerate(name) if sign == "/"}
    if len(set(names)) < len(names) or folders & set(names):
        names = [f"{i}/{name}" for i, name in enumerate(names)]  # Two would have one place.
    _write_names(group, "weight_names", names)
    for name, weight in zip(names, weights, strict=True):
        value = np.asarray(weight)
        # HDF5 knows no bfloat16; its values are values of float32, and become what they were when they are assigned.
        exact = value.astype("float32") if str(value.dtype) == "bfloat16" else value
        write_dataset(group, name, exact, checksums=False)


def _write_names(group: Any, name: str, texts: list[str]) -> None:
    """Give a group a list of texts as an attribute; as several, `name0`, `name1`, …, where one is too long."""
    rows = np.array([text.encode() for text in texts] or [], dtype=None if texts else "S1")
    each = max(1, _HEADER // rows.itemsize)
    if len(rows) <= each:
        group.attrs[name] = rows
        return
    for i, start in enumerate(range(0, len(rows), each)):
        group.attrs[f"{name}{i}"] = rows[start : start + each]
