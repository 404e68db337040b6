"""The cells of a notebook's file, as Python: what `trivium check` reads."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from trivium.compat.errors import NotCovered

__all__ = ["Cell", "cells_of", "parsed", "python_of"]

# Cell magics whose cell is Python all the same.
_PYTHON_MAGICS = ("%%time", "%%timeit", "%%capture", "%%prun", "%%python3", "%%memit")
_ASSIGNED = re.compile(r"^(\s*[\w\s,.\[\]]+=\s*)[!%].*$")


class Cell(NamedTuple):
    """A cell of code.

    Args:
        number: The how manieth cell of the notebook it is, from 1 on; texts count.
        source: What is in it.

    Example:
        >>> Cell(2, "x = 1").number
        2
    """

    number: int
    source: str


def cells_of(path: Path) -> Iterator[Cell]:
    """Yield the cells of code of a notebook.

    Args:
        path: Its file, of version 4 of the format.

    Raises:
        NotCovered: It cannot be read, or is no notebook.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.ipynb"
        ...     _ = path.write_text('{"cells": [{"cell_type": "code", "source": ["x = 1"]}]}')
        ...     list(cells_of(path))
        [Cell(number=1, source='x = 1')]
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        cells = content["cells"]
        found = [
            Cell(i, "".join(cell["source"]))
            for i, cell in enumerate(cells, 1)
            if cell["cell_type"] == "code"
        ]
    except OSError as error:
        raise NotCovered(f"{str(path)!r} cannot be read: {error.strerror}.", "") from None
    except (ValueError, KeyError, TypeError) as error:
        raise NotCovered(
            f"{str(path)!r} is no notebook of version 4 ({type(error).__name__}: {error}).", ""
        ) from None
    yield from found


def python_of(source: str) -> str:
    """Return a cell's lines as Python, with empty ones in the place of magics and commands of the shell.

    Args:
        source: What is in the cell.

    Example:
        >>> python_of("%matplotlib inline\\nfiles = !ls\\nx = 1")
        '\\nfiles = None\\nx = 1'
    """
    lines = source.splitlines()
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and not first.startswith(_PYTHON_MAGICS):
        return ""  # another language
    return "\n".join(_plain(line) for line in lines)


def _plain(line: str) -> str:
    start = line.lstrip()
    if start.startswith(("%", "!", "?")) or (start.endswith("?") and not start.startswith("#")):
        # An empty line would leave an `if` above it without a body.
        return line[: len(line) - len(start)] + "pass" if start != line else ""
    return _ASSIGNED.sub(r"\1None", line)


def parsed(cell: Cell, path: Path) -> ast.Module:
    """Return the syntax of a cell.

    Args:
        cell: The cell.
        path: Its notebook, for errors.

    Raises:
        NotCovered: It is not Python.

    Example:
        >>> len(parsed(Cell(1, "x = 1"), Path("a.ipynb")).body)
        1
    """
    try:
        return ast.parse(python_of(cell.source))
    except SyntaxError as error:
        place = f"{path}, cell {cell.number}, line {error.lineno}"
        raise NotCovered(f"{place}: this is not Python ({error.msg}).", "") from None
