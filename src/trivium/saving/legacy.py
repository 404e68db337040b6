"""The HDF5 files of Keras 2, which Keras 3 still writes as `.h5`: whole models, or weights. This reads them.

The config is a text among the file's attributes. Keras 2 writes calls as lists, `[["dense", 0, 0, {}]]`; they are put
into the form of today, and read like any other config.
"""

from __future__ import annotations

import warnings
from typing import IO, Any

import numpy as np

from trivium.saving.bounds import MIB, check_values, checked_config, read_json
from trivium.saving.hdf5 import WeightFileError, datasets, hdf5
from trivium.saving.stored import Stored, stored_of
from trivium.state import Variable
from trivium.state.registry import deserialize
from trivium.state.safety import ModelFileError, UnsafeFileError

__all__ = ["ENDINGS", "TOP", "is_legacy", "load", "name_within", "ordered", "pairs", "text_of"]

# How the paths of such files end.
ENDINGS = (".h5", ".hdf5")
# The group of the weights that a model has beside its layers'.
TOP = "top_level_model_weights"

_NAMES = 1_000_000
# What configs of Keras 2 have that nothing has any more.
_GONE = frozenset({"time_major", "is_legacy_optimizer", "ragged", "implementation", "jit_compile"})


def is_legacy(file: Any) -> bool:
    """Say whether an open HDF5 file is one of Keras 2's form.

    Args:
        file: The file.
    """
    return "layer_names" in file.attrs or "model_config" in file.attrs


def load(raw: IO[bytes], source: str, compile: bool) -> Any:
    """Return the model in a file.

    Args:
        raw: The open file.
        source: What to call it in messages.
        compile: Whether to compile the model as it was.

    Raises:
        ModelFileError: The file holds no model, or a damaged one.
    """
    with hdf5(raw, "r", source) as file:
        text = text_of(file, "model_config", source)
        if text is None:
            raise ModelFileError(
                f"{source} holds weights and no model: build it, and `load_weights`."
            )
        config = checked_config(read_json(text, source), source)
        model = deserialize(_modern(config))
        stored = {k: stored_of(d, source) for k, d in datasets(file, source).items()}
        group = file.get("model_weights", file)
        for one, variable in pairs(model, group, stored, source):
            variable.assign(one.read())
        if compile and (said := text_of(file, "training_config", source)) is not None:
            training = read_json(said, source)
            check_values(training, source)
            _compile(model, file, training, stored, source)
    return model


def text_of(file: Any, name: str, source: str) -> bytes | None:
    """Return a text among a file's attributes, or `None`.

    Args:
        file: The open file.
        name: The attribute's name.
        source: What to call the file in messages.
    """
    if name not in file.attrs:
        return None
    known = file.attrs.get_id(name)
    if known.shape != () or known.get_storage_size() > 32 * MIB:
        raise UnsafeFileError(f"{source}: the attribute {name!r} is no text.")
    value = file.attrs[name]
    if not isinstance(value, bytes | str):
        raise WeightFileError(f"{source}: the attribute {name!r} is no text.")
    return value.encode() if isinstance(value, str) else bytes(value)


# -- configs ----------------------------------------------------------------------------------------------------


def _modern(config: Any) -> Any:
    """Return a config in the form of today."""
    if isinstance(config, list):
        return [_modern(v) for v in config]
    if not isinstance(config, dict):
        return config
    made = {k: _modern(v) for k, v in config.items() if k not in _GONE}
    if isinstance(made.get("layers"), list):
        made["layers"] = [_placed(layer, "keras.layers") for layer in made["layers"]]
    if "input_layers" in made:
        made["input_layers"] = _ends(made["input_layers"])
        made["output_layers"] = _ends(made["output_layers"])
    nodes = made.get("inbound_nodes")
    if nodes and isinstance(nodes[0], list):
        made["inbound_nodes"] = [_call(node) for node in nodes]
    if made.get("class_name") == "InputLayer" and "batch_input_shape" in made["config"]:
        inner = dict(made["config"])
        inner["batch_shape"] = inner.pop("batch_input_shape")
        made["config"] = inner
    if made.get("class_name") == "Model":
        made["class_name"] = "Functional"
    if made.get("class_name") == "BatchNormalization" and isinstance(
        made["config"].get("axis"), list
    ):
        made["config"] = {**made["config"], "axis": made["config"]["axis"][0]}
    return made


