"""Intersection over union: how well predicted regions match true ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.losses.arrays import align_weight, as_array, divide_no_nan
from trivium.metrics.base import Metric, metric_class
from trivium.state.dtype_policies import DTypeLike
from trivium.state.dtypes import is_float

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


@metric_class()
class IoU(Metric):
    """Intersection over union of predicted and true regions, the mean over chosen classes.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The classes to take the mean over.
        name: A name.
        dtype: What to count in; `"int32"` where it is `None`.
        ignore_class: A label whose places do not count.
        sparse_y_true: Whether targets are labels; otherwise they are one-hot.
        sparse_y_pred: Whether predictions are labels; otherwise they are probabilities or logits.
        axis: The axis of classes of one-hot targets and of probabilities.

    Raises:
        ValueError: A class to take the mean over is not one of the classes.

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"{type(self).__name__}: target_class_ids has {max(target_class_ids)}, and with "
                f"num_classes={num_classes} classes go from 0 to {num_classes - 1}."
            )
        super().__init__(name=name, dtype=dtype or "int32")
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), dtype=self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch's places by true and predicted class; other labels are left out.

        Args:
            y_true: Targets, shape `(batch, ...)`.
            y_pred: Predictions, shape `(batch, ...)`.
            sample_weight: Weights of the places, whole numbers unless `dtype` is a float type.
        """
        true, pred = as_array(y_true), as_array(y_pred)
        true = true if self.sparse_y_true else jnp.argmax(true, axis=self.axis)
        pred = pred if self.sparse_y_pred else jnp.argmax(pred, axis=self.axis)
        weight = as_array(1 if sample_weight is None else sample_weight)
        if weight.ndim == 1 and weight.size == true.size:  # Flat, one for each place, as in Keras.
            weight = weight.reshape(true.shape)
        weight = align_weight(f"Metric {self.name!r}", weight, tuple(true.shape))
        weight = jnp.broadcast_to(weight, true.shape).reshape(-1)
        true, pred = (x.astype("int32").reshape(-1) for x in (true, pred))
        if is_float(weight.dtype) and not is_float(self.dtype):
            warnings.warn(
                f"{self.name}: sample_weight has dtype {weight.dtype} and the counts have "
                f"{self.dtype}, so that fractions are cut off. Give whole numbers, or make the "
                'metric with dtype="float32".',
                stacklevel=2,
            )
        weight = weight.astype(self.dtype)
        for label in (true, pred):
            weight = jnp.where((label >= 0) & (label < self.num_classes), weight, 0)
        if self.ignore_class is not None:
            weight = jnp.where(true != self.ignore_class, weight, 0)
        self.total_cm.assign(self.total_cm.value.at[true, pred].add(weight, mode="drop"))

    def result(self) -> jax.Array:
        """Return the mean so far over the classes that occur."""
        matrix = self.total_cm.value
        both = jnp.diag(matrix)
        ids = jnp.asarray(self.target_class_ids)
        either = (jnp.sum(matrix, axis=0) + jnp.sum(matrix, axis=1) - both)[ids].astype("float32")
        share = divide_no_nan(both[ids].astype("float32"), either)
        return divide_no_nan(jnp.sum(share), jnp.sum((either > 0).astype("float32")))


@metric_class()
class BinaryIoU(IoU):
    """Intersection over union for yes-or-no targets, from probabilities.

    Args:
        target_class_ids: Of the classes 0 and 1, those to take the mean over.
        threshold: Predictions of at least this say 1.
        name: A name.
        dtype: As in `IoU`.

    Raises:
        ValueError: A class to take the mean over is neither 0 nor 1.

    Example:
        >>> round(float(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch's places.

        Args:
            y_true: Targets 0 or 1, shape `(batch, ...)`.
            y_pred: Probabilities, the same shape.
            sample_weight: As in `IoU`.
        """
        super().update_state(y_true, as_array(y_pred) >= self.threshold, sample_weight)


@metric_class()
class MeanIoU(IoU):
    """Intersection over union of predicted and true regions, the mean over all classes.

    Args:
        num_classes: How many classes there are.
        name: A name.
        dtype: As in `IoU`.
        ignore_class: As in `IoU`.
        sparse_y_true: As in `IoU`.
        sparse_y_pred: As in `IoU`.
        axis: As in `IoU`.

    Example:
        >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


@metric_class()
class OneHotIoU(IoU):
    """Intersection over union for one-hot targets, the mean over chosen classes.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The classes to take the mean over.
        name: A name.
        dtype: As in `IoU`.
        ignore_class: As in `IoU`.
        sparse_y_pred: As in `IoU`.
        axis: As in `IoU`.

    Raises:
        ValueError: A class to take the mean over is not one of the classes.

    Example:
        >>> metric = OneHotIoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([[1, 0], [0, 1]], [[0.6, 0.4], [0.7, 0.3]])), 4)
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


@metric_class()
class OneHotMeanIoU(MeanIoU):
    """Intersection over union for one-hot targets, the mean over all classes.

    Args:
        num_classes: How many classes there are.
        name: A name.
        dtype: As in `IoU`.
        ignore_class: As in `IoU`.
        sparse_y_pred: As in `IoU`.
        axis: As in `IoU`.

    Example:
        >>> metric = OneHotMeanIoU(num_classes=2)
        >>> round(float(metric([[1, 0], [0, 1]], [[0.6, 0.4], [0.7, 0.3]])), 4)
        0.25
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
