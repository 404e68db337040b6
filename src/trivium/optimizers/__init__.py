"""Optimizers: Keras's names, arguments and numbers, each an optax transformation underneath."""

from __future__ import annotations

from typing import Any

from trivium.optimizers import schedules
from trivium.optimizers.adafactor import Adafactor
from trivium.optimizers.adam import Adam, Adamax, AdamW, Lamb, Nadam, ScheduleFreeAdamW
from trivium.optimizers.ftrl import Ftrl
from trivium.optimizers.loss_scale import LossScaleOptimizer
from trivium.optimizers.multi import MultiOptimizer, OptimizerMap
from trivium.optimizers.muon import Muon
from trivium.optimizers.optax_optimizer import OptaxOptimizer, is_transformation
from trivium.optimizers.optimizer import Optimizer, registry
from trivium.optimizers.rmsprop import Adadelta, Adagrad, RMSprop
from trivium.optimizers.sgd import SGD, Lion

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "OptaxOptimizer",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Any:
    """Return the optimizer that `identifier` means.

    Args:
        identifier: `None` (gives `None`), a name in any case, a config, a class, an optimizer, or
            an optax gradient transformation.

    Returns:
        An optimizer.

    Raises:
        ValueError: Nothing is known by that name.
        TypeError: `identifier` is of another kind.

    Example:
        >>> get("adam").beta_1
        0.9
        >>> import optax
        >>> type(get(optax.lamb(1e-3))).__name__
        'OptaxOptimizer'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if is_transformation(identifier):
        return OptaxOptimizer(identifier)
    if isinstance(identifier, str) and identifier.lower() in registry.names():
        identifier = identifier.lower()
    optimizer = registry.get(identifier)
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"Cannot read {identifier!r} as an optimizer: give a name, a config, an optimizer, or "
            "an optax transformation such as `optax.adam(1e-3)`."
        )
    return optimizer


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return the config of an optimizer.

    Example:
        >>> serialize(SGD())["class_name"]
        'SGD'
    """
    return registry.serialize(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the optimizer that `serialize` wrote `config` for.

    Args:
        config: A dict with `class_name` and `config`.
        custom_objects: Names to know besides the registered ones.

    Raises:
        ValueError: The config names something unknown.

    Example:
        >>> deserialize(serialize(SGD(momentum=0.5))).momentum
        0.5
    """
    return registry.deserialize(config, custom_objects)
