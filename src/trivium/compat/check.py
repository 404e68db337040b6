"""Reading a program without running it: what of Keras and TensorFlow it uses, and what of that is covered."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterator
from pathlib import Path

from trivium.compat.cells import cells_of, parsed
from trivium.compat.errors import NotCovered
from trivium.compat.findings import Finding
from trivium.compat.older import applied
from trivium.compat.reading import Reader

__all__ = ["Finding", "check_script"]


def check_script(script: str | Path) -> list[Finding]:
    """Read a program, and the modules beside it that it imports.

    What a variable holds is followed as far as it is plain: `model = keras.Sequential(...)` is a model, what a
    function was given is not known.

    Args:
        script: The program's file, or a notebook's.

    Returns:
        What it uses, in the order of its files' lines.

    Raises:
        NotCovered: The file cannot be read as Python.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     script = Path(folder) / "train.py"
        ...     _ = script.write_text("import tensorflow as tf\\nscope = tf.distribute.TPUStrategy().scope()")
        ...     [(f.line, f.name, f.covered) for f in check_script(script)]
        [(2, 'tf.distribute.TPUStrategy', False)]
    """
    with applied():  # what Keras 2's objects had counts as theirs
        return _read(Path(script))


def _read(script: Path) -> list[Finding]:
    folder = script.resolve().parent
    findings: list[Finding] = []
    waiting, seen = [script], set[Path]()
    while waiting:
        path = waiting.pop(0)
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        reader = Reader(str(path), folder)
        for reader.file, tree in _parse(path):
            reader.findings = []
            reader.visit(tree)
            found = dict.fromkeys(reader.findings)
            findings += sorted(found, key=lambda f: (f.line, f.name))
        waiting += reader.imported
    return findings


def _parse(path: Path) -> Iterator[tuple[str, ast.Module]]:
    """Yield a program's file by its name, or a notebook's cells by theirs."""
    if path.suffix == ".ipynb":
        for cell in cells_of(path):
            yield f"{path}, cell {cell.number}", parsed(cell, path)
        return
    try:
        with tokenize.open(path) as file:
            yield str(path), ast.parse(file.read(), str(path))
    except OSError as error:
        raise NotCovered(f"{str(path)!r} cannot be read: {error.strerror}.", "") from None
    except (SyntaxError, UnicodeDecodeError) as error:
        line = getattr(error, "lineno", None)
        place = f"{path}, line {line}" if line else str(path)
        reason = getattr(error, "msg", None) or error
        raise NotCovered(f"{place}: this is not Python ({reason}).", "") from None
