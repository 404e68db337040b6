"""What a check is, and the list of all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

from trivium.state import Variable
from trivium.testing.subject import Subject

__all__ = ["CHECKS", "Check", "Problems", "check", "named", "one_or_all"]

Problems: TypeAlias = Iterator[tuple[str, str]]
"""What is wrong, and what to do."""

_Run: TypeAlias = Callable[[Subject], Problems]


@dataclasses.dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: Its name.
        run: The function.
        fails: What is said where it fails with an error.
        needs: The checks without which it says nothing new.
    """

    name: str
    run: _Run
    fails: str
    needs: tuple[str, ...]


CHECKS: list[Check] = []


def check(name: str, fails: str, *needs: str) -> Callable[[_Run], _Run]:
    """Return a decorator that enters a check in the list.

    Args:
        name: Its name.
        fails: What is said where it fails with an error.
        needs: The checks without which it says nothing new.
    """

    def register(run: _Run) -> _Run:
        CHECKS.append(Check(name, run, fails, needs))
        return run

    return register


def named(variables: Iterable[Variable]) -> str:
    """Return the names of variables as text."""
    return ", ".join(repr(v.name) for v in variables)


def one_or_all(values: list[Any]) -> str:
    """Return the only value as text, or all of them."""
    return str(values[0]) if len(values) == 1 else str(values)
