"""Layers that several models share: in files of Keras the first place of such a layer may not be marked as one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from trivium.state.registry.writing import SHARED

__all__ = ["mark_first_places"]


def mark_first_places(config: Any) -> None:
    """Mark the first place of each layer whose later ones are marked, where Keras has lost the mark.

    Keras marks an object's first place when it comes to the second. A Sequential model has copied its layers' configs
    by then, and the mark goes to what was copied. So the first place is within such a model, and says of the layer, its
    name included, what the marked ones say.

    Args:
        config: A model's config, which is changed.

    Example:
        >>> dense = {"class_name": "Dense", "config": {"name": "a", "units": 2}}
        >>> config = {"class_name": "Sequential", "config": {"layers": [dense]}}
        >>> mark_first_places([config, dense | {"shared_object_id": 7}])
        >>> dense["shared_object_id"]
        7
    """
    known: set[Any] = set()
    copied: list[dict[str, Any]] = []
    for one, in_sequential in list(_named(config, False)):
        number = one.get(SHARED)
        if number is None:
            if in_sequential:
                copied.append(one)
        elif isinstance(number, int) and number not in known:
            known.add(number)
            same = [c for c in copied if SHARED not in c and _key(c) == _key(one)]
            alike = [c for c in same if _said(c) == _said(one)]
            if len(alike) == 1:
                alike[0][SHARED] = number


def _named(value: Any, in_sequential: bool) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the configs of objects with names in the order of the file, and whether a Sequential model holds them."""
    if isinstance(value, list):
        for inner in value:
            yield from _named(inner, in_sequential)
    elif isinstance(value, dict):
        inside = value.get("config")
        if "class_name" in value and isinstance(inside, dict) and "name" in inside:
            yield value, in_sequential
        within = in_sequential or value.get("class_name") == "Sequential"
        for inner in value.values():
            yield from _named(inner, within)


def _key(one: dict[str, Any]) -> Any:
    return one["class_name"], one["config"]["name"]


def _said(one: dict[str, Any]) -> Any:
    """Return what a config says of an object, whatever is said of where it stands and what else it shares."""
    return _without_marks({k: one.get(k) for k in ("class_name", "registered_name", "config")})


def _without_marks(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_marks(inner) for inner in value]
    if isinstance(value, dict):
        return {k: _without_marks(inner) for k, inner in value.items() if k != SHARED}
    return value
