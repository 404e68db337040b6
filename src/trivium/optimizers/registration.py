"""Optimizers by name."""

from __future__ import annotations

from typing import Any

from trivium.optimizers.optimizer import Optimizer
from trivium.state import Registry

__all__ = ["is_transformation", "registry"]


def is_transformation(value: Any) -> bool:
    """Say whether a value is an optax gradient transformation; optax need not be imported for that.

    Example:
        >>> import optax
        >>> is_transformation(optax.sgd(0.1)), is_transformation(optax.sgd)
        (True, False)
    """
    return isinstance(value, tuple) and getattr(value, "_fields", None) == ("init", "update")


class _Optimizers(Registry[Any]):
    """Optimizers by name, in any case; an optax transformation is an optimizer too."""

    def get(self, identifier: Any) -> Any:
        """Return the optimizer that `identifier` means."""
        if isinstance(identifier, Optimizer):
            return identifier
        if is_transformation(identifier):
            return self.find("OptaxOptimizer")(identifier)
        if isinstance(identifier, str) and identifier.lower() in self.names():
            identifier = identifier.lower()
        optimizer = super().get(identifier)
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"Cannot read {identifier!r} as an optimizer: give a name, a config, an optimizer, or "
                "an optax transformation such as `optax.adam(1e-3)`."
            )
        return optimizer


registry = _Optimizers("optimizer", module="keras.optimizers")
