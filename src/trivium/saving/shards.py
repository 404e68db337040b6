"""Weights in several files, none larger than a bound, and the list of them, as Keras has it: `.weights.json`."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trivium.saving.bounds import MIB, read_json
from trivium.saving.durable import durable
from trivium.saving.hdf5 import WeightFileError, attribute, hdf5
from trivium.state.safety import UnsafeFileError

__all__ = ["opened", "write"]

_FILES = 10_000


def write(
    path: Path,
    groups: Sequence[Any],
    limit: int,
    overwrite: bool,
    write_groups: Callable[[Sequence[Any], Path, str], None],
) -> None:
    """Write what layers keep into several files, and the list of them.

    All are written beside their places before the first is moved there, the list last; and all say in which saving they
    were written, so that those of two are not taken for one.

    Args:
        path: The list.
        groups: The layers' groups.
        limit: How many bytes of numbers one file has at most; what one layer keeps is never parted.
        overwrite: Whether the list may be replaced.
        write_groups: Writes groups into a file that says which saving it is of.
    """
    parts: list[list[Any]] = [[]]
    total = size = 0
    for group in groups:
        more = sum(np.asarray(value).nbytes for value, _ in group.values.values())
        if size + more > limit and any(g.values for g in parts[-1]):
            parts.append([])
            size = 0
        parts[-1].append(group)
        total, size = total + more, size + more
    stem, saving = path.name.removesuffix(".weights.json"), uuid.uuid4().hex
    names = [f"{stem}_{i:05}.weights.h5" for i in range(len(parts))]
    pairs = list(zip(names, parts, strict=True))
    places = {f"/{g.place}": [name] for name, part in pairs for g in part if g.values}
    metadata = {"total_size": total, "saving": saving}
    with contextlib.ExitStack() as stack:
        listed = stack.enter_context(durable(path, overwrite))
        for name, part in pairs:
            write_groups(part, stack.enter_context(durable(path.parent / name)), saving)
        listed.write_text(json.dumps({"metadata": metadata, "weight_map": places}, indent=4))


def _names(path: Path) -> tuple[list[str], Any]:
    """Return the names of the files in a list, which are plain names, and in which saving they were written."""
    with open(path, "rb") as file:
        text = file.read(32 * MIB + 1)
    said = read_json(text, str(path))
    places = said.get("weight_map") if isinstance(said, dict) else None
    if not isinstance(places, dict) or not all(isinstance(v, list | str) for v in places.values()):
        raise WeightFileError(f"{path} is no list of weight files.")
    names = dict.fromkeys(n for v in places.values() for n in ([v] if isinstance(v, str) else v))
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".weights.h5"):
            raise UnsafeFileError(f"{path} lists {name!r}, which is no weight file beside it.")
    if len(names) > _FILES:
        raise UnsafeFileError(f"{path} lists {len(names):,} files.")
    return list(names), (said.get("metadata") or {}).get("saving")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[list[tuple[Any, str]]]:
    """Give the open files of a list, each with what to call it.

    Args:
        path: The list.

    Raises:
        WeightFileError: It is no list of weight files, or one is missing.
        UnsafeFileError: It lists something else.
    """
    with contextlib.ExitStack() as stack:
        files = []
        names, saving = _names(path)
        for name in names:
            file = path.parent / name
            if not file.is_file() or file.is_symlink():
                raise WeightFileError(f"{path} lists {name!r}, which is not there.")
            raw = stack.enter_context(open(file, "rb", buffering=0))
            weights = stack.enter_context(hdf5(raw, "r", str(file)))
            if saving is not None and attribute(weights, "saving") != saving:
                raise WeightFileError(
                    f"{path} and {name!r} were not written together: a saving was broken off while it moved its files "
                    "to their places. Save the weights anew."
                )
            files.append((weights, str(file)))
        yield files
