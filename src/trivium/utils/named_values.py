"""Named values: a dict whose entries are attributes, and which can be frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

from trivium.state.registry import suggest

__all__ = ["Config"]


class Config(MutableMapping[str, Any]):
    """The settings of an experiment: entries of a dict that are attributes, too.

    Args:
        kwargs: The first entries.

    Raises:
        AttributeError: An attribute that there is not is read.
        ValueError: A frozen one is changed.

    Example:
        >>> config = Config(learning_rate=0.1)
        >>> config.seed = 3
        >>> config["learning_rate"], config.as_dict()
        (0.1, {'learning_rate': 0.1, 'seed': 3})
        >>> config.freeze()
        >>> config.seed = 4
        Traceback (most recent call last):
        ...
        ValueError: This Config is frozen: 'seed' keeps its value. `unfreeze()` allows changes.
    """

    def __init__(self, **kwargs: Any) -> None:
        vars(self).update(_values=dict(kwargs), _frozen=False)

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return bool(self._frozen)

    def freeze(self) -> None:
        """Refuse changes from now on."""
        vars(self)["_frozen"] = True

    def unfreeze(self) -> None:
        """Allow changes again."""
        vars(self)["_frozen"] = False

    def as_dict(self) -> dict[str, Any]:
        """Return the entries as a dict of its own."""
        return dict(self._values)

    def to_json(self) -> str:
        """Return the entries as JSON."""
        return json.dumps(self._values)

    def __getattr__(self, name: str) -> Any:
        values = vars(self).get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"This Config has no entry {name!r}. {suggest(name, values)}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._check_changeable(key)
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        self._check_changeable(key)
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Config {self._values}>"

    def _check_changeable(self, key: str) -> None:
        if self._frozen:
            raise ValueError(
                f"This Config is frozen: {key!r} keeps its value. `unfreeze()` allows changes."
            )
