"""`.keras` archives taken apart, and put together again: what is recorded of those that Keras writes."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import Any

import h5py
import numpy as np


def saved(model: Any) -> bytes:
    """Return a model's archive."""
    file = io.BytesIO()
    if type(model).__module__.partition(".")[0] == "keras" or not hasattr(model, "fingerprint"):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:  # Keras takes paths only from `save`.
            model.save(f"{folder}/m.keras")
            with open(f"{folder}/m.keras", "rb") as whole:
                return whole.read()
    model.save(file)
    return file.getvalue()


def parts(archive: bytes) -> dict[str, Any]:
    """Return an archive's config, its datasets by name and the names of its groups."""
    weights: dict[str, Any] = {}
    names: dict[str, str] = {}

    def keep(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset):
            weights[name] = thing[()] if thing.shape else np.asarray(thing[()])
        elif "name" in thing.attrs:
            names[name] = str(thing.attrs["name"])

    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        config = json.loads(members.read("config.json"))
        with h5py.File(io.BytesIO(members.read("model.weights.h5"))) as file:
            file.visititems(keep)
    return {"config": without_ids(config), "weights": weights, "names": names}


def datasets(file: Any) -> dict[str, Any]:
    """Return the datasets of a weight file, each with its attributes; raw bytes as whole numbers."""
    found: dict[str, Any] = {}

    def keep(name: str, thing: Any) -> None:
        if isinstance(thing, h5py.Dataset):
            value = np.asarray(thing[()])
            value = value.view(f"u{value.itemsize}") if value.dtype.kind == "V" else value
            said = {k: v.decode() if isinstance(v, bytes) else v for k, v in thing.attrs.items()}
            found[name] = (value, str(thing.dtype), said)

    with h5py.File(file) as opened:
        opened.visititems(keep)
    return found


def write_datasets(file: Any, found: dict[str, Any]) -> None:
    """Write a weight file of such datasets."""
    with h5py.File(file, "w") as opened:
        for name, (value, dtype, said) in found.items():
            opened[name] = value.view(dtype) if dtype.startswith("|V") else value
            opened[name].attrs.update(said)


def without_ids(config: Any) -> Any:
    """Return a config without the addresses of objects, which Keras writes into it."""
    if isinstance(config, list):
        return [without_ids(v) for v in config]
    if isinstance(config, dict):
        return {k: without_ids(v) for k, v in config.items() if k != "shared_object_id"}
    return config


def archive_of(config: Any, weights: dict[str, Any], names: dict[str, str]) -> io.BytesIO:
    """Return an archive of parts, as Keras writes one."""
    inner, file = io.BytesIO(), io.BytesIO()
    with h5py.File(inner, "w") as written:
        for name, value in weights.items():
            written[name] = value
        for group, name in names.items():
            written.require_group(group).attrs["name"] = name
    with zipfile.ZipFile(file, "w") as members:
        members.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        members.writestr("config.json", json.dumps(config))
        members.writestr("model.weights.h5", inner.getvalue())
    file.seek(0)
    return file


def digest(archive: bytes) -> str:
    """Return a hash of all that a reader of an archive may go by, but for the numbers' last bits."""
    found = parts(archive)
    shapes = {k: (v.shape, str(v.dtype)) for k, v in found["weights"].items()}
    said = json.dumps([found["config"], sorted(shapes.items()), found["names"]], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
