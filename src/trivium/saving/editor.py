"""Weight files, looked at and edited object by object, for a model that has changed since."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trivium.saving.archive import opened
from trivium.saving.durable import durable
from trivium.saving.hdf5 import damage_named, datasets, hdf5
from trivium.saving.numbers import value_of, write_dataset
from trivium.saving.optimizer_places import held
from trivium.saving.places import seed_places
from trivium.saving.weights import OTHERS, stored_groups
from trivium.state.registry import suggest

__all__ = ["KerasFileEditor"]


class KerasFileEditor:
    """The weights in a file, to look at, change and save as another file.

    An object is a layer, or whatever else has a place in the file; it goes by its path (`"layers/dense_2"`) or, where
    only one has it, by the last part of that.

    Args:
        filepath: A `.weights.h5` or `.keras` file, ours or Keras's; it is not changed.

    Raises:
        ValueError: The path ends otherwise.
        FileNotFoundError: There is no such file.
        ModelFileError: The file is damaged, or asks for what is not read.

    Example:
        >>> import tempfile, trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_weights(f"{folder}/m.weights.h5")
        ...     editor = KerasFileEditor(f"{folder}/m.weights.h5")
        >>> editor.delete_weight("dense", "1")
        >>> editor.add_weights("dense", {"1": np.zeros(3)})
        >>> editor.summary()
        layers
        └─ dense
           ├─ 0: shape=(4, 2), dtype=float32
           └─ 1: shape=(3,), dtype=float64
    """

    def __init__(self, filepath: str | os.PathLike[str]) -> None:
        self.filepath = path = Path(filepath)
        if not path.name.endswith((".keras", ".weights.h5")):
            raise ValueError(
                f"A KerasFileEditor reads files that end in `.keras` or `.weights.h5`; got {str(path)!r}."
            )
        if not path.exists():
            raise FileNotFoundError(f"There is no file {path}.")
        # By place, "layers/dense/vars/0"; an object's own weights lie in its `vars`.
        self._weights: dict[str, np.ndarray] = {}
        if path.suffix == ".keras":
            with opened(path, str(path)) as archive, archive.weights() as file:
                self._read(file)
        else:
            with open(path, "rb", buffering=0) as file:
                self._read(file)

    def _read(self, file: Any) -> None:
        source = str(self.filepath)
        with hdf5(file, "r", source) as weights, damage_named(source):
            for place, dataset in sorted(datasets(weights, source).items()):
                self._weights[place] = value_of(dataset, source)

    # -- looking ------------------------------------------------------------------------------------------------

    def summary(self) -> None:
        """Print the objects and their weights as a tree."""
        tree: dict[str, Any] = {}
        for place, value in self._weights.items():
            *path, key = _parts(place)
            node = tree
            for part in path:
                node = node.setdefault(part, {})
            node[f"{key}: shape={value.shape}, dtype={value.dtype}"] = {}
        for name, inner in tree.items():
            print("\n".join([name, *_branches(inner)]))

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Print where the file and a model differ.

        Args:
            reference_model: A model, built.

        Returns:
            `status`, `"success"` or `"error"`; `error_count`, where a whole object that one of them lacks is one error;
            `match_count`, how many weights have the model's shape.
        """
        wanted = {
            f"{group.place}/{key}": tuple(np.shape(value))
            for group in stored_groups(reference_model)
            for key, (value, _) in group.values.items()
        }
        # Random generators have their states in files of Keras's first versions.
        others = seed_places(reference_model)
        states = tuple(f"{path}/" for path in held(reference_model))
        found = {
            place: value.shape
            for place, value in self._weights.items()
            if place.partition("/")[0] not in OTHERS
            and place not in others
            and not place.startswith(states)
        }
        errors = [
            *_lacking("file", wanted, found),
            *_lacking("model", found, wanted),
            *(
                f"The weight {_name(p)!r} has shape {found[p]} in the file, {wanted[p]} in the model."
                for p in wanted
                if p in found and found[p] != wanted[p]
            ),
        ]
        matching = sum(found.get(place) == shape for place, shape in wanted.items())
        print("\n".join([*errors, f"{matching} weights match, {len(errors)} errors."]))
        status = "error" if errors else "success"
        return {"status": status, "error_count": len(errors), "match_count": matching}

    # -- changing -----------------------------------------------------------------------------------------------

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Give an object another name in the place where it is.

        Args:
            object_name: Its path, or the last part of that.
            new_name: The new last part.

        Raises:
            ValueError: There is no such object, or more than one, or there is one of the new name.
        """
        path = self._find(object_name)
        if "/" in new_name or not new_name:
            raise ValueError(
                f"The new name of an object is the last part of its path alone; got {new_name!r}."
            )
        target = "/".join([*path.split("/")[:-1], new_name])
        if target in self._objects():
            raise ValueError(f"{self.filepath} has an object {target!r} already.")
        self._weights = {
            target + place[len(path) :] if _is_in(place, path) else place: value
            for place, value in self._weights.items()
        }

    def delete_object(self, object_name: str) -> None:
        """Remove an object and all that is inside it.

        Args:
            object_name: Its path, or the last part of that.

        Raises:
            ValueError: There is no such object, or more than one.
        """
        path = self._find(object_name)
        self._weights = {p: v for p, v in self._weights.items() if not _is_in(p, path)}

    def add_object(self, object_path: str, weights: Mapping[str, Any]) -> None:
        """Add an object.

        Args:
            object_path: Its whole path; all but the last part is there already.
            weights: Its weights by name, `{"0": kernel, "1": bias}`.

        Raises:
            ValueError: There is one already, or nothing to put it into.
        """
        parent, _, name = object_path.rpartition("/")
        objects = self._objects()
        if object_path in objects or not name:
            raise ValueError(f"{self.filepath} has an object {object_path!r} already.")
        if parent and parent not in objects:
            raise ValueError(
                f"{self.filepath} has no {parent!r} to put {name!r} into. {suggest(parent, objects)}"
            )
        self._put(object_path, weights)

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Remove a weight of an object.

        Args:
            object_name: The object's path, or the last part of that.
            weight_name: The weight's name, `"0"`.

        Raises:
            ValueError: There is no such object or weight.
        """
        path = self._find(object_name)
        place = f"{path}/vars/{weight_name}"
        if place not in self._weights:
            names = [p.rpartition("/")[2] for p in self._weights if _object_of(p) == path]
            raise ValueError(f"The object {path!r} has no weight {weight_name!r}; it has {names}.")
        del self._weights[place]

    def add_weights(self, object_name: str, weights: Mapping[str, Any]) -> None:
        """Add weights to an object.

        Args:
            object_name: The object's path, or the last part of that.
            weights: The weights by name.

        Raises:
            ValueError: There is no such object, or it has such a weight already.
        """
        path = self._find(object_name)
        twice = [key for key in weights if f"{path}/vars/{key}" in self._weights]
        if twice:
            raise ValueError(
                f"The object {path!r} has the weights {twice} already: `delete_weight` removes one."
            )
        self._put(path, weights)

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Write the weights to a file.

        Args:
            filepath: A path that ends in `.weights.h5`.

        Raises:
            ValueError: The path ends otherwise.
            OSError: It could not be written; what was there is unchanged.
        """
        if not str(filepath).endswith(".weights.h5"):
            raise ValueError(f"A weight file ends in `.weights.h5`; got {str(filepath)!r}.")
        with (
            durable(filepath) as part,
            open(part, "xb+", buffering=0) as file,
            hdf5(file, "w", libver="v110") as made,
        ):
            for place, value in self._weights.items():
                write_dataset(made, place, value, checksums=True)

    def resave_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Write the weights to a file, as `save` does.

        Args:
            filepath: A path that ends in `.weights.h5`.
        """
        self.save(filepath)

    # -- finding ------------------------------------------------------------------------------------------------

    def _put(self, path: str, weights: Mapping[str, Any]) -> None:
        for key, value in weights.items():
            array = np.asarray(value)
            if "/" in key or (array.dtype.kind not in "fiub" and str(array.dtype) != "bfloat16"):
                raise ValueError(
                    f"The weights of {path!r} are arrays of numbers by plain names; got {key!r}: {value!r}."
                )
            self._weights[f"{path}/vars/{key}"] = array

    def _objects(self) -> list[str]:
        """Return the paths of all objects, and of what they stand in."""
        found: dict[str, None] = {}
        for place in self._weights:
            path = _object_of(place).split("/")
            found |= dict.fromkeys("/".join(path[: i + 1]) for i in range(len(path)))
        return [path for path in found if path]

    def _find(self, name: str) -> str:
        objects = self._objects()
        hits = [p for p in objects if p == name] or [
            p for p in objects if p.rpartition("/")[2] == name
        ]
        if len(hits) > 1:
            raise ValueError(
                f"{self.filepath} has {len(hits)} objects called {name!r}: say which by its path, {hits}."
            )
        if not hits:
            known = [*objects, *(p.rpartition("/")[2] for p in objects)]
            raise ValueError(f"{self.filepath} has no object {name!r}. {suggest(name, known)}")
        return hits[0]


def _lacking(who: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Say which weights are not found; of an object without any, that it is not there."""
    objects = {_object_of(place) for place in found}
    lacking = [
        f"the weight {_name(place)!r}"
        if _object_of(place) in objects
        else f"the object {_object_of(place)!r}"
        for place in wanted
        if place not in found
    ]
    return [f"The {who} lacks {what}." for what in dict.fromkeys(lacking)]


def _object_of(place: str) -> str:
    """Return the path of the object that a weight belongs to, `""` for the model itself."""
    path = f"/{place}".rpartition("/")[0]
    return path.removesuffix("/vars").removeprefix("/")


def _name(place: str) -> str:
    return "/".join(_parts(place))


def _parts(place: str) -> list[str]:
    path = _object_of(place)
    return [*(path.split("/") if path else ["(the model)"]), place.rpartition("/")[2]]


def _is_in(place: str, path: str) -> bool:
    return place.startswith(f"{path}/")


def _branches(tree: dict[str, Any]) -> Iterator[str]:
    for i, (name, inner) in enumerate(tree.items()):
        last = i == len(tree) - 1
        yield ("└─ " if last else "├─ ") + name
        yield from (("   " if last else "│  ") + line for line in _branches(inner))