def _placed(config: Any, module: str) -> Any:
    """Return the config of an object, or of several, that says where the class is from; Keras 2's has its name alone.

    One of the user's own under that name goes first.
    """
    if isinstance(config, list):
        return [_placed(v, module) for v in config]
    if not isinstance(config, dict):
        return config
    if "class_name" not in config:
        return {k: _placed(v, module) for k, v in config.items()}
    return {"module": module, "registered_name": config["class_name"], **config}


def _ends(ends: Any) -> Any:
    """Return where data comes in or goes out; one end alone is no list of one."""
    one = isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list)
    return ends[0] if one else ends


def _call(node: list[Any]) -> dict[str, Any]:
    tensors = [_tensor(entry) for entry in node]
    kwargs = node[0][3] if len(node[0]) > 3 else {}
    return {
        "args": tensors if len(tensors) == 1 else [tensors],
        "kwargs": {k: _tensor(v) if _is_tensor(v) else v for k, v in kwargs.items()},
    }


def _is_tensor(value: Any) -> bool:
    return isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str)


def _tensor(entry: list[Any]) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": entry[:3]}}


# -- weights ----------------------------------------------------------------------------------------------------


def pairs(
    layer: Any,
    group: Any,
    stored: dict[str, Stored],
    source: str,
    by_name: bool = True,
    skip_mismatch: bool = False,
) -> list[tuple[Stored, Variable]]:
    """Pair the weights in a file with a model's, layer by layer.

    Args:
        layer: The model, built.
        group: The group whose attributes list the layers.
        stored: The weights in the file by name.
        source: What to call the file in messages.
        by_name: Whether layers are found by their names, and those that one side lacks are passed over; else they are
            taken in order.
        skip_mismatch: Whether layers whose weights do not fit are passed over.

    Raises:
        WeightFileError: The weights of a layer have other shapes, or the layers are not as many.
    """
    names = [n for n in _list(group, "layer_names", source) if n in group]
    filled = {n: f for n in names if (f := _weights_of(group, n, stored, source))}
    layers = [x for x in getattr(layer, "layers", [layer]) if x.weights]
    known = {x.name: x for x in layers}
    if by_name and any(n in known for n in filled):
        matched = [(known[n], ones) for n, ones in filled.items() if n in known]
    elif len(layers) != len(filled):
        raise WeightFileError(
            f"{source} has weights of {len(filled)} layers; {layer.name!r} has {len(layers)} with weights."
        )
    else:
        matched = list(zip(layers, filled.values(), strict=True))
    found = []
    for one, ones in matched:
        found += _paired(one.name, ones, ordered(one), one.weights, source, skip_mismatch)
    own = layer._own_weights() if hasattr(layer, "layers") else []
    if TOP in group and (top := _weights_of(group, TOP, stored, source)) and (own or not by_name):
        found += _paired(layer.name, top, own, own, source, skip_mismatch)
    return found


def ordered(layer: Any) -> list[Variable]:
    """Return a layer's weights in the order of these files: those that are trained come first.

    Args:
        layer: The layer.
    """
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def name_within(layer: str, path: str) -> str:
    """Return a weight's name in these files: its path from the layer on.

    Args:
        layer: The layer's name.
        path: The weight's path in its model.

    Example:
        >>> name_within("dense", "net/dense/kernel")
        'dense/kernel'
    """
    parts = path.split("/")
    return "/".join(parts[parts.index(layer) :] if layer in parts else parts)


