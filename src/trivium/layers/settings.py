"""A layer's settings: the constructor's arguments as attributes, looked up by name, and as a config."""

from __future__ import annotations

from typing import Any, ClassVar

from trivium import activations, constraints, initializers, regularizers
from trivium.state.configured import Configured

__all__ = ["Settings"]

# What the last word of a setting's name says about how its value is looked up and written to a config.
_KINDS = {
    "initializer": initializers,
    "regularizer": regularizers,
    "constraint": constraints,
    "activation": activations,
}


class Settings(Configured):
    """The part of `Layer` that keeps what a constructor was given."""

    _unwritten: ClassVar[frozenset[str]] = frozenset({"autocast"})
    _left_out: ClassVar[dict[str, Any]] = {"activity_regularizer": None}

    dtype_policy: Any

    def _set(self, **settings: Any) -> None:
        """Keep settings as attributes.

        `*_initializer`, `*_regularizer`, `*_constraint` and `activation` are looked up by name.
        """
        for key, value in settings.items():
            kind = _KINDS.get(key.rpartition("_")[2])
            setattr(self, key, kind.get(value) if kind else value)

    def _config_argument(self, name: str) -> Any:
        return self.dtype_policy if name == "dtype" else super()._config_argument(name)

    def _config_write(self, name: str, value: Any) -> Any:
        kind = _KINDS.get(name.rpartition("_")[2])
        return kind.serialize(value) if kind else super()._config_write(name, value)
