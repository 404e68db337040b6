"""A model from a file of the user's: `my_models.py:build`."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from trivium.models.model import Model
from trivium.state import suggest

__all__ = ["LoadError", "executed", "load_model", "load_module"]


class LoadError(ValueError):
    """What was named is no model."""


def load_model(place: str, input_shape: str | None = None) -> Model:
    """Run a file and return the model that a name in it means.

    Args:
        place: `FILE.py:NAME`, where `NAME` is a function that returns a model, a model, or a model class.
        input_shape: The shape of one sample, as `"28,28"`, for a model that is not built.

    Raises:
        LoadError: There is no such file or name, or it is no model, or its shapes are not known.
    """
    file, _, name = place.rpartition(":")
    if not file:
        raise LoadError(f"write FILE.py:NAME, for instance {place}:build; got {place!r}.")
    module = load_module(Path(file))
    if not hasattr(module, name):
        known = [n for n, v in vars(module).items() if callable(v) or isinstance(v, Model)]
        raise LoadError(
            f"{file} has no {name!r}. {suggest(name, [n for n in known if n[:1] != '_'])}"
        )
    model = _made(getattr(module, name), place)
    if not model.built:
        if input_shape is None:
            raise LoadError(
                f"{place} is not built, so its shapes are not known: say --input-shape 28,28, or build it in the file."
            )
        model.build((None, *_sizes(input_shape)))
    return model


def _made(thing: Any, place: str) -> Model:
    if isinstance(thing, type) or (callable(thing) and not isinstance(thing, Model)):
        needed = [
            p.name
            for p in inspect.signature(thing).parameters.values()
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        if needed:
            raise LoadError(
                f"{place} wants the arguments {', '.join(needed)}: write a function without any that returns the model."
            )
        thing = thing()
    if not isinstance(thing, Model):
        raise LoadError(f"{place} gives {thing!r}, which is no model.")
    return thing


def load_module(file: Path) -> ModuleType:
    """Run a file of the user's and return it as a module.

    Args:
        file: The file.

    Raises:
        LoadError: There is no such file, or it stops with an error.
    """
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if not file.is_file() or spec is None:
        raise LoadError(f"there is no Python file {str(file)!r}.")
    try:
        return executed(spec, file)
    except Exception as error:
        raise LoadError(f"{file} stopped with {type(error).__name__}: {error}") from error


def executed(spec: ModuleSpec, file: Path) -> ModuleType:
    """Run a file of the user's as Python would run it, with its folder to import from, and return it as a module.

    Args:
        spec: The module's name, and what loads it.
        file: The file.
    """
    assert spec.loader is not None  # One that is made of a file's place has it.
    module = importlib.util.module_from_spec(spec)
    # Code that looks itself up, as dataclasses and pickles do, finds it there.
    sys.modules[spec.name] = module
    folder = str(file.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    finally:
        sys.path.remove(folder)
    return module


def _sizes(text: str) -> tuple[int | None, ...]:
    try:
        return tuple(
            None if part in ("None", "?") else int(part)
            for part in text.strip("()").split(",")
            if part.strip()
        )
    except ValueError:
        raise LoadError(f"--input-shape is a list of sizes such as 28,28; got {text!r}.") from None
