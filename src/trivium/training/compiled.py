"""What `compile` was told about losses and metrics, matched to the model's outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from trivium import losses as losses_room
from trivium import metrics as metrics_room
from trivium.state import suggest
from trivium.state.masks import get_mask

__all__ = ["CompiledLoss", "CompiledMetrics", "Outputs"]


class Outputs:
    """A model's outputs as a flat list with names, and structures of the user's brought into that order.

    Args:
        y_pred: The outputs, arrays or their specs, in the model's structure.
        names: The outputs' names in the flat order, where the model has them.
    """

    def __init__(self, y_pred: Any, names: list[str]) -> None:
        self.flat = jax.tree_util.tree_leaves(y_pred)
        self.count = len(self.flat)
        named = isinstance(y_pred, dict) and len(y_pred) == self.count
        self.keys = sorted(y_pred) if named else names if len(names) == self.count else []
        self.names = self.keys or [f"output_{i}" for i in range(self.count)]

    def align(
        self, value: Any, what: str, is_leaf: Callable[[Any], bool], spread: bool = False
    ) -> list[Any]:
        """Return one entry of `value` per output.

        Args:
            value: One thing, a list, or a dict by output names.
            what: The argument's name, for messages.
            is_leaf: What counts as one thing.
            spread: Whether one thing is meant for every output.

        Raises:
            ValueError: It does not match the outputs.
        """
        if value is None:
            return [None] * self.count
        if isinstance(value, dict) and not is_leaf(value):
            return self._by_name(value, what)
        if is_leaf(value):
            if self.count == 1 or spread:
                return [value] * self.count
            raise ValueError(self._mismatch(what, 1))
        entries = list(value)
        if len(entries) == self.count:
            return entries
        flat = jax.tree_util.tree_leaves(value, is_leaf=is_leaf)
        if len(flat) == self.count:
            return flat
        raise ValueError(self._mismatch(what, len(entries)))

    def _by_name(self, value: dict[str, Any], what: str) -> list[Any]:
        unknown = [k for k in value if k not in self.names]
        if unknown:
            flat = jax.tree_util.tree_leaves(value)
            if not self.keys and len(flat) == self.count:
                return flat
            raise ValueError(
                f"`{what}` has an entry {unknown[0]!r}, and the model's outputs are {self.names}. "
                + suggest(str(unknown[0]), self.names)
            )
        return [value.get(name) for name in self.names]

    def _mismatch(self, what: str, count: int) -> str:
        return (
            f"`{what}` has {count} entries and the model has {self.count} outputs, {self.names}: give a list with one "
            "entry per output, or a dict by their names."
        )


def _is_loss(x: Any) -> bool:
    return (
        x is None
        or isinstance(x, str)
        or callable(x)
        or (isinstance(x, dict) and "class_name" in x)
    )


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape")


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float)


class CompiledLoss:
    """The weighted sum of the outputs' losses.

    Args:
        loss: A loss by name or object, or a list or dict of them by output.
        loss_weights: Numbers in the same form.
    """

    def __init__(self, loss: Any, loss_weights: Any = None) -> None:
        self.loss, self.loss_weights = loss, loss_weights
        self.trackers: list[Any] = []
        self.built = False
        # Names are looked up now, so that a typo fails at `compile`.
        for one in jax.tree_util.tree_leaves(loss, is_leaf=_is_loss):
            if isinstance(one, str) and one not in ("accuracy", "crossentropy", "ce"):
                losses_room.get(one)

    def build(self, y_pred: Any, names: list[str]) -> None:
        """Match the losses to the outputs.

        Args:
            y_pred: The outputs' specs.
            names: Their names.
        """
        self.outputs = Outputs(y_pred, names)
        chosen = self.outputs.align(self.loss, "loss", _is_loss, spread=True)
        self.functions = [_wrapped(one) for one in chosen]
        self.weights = self.outputs.align(self.loss_weights, "loss_weights", _is_number)
        active = [
            n for n, f in zip(self.outputs.names, self.functions, strict=True) if f is not None
        ]
        self.trackers = (
            [metrics_room.Mean(name=f"{name}_loss") for name in active] if len(active) > 1 else []
        )
        self.built = True

    def targets(self, y: Any, what: str = "y") -> list[Any]:
        """Return one target per output; outputs without a loss may have none."""
        active = sum(f is not None for f in self.functions)
        if isinstance(y, list | tuple) and len(y) == active != self.outputs.count:
            given = iter(y)
            return [None if f is None else next(given) for f in self.functions]
        return self.outputs.align(y, what, _is_array)

    def check(self, y: Any) -> None:
        """Compare whole-number labels on the host with the sizes of the outputs they index.

        Args:
            y: The targets, NumPy arrays in the user's structure.

        Raises:
            ValueError: A label is out of range; the message says which.
        """
        for name, function, target, output in zip(
            self.outputs.names, self.functions, self.targets(y), self.outputs.flat, strict=True
        ):
            sparse = isinstance(function, losses_room.SparseCategoricalCrossentropy)
            if not sparse or target is None or not np.size(target):
                continue
            labels, classes = np.asarray(target), output.shape[-1]
            ignored = getattr(function, "ignore_class", None)
            wrong = (labels < 0) | (labels >= classes)
            if ignored is not None:
                wrong &= labels != ignored
            if wrong.any():
                place = tuple(int(i) for i in np.argwhere(wrong)[0])
                where = f"y[{name!r}]" if self.outputs.count > 1 else "y"
                raise ValueError(
                    f"Labels out of range: {where}{list(place)} is {labels[place]}, and the output {name!r} has "
                    f"{classes} classes, so labels go from 0 to {classes - 1} ({int(wrong.sum())} of {labels.size} labels "
                    "are outside). Give the last layer as many units as there are classes, or check the labels."
                )

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss and update the outputs' own trackers.

        Args:
            y: The targets.
            y_pred: The outputs.
            sample_weight: Weights of the samples, for all outputs or by output.
        """
        flat = jax.tree_util.tree_leaves(y_pred)
        weights = self.outputs.align(sample_weight, "sample_weight", _is_array, spread=True)
        trackers = iter(self.trackers)
        total = None
        for name, function, scale, target, output, weight in zip(
            self.outputs.names,
            self.functions,
            self.weights,
            self.targets(y),
            flat,
            weights,
            strict=True,
        ):
            if function is None:
                continue
            if target is None:
                raise ValueError(f"The output {name!r} has a loss, and `y` has no target for it.")
            value = function(target, output, sample_weight=weight, mask=get_mask(output))
            if scale is not None:
                value = value * scale
            if self.trackers:
                next(trackers).update_state(value, sample_weight=output.shape[0])
            total = value if total is None else total + value
        if total is None:
            raise ValueError("No output has a loss: give `compile(loss=...)` at least one.")
        return total


