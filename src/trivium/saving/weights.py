"""Weight files: an HDF5 dataset for each weight, where Keras looks for it.

A file follows the layout of Keras's `.weights.h5`: a layer's own weights are `vars/0`, `vars/1`, … in the group of the
layer, whose path is made of attribute names, and of class names numbered within a list (`layers/dense_1/vars/0`). So
files go from Keras to Trivium and back. Besides, each dataset has two attributes: `position`, the weight's place in the
order of the data's flow, by which a network takes the file of its twin in another style, and `path`, for readers.

Reading trusts nothing: no link is followed, no other file is opened, shapes and dtypes are compared before any number
is read, and the model is changed only when everything fits.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium.layers import Layer
from trivium.saving.durable import durable
from trivium.state import Variable, is_float, suggest, to_snake_case
from trivium.state.tracking import attributes, contents

__all__ = [
    "WeightFileError",
    "load_weights",
    "read_weights",
    "save_weights",
    "variable_places",
    "write_weights",
]

_SUFFIX = ".weights.h5"
# What Keras keeps in the same file beside a model's weights.
_OTHERS = ("optimizer",)


class WeightFileError(ValueError):
    """A weight file is damaged, or holds other weights than the model has; the message names the file."""


def save_weights(layer: Any, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a layer's or model's weights to a file.

    The file is written beside its place, brought to the disk and then moved there: neither a failure nor a loss of
    power leaves a half-written file, or none where there was one.

    Args:
        layer: The layer or model.
        filepath: A path that ends in `.weights.h5`.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        ValueError: The path does not end in `.weights.h5`, the layer has no weights yet, or a weight has no place.
        FileExistsError: The file is there and `overwrite` is false.

    Example:
        >>> import tempfile, trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_weights(f"{folder}/model.weights.h5")
        ...     model.load_weights(f"{folder}/model.weights.h5")
    """
    import h5py

    path = _checked(filepath)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists; pass `overwrite=True` to replace it.")
    if not layer.weights:
        raise ValueError(
            f"{layer.name!r} has no weights to save: call it on data first, so that it is built."
        )
    with durable(path) as part, h5py.File(part, "w") as file:
        write_weights(layer, file)