def _paired(
    name: str,
    ones: list[Stored],
    mine: list[Variable],
    weights: list[Variable],
    source: str,
    skip_mismatch: bool,
) -> list[tuple[Stored, Variable]]:
    """Pair a layer's weights in a file with its own: by their names, else by their order."""
    # What is frozen here need not have been where the file was written: its order says nothing then, names do.
    by_path = {name_within(name, w.path): w for w in mine}
    names = [name_within(name, one.name.partition(f"/{name}/")[2]) for one in ones]
    told = [by_path[n] for n in names if n in by_path]
    unfrozen = sorted(weights, key=lambda w: not w.trainable_unless_frozen)
    orders = [told] if len({id(w) for w in told}) == len(mine) else []
    for order in (*orders, mine, unfrozen):
        if [w.shape for w in order] == [s.shape for s in ones]:
            return list(zip(ones, order, strict=True))
    if skip_mismatch:
        return []
    raise WeightFileError(
        f"{source}: the weights of {name!r} have the shapes {[s.shape for s in ones]}; the layer's have "
        f"{[w.shape for w in mine]}."
    )


def _weights_of(group: Any, name: str, stored: dict[str, Stored], source: str) -> list[Stored]:
    inner = group[name]
    base = inner.name.strip("/")
    return [
        stored[f"{base}/{n}"]
        for n in _list(inner, "weight_names", source)
        if f"{base}/{n}" in stored
    ]


def _list(group: Any, name: str, source: str) -> list[str]:
    """Return a list of texts among a group's attributes, which a long one is in several of."""
    keys = [name] if name in group.attrs else []
    while not keys or keys[-1] != name:
        key = f"{name}{len(keys)}"
        if key not in group.attrs:
            break
        keys.append(key)
    found: list[str] = []
    for key in keys:
        known = group.attrs.get_id(key)
        count = int(np.prod(known.shape, dtype=object))
        if count == 0:
            continue
        if count > _NAMES or known.get_storage_size() > 32 * MIB:
            raise UnsafeFileError(
                f"{source}: the attribute {key!r} is longer than any list of names."
            )
        for value in np.ravel(group.attrs[key]).tolist():
            found.append(
                value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            )
    return found


def _compile(
    model: Any, file: Any, config: dict[str, Any], stored: dict[str, Stored], source: str
) -> None:
    """Compile a model as it was, as far as that can be read, and take up the optimizer's state."""
    said = _modern(config)
    optimizer = _placed(said.pop("optimizer_config", None), "keras.optimizers")
    said["loss"] = _placed(said.get("loss"), "keras.losses")
    for kind in ("metrics", "weighted_metrics"):
        said[kind] = _placed(said.get(kind), "keras.metrics")
    known = (
        "loss",
        "loss_weights",
        "metrics",
        "weighted_metrics",
        "run_eagerly",
        "steps_per_execution",
    )
    try:
        model.compile_from_config(
            {"optimizer": optimizer, **{k: v for k, v in said.items() if k in known}}
        )
        mine = model.optimizer.variables
        names = (
            _list(file["optimizer_weights"], "weight_names", source)
            if "optimizer_weights" in file
            else []
        )
        values = [stored.get(f"optimizer_weights/{n}") for n in names]
        if names and len(names) == _unbuilt(model.optimizer):
            mine = mine[: len(names)]  # It had not trained: there are no variables of weights.
        if [v.shape for v in values if v is not None] == [v.shape for v in mine]:
            for variable, one in zip(mine, values, strict=True):
                variable.assign(one.read())  # type: ignore[union-attr]
        elif names:
            warnings.warn(
                f"{source}: the optimizer starts anew: its state is of another form.", stacklevel=4
            )
    except (KeyError, TypeError, ValueError) as error:
        warnings.warn(f"{source}: the model is not compiled: {error}", stacklevel=4)


def _unbuilt(optimizer: Any) -> int:
    """Return how many variables an optimizer has before it is built."""
    return len(type(optimizer).from_config(optimizer.get_config()).variables)
