"""Writes `docs/coverage.md`: each public name of Keras, whether it is here, and the test that covers it.

python tests/coverage/report.py
"""

from __future__ import annotations

import functools
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import trivium
from trivium.compat import names as known
from vocabulary import mentions, signatures
from vocabulary.reasons import ABSENT, COVERED, LATER

PAGE = Path(__file__).parents[3] / "docs" / "coverage.md"
HEAD = """# Coverage

Every public name of Keras {version}, and the test that covers it.

The names were read off the real Keras (`tests/support/vocabulary/keras.txt`). A name counts as tested where a file of
tests writes it; ✓ behind a file says that it compares with values of the real Keras. That each takes Keras's
arguments in Keras's order with Keras's defaults is tested in `tests/vocabulary/test_signatures.py`; the exceptions are
listed, each with its reason, in `tests/support/vocabulary/reasons.py`.
A test holds this page to what is there; it is written by

    PYTHONPATH=src:tests/support python -m vocabulary

| module | names | here | tested | missing | with a reason | come later |
|---|--:|--:|--:|--:|--:|--:|
"""


class Name(NamedTuple):
    """A public name of Keras."""

    path: str  # Without `keras.`.
    here: Any  # What it means in Trivium, or `None`.
    reason: str  # Why it is not here, or empty.
    later: str  # What it will come with, or empty.
    test: mentions.File | None

    @property
    def module(self) -> str:
        """The module that it stands in; the outermost one, if all of that comes later."""
        outermost = self.path.partition(".")[0]
        return outermost if outermost in LATER else self.path.rpartition(".")[0]

    @property
    def missing(self) -> bool:
        """Whether it ought to be here."""
        return self.here is None and not self.reason and not self.later


def lookup(path: str) -> Any:
    """Return what a name means in Trivium, or `None`."""
    return functools.reduce(
        lambda thing, part: getattr(thing, part, None), path.split("."), trivium
    )


def names() -> list[Name]:
    """Return all names of Keras. What has several of them is covered where any one of them is."""
    paths, files = list(signatures.read()), mentions.files()
    here = {path: lookup(path) for path in paths}
    same: dict[int, list[str]] = defaultdict(list)
    for path, value in here.items():
        same[id(value)].append(path)
    known = {file.name: file for file in files}

    def marked(group: list[str]) -> mentions.File | None:
        return next((known[COVERED[path]] for path in group if path in COVERED), None)

    covering = {
        key: mentions.covering(group, files) or marked(group) for key, group in same.items()
    }
    return [
        Name(
            path,
            value,
            _of(path, ABSENT) if value is None else "",
            _of(path, LATER) if value is None else "",
            None if value is None else covering[id(value)],
        )
        for path, value in here.items()
    ]


def _of(path: str, table: dict[str, str]) -> str:
    """Return what a table says of a name or of the innermost module around it."""
    while path not in table and path:
        path = path.rpartition(".")[0]
    return table.get(path, "")


def page(found: list[Name]) -> str:
    """Return the page."""
    modules: dict[str, list[Name]] = defaultdict(list)
    for name in found:
        modules[name.module].append(name)
    rows = [_row(f"`{module or 'keras'}`", modules[module]) for module in sorted(modules)]
    total = _row("all", found)
    sections = [_section(module, modules[module]) for module in sorted(modules)]
    version = ".".join(known.LIBRARIES["keras"].split(".")[:2])
    return "".join([HEAD.format(version=version), *rows, total, *filter(None, sections)])


def _row(label: str, group: list[Name]) -> str:
    here = [name for name in group if name.here is not None]
    counts = (
        len(group),
        len(here),
        sum(name.test is not None for name in here),
        sum(name.missing for name in group),
        sum(bool(name.reason) for name in group),
        sum(bool(name.later) for name in group),
    )
    return f"| {label} | {' | '.join(str(n or '') for n in counts)} |\n"


def _section(module: str, group: list[Name]) -> str:
    parts = [f"\n## {module or 'keras'}\n\n"]
    missing = [name for name in group if name.missing]
    if missing:
        parts.append(f"- **Missing**: {_listed(missing)}.\n")
    for kind in ("reason", "later"):
        said: dict[str, list[Name]] = defaultdict(list)
        for name in group:
            if getattr(name, kind):
                said[getattr(name, kind)].append(name)
        parts += [f"- Not here: {_listed(of)}. {text}\n" for text, of in said.items()]
    tests: dict[str, list[Name]] = defaultdict(list)
    for name in group:
        if name.here is not None:
            file = name.test
            tests["" if file is None else f"`{file.name}`{' ✓' * file.asks_keras}"].append(name)
    parts += [
        f"- {file or '**Without a test**'}: {_listed(of)}.\n" for file, of in sorted(tests.items())
    ]
    return "".join(parts)


def _listed(group: list[Name]) -> str:
    return ", ".join(f"`{name.path.removeprefix(f'{name.module}.')}`" for name in group)
