"""What `compile` was told about losses and metrics, matched to the model's outputs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium import losses as losses_room
from trivium import metrics as metrics_room
from trivium.data.checks import DataError
from trivium.data.lazy import dense
from trivium.losses.arrays import returned
from trivium.training.outputs import A_LOSS, A_NUMBER, AN_ARRAY, SOME_METRICS, Outputs, is_config

__all__ = ["CompiledLoss", "CompiledMetrics"]

# Names that mean another loss or metric for each form of targets, so that they wait for the data.
_LOSSES_BY_SHAPE = ("crossentropy", "ce")
_METRICS_BY_SHAPE = ("accuracy", "acc", *_LOSSES_BY_SHAPE)


class CompiledLoss:
    """The weighted sum of the outputs' losses.

    Args:
        loss: A loss by name or object, or a list or dict of them by output.
        loss_weights: Numbers in the same form.

    Raises:
        ValueError: A name is unknown.
        TypeError: Something is no loss.
    """

    def __init__(self, loss: Any, loss_weights: Any = None) -> None:
        self.loss, self.loss_weights = loss, loss_weights
        self.trackers: list[Any] = []
        self.built = False
        # Names are looked up now, so that a typo fails at `compile`.
        for one in _leaves(loss):
            if not isinstance(one, str) or one.lower() not in _LOSSES_BY_SHAPE:
                _known_loss(one)

    def chosen(self, outputs: Outputs) -> list[Any]:
        """Return what was given as the loss of each output.

        Args:
            outputs: The outputs.
        """
        return outputs.align(self.loss, "loss", A_LOSS, spread=True)

    def build(self, outputs: Outputs, y: list[Any]) -> None:
        """Match the losses to the outputs, now that it is known which there are.

        Args:
            outputs: The outputs.
            y: The outputs' targets, or their specs.

        Raises:
            ValueError: The losses, weights and targets do not match the outputs.
        """
        self.outputs = outputs
        self.weights = outputs.align(self.loss_weights, "loss_weights", A_NUMBER, spread=True)
        self.functions: list[Any] = []
        for name, loss, target, output in zip(
            outputs.names, self.chosen(outputs), y, outputs.flat, strict=True
        ):
            if loss is not None and target is None:
                raise ValueError(
                    f"The output {name!r} has a loss, and `y` has no target for it: give one, or set "
                    "its loss to None."
                )
            self.functions.append(
                None if loss is None else losses_room.resolve(loss, target.shape, output.shape)
            )
        active = [n for n, f in zip(outputs.names, self.functions, strict=True) if f is not None]
        if not active:
            raise ValueError("No output has a loss: give `compile(loss=...)` at least one.")
        # Listed as the user listed the losses, which is how `evaluate` lists their values.
        rank = list(self.loss) if isinstance(self.loss, Mapping) else []
        active.sort(key=lambda n: rank.index(n) if n in rank else len(rank))
        # With one loss alone its value is the total, which has a tracker already.
        self._trackers = {n: metrics_room.Mean(name=f"{n}_loss") for n in active if len(active) > 1}
        self.trackers = list(self._trackers.values())
        self.built = True

    def check(self, y: Any) -> None:
        """Compare class numbers on the host with the sizes of the outputs they index.

        Args:
            y: The targets, NumPy arrays in the user's structure.

        Raises:
            DataError: One is out of range or no whole number; the message says which.
        """
        outputs = self.outputs
        for name, function, target, output in zip(
            outputs.names, self.functions, outputs.targets(y), outputs.flat, strict=True
        ):
            sparse = getattr(function, "fn", None) is losses_room.sparse_categorical_crossentropy
            if sparse and target is not None:
                axis = getattr(function, "axis", -1)
                ignored = getattr(function, "ignore_class", None)
                where = f"y[{name!r}]" if outputs.count > 1 else "y"
                _check_labels(dense(target), output.shape[axis], ignored, name, where)

    def __call__(self, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss and update the outputs' own trackers.

        Args:
            y: The targets.
            y_pred: The outputs.
            sample_weight: Weights of the samples, for all outputs or by output.

        Returns:
            A scalar.
        """
        outputs = self.outputs
        weights = _weights(outputs, sample_weight)
        total = None
        for i, (function, target, output) in enumerate(
            zip(self.functions, outputs.targets(y), jax.tree_util.tree_leaves(y_pred), strict=True)
        ):
            if function is None:
                continue
            with _noted("loss", function.name, outputs, i):
                value = _loss_value(function, target, output, weights[i])
            if jnp.shape(value):
                raise ValueError(
                    f"The loss {function.name!r} of the output {outputs.names[i]!r} gives an array of shape "
                    f"{jnp.shape(value)}, and training needs one number: take the mean, as the "
                    'reduction "sum_over_batch_size" does.'
                )
            tracker = self._trackers.get(outputs.names[i])
            if tracker is not None:
                # By the number of samples, so that a smaller last batch counts for less.
                tracker.update_state(value, sample_weight=output.shape[0])
            if self.weights[i] is not None:
                value = value * self.weights[i]
            total = value if total is None else total + value
        return total