def _wrapped(loss: Any) -> Any:
    if loss is None:
        return None
    found = losses_room.get(loss)
    if isinstance(found, losses_room.Loss):
        return found
    name = loss if isinstance(loss, str) else getattr(found, "__name__", None)
    return losses_room.LossFunctionWrapper(found, name=name)


class CompiledMetrics:
    """The metrics of each output, those that see sample weights and those that do not.

    Args:
        metrics: Metrics by name or object: a list, or lists or a dict by output.
        weighted_metrics: Metrics that weigh the samples, in the same form.
    """

    def __init__(self, metrics: Any, weighted_metrics: Any) -> None:
        self.specs = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        self.built = False
        self.entries: list[tuple[str, int, bool, Any]] = []
        for what, spec in self.specs.items():
            if spec is not None and not isinstance(spec, list | tuple | dict):
                raise ValueError(
                    f"`{what}` is a list or a dict of metrics; got {spec!r}. Write {what}=[{spec!r}]."
                )
            for one in jax.tree_util.tree_leaves(spec):
                if isinstance(one, str) and one not in _BY_SHAPE:
                    metrics_room.get(one)

    def build(self, y: Any, y_pred: Any, names: list[str]) -> None:
        """Match the metrics to the outputs, and choose those that go by the shapes (`"accuracy"`).

        Args:
            y: The targets' specs.
            y_pred: The outputs' specs.
            names: The outputs' names.
        """
        self.outputs = Outputs(y_pred, names)
        targets = self.outputs.align(y, "y", _is_array)
        taken: dict[str, int] = {}
        self.entries = []
        for what, spec in self.specs.items():
            for i, chosen in enumerate(self._per_output(spec, what)):
                for one in chosen:
                    metric = _metric(one, targets[i], self.outputs.flat[i])
                    prefix = f"{self.outputs.names[i]}_" if self.outputs.count > 1 else ""
                    weighted = what == "weighted_metrics"
                    name = _free(
                        f"{prefix}{metric.name}", f"{prefix}weighted_{metric.name}", weighted, taken
                    )
                    self.entries.append((name, i, weighted, metric))
        self.built = True

    def _per_output(self, spec: Any, what: str) -> list[list[Any]]:
        if not spec:
            return [[]] * self.outputs.count
        if self.outputs.count == 1:
            return [jax.tree_util.tree_leaves(spec)]
        per = self.outputs.align(spec, what, lambda x: isinstance(x, str) or callable(x))
        return [list(m) if isinstance(m, list | tuple) else [] if m is None else [m] for m in per]

    @property
    def metrics(self) -> list[Any]:
        """The metrics."""
        return [metric for _, _, _, metric in self.entries]

    def update_state(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch."""
        if not self.entries:
            return
        targets = self.outputs.align(y, "y", _is_array)
        flat = jax.tree_util.tree_leaves(y_pred)
        weights = self.outputs.align(sample_weight, "sample_weight", _is_array, spread=True)
        for _, i, weighted, metric in self.entries:
            if targets[i] is None:
                continue
            if weighted and weights[i] is not None:
                metric.update_state(targets[i], flat[i], sample_weight=weights[i])
            else:
                metric.update_state(targets[i], flat[i])

    def result(self) -> dict[str, Any]:
        """Return the values so far, by name."""
        return {name: metric.result() for name, _, _, metric in self.entries}


_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def _metric(identifier: Any, y: Any, y_pred: Any) -> Any:
    if isinstance(identifier, str) and identifier in _BY_SHAPE:
        return metrics_room.resolve(identifier, tuple(y.shape), tuple(y_pred.shape))
    found = metrics_room.get(identifier)
    if isinstance(found, metrics_room.Metric):
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", None)
    return metrics_room.MeanMetricWrapper(found, name=name)


def _free(name: str, weighted_name: str, weighted: bool, taken: dict[str, int]) -> str:
    """Return a name that no other metric has, numbering as Keras does."""
    if weighted and name in taken:
        name = weighted_name
    count = taken.get(name, 0)
    taken[name] = count + 1
    return name if count == 0 else f"{name}_{count}"
