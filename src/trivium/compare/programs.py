"""The programs to compare: functions that return a model, and the source that a reader needs."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import tokenize
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from trivium.compare.settings import STYLES, CompareError, Settings
from trivium.state.registry import suggest
from trivium.styles.load import executed

__all__ = ["Program", "changed_lines", "describe_failure", "find_programs", "relevant_source"]


@dataclass(frozen=True)
class Program:
    """One style: its name, the function that returns its model, and the source to show.

    Args:
        style: One of `STYLES`.
        build: Returns a model.
        source: The part of the file that `build` needs.
        place: The file, for messages.

    Example:
        >>> Program("functional", lambda: None, "", "mine.py").style
        'functional'
    """

    style: str
    build: Callable[[], Any]
    source: str
    place: str


def find_programs(settings: Settings) -> tuple[list[Program], list[str]]:
    """Find the functions to compare: in the user's file, else the article's.

    Args:
        settings: What was asked for.

    Returns:
        The programs, and a note for each style that the user's file lacks.

    Raises:
        CompareError: The file cannot be imported, or lacks what was asked for.

    Example:
        >>> programs, notes = find_programs(Settings(styles=("functional",)))
        >>> [p.style for p in programs], notes
        (['functional'], [])
    """
    styles = list(dict.fromkeys(settings.styles)) or list(STYLES)
    if settings.module is None:
        modules = [importlib.import_module(f"trivium.compare.article.{s}") for s in styles]
        return [_program(s, m) for s, m in zip(styles, modules, strict=True)], []
    module = _import_file(Path(settings.module))
    missing = [s for s in styles if not callable(getattr(module, s, None))]
    if missing and (settings.styles or missing == styles):
        raise CompareError(f"module: {_lacks(module, missing)}")
    notes = [f"{_lacks(module, [style])} Comparing the others." for style in missing]
    return [_program(s, module) for s in styles if s not in missing], notes


def _lacks(module: ModuleType, missing: list[str]) -> str:
    wanted = " and no ".join(f"{style}()" for style in missing)
    named = {n for n, v in vars(module).items() if callable(v) and not n.startswith("_")}
    own = named - set(STYLES)
    hint = suggest(missing[0], own) if own else ""
    return f"{module.__file__} has no function {wanted}. {hint if '?' in hint else ''}".rstrip()


def _program(style: str, module: ModuleType) -> Program:
    place = str(module.__file__)
    with tokenize.open(place) as file:
        text = file.read()
    return Program(style, getattr(module, style), relevant_source(text, style), place)


def _import_file(path: Path) -> ModuleType:
    """Import a file as Python would run it: with its folder on the path."""
    spec = importlib.util.spec_from_file_location(f"trivium_compared_{path.stem}", path.resolve())
    if spec is None:
        raise CompareError(f"module: {str(path)!r} is no Python file (wanted a name in .py)")
    try:
        return executed(spec, path)
    except Exception as error:
        raise CompareError(f"module: {describe_failure(error, str(path.resolve()))}") from error


def describe_failure(error: Exception, place: str) -> str:
    """Say in one line what went wrong in a user's file, and in which line of it.

    Args:
        error: What was raised.
        place: The file's full path.

    Returns:
        The place, the kind of error and its text.

    Example:
        >>> describe_failure(KeyError("units"), "/tmp/mine.py")
        "/tmp/mine.py: KeyError: 'units'"
    """
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == place]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    where = f"{place}, line {line}" if line else place
    return f"{where}: {type(error).__name__}: {error}"


def relevant_source(text: str, name: str) -> str:
    """Cut out of a module what the function `name` needs, without docstrings.

    Args:
        text: The module's source.
        name: A function at its top level.

    Returns:
        The imports, assignments, functions and classes that it reaches, in the file's order.

    Example:
        >>> text = "import os\\nimport re\\nA = 1\\ndef f():\\n    'Doc.'\\n    return A, os\\n"
        >>> print(relevant_source(text, "f"))
        import os
        <BLANKLINE>
        A = 1
        <BLANKLINE>
        def f():
            return A, os
    """
    tree = ast.parse(text)
    needed: set[int] = set()
    names, seen = {name}, set[str]()
    while names - seen:
        seen |= names
        for i, statement in enumerate(tree.body):
            if i not in needed and _binds(statement) & names:
                needed.add(i)
                names |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
    chosen = [tree.body[i] for i in sorted(needed)]
    shown: list[str] = []
    for i, statement in enumerate(chosen):
        imports = _is_import(statement) and i > 0 and _is_import(chosen[i - 1])
        shown += [] if imports or i == 0 else [""]
        shown += _lines(statement, text.splitlines())
    return "\n".join(shown)


def _lines(statement: ast.stmt, lines: list[str]) -> list[str]:
    """Return a statement's lines, without docstrings and the blank lines that follow them."""
    decorators = [d.lineno for d in getattr(statement, "decorator_list", [])]
    first, last = min([statement.lineno, *decorators]), statement.end_lineno or statement.lineno
    drop = _docstring_lines(statement)
    for number in range(first, last + 1):
        if number - 1 in drop and not lines[number - 1].strip():
            drop.add(number)
    return [lines[n - 1] for n in range(first, last + 1) if n not in drop]


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _binds(statement: ast.stmt) -> set[str]:
    """Return the names that a top-level statement gives a value."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _docstring_lines(statement: ast.stmt) -> set[int]:
    """Return the lines that only docstrings stand on."""
    lines: set[int] = set()
    for node in ast.walk(statement):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        # A docstring that is the whole body must stay: the text would be no Python without it.
        if ast.get_docstring(node) is None or len(node.body) == 1:
            continue
        head, follower = node.body[0], node.body[1]
        end = head.end_lineno or head.lineno
        if node.lineno < head.lineno and end < follower.lineno:
            lines |= set(range(head.lineno, end + 1))
    return lines


def changed_lines(sources: list[str]) -> list[list[bool]]:
    """Mark the lines of each program that some other program does not have.

    Args:
        sources: The programs.

    Returns:
        For each program a flag for each of its lines; blank lines are never marked.

    Example:
        >>> changed_lines(["a = 1\\nb = 2", "a = 1\\n\\nc = 3"])
        [[False, True], [False, False, True]]
    """
    stripped = [[line.strip() for line in source.splitlines()] for source in sources]
    common = set.intersection(*(set(lines) for lines in stripped)) | {""}
    return [[line not in common for line in lines] for lines in stripped]
