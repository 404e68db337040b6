"""Objects that are told what is attached to them: values of a checkpoint may wait for it."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = ["Attached", "wait_for"]


class Waiting(Protocol):
    """What waits for parts of an object."""

    def is_over(self) -> bool:
        """Say whether it waits for nothing more."""

    def before(self, path: str, value: Any) -> None:
        """Refuse a part that its values do not fit."""

    def attached(self, path: str, value: Any) -> None:
        """Give a part its values."""


class _Waits(list[tuple[Any, str]]):
    """What waits for an object's parts, and the object's path; a copy of the object waits for nothing."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _Waits, ()


class Attached:
    """The base of objects whose attributes may be given values of a checkpoint when they are made."""

    _untracked = ("_waits",)

    def __setattr__(self, name: str, value: Any) -> None:
        if (waits := vars(self).get("_waits")) is None:
            object.__setattr__(self, name, value)
            return
        places = [(waiting, f"{path}/{name}" if path else name) for waiting, path in waits]
        for waiting, path in places:
            waiting.before(path, value)
        object.__setattr__(self, name, value)
        for waiting, path in places:
            waiting.attached(path, value)
        if all(waiting.is_over() for waiting, _ in waits):
            vars(self).pop("_waits", None)


def wait_for(thing: Attached, path: str, waiting: Waiting) -> None:
    """Have `waiting` told of all that is attached to an object from now on.

    Args:
        thing: The object.
        path: Its path among the objects of a checkpoint.
        waiting: Is told the paths and values, in the order in which `wait_for` was called.

    Example:
        >>> class Noted:
        ...     def is_over(self): ...
        ...     def before(self, path, value): ...
        ...     def attached(self, path, value):
        ...         print(path, value)
        >>> thing = Attached()
        >>> wait_for(thing, "net", Noted())
        >>> thing.w = 3
        net/w 3
    """
    vars(thing).setdefault("_waits", _Waits()).append((waiting, path))