def _loss_value(function: Any, target: Any, output: Any, weight: Any) -> Any:
    """Call a loss. The mask is beside the output, where it looks for it itself.

    So a loss with a `__call__` of its own needs no argument for it, nor one for weights where there
    are none.
    """
    weights = {} if weight is None else {"sample_weight": weight}
    return returned(f"{type(function).__name__}.__call__", function(target, output, **weights))


def _known_loss(loss: Any) -> None:
    """Raise an error for what is no loss; a metric in a loss's place is called that."""
    try:
        losses_room.get(loss)
    except ValueError:
        is_metric = isinstance(loss, str) and loss.lower() in _METRICS_BY_SHAPE
        with contextlib.suppress(ValueError):
            is_metric = is_metric or metrics_room.get(loss) is not None
        if not is_metric:
            raise
        raise ValueError(
            f"{loss!r} is a metric, and no loss: there is no gradient to train by. Write metrics=[{loss!r}], and "
            'train by a loss such as "sparse_categorical_crossentropy" or "mse".'
        ) from None


@contextlib.contextmanager
def _noted(what: str, name: str, outputs: Outputs, i: int) -> Iterator[None]:
    """Say with an error from a loss or metric whose it is."""
    try:
        yield
    except Exception as error:
        error.add_note(
            f"In the {what} {name!r} of the output {outputs.names[i]!r}: `y_true` is what was given as `y`, `y_pred` "
            "what the model made of `x`."
        )
        raise


def _weights(outputs: Outputs, sample_weight: Any) -> list[Any]:
    """Return each output's sample weights; one array is for all."""
    if sample_weight is None or AN_ARRAY.holds(sample_weight):
        return [sample_weight] * outputs.count
    return outputs.targets(sample_weight, "sample_weight")


def _leaves(spec: Any) -> list[Any]:
    """Return the losses or metrics in what was given to `compile`."""
    return jax.tree_util.tree_leaves(spec, is_leaf=is_config)


def _check_labels(labels: np.ndarray, classes: int, ignored: Any, name: str, where: str) -> None:
    if not labels.size:
        return
    # So it is in nearly every batch, and this says so without an array of its own.
    if labels.dtype.kind in "iu" and labels.min() >= 0 and labels.max() < classes:
        return
    wrong = (labels < 0) | (labels >= classes)
    if labels.dtype.kind == "f":
        wrong |= labels != np.floor(labels)
        wrong &= np.isfinite(labels)  # What is not finite has had its warning.
    if ignored is not None:
        wrong &= labels != ignored
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise DataError(
            f"Labels out of range: {where}{list(place)} is {labels[place]}, and the output {name!r} has {classes} "
            f"classes, so labels are whole numbers from 0 to {classes - 1}; {int(wrong.sum())} of the {labels.size} "
            "are not. Give the last layer as many units as there are classes, or number the labels from 0."
        )


