"""Running a program written for Keras or `tf.keras` with nothing changed."""

from __future__ import annotations

import contextlib
import importlib.util
import linecache
import os
import runpy
import sys
import sysconfig
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jaxlib

import trivium
from trivium.compat.errors import NotCovered
from trivium.compat.figures import saved_figures
from trivium.compat.hook import active, as_not_covered
from trivium.state.quick_compilation import quick_operations
from trivium.state.registry import suggest
from trivium.state.settings import is_traceback_filtering_enabled

__all__ = ["NotFound", "RunError", "no_file", "print_error", "run_module", "run_script"]


class RunError(Exception):
    """The program stopped at something that is not covered; the message is all there is to say."""


class NotFound(RunError):
    """There is no such program."""


def no_file(path: Path, kind: str) -> NotFound:
    """Return the error for a file that is not there, with the nearest name in its folder.

    Args:
        path: The file that was named.
        kind: What such files are called, as a pattern: `"*.py"`.
    """
    near = [p.name for p in path.parent.glob(kind)] if path.parent.is_dir() else []
    hint = suggest(path.name, near) if near else ""
    return NotFound(f"there is no file {str(path)!r}. {hint if '?' in hint else ''}".rstrip())


def run_script(script: str | Path, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a program's file as Python would, with `keras` and `tensorflow` meaning Trivium.

    Args:
        script: The file; or a folder or zip file with a `__main__.py`.
        arguments: What the program finds behind its name in `sys.argv`.

    Returns:
        The program's global names.

    Raises:
        NotFound: There is no such file, or no program in the folder.
        RunError: The program uses something that is not covered.
        BaseException: Whatever the program raises.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     script = Path(folder) / "model.py"
        ...     _ = script.write_text("from tensorflow import keras; layer = keras.layers.Dense(3)")
        ...     run_script(script)["layer"].units
        3
    """
    path = Path(script)
    if not path.exists():
        raise no_file(path, "*.py")
    if path.is_dir() and not (path / "__main__.py").exists():
        raise NotFound(
            f"{str(script)!r} is a folder without a '__main__.py': name the program in it."
        )
    folder = path.resolve() if path.is_dir() else path.resolve().parent
    with _process([str(script), *arguments], folder), saved_figures(path.resolve()), _explained():
        return runpy.run_path(str(script), run_name="__main__")


def run_module(name: str, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a module as `python -m` would, with `keras` and `tensorflow` meaning Trivium.

    Args:
        name: The module.
        arguments: What it finds behind its name in `sys.argv`.

    Returns:
        The program's global names.

    Raises:
        NotFound: There is no such module.
        RunError: The program uses something that is not covered.
        BaseException: Whatever the program raises.

    Example:
        >>> run_module("no.such.module")
        Traceback (most recent call last):
            ...
        trivium.compat.run.NotFound: there is no module 'no.such.module'.
    """
    here = Path.cwd()
    figures = here / f"{name.rpartition('.')[2]}.py"
    with _process([name, *arguments], here), saved_figures(figures), _explained():
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise NotFound(f"there is no module {name!r}.")
        return runpy.run_module(name, run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def _process(argv: list[str], folder: Path) -> Iterator[None]:
    """Set the process up for a program, and put everything back after it."""
    before_argv, before_path, before_modules = sys.argv, list(sys.path), set(sys.modules)
    sys.argv = argv
    sys.path.insert(0, str(folder))
    try:
        # What such programs compute step by step, they compute on little, and once or a dozen times.
        with active(), quick_operations(), warnings.catch_warnings():
            # The wide kinds that such programs name everywhere are the narrow ones here, as the pages say.
            warnings.filterwarnings("ignore", "Explicitly requested dtype", UserWarning)
            yield
    finally:
        sys.argv, sys.path[:] = before_argv, before_path
        # Modules of the program hold our faces; whoever imports them next may want the real ones.
        for name in set(sys.modules) - before_modules:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder) and "site-packages" not in file:
                del sys.modules[name]


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Turn what is not covered into the one message about it."""
    try:
        yield
    except Exception as error:
        missing = as_not_covered(error)
        if missing is None:
            raise
        raise RunError(_message(missing)) from error


def _message(missing: NotCovered) -> str:
    file, _, line = missing.location.rpartition(":")
    if not file:
        return missing.message
    source = linecache.getline(file, int(line)).strip()
    shown = f"    {source}\n" if source else ""
    return f"{file}, line {line}:\n{shown}{missing.message}"


def print_error(error: BaseException) -> None:
    """Print a program's error as Python does, without the frames that are not the program's: ours and JAX's.

    The environment variable `JAX_TRACEBACK_FILTERING=off`, and `config.disable_traceback_filtering()`, show them all.

    Args:
        error: What it raised.

    Example:
        >>> print_error(ValueError("on standard error, as ever"))
    """
    told = traceback.TracebackException.from_exception(error)
    if is_traceback_filtering_enabled():
        _leave_out(told)
    print("".join(told.format()), end="", file=sys.stderr)


# Where frames lie that the program's author did not write and cannot mend.
_HIDDEN = tuple(
    str(Path(file).parent) + os.sep for file in (trivium.__file__, jax.__file__, jaxlib.__file__)
)
_LIBRARY = (sysconfig.get_paths()["stdlib"], "<frozen")


def _leave_out(told: traceback.TracebackException | None) -> None:
    """Take the hidden frames, and those of the library that they call, out of an error and what it came from."""
    if told is None:
        return
    kept, hidden = [], True  # `runpy` starts the program
    for frame in told.stack:
        library = frame.filename.startswith(_LIBRARY) or "site-packages" in frame.filename
        hidden = frame.filename.startswith(_HIDDEN) or (hidden and library)
        if not hidden:
            kept.append(frame)
    told.stack[:] = kept
    if notes := getattr(told, "__notes__", None):
        told.__notes__ = [n for n in notes if "JAX_TRACEBACK_FILTERING" not in n]
    _leave_out(told.__cause__)
    _leave_out(told.__context__)
    for inner in told.exceptions or []:
        _leave_out(inner)
