"""A layer's settings: the constructor's arguments as attributes, looked up by name, and as a config."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from trivium import activations, constraints, initializers, regularizers
from trivium.state.configured import Configured
from trivium.state.dtype_policies import get_policy
from trivium.state.registry import deserialize

__all__ = ["Settings", "shapes_of"]

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
    built: bool
    build: Any
    _build_shapes: tuple[Any, ...] | None

    def _set(self, **settings: Any) -> None:
        """Keep settings as attributes.

        `*_initializer`, `*_regularizer`, `*_constraint` and `activation` are looked up by name.
        """
        for key, value in settings.items():
            kind = _KINDS.get(key.rpartition("_")[2])
            setattr(self, key, kind.get(value) if kind else value)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Return a new layer made with the arguments in `config`.

        Keras writes `trainable` and `dtype` for a class whose `__init__` has no room for them, too, and cannot make one
        from its own config then. Here the first is set afterward, and the second has to be what the class makes.

        Args:
            config: What `get_config` gave, ours or Keras's.
            custom_objects: Classes and functions of yours by name, besides the registered ones.

        Raises:
            TypeError: The class does not take these arguments.
            ValueError: The config names something unknown.
        """
        beside = _no_room_for(cls, config)
        made = super().from_config(
            {k: v for k, v in config.items() if k not in beside}, custom_objects
        )
        dtype = beside.get("dtype")
        if dtype is not None and get_policy(deserialize(dtype)) != made.dtype_policy:
            raise TypeError(
                f"{cls.__name__} was saved with the dtype {dtype}, which its `__init__` does not take: let it take "
                "`**kwargs` and pass them on to `super().__init__`."
            )
        if beside.get("trainable") is False:
            made.trainable = False
        return made

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shapes that the layer was built for; `None` where nothing is made by building."""
        shapes = self._build_shapes
        kinds = [kind for kind in type(self).__mro__ if "build" in vars(kind)]
        if not self.built or not shapes or len(kinds) < 2:
            return None
        if len(shapes) == 1:
            return {"input_shape": shapes[0]}
        names = list(inspect.signature(self.build).parameters)
        return {"shapes_dict": dict(zip(names, shapes, strict=False))}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer for the shapes that it was built for when it was written.

        Args:
            config: What `get_build_config` gave.
        """
        if config.get("shapes_dict"):
            self.build(**shapes_of(config["shapes_dict"]))
        elif config.get("input_shape") is not None:
            self.build(shapes_of(config["input_shape"]))

    def _config_argument(self, name: str) -> Any:
        return self.dtype_policy if name == "dtype" else super()._config_argument(name)

    def _config_write(self, name: str, value: Any) -> Any:
        kind = _KINDS.get(name.rpartition("_")[2])
        return kind.serialize(value) if kind else super()._config_write(name, value)


def _no_room_for(cls: type[Settings], config: dict[str, Any]) -> dict[str, Any]:
    """Return what Keras writes for every layer, as far as a class of the user's has no argument for it."""
    init: Any = cls.__init__
    if init.__module__.partition(".")[0] == "trivium":
        return {}
    taken = inspect.signature(init).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in taken.values()):
        return {}
    return {k: config[k] for k in ("trainable", "dtype") if k in config and k not in taken}


def shapes_of(config: Any) -> Any:
    """Return shapes as tuples, which JSON has as lists."""
    if isinstance(config, dict):
        return {k: shapes_of(v) for k, v in config.items()}
    if isinstance(config, list | tuple) and all(d is None or isinstance(d, int) for d in config):
        return tuple(config)
    return [shapes_of(v) for v in config] if isinstance(config, list | tuple) else config