class CompiledMetrics(metrics_room.Metric):
    """The metrics of each output, those that see sample weights and those that do not, as one metric.

    Its state is theirs, one after the other, and its result a dict of theirs by name. So a step of one's own may go
    through `model.metrics` and treat it as it does the loss's tracker.

    Args:
        metrics: Metrics by name or object: a list, or lists or a dict by output.
        weighted_metrics: Metrics that weigh the samples, in the same form.

    Raises:
        ValueError: A name is unknown, or the metrics are in no list or dict.
        TypeError: Something is no metric.
    """

    # The metrics among the settings are those that the entries have.
    _untracked = frozenset({"specs", "outputs"})

    def __init__(self, metrics: Any, weighted_metrics: Any) -> None:
        super().__init__(name="compile_metrics")
        self.outputs: Any = None
        self.specs = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        self.built = False
        self.entries: list[tuple[str, int, bool, Any]] = []
        for what, spec in self.specs.items():
            if spec is not None and not isinstance(spec, list | tuple | dict):
                raise ValueError(
                    f"`{what}` is a list or a dict of metrics; got {spec!r}. Write {what}=[{spec!r}]."
                )
            for one in _leaves(spec):
                if not isinstance(one, str) or one.lower() not in _METRICS_BY_SHAPE:
                    metrics_room.get(one)

    def chosen(self, outputs: Outputs) -> list[bool]:
        """Say which outputs have metrics.

        Args:
            outputs: The outputs.
        """
        specs = [self._per_output(spec, what, outputs) for what, spec in self.specs.items()]
        return [any(of_one) for of_one in zip(*specs, strict=True)]

    def match(self, outputs: Outputs, y: list[Any]) -> None:
        """Match the metrics to the outputs, choose those that go by the shapes (`"accuracy"`), and build them.

        Args:
            outputs: The outputs.
            y: The outputs' targets, or their specs.

        Raises:
            ValueError: The metrics and targets do not match the outputs.
        """
        self.outputs = outputs
        taken: dict[str, int] = {}
        entries = []
        for what, spec in self.specs.items():
            weighted = what == "weighted_metrics"
            for i, chosen in enumerate(self._per_output(spec, what, outputs)):
                for one in chosen:
                    if y[i] is None:
                        raise ValueError(
                            f"The output {outputs.names[i]!r} has `{what}`, and `y` has no target for it."
                        )
                    shapes = tuple(y[i].shape), tuple(outputs.flat[i].shape)
                    metric = metrics_room.resolve(one, *shapes)
                    if isinstance(metric, metrics_room.Metric):
                        metric.build(*shapes)
                    name = _free(outputs.prefixes[i], metric.name, weighted, taken)
                    entries.append((name, i, weighted, metric))
        self.entries = entries
        self.built = True

    def _per_output(self, spec: Any, what: str, outputs: Outputs) -> list[list[Any]]:
        if outputs.count == 1 and isinstance(spec, list | tuple):
            return [_leaves(spec)]
        return [_leaves(chosen) for chosen in outputs.align(spec or None, what, SOME_METRICS)]

    @property
    def metrics(self) -> list[Any]:
        """The metrics."""
        return [metric for _, _, _, metric in self.entries]

    @property
    def names(self) -> tuple[list[str], list[str]]:
        """The names of the values: those that are the metrics' own, and those that have been made unique, sorted."""
        own = [name for name, _, _, metric in self.entries if name == metric.name]
        return own, sorted(name for name, _, _, metric in self.entries if name != metric.name)

    def reset_state(self) -> None:
        """Start each metric anew."""
        for metric in self.metrics:
            metric.reset_state()

    def update_state(self, y: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in one batch.

        Args:
            y: The targets.
            y_pred: The outputs.
            sample_weight: Weights of the samples, for all outputs or by output.
        """
        if not self.entries:
            return
        targets = self.outputs.targets(y)
        flat = jax.tree_util.tree_leaves(y_pred)
        weights = _weights(self.outputs, sample_weight)
        for _, i, weighted, metric in self.entries:
            weight = {"sample_weight": weights[i]} if weighted and weights[i] is not None else {}
            with _noted("metric", metric.name, self.outputs, i):
                metric.update_state(targets[i], flat[i], **weight)

    def result(self) -> dict[str, Any]:
        """Return the values so far, by name."""
        return {name: metric.result() for name, _, _, metric in self.entries}


def _free(prefix: str, name: str, weighted: bool, taken: dict[str, int]) -> str:
    """Return a name that no other metric has, numbering as Keras does."""
    if weighted and prefix + name in taken:
        name = f"weighted_{name}"
    full = prefix + name
    count = taken.get(full, 0)
    taken[full] = count + 1
    return full if count == 0 else f"{full}_{count}"