def load_weights(layer: Any, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
    """Set a layer's or model's weights from a file that `save_weights`, ours or Keras's, wrote.

    Args:
        layer: The layer or model, built.
        filepath: The path.
        skip_mismatch: Whether weights that the file lacks, or has in another shape, stay as they are, with a warning.

    Raises:
        FileNotFoundError: There is no such file.
        WeightFileError: The file is damaged, no HDF5 file, or holds other weights; none has been changed.
        ValueError: The layer is not built.
    """
    import h5py

    path = _checked(filepath)
    if not path.exists():
        raise FileNotFoundError(f"There is no weight file {path}.")
    with _damage_named(str(path)):
        file = h5py.File(path, "r")
    with file:
        read_weights(layer, file, str(path), skip_mismatch)


@contextlib.contextmanager
def _damage_named(source: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into an error that names it: HDF5 finds damage in many ways."""
    try:
        yield
    except WeightFileError:
        raise
    except Exception as error:
        said = str(error) or type(error).__name__
        raise WeightFileError(f"{source} is no HDF5 file, or a damaged one: {said}.") from error


def variable_places(layer: Any) -> dict[str, Variable]:
    """Return a layer's weights by the names of their datasets in a weight file.

    Example:
        >>> import trivium as tv
        >>> list(variable_places(tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])))
        ['layers/dense/vars/0', 'layers/dense/vars/1']
    """
    places: dict[str, Variable] = {}
    known: set[int] = set()
    for path, inner in _walk(layer, "", set()):
        for i, variable in enumerate(inner._own_weights()):
            if id(variable) not in known:
                known.add(id(variable))
                places[f"{path}vars/{i}"] = variable
    return places


def write_weights(layer: Any, file: Any) -> None:
    """Write a layer's weights into an open HDF5 file or group.

    Args:
        layer: The layer or model.
        file: An `h5py.File` or `h5py.Group`, open for writing.
    """
    positions = {id(variable): i for i, variable in enumerate(layer.weights)}
    places = variable_places(layer)
    lost = positions.keys() - {id(variable) for variable in places.values()}
    if lost:
        names = [v.path for v in layer.weights if id(v) in lost]
        raise ValueError(
            f"The weights {names} of {layer.name!r} cannot be saved: no attribute of a layer holds them, nor a list or "
            "dict in one."
        )
    for place, variable in places.items():
        value = np.asarray(variable.value)
        dataset = file.create_dataset(place, data=value)
        dataset.attrs["position"] = positions[id(variable)]
        dataset.attrs["path"] = variable.path
        if str(value.dtype) == "bfloat16":
            dataset.attrs["dtype"] = "bfloat16"  # HDF5 knows it as two bytes only.


def read_weights(layer: Any, file: Any, source: str, skip_mismatch: bool = False) -> None:
    """Set a layer's weights from an open HDF5 file or group.

    Args:
        layer: The layer or model, built.
        file: An `h5py.File` or `h5py.Group`, open for reading.
        source: What to call the file in messages.
        skip_mismatch: Whether weights that do not fit stay as they are, with a warning.

    Raises:
        WeightFileError: The file is damaged, or holds other weights; none has been changed.
        ValueError: The layer is not built.
    """
    if not layer.built:
        raise ValueError(
            f"{layer.name!r} is not built, so it has no weights to set: call it on data first, or `build(input_shape)`."
        )
    missing: list[str] = []
    with _damage_named(source):
        stored = _datasets(file, source)
        pairs = None if skip_mismatch else _by_position(layer, stored, source)
        if pairs is None:
            pairs, missing = _by_place(layer, stored, source, skip_mismatch)
        values = [(variable, _value(dataset, variable, source)) for dataset, variable in pairs]
    if missing:
        warnings.warn(f"{source}: these weights stay as they are: {missing}.", stacklevel=4)
    for variable, value in values:
        variable.assign(value)


def _walk(layer: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Layer]]:
    """Yield a layer and those inside it, each once, with the paths of their groups."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield path, layer
    children = attributes(layer)
    # The layers of a declared graph come first; a subclassed model's where "layers" stands in the alphabet, after which
    # come private attributes.
    declared = getattr(layer, "_graph", None) is not None
    if hasattr(type(layer), "layers"):
        children = {"layers": layer.layers} | children
    order = sorted(children, key=lambda k: (k != "layers" or not declared, k.startswith("_"), k))
    for name in order:
        yield from _walk_value(children[name], f"{path}{name}", seen)


def _walk_value(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Layer]]:
    if isinstance(value, Layer):
        yield from _walk(value, f"{path}/", seen)
    elif (inside := contents(value)) is not None:
        taken: Counter[str] = Counter()
        for item in inside:
            if contents(item) is not None:
                name = "container"
            elif isinstance(item, Layer):
                name = to_snake_case(type(item).__name__)
            else:
                continue
            number = f"_{taken[name]}" if taken[name] else ""
            taken[name] += 1
            yield from _walk_value(item, f"{path}/{name}{number}", seen)


def _datasets(file: Any, source: str) -> dict[str, Any]:
    """Return the plain datasets of a file by name, refusing whatever lies outside of it."""
    import h5py

    found: dict[str, Any] = {}
    groups: list[tuple[str, Any]] = [("", file)]
    visited: set[int] = set()
    while groups:
        prefix, group = groups.pop()
        for key in group:
            name = f"{prefix}{key}"
            if name in _OTHERS:
                continue
            # Asked of its own group, so that no link on the way is followed.
            inside = isinstance(group.get(key, getlink=True), h5py.HardLink)
            thing = group[key] if inside else None
            if isinstance(thing, h5py.Group) and h5py.h5o.get_info(thing.id).addr not in visited:
                visited.add(h5py.h5o.get_info(thing.id).addr)
                groups.append((f"{name}/", thing))
            elif isinstance(thing, h5py.Dataset) and not thing.external and not thing.is_virtual:
                found[name] = thing
            else:
                raise WeightFileError(
                    f"{source}: {name!r} is a link, or lies in another file. Weight files with such contents are not "
                    "read, since they can pass other files' contents off as weights."
                )
    return found


