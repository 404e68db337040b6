"""From what a user writes for a loss to the loss itself, and back to a config."""

from __future__ import annotations

from typing import Any

from trivium.losses.base import Loss, LossFunctionWrapper
from trivium.losses.registry import LOSSES
from trivium.state.faces import faces
from trivium.state.names import to_snake_case

__all__ = ["deserialize", "get", "kind_of_targets", "object_name", "resolve", "serialize"]

Shape = tuple[int | None, ...]


get, serialize, deserialize = faces(LOSSES, __name__)


def kind_of_targets(y_true_shape: Shape, y_pred_shape: Shape) -> str:
    """Say which family of crossentropy and accuracy the shapes call for.

    Args:
        y_true_shape: The targets' shape.
        y_pred_shape: The predictions' shape.

    Returns:
        `"binary"` for one prediction a row, `"sparse_categorical"` for labels, else
        `"categorical"`.

    Example:
        >>> kind_of_targets((32,), (32, 1)), kind_of_targets((32,), (32, 10))
        ('binary', 'sparse_categorical')
        >>> kind_of_targets((32,), (32,))
        'binary'
    """
    last = y_pred_shape[-1] if len(y_pred_shape) > 1 else 1  # A lone axis is that of the batch.
    if last == 1:
        return "binary"
    if len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1:
        return "sparse_categorical"
    return "categorical"


def object_name(obj: Any) -> str:
    """Return the name that an object of the user's goes by in logs.

    Example:
        >>> object_name(get("mse")), object_name(get("Huber"))
        ('mean_squared_error', 'huber_loss')
    """
    name = getattr(obj, "name", None)
    return str(name) if name else to_snake_case(getattr(obj, "__name__", type(obj).__name__))


def resolve(identifier: Any, y_true_shape: Shape, y_pred_shape: Shape) -> Loss | None:
    """Return the loss that `compile` means by `identifier` for data of these shapes.

    Args:
        identifier: As for `get`; `"crossentropy"` or `"ce"` takes the one that goes with the
            shapes.
        y_true_shape: The targets' shape.
        y_pred_shape: The predictions' shape.

    Returns:
        A `Loss`, named as the user wrote it; `None` for `None`.

    Raises:
        ValueError: The name is unknown.

    Example:
        >>> resolve("crossentropy", (32,), (32, 10)).fn.__name__
        'sparse_categorical_crossentropy'
    """
    found = identifier
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        found = f"{kind_of_targets(y_true_shape, y_pred_shape)}_crossentropy"
    loss = get(found)
    if loss is None or isinstance(loss, Loss):
        return loss
    name = identifier if isinstance(identifier, str) else object_name(loss)
    return LossFunctionWrapper(loss, name=name)
