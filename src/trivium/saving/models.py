"""Whole models in files: config, weights, what they were compiled with, and the optimizer's state."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from trivium.layers.kernels import FACTORS
from trivium.saving import legacy, legacy_writer
from trivium.saving.archive import (
    ASSETS,
    CONFIG,
    FORMAT,
    GRAPH,
    METADATA,
    WEIGHTS,
    Archive,
    Folder,
    opened,
)
from trivium.saving.bounds import checked_config, read_json
from trivium.saving.durable import durable
from trivium.saving.given import is_hdf5, is_open, name_of, path_of, reading, written
from trivium.saving.graphs import configs, model_of_graph
from trivium.saving.hdf5 import attribute, damage_named, datasets, hdf5
from trivium.saving.numbers import write_dataset
from trivium.saving.optimizer_places import held, read_places, states_in, write_states
from trivium.saving.places import seed_places, walk
from trivium.saving.shared_objects import mark_first_places
from trivium.saving.stored import stored_of, values_of
from trivium.saving.weights import OTHERS, read_weights, write_weights
from trivium.saving.zips import write_zip
from trivium.state import Variable
from trivium.state.custom_objects import custom_object_scope
from trivium.state.registry import deserialize
from trivium.state.safety import ModelFileError, UnknownNameError, code_allowed

__all__ = ["load_model", "save_model"]

# What the metadata say that Keras's do not.
_OURS = "trivium_version"


def save_model(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
) -> None:
    """Write a model to a file that `load_model`, ours or Keras's, makes it of anew.

    The file has the model's config, its weights, what it was compiled with and the optimizer's state. It is written
    beside its place, brought to the disk and then moved there, so there is always a whole one.

    Args:
        model: The model.
        filepath: A path that ends in `.keras`; in `.h5` or `.hdf5` for the older form of Sequential and Functional
            models; or a file that is open for writing, in binary mode, which is written from where it stands.
        overwrite: Whether a file that is there may be replaced.
        zipped: Whether the parts are one archive; where it is false they are files in a folder.
        include_optimizer: Whether the file says what the model was compiled with, and has the optimizer's state.

    Raises:
        ValueError: The path ends otherwise, or in `.h5` where a layer keeps what only an archive has room for.
        NotImplementedError: The model holds what no config can, or is none that an `.h5` file can hold.
        FileExistsError: The file is there and `overwrite` is false.
        OSError: The disk is full, the folder cannot be written to, …; what was there is unchanged.

    Example:
        >>> import tempfile, trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model.keras")
        ...     again = tv.models.load_model(f"{folder}/model.keras")
        >>> again.weights_sha256() == model.weights_sha256()
        True
    """
    if is_open(filepath, writing=True):
        if zipped is False:
            raise ValueError(
                "`zipped=False` writes a folder, which goes to a path and into no open file."
            )
        members = _members(model, include_optimizer)
        with written(filepath) as file:
            write_zip(file, members)
        return
    path = path_of(filepath)
    if (
        zipped is not False
        and path.suffix in legacy.ENDINGS
        and not path.name.endswith(".weights.h5")
    ):
        if kept := sorted(_assets(model)):
            raise ValueError(
                f"{path} has no room for what layers of {model.name!r} keep in files of their own, {kept}: save it to "
                "a path that ends in '.keras'."
            )
        legacy_writer.save_model(model, path, overwrite, include_optimizer)
        return
    if zipped is None:
        zipped = path.suffix == ".keras"
        if not zipped:
            raise ValueError(
                f"A model's file ends in '.keras', or '.h5' in the older form; got {str(path)!r}. Its weights alone go "
                "into a file that ends in '.weights.h5', by `save_weights`; `zipped=False` writes a folder."
            )
    if not zipped:
        _check_folder(path)
    members = _members(model, include_optimizer)
    with durable(path, overwrite) as part:
        if zipped:
            with open(part, "xb+", buffering=0) as file:
                write_zip(file, members)
        else:
            _write_folder(part, members)


def _check_folder(folder: Path) -> None:
    """Raise an error for a folder with other things than a model in it: it is replaced as a whole."""
    parts = {METADATA, CONFIG, WEIGHTS, GRAPH, ASSETS.rstrip("/")}
    if folder.is_dir() and (others := sorted({p.name for p in folder.iterdir()} - parts)):
        raise FileExistsError(
            f"{folder} is a folder with other things than a saved model, {others[0]!r} among them; a model's folder is "
            "replaced as a whole. Name one that is not there."
        )


def _write_folder(folder: Path, members: dict[str, Any]) -> None:
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with open(folder / name, "xb+", buffering=0) as file:
            file.write(content) if isinstance(content, bytes) else content(file)


def _members(model: Any, optimizer: bool) -> dict[str, bytes | Callable[[IO[bytes]], None]]:
    """Return the parts of a model's file by name, with or without the optimizer's."""
    config, graph = configs(model)
    if not optimizer:
        config.pop("compile_config", None)
    ours = importlib.metadata.version("trivium")
    metadata = {
        "keras_version": FORMAT,
        "date_saved": time.strftime("%Y-%m-%d@%H:%M:%S"),
        _OURS: ours,
    }
    return {
        METADATA: json.dumps(metadata).encode(),
        CONFIG: json.dumps(config).encode(),
        **graph,
        **_assets(model),
        WEIGHTS: lambda file: _write_state(model, file, optimizer),
    }


def _assets(model: Any) -> dict[str, bytes]:
    """Return what layers keep in files of their own, by `save_assets`."""
    found: dict[str, bytes] = {}
    for path, inner in walk(model):
        if hasattr(inner, "save_assets"):
            with tempfile.TemporaryDirectory() as folder:
                inner.save_assets(folder)
                for file in sorted(Path(folder).rglob("*")):
                    if file.is_file():
                        name = file.relative_to(folder).as_posix()
                        found[f"{ASSETS}{path}{name}"] = file.read_bytes()
    return found


def _write_state(model: Any, file: IO[bytes], with_optimizer: bool) -> None:
    with hdf5(file, "w") as weights:
        write_weights(model, weights)
        for place, variable in _seeds(model).items():
            write_dataset(weights, place, np.asarray(variable), checksums=False)
        if with_optimizer:
            write_states(model, weights)


def _seeds(model: Any) -> dict[str, Variable]:
    return _places(dict(enumerate(seed_places(model).values())))


def _places(numbered: dict[int, Variable]) -> dict[str, Variable]:
    return {f"seeds/{i}": variable for i, variable in numbered.items()}


# -- reading ----------------------------------------------------------------------------------------------------


def load_model(
    filepath: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """Return the model that a file holds, ours or Keras's.

    Nothing that the file names is imported, opened or run: its classes and functions are the library's, and those that
    you have registered or give here.

    Args:
        filepath: A path of a `.keras` file, of a folder, or of an `.h5` file of Keras 2 or 3; or such a file that is
            open for reading.
        custom_objects: Classes and functions of yours by name, besides the registered ones.
        compile: Whether to compile the model as it was, and to take up the optimizer's state.
        safe_mode: `False` runs code that the file has for lambdas. It can do anything that you can.

    Raises:
        FileNotFoundError: There is no such file.
        UnsafeFileError: The file asks for what a file may not do.
        ModelFileError: The file is damaged, or holds something else; the message names it.

    Example:
        >>> import io, trivium as tv
        >>> file = io.BytesIO()
        >>> tv.saving.save_model(tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)]), file)
        >>> load_model(file).output_shape
        (None, 2)
    """
    source = name_of(filepath)
    with (
        custom_object_scope(custom_objects),
        code_allowed(safe_mode),
        reading(filepath, "model") as raw,
        contextlib.ExitStack() as stack,
    ):
        if not isinstance(raw, Path) and (source.endswith(legacy.ENDINGS) or is_hdf5(raw)):
            with _naming(source):
                return legacy.load(raw, source, compile)
        archive = stack.enter_context(opened(raw, source))
        with _naming(source):
            config = checked_config(read_json(archive.read(CONFIG), f"{source}: {CONFIG}"), source)
            if _OURS not in _metadata(archive, source):
                mark_first_places(config)
            compiled = config.pop("compile_config", None)
            try:
                model = deserialize(config)
            except UnknownNameError as error:
                model = model_of_graph(archive, source, error)
            if not hasattr(model, "save"):
                raise ModelFileError(f"it holds a {type(model).__name__}, which is no model")
            _load_assets(model, archive)
        with archive.weights() as file:
            _read_state(model, file, source, compiled if compile else None)
    return model


def _metadata(archive: Archive | Folder, source: str) -> Any:
    known = METADATA in archive.names()
    return read_json(archive.read(METADATA), f"{source}: {METADATA}") if known else {}


def _enable_factors(model: Any, own: dict[str, Any]) -> None:
    """Give layers the factors of low rank that a file has of them: those within others have no config of their own."""
    for path, inner in walk(model):
        kernel, a, b = (own.get(f"{path}{FACTORS}/{name}") for name in ("kernel", "a", "b"))
        if kernel is None or a is None or b is None or getattr(inner, "lora_enabled", True):
            continue
        alpha, rank = attribute(kernel, "alpha"), a.shape[-1] if a.shape else 0
        *before, last = kernel.shape or (0,)
        if (a.shape, b.shape) == ((*before, rank), (rank, last)) and isinstance(alpha, str):
            inner.enable_lora(rank, float(alpha))


def _compile(model: Any, config: dict[str, Any], source: str) -> None:
    try:
        model.compile_from_config(config)
    except UnknownNameError as error:
        warnings.warn(f"{source}: the model is not compiled: {error}", stacklevel=4)


@contextlib.contextmanager
def _naming(source: str) -> Iterator[None]:
    """Turn whatever goes wrong while a model is made into an error that names the file."""
    try:
        yield
    except (OSError, MemoryError, Warning):  # The last where warnings are errors.
        raise
    except Exception as error:
        if isinstance(error, ModelFileError) and source in str(error):
            raise
        kind = type(error) if isinstance(error, ModelFileError) else ModelFileError
        notes = " ".join(getattr(error, "__notes__", ()))
        said = str(error) or type(error).__name__
        raise kind(f"{source}: the model in it cannot be made: {said} {notes}".rstrip()) from error


def _load_assets(model: Any, archive: Archive | Folder) -> None:
    names = archive.names()
    for path, inner in walk(model):
        mine = [n for n in names if n.startswith(f"{ASSETS}{path}") and not n.endswith("/")]
        if hasattr(inner, "load_assets"):
            with tempfile.TemporaryDirectory() as folder:
                for name in mine:
                    target = Path(folder, name.removeprefix(f"{ASSETS}{path}"))
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(archive.read(name))
                inner.load_assets(folder)


def _read_state(model: Any, file: IO[bytes], source: str, compiled: Any) -> None:
    """Read the weights, compile the model, and read what there is beside them.

    In this order, since an optimizer has arrays of the weights' shapes: those have been found in the file by then.
    """
    with hdf5(file, "r", source) as weights:
        numbered = getattr(model, "_numbered", None)
        order = [numbered[i] for i in sorted(numbered)] if numbered else None
        with damage_named(source):
            stored = datasets(weights, source)
            states = states_in(stored, model)
        own = {
            k: d for k, d in stored.items() if k.partition("/")[0] not in OTHERS and k not in states
        }
        if model.built:
            with _naming(source):
                _enable_factors(model, own)
            read_weights(model, own, source, order=order)
        elif own:
            raise ModelFileError(
                f"{source} does not say for which shapes the {type(model).__name__} in it was built, so its weights "
                "have no place: make the model, call it on data, and `load_weights`."
            )
        if compiled:
            with _naming(source):
                _compile(model, compiled, source)
        with damage_named(source):
            numbers = getattr(model, "_numbered_seeds", None)
            seeds = _seeds(model) if numbers is None else _places(numbers)
            mine = read_places(model, stored, order) | seeds
            fitting = {
                place: (stored_of(stored[place], source), variable)
                for place, variable in mine.items()
                if place in stored and stored[place].shape == variable.shape
            }
            values = dict(zip(fitting, values_of(fitting.values(), source), strict=True))
    for group in held(model):
        state = {k for k in stored if k.startswith(f"{group}/")}
        # One that has not been built yet has its first variables alone.
        if not state <= values.keys():
            which = "optimizer" if group == "optimizer" else f"optimizer {group!r}"
            warnings.warn(
                f"{source}: the {which} starts anew, since the file has the state of another one.",
                stacklevel=3,
            )
            values = {k: v for k, v in values.items() if k not in state}
    for place, value in values.items():
        mine[place].assign(value)