def _by_position(layer: Any, stored: dict[str, Any], source: str) -> list[Any] | None:
    """Pair datasets and weights in the order of the data's flow; `None` where the file does not tell it."""
    by_position = {_attribute(d, "position"): d for d in stored.values()}
    if len(by_position) != len(stored) or set(by_position) != set(range(len(stored))):
        return None
    weights = layer.weights
    if len(stored) != len(weights):
        raise WeightFileError(
            f"{source} holds {len(stored)} weights; {layer.name!r} has {len(weights)}."
        )
    pairs = [(by_position[i], weight) for i, weight in enumerate(weights)]
    for dataset, weight in pairs:
        if dataset.shape != weight.shape:
            raise WeightFileError(_other_shape(dataset, weight, source))
    return pairs


def _by_place(
    layer: Any, stored: dict[str, Any], source: str, skip_mismatch: bool
) -> tuple[list[Any], list[str]]:
    """Pair datasets and weights by their names in the file, and name the weights that are left over."""
    pairs, missing = [], []
    places = variable_places(layer)
    for place, weight in places.items():
        dataset = stored.get(place)
        if dataset is not None and dataset.shape == weight.shape:
            pairs.append((dataset, weight))
        elif skip_mismatch:
            missing.append(weight.path)
        elif dataset is not None:
            raise WeightFileError(_other_shape(dataset, weight, source))
        else:
            raise WeightFileError(
                f"{source} has no weight for {weight.path!r}: there is no dataset {place!r}. {suggest(place, stored)}"
            )
    extra = [name for name in stored if name not in places]
    if extra and not skip_mismatch:
        raise WeightFileError(
            f"{source} holds {len(extra)} weights that {layer.name!r} does not have, {extra[0]!r} among them. Was it "
            "saved from another model?"
        )
    return pairs, missing


def _other_shape(dataset: Any, weight: Variable, source: str) -> str:
    name = _attribute(dataset, "path") or dataset.name
    return f"{source}: {name!r} has shape {dataset.shape}; {weight.path!r} has {weight.shape}."


def _attribute(dataset: Any, name: str) -> Any:
    """Return a dataset's attribute if it is a whole number or a text."""
    try:
        # A declared shape costs memory before a number of it is read.
        single = name in dataset.attrs and dataset.attrs.get_id(name).shape == ()
        value = dataset.attrs[name] if single else None
    except (OSError, TypeError, ValueError):
        return None
    return (
        int(value) if isinstance(value, np.integer) else value if isinstance(value, str) else None
    )


def _value(dataset: Any, weight: Variable, source: str) -> np.ndarray:
    """Read a dataset whose shape is known to be the weight's, once its dtype is known to be harmless."""
    dtype = dataset.dtype
    half = _attribute(dataset, "dtype") == "bfloat16" and dtype == np.dtype("V2")
    if not half and dtype.kind not in ("fiub" if is_float(weight.dtype) else "iub"):
        raise WeightFileError(
            f"{source}: {dataset.name!r} holds values of the type {dtype}; {weight.path!r} wants {weight.dtype}."
        )
    try:
        value = np.asarray(dataset[()])
    except Exception as error:  # What HDF5 says of damage has many types.
        raise WeightFileError(f"{source}: {dataset.name!r} cannot be read: {error}.") from error
    return value.view(jnp.dtype("bfloat16")) if half else value


def _checked(filepath: str | os.PathLike[str]) -> Path:
    path = Path(filepath)
    if not path.name.endswith(_SUFFIX):
        raise ValueError(f"A weight file's name ends in {_SUFFIX!r}; got {str(path)!r}.")
    return path
