"""What each function and class takes: Keras's arguments, in Keras's order, with Keras's defaults."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from oracle import recorded
from vocabulary import signatures
from vocabulary.reasons import DIFFERENCES
from vocabulary.report import lookup

KERAS = signatures.read()
# What all layers take by keyword.
BASE = {"name", "dtype", "trainable"}
MODULES = sorted({path.rpartition(".")[0] for path in KERAS})


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_names_are_those_of_keras() -> None:
    """If this fails, run `python -m vocabulary keras`, look at what changed, and record the digest."""
    theirs = recorded(lambda keras: digest(signatures.write(keras)))
    assert digest(signatures.RECORDED.read_text()) == theirs


def parsed(text: str) -> inspect.Signature:
    """Return a recorded signature."""
    scope: dict[str, Any] = {}
    exec(f"def f{text}: ...", scope)
    return inspect.signature(scope["f"])


def differences(theirs: inspect.Signature, ours: inspect.Signature) -> Iterator[str]:
    """Say what a call that is written for Keras would find otherwise."""
    wanted = [p for p in theirs.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    own = ours.parameters
    stars = {p.kind for p in own.values()}
    order = [p.name for p in own.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    for i, p in enumerate(wanted):
        mine = own.get(p.name)
        if mine is None and p.name in BASE and p.VAR_KEYWORD in stars:
            yield f"{p.name} by keyword"
        elif mine is None:
            yield f"lacks {p.name}"
        elif mine.kind is p.POSITIONAL_OR_KEYWORD and order.index(p.name) != i:
            yield f"{p.name} at {order.index(p.name)}, not {i}"
        elif mine.kind is p.KEYWORD_ONLY and p.VAR_POSITIONAL not in stars:
            yield f"{p.name} by keyword"
        if mine is not None and not same(mine.default, p.default):
            yield f"{p.name}={mine.default!r}, not {p.default!r}"
    for q in own.values():
        optional = q.default is not q.empty or q.kind in (q.VAR_POSITIONAL, q.VAR_KEYWORD)
        if q.name not in theirs.parameters and not optional:
            yield f"wants {q.name}"


@functools.cache
def found() -> list[tuple[str, str]]:
    """Return all differences, with the name that each is of."""
    pairs = []
    for path, text in KERAS.items():
        ours = signatures.signature(lookup(path)) if text else None
        if ours is not None:
            pairs += [(path, difference) for difference in differences(parsed(text), ours)]
    return pairs


def same(a: Any, b: Any) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def reason(path: str, difference: str) -> str | None:
    """Return why a signature may differ."""
    fitting = (
        why
        for where, what, why in DIFFERENCES
        if re.fullmatch(where, path) and re.fullmatch(what, difference)
    )
    return next(fitting, None)


@pytest.mark.parametrize("module", MODULES)
def test_arguments_and_defaults(module: str) -> None:
    unexplained = [
        f"{path}: {difference}"
        for path, difference in found()
        if path.rpartition(".")[0] == module and reason(path, difference) is None
    ]
    assert unexplained == []


def test_no_reason_without_a_difference() -> None:
    """A reason that explains nothing any more is to be deleted."""
    for where, what, why in DIFFERENCES:
        assert any(
            re.fullmatch(where, path) and re.fullmatch(what, difference)
            for path, difference in found()
        ), why
