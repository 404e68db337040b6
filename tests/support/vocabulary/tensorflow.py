"""Writes `docs/tensorflow.md`: each public name of TensorFlow, and whether programs that use it run."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from trivium.compat import names as known
from trivium.compat import vocabulary
from trivium.compat.hints import hint_for
from trivium.compat.names import shown
from trivium.compat.tensorflow.runtime import _nothing
from vocabulary.reasons import DIFFERENT

PAGE = Path(__file__).parents[3] / "docs" / "tensorflow.md"
OVERVIEW = PAGE.with_name("from-keras.md")
HEAD = """# TensorFlow's names

Every public name of TensorFlow {version} around Keras, and what a program that uses it finds under `trivium run`.
`tf.keras` is [Keras's vocabulary](coverage.md); how programs are run is told in [Coming from Keras](from-keras.md).

A name **runs**, or runs **with a difference**, which is said here, or is **refused** at the line that uses it, with the
message that says what to write instead. `trivium check` finds the latter without running the program. Names that stand
for what another name stands for count in each place. `tf.raw_ops`, `tf.compat` and `tf.lite` are left out.

A test holds this page to what is there; it is written by

    PYTHONPATH=src:tests/support python -m vocabulary

| package | names | run | with a difference | refused |
|---|--:|--:|--:|--:|
"""


class Name(NamedTuple):
    """A public name of TensorFlow."""

    module: str
    name: str
    runs: bool
    difference: str  # Empty where there is none.
    instead: str  # What the message says, where it does not run.


def names() -> list[Name]:
    """Return all names."""
    found = []
    for module in known._lines():
        if module.split(".")[0] != "tensorflow" or module.endswith("()"):
            continue
        for name in known.names_in(module):
            path = f"{module}.{name}"
            if vocabulary.canonical(path).startswith("keras") or known.is_module(path):
                continue
            value = vocabulary.find(path)
            runs = value is not vocabulary.MISSING
            said = _difference(path, value) if runs else ""
            found.append(Name(module, name, runs, said, "" if runs else hint_for(path)))
    return found


def _difference(path: str, value: object) -> str:
    if getattr(value, "__wrapped__", None) is _nothing:
        return "taken, and without a meaning here"
    for candidate in (path, *known.other_names(path)):
        while candidate:
            if candidate in DIFFERENT:
                return DIFFERENT[candidate]
            candidate = candidate.rpartition(".")[0]
    return ""


def page(found: list[Name]) -> str:
    """Return the page."""
    modules: dict[str, list[Name]] = defaultdict(list)
    for name in found:
        modules[name.module].append(name)
    rows = [_row(f"`{shown(f'{module}.')[:-1]}`", modules[module]) for module in sorted(modules)]
    sections = [_section(module, modules[module]) for module in sorted(modules)]
    version = ".".join(known.LIBRARIES["tensorflow"].split(".")[:2])
    return "".join([HEAD.format(version=version), *rows, _row("all", found), *sections])


MARKS = "<!-- counts of TensorFlow's names -->\n", "<!-- end of counts -->\n"


def with_counts(text: str, found: list[Name]) -> str:
    """Return a page with the counts by package, those in it included, between the two marks that it has."""
    packages: dict[str, list[Name]] = defaultdict(list)
    for name in found:
        packages[".".join(shown(f"{name.module}.").split(".")[:2]).rstrip(".")].append(name)
    whole = [p for p, group in packages.items() if all(n.runs for n in group)]
    none = [p for p, group in packages.items() if not any(n.runs for n in group)]
    single = sorted(packages.keys() - {*whole, *none})
    rows = [_row(f"`{p}`", packages[p]) for p in single]
    for together in (whole, none):
        rows.append(_row(_quoted(together), [n for p in together for n in packages[p]]))
    table = "".join([*HEAD.rsplit("\n\n", 1)[1:], *rows, _row("all", found)])
    before, _, rest = text.partition(MARKS[0])
    return f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}"


def _quoted(packages: list[str]) -> str:
    return ", ".join(f"`{p}`" for p in sorted(packages))


def _row(label: str, group: list[Name]) -> str:
    counts = (
        len(group),
        sum(n.runs and not n.difference for n in group),
        sum(bool(n.difference) for n in group),
        sum(not n.runs for n in group),
    )
    return f"| {label} | {' | '.join(str(n or '') for n in counts)} |\n"


def _section(module: str, group: list[Name]) -> str:
    parts = [f"\n## {shown(f'{module}.')[:-1]}\n\n"]
    if plain := [n for n in group if n.runs and not n.difference]:
        parts.append(f"- **Run**: {_listed(plain)}.\n")
    for kind, head in (("difference", "With a difference"), ("instead", "Refused")):
        said: dict[str, list[Name]] = defaultdict(list)
        for name in group:
            if getattr(name, kind):
                said[getattr(name, kind)].append(name)
        parts += [f"- {head}: {_listed(of)}. {_sentence(text)}\n" for text, of in said.items()]
    return "".join(parts)


def _sentence(text: str) -> str:
    """Return a text as one line that begins and ends like a sentence; programs in it are left out."""
    first = text.partition("\n\n")[0].replace("\n", " ").rstrip(":")
    return first[0].upper() + first[1:] + ("" if first.endswith(".") else ".")


def _listed(group: list[Name]) -> str:
    return ", ".join(f"`{name.name}`" for name in group)
