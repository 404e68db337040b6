"""Looks that last: what a walk over a model has found is found again, as long as all that was looked at is the same.

Nothing is wrapped or hooked, so nobody says when something changes. But to see that nothing has changed takes no walk:
the attributes of all objects on the way are compared with what they were, by identity, in one run over them.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from trivium.state.frame import current_frame, entered
from trivium.state.tracking import REPORTS, VARIABLES, contents, role_of

__all__ = ["Keeper", "Look", "lasting_look", "watch"]

# What says what belongs to an object. Where a class of the user's has one of these of its own, nobody knows what it
# asks, so that its answer lasts no longer than the walk.
_ANSWERS = frozenset(
    {
        "metrics",
        "metrics_variables",
        "non_trainable_variables",
        "trainable",
        "trainable_variables",
        "variables",
    }
)
# What `Variable.trainable` asks for.
_TRAINABLE = operator.attrgetter("_trainable", "frozen")
# Where `fit` leaves its report.
_REPORT = "history"


class Keeper(Protocol):
    """What keeps a model's last look."""

    look: Look | None


class Look:
    """The answers of a walk, and what all that was looked at held then.

    Attributes:
        found: The answers, each with the object that was asked; see `tracking.one_look`.

    Example:
        >>> class Box:
        ...     def __init__(self):
        ...         self.parts = [1, [2.5]]
        >>> box, look = Box(), Look()
        >>> look.found["what?"] = box, "an answer"
        >>> look.seal()
        >>> look.holds()
        True
        >>> box.parts[1].append(3)
        >>> look.holds()
        False
    """

    def __init__(self) -> None:
        self.found: dict[Any, tuple[Any, Any]] = {}
        self._sealed = -1
        self._lasts = False
        self._places: list[Any] = []
        self._values: list[Any] = []
        self._variables: list[Any] = []
        self._trainable: list[tuple[bool, bool]] = []

    def holds(self) -> bool:
        """Say whether everything that was looked at holds what it held when the look was sealed."""
        try:
            return (
                self._lasts
                and sum(map(len, self._places)) == len(self._values)
                # Step by step over everything that a model is made of, so nothing here is Python.
                and all(
                    map(operator.is_, itertools.chain.from_iterable(self._places), self._values)
                )
                and [*map(_TRAINABLE, self._variables)] == self._trainable
            )
        except RuntimeError:  # Another thread gives an object a new attribute right now.
            return False

    def seal(self) -> None:
        """Note what all that has been looked at holds now, unless that is done."""
        if len(self.found) == self._sealed:
            return
        things = {id(thing): thing for thing, _ in tuple(self.found.values())}
        self._variables = [x for x in things.values() if role_of(type(x)) == VARIABLES]
        owners = [x for x in things.values() if role_of(type(x)) != VARIABLES]
        self._places = [place for x in owners for place in _places(x)]
        self._values = [*itertools.chain.from_iterable(self._places)]
        self._trainable = [*map(_TRAINABLE, self._variables)]
        self._lasts = not any(map(_answers_itself, {type(x) for x in owners}))
        self._sealed = len(self.found)


@contextlib.contextmanager
def lasting_look(keeper: Keeper) -> Iterator[dict[Any, tuple[Any, Any]]]:
    """Look at each object once while the `with` block lasts, and not again in later blocks while all is the same.

    Args:
        keeper: Keeps the look from block to block.

    Returns:
        The answers, to which others can be added; each stands beside an object that it depends on.

    Example:
        >>> from trivium.state import Variable
        >>> from trivium.state.tracking import members
        >>> class Box:
        ...     look = None
        >>> keeper, box = Box(), Box()
        >>> box.inner = [Variable(1.0, name="a")]
        >>> def asked():
        ...     with lasting_look(keeper):
        ...         return members(box)
        >>> asked() is asked()
        True
        >>> box.inner.append(Variable(2.0, name="b"))
        >>> [v.name for v in asked().variables]
        ['a', 'b']
    """
    around = current_frame().seen
    if around is not None:
        yield around
        return
    look = keeper.look
    if look is None or not look.holds():
        look = Look()
    with entered(seen=look.found):
        yield look.found
    look.seal()
    keeper.look = look


def watch(things: Iterable[Any]) -> None:
    """Have answers of the look around depend on what these objects are, too: of variables, whether they are trained.

    Args:
        things: The objects; what has no attributes is passed over.

    Example:
        >>> from trivium.state.tracking import one_look
        >>> with one_look():
        ...     watch([1.5])
    """
    seen = current_frame().seen
    if seen is not None:
        for thing in things:
            if hasattr(thing, "__dict__"):
                seen[id(thing), watch] = thing, None


def _places(owner: Any) -> Iterator[Any]:
    """Yield the values of an object's attributes, and the containers among those that `members` looks into."""
    held = vars(owner)
    yield _Beside(held) if _is_report(held.get(_REPORT)) else held.values()
    skip = getattr(owner, "_untracked", ())
    waiting = [value for name, value in held.items() if name not in skip]
    while waiting:
        inside = contents(waiting.pop())
        if inside is not None:
            yield inside
            waiting.extend(inside)


class _Beside:
    """The values of attributes as they are at any time, but for the report, of which each call of `fit` makes one."""

    def __init__(self, held: dict[str, Any]) -> None:
        self._held = held

    def __iter__(self) -> Iterator[Any]:
        for name, value in self._held.items():
            if name != _REPORT or not _is_report(value):
                yield value

    def __len__(self) -> int:
        return len(self._held) - _is_report(self._held.get(_REPORT))


def _is_report(value: Any) -> bool:
    return role_of(type(value)) == REPORTS


def _answers_itself(kind: type) -> bool:
    users = (
        c for c in kind.__mro__ if c.__module__.partition(".")[0] not in ("trivium", "builtins")
    )
    return any(not _ANSWERS.isdisjoint(vars(c)) for c in users)
