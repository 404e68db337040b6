"""From what a user writes for a metric to the metric itself, and back to a config."""

from __future__ import annotations

from typing import Any

from trivium.losses.lookup import Shape, kind_of_targets, object_name
from trivium.metrics.base import METRICS, Metric
from trivium.metrics.reduction import MeanMetricWrapper
from trivium.state.faces import faces

__all__ = ["deserialize", "get", "resolve", "serialize"]

_BY_SHAPE = {
    "accuracy": "accuracy",
    "acc": "accuracy",
    "crossentropy": "crossentropy",
    "ce": "crossentropy",
}


get, serialize, deserialize = faces(METRICS, __name__)


def resolve(identifier: Any, y_true_shape: Shape, y_pred_shape: Shape) -> Metric:
    """Return the metric that `compile` means by `identifier` for data of these shapes.

    Args:
        identifier: As for `get`; `"accuracy"` or `"acc"`, and `"crossentropy"` or `"ce"`, take the
            one that goes with the shapes.
        y_true_shape: The targets' shape.
        y_pred_shape: The predictions' shape.

    Returns:
        A metric, named as the user wrote it.

    Raises:
        ValueError: The name is unknown, or there is none.

    Example:
        >>> resolve("accuracy", (32,), (32, 10)), resolve("acc", (32, 1), (32, 1))
        (<SparseCategoricalAccuracy name=accuracy>, <BinaryAccuracy name=acc>)
    """
    if identifier is None:
        raise ValueError("A metric is a name, a function or a metric; got None. Leave it out.")
    found = identifier
    if isinstance(identifier, str) and (family := _BY_SHAPE.get(identifier.lower())):
        found = f"{kind_of_targets(y_true_shape, y_pred_shape)}_{family}"
    metric = get(found)
    name = identifier if isinstance(identifier, str) else object_name(metric)
    if not isinstance(metric, Metric):
        return MeanMetricWrapper(metric, name=name)
    metric.name = name
    return metric
