"""Which file of tests covers a name: found by looking where tests write it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[2]
# What a test calls the library itself.
_LIBRARY = ("trivium", "tv", "keras", "lib", "library")
# Where the tests of a module lie that has no folder of its own.
_ROOMS = {
    "backend": "utils",
    "callbacks": "training",
    "config": "utils",
    "dtype_policies": "state",
    "legacy": "utils",
    "mixed_precision": "utils",
}


def room_of(path: str) -> str:
    """Return the folder of tests that a name's belong in."""
    outermost = path.partition(".")[0]
    return _ROOMS.get(outermost, outermost)


class File:
    """What one file of tests writes.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        source = path.read_text()
        self.name = path.relative_to(TESTS).as_posix()
        self.room = self.name.partition("/")[0]
        self.asks_keras = "from oracle import" in source
        self.names: Counter[tuple[str, str]] = (
            Counter()
        )  # (module, name), as written with a dot or in an import
        self.strings: Counter[str] = Counter()
        # Beginnings and ends of names that are put together: f"GlobalMaxPooling{rank}D".
        self.pieces: list[tuple[str, str]] = []
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Attribute(value=ast.Name(id=module), attr=name):
                    self.names[module, name] += 1
                case ast.Attribute(value=ast.Attribute(attr=module), attr=name):
                    self.names[module, name] += 1
                case ast.ImportFrom(module=str(module), names=names):
                    self.names.update((module.rpartition(".")[2], alias.name) for alias in names)
                case ast.JoinedStr(values=[ast.Constant(value=str(start)), _, *rest]):
                    ends = [v.value for v in rest if isinstance(v, ast.Constant)]
                    self.pieces.append((start, "".join(map(str, ends))))
                case ast.Constant(value=str(text)):
                    self.strings[text] += 1

    def mentions(self, path: str) -> int:
        """Return how often the file writes a name: with its module, or in the room's own tests as text in a table."""
        module, _, name = path.rpartition(".")
        modules = (module.rpartition(".")[2],) if module else _LIBRARY
        own = 0
        if module and self.room == room_of(path):
            # Under whatever name the test has the module, in a table, or put together.
            own = self.strings[name] + sum(self._put_together(name))
            own += sum(n for (_, attribute), n in self.names.items() if attribute == name)
        return own + sum(self.names[m, name] for m in modules)

    def _put_together(self, name: str) -> Iterator[bool]:
        for start, end in self.pieces:
            long = len(start) + len(end) >= 8
            yield long and name.startswith(start) and name.endswith(end)


def files() -> list[File]:
    """Read all files of tests but those of the vocabulary itself."""
    found = sorted(TESTS.rglob("test_*.py"))
    return [File(path) for path in found if path.parent.name != "vocabulary"]


def covering(paths: list[str], read: list[File]) -> File | None:
    """Return the file that covers what has these names: one of its room, one that compares with Keras, the one that
    writes them most."""
    rooms = {room_of(path) for path in paths}
    counts = {file.name: sum(map(file.mentions, paths)) for file in read}
    found = [file for file in read if counts[file.name]]
    return max(
        found, key=lambda f: (f.room in rooms, f.asks_keras, counts[f.name], f.name), default=None
    )
