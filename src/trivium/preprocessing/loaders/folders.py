"""Which files a folder has, in which order, and the class of each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from trivium.data.checks import check_count
from trivium.state import global_seed, suggest

__all__ = [
    "Files",
    "LabelMode",
    "Labels",
    "Subset",
    "check_format",
    "check_reading",
    "files_in",
    "find_files",
]

Labels = Literal["inferred"] | Sequence[int] | None
LabelMode = Literal["int", "categorical", "binary"] | None
Subset = Literal["training", "validation", "both"] | None

_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)


class Files(NamedTuple):
    """Files and their labels.

    Args:
        paths: The files.
        labels: A label for each, as a model takes it; `None` where there are none.
        class_names: What the classes are called; `None` where there are no labels.
        seed: What further orders of the files are drawn from.
        folder: The folder that they are in.
    """

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None
    seed: int | None
    folder: str

    def part(self, start: int, stop: int) -> Files:
        """Return some of the files, by their positions."""
        labels = None if self.labels is None else self.labels[start:stop]
        return self._replace(paths=self.paths[start:stop], labels=labels)


def check_format(format: Any) -> None:
    """Refuse what is not one of Keras's kinds of datasets.

    Raises:
        ValueError: It is neither `"tf"` nor `"grain"`.
    """
    if format not in ("tf", "grain"):
        raise ValueError(
            f"`format` is 'tf' or 'grain', which give the same dataset; got {format!r}."
        )


def check_reading(batch_size: Any, errors: Any) -> int | None:
    """Return the size of a batch, or `None`, and refuse words for `errors` that mean nothing.

    Raises:
        ValueError: One of them cannot be used.
    """
    if errors not in ("raise", "skip"):
        raise ValueError(
            f"`errors` is 'raise' or 'skip'; got {errors!r}. {suggest(str(errors), ['raise', 'skip'])}"
        )
    return check_count("batch_size", batch_size)


def find_files(
    directory: str | os.PathLike[str],
    labels: Labels,
    *,
    formats: tuple[str, ...],
    what: str,
    label_mode: LabelMode,
    class_names: Sequence[str] | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: Subset,
    follow_links: bool,
    verbose: bool,
) -> list[Files]:
    """Find the files of a folder, with their labels.

    Args:
        directory: The folder.
        labels: `"inferred"` takes each subfolder for a class; or the labels, in the order of the sorted paths; or
            `None` for none.
        formats: The endings that count, in lower case.
        what: What the files are, in the plural, for messages.
        label_mode: How a label is written: `"int"`, `"categorical"` (one-hot), `"binary"`, or `None` for no labels.
        class_names: The subfolders that count, in the order of their numbers.
        shuffle: Whether to mix the files before they are parted.
        seed: What the order is drawn from; the global seed by default.
        validation_split: The part of the files, from the end, that is for validation.
        subset: Which part is wanted.
        follow_links: Whether to go into folders that are links.
        verbose: Whether to say how many files there are.

    Returns:
        The files that are wanted; two lots of them for `subset="both"`.

    Raises:
        ValueError: An argument makes no sense, or not with the files that are there.
        FileNotFoundError: There is no such folder.
    """
    _check_words(labels, label_mode, class_names)
    _check_split(validation_split, subset, shuffle, seed)
    folder = os.fspath(directory)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"There is no folder {folder!r}"
            + (": it is a file." if os.path.exists(folder) else ".")
        )
    if labels is None or label_mode is None:
        labels = label_mode = None
    inferred = isinstance(labels, str)
    names = _classes(folder, class_names) if inferred else [""]
    found = [files_in(folder, name, formats, follow_links) for name in names]
    paths = [path for paths in found for path in paths]
    if not paths:
        raise ValueError(_nothing_found(folder, names, formats, what, inferred))
    numbers: np.ndarray | None = None
    if inferred:
        if len(names) == 1 and class_names is None:
            raise ValueError(
                f"{folder!r} has one class, {names[0]!r}, so there is nothing to tell apart. Give the folder that has "
                "a subfolder for each class, or labels=None for files without labels."
            )
        numbers = np.repeat(np.arange(len(names), dtype=np.int32), [len(p) for p in found])
    elif labels is not None:
        numbers, names = _given(labels, len(paths), folder, what)
    if verbose:
        of_classes = "" if numbers is None else f" belonging to {len(names)} classes"
        print(f"Found {len(paths)} files{of_classes}.")
    written = None if numbers is None else _written(numbers, label_mode, names, folder)
    files = Files(paths, written, None if numbers is None else names, seed, folder)
    if shuffle:
        # NumPy's older generator, so that the same seed parts the same files as Keras does.
        chance = np.random.RandomState((global_seed() if seed is None else seed) % 2**32)
        order = chance.permutation(len(paths))
        mixed = None if written is None else written[order]
        files = files._replace(paths=[paths[i] for i in order], labels=mixed)
    return _parted(files, validation_split, subset, what, folder, verbose)


def _check_words(labels: Any, label_mode: Any, class_names: Any) -> None:
    if isinstance(labels, str) and labels != "inferred":
        raise ValueError(
            f"`labels` is 'inferred', a list of whole numbers, or None; got {labels!r}. "
            + suggest(labels, ["inferred"])
        )
    if not (labels is None or isinstance(labels, str | Sequence | np.ndarray)):
        raise ValueError(
            f"`labels` is 'inferred', a list of whole numbers, or None; got a {type(labels).__name__}."
        )
    if label_mode not in _LABEL_MODES:
        words = [w for w in _LABEL_MODES if w]
        raise ValueError(
            f"`label_mode` is 'int', 'categorical', 'binary' or None; got {label_mode!r}. "
            + suggest(str(label_mode), words)
        )
    if class_names is not None and (isinstance(class_names, str) or not isinstance(labels, str)):
        reason = (
            "is a list of names of folders"
            if isinstance(class_names, str)
            else "names the subfolders to infer labels from: it goes with labels='inferred'"
        )
        raise ValueError(f"`class_names` {reason}; got {class_names!r}, and labels={labels!r:.60}.")


def _check_split(split: Any, subset: Any, shuffle: bool, seed: int | None) -> None:
    if subset not in _SUBSETS:
        words = [w for w in _SUBSETS if w]
        raise ValueError(
            f"`subset` is 'training', 'validation', 'both' or None; got {subset!r}. "
            + suggest(str(subset), words)
        )
    if split is not None and not 0 < split < 1:
        raise ValueError(f"`validation_split` lies between 0 and 1; got {split!r}.")
    if seed is not None and (
        isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32
    ):
        raise ValueError(f"`seed` is a whole number from 0 to 2**32 - 1, or None; got {seed!r}.")
    if (split is None) != (subset is None):
        missing, given = (
            ("subset", "validation_split") if subset is None else ("validation_split", "subset")
        )
        raise ValueError(f"`{given}` was given without `{missing}`: the two go together.")
    if subset in ("training", "validation") and shuffle and seed is None:
        raise ValueError(
            "`seed` is missing: the files are mixed before they are parted, and training and validation must be "
            "parted alike. Give both calls the same seed, or ask for subset='both' once."
        )


def _classes(folder: str, class_names: Sequence[str] | None) -> list[str]:
    """Return the subfolders that are classes."""
    there = sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith("."))
    if class_names is None:
        return there
    unknown = [name for name in class_names if name not in there]
    if unknown:
        raise ValueError(
            f"`class_names` has {unknown[0]!r}, and {folder!r} has no such subfolder. "
            + suggest(str(unknown[0]), there)
        )
    if len(set(class_names)) < len(class_names):
        raise ValueError(f"`class_names` has a name twice: {list(class_names)}.")
    return list(class_names)


def files_in(folder: str, name: str, formats: tuple[str, ...], follow_links: bool) -> list[str]:
    """Return the files of a subfolder and of all below it, sorted by folder and name."""
    walk = os.walk(os.path.join(folder, name) if name else folder, followlinks=follow_links)
    return [
        os.path.join(root, file)
        for root, _, files in sorted(walk, key=lambda entry: entry[0])
        for file in sorted(files)
        if file.lower().endswith(formats)
    ]


def _nothing_found(
    folder: str, names: list[str], formats: tuple[str, ...], what: str, inferred: bool
) -> str:
    if inferred and not names:
        lying = sum(e.name.lower().endswith(formats) for e in os.scandir(folder))
        return (
            f"{folder!r} has no subfolders, which labels='inferred' takes the classes from. "
            + (
                f"{lying} {what} lie in the folder itself: "
                if lying
                else "For files in the folder itself, "
            )
            + "pass their labels as a list, or labels=None."
        )
    others = sorted({Path(f).suffix or f for _, _, files in os.walk(folder) for f in files})[:8]
    there = f"; there are {', '.join(others)}" if others else ""
    return f"There are no {what} in {folder!r}: no file that ends in {', '.join(formats)}{there}."


def _given(labels: Any, count: int, folder: str, what: str) -> tuple[np.ndarray, list[str]]:
    """Return labels that the user gave, as numbers, and the names of the classes."""
    numbers = np.asarray(labels)
    if numbers.ndim != 1 or len(numbers) != count:
        raise ValueError(
            f"`labels` has {len(numbers)} entries, and {folder!r} has {count} {what}: one label for each, in the "
            "order of the sorted paths."
        )
    if numbers.dtype.kind not in "biu":
        raise ValueError(
            f"`labels` holds whole numbers; got {labels[0]!r} (dtype {numbers.dtype}). Number the classes first, e.g. "
            "with np.unique(labels, return_inverse=True)."
        )
    return numbers.astype(np.int32), [str(n) for n in np.unique(numbers)]


def _written(numbers: np.ndarray, mode: LabelMode, names: list[str], folder: str) -> np.ndarray:
    """Return class numbers as a model takes them."""
    if mode == "int":
        return numbers
    if mode == "binary" and len(names) != 2:
        raise ValueError(
            f"label_mode='binary' is for two classes, and {folder!r} has {len(names)}: {names[:8]}. Take "
            "label_mode='int' or 'categorical', or name two in `class_names`."
        )
    if mode == "categorical" and len(names) == 1:
        raise ValueError(
            f"label_mode='categorical' is for several classes, and {folder!r} has one, {names[0]!r}: each label "
            "would be [1.0]. Take labels=None if there is nothing to tell apart."
        )
    bad = (numbers < 0) | (numbers >= len(names))
    if bad.any():
        first = int(bad.argmax())
        raise ValueError(
            f"`labels` has {numbers[first]} at position {first}; with {len(names)} classes and label_mode={mode!r} "
            f"they go from 0 to {len(names) - 1}."
        )
    if mode == "binary":
        return numbers.astype(np.float32)[:, None]
    return np.eye(len(names), dtype=np.float32)[numbers]


def _parted(
    files: Files, split: float | None, subset: Subset, what: str, folder: str, verbose: bool
) -> list[Files]:
    if split is None:
        return [files]
    total = len(files.paths)
    kept = total - int(split * total)
    if kept in (0, total):
        empty = "training" if kept == 0 else "validation"
        raise ValueError(
            f"validation_split={split} of the {total} {what} in {folder!r} leaves none for {empty}."
        )
    parts = {"training": files.part(0, kept), "validation": files.part(kept, total)}
    wanted = list(parts) if subset == "both" else [str(subset)]
    if verbose:
        for name in wanted:
            print(f"Using {len(parts[name].paths)} files for {name}.")
    return [parts[name] for name in wanted]
