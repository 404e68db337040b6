"""The model that trains a student beside its teacher."""

from __future__ import annotations

from numbers import Real
from typing import Any

import jax
import jax.numpy as jnp

from trivium.distillation.losses import DistillationLoss
from trivium.graph import CaptureError
from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.metrics import Mean, Metric
from trivium.models import Model
from trivium.state import StatelessScope
from trivium.state.frame import current_frame, entered
from trivium.state.logits import keep_logits
from trivium.state.masks import get_mask, set_mask
from trivium.state.trees import map_tree

__all__ = ["Distiller"]


@LAYERS.register(module="keras.distillation")
class Distiller(Model):
    """Trains a student by labels and by what a teacher gives for the same inputs.

    The loss is `student_loss_weight` times the compiled loss, plus the rest times the weighted sum of the distillation
    losses, and what the student's layers add. The teacher is frozen, and runs as in inference. Called, the distiller is
    the student, which is trained in place.

    Args:
        teacher: A trained model.
        student: The model to train.
        distillation_losses: What compares them, one or a list.
        distillation_loss_weights: A weight for each, 1 where it is `None`.
        student_loss_weight: The share of the compiled loss, between 0 and 1.
        name: A name.
        kwargs: `trainable`, `dtype`, as for every model.

    Raises:
        TypeError: Something is no model or no distillation loss.
        ValueError: A weight is out of its range, or teacher and student do not fit.

    Example:
        >>> import numpy as np, trivium as tv
        >>> teacher = tv.Sequential([tv.Input((4,)), tv.layers.Dense(16, "relu"), tv.layers.Dense(3)])
        >>> student = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3)])
        >>> distiller = tv.distillation.Distiller(teacher, student, tv.distillation.LogitsDistillation(2.0))
        >>> distiller.compile("sgd", tv.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> history = distiller.fit(np.ones((6, 4)), np.arange(6) % 3, verbose=0).history
        >>> sorted(history)
        ['distillation_loss', 'loss', 'student_loss', 'total_loss']

    Reference:
        Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015, https://arxiv.org/abs/1503.02531
    """

    def __init__(
        self,
        teacher: Any,
        student: Any,
        distillation_losses: Any,
        distillation_loss_weights: Any = None,
        student_loss_weight: float = 0.5,
        name: str | None = "distiller",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        given = distillation_losses
        given = list(given) if isinstance(given, list | tuple) else [given]
        weights = distillation_loss_weights
        if weights is None:
            weights = [1.0] * len(given)
        weights = list(weights) if isinstance(weights, list | tuple) else [weights]
        self._check_arguments(teacher, student, given, weights, student_loss_weight)
        self.teacher, self.student = teacher, student
        self.distillation_losses, self.distillation_loss_weights = given, weights
        self.student_loss_weight = student_loss_weight
        teacher.trainable = False
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")
        self._check_models()

    def _check_arguments(
        self, teacher: Any, student: Any, given: list[Any], weights: list[Any], share: Any
    ) -> None:
        for what, model in (("teacher", teacher), ("student", student)):
            if not isinstance(model, Model):
                raise TypeError(f"Distiller {self.name!r}: `{what}` is a model; got {model!r}.")
        if not given or not all(isinstance(loss, DistillationLoss) for loss in given):
            raise TypeError(
                f"Distiller {self.name!r}: `distillation_losses` is one or more of LogitsDistillation, "
                f"FeatureDistillation and subclasses of DistillationLoss; got {given!r}."
            )
        if len(weights) != len(given) or not all(_is_number(w) and w >= 0 for w in weights):
            raise ValueError(
                f"Distiller {self.name!r}: `distillation_loss_weights` has a number, 0 or above, for each of the "
                f"{len(given)} distillation losses; got {weights!r}."
            )
        if not _is_number(share) or not 0 <= share <= 1:
            raise ValueError(
                f"Distiller {self.name!r}: `student_loss_weight` is a number from 0 to 1; got {share!r}."
            )

    def _check_models(self) -> None:
        """Raise an error for a teacher and student that do not fit, as far as their graphs are known."""
        models = self.teacher, self.student
        if not all(model.built for model in models):
            return
        for loss in self.distillation_losses:
            self._checked(loss, "validate_model_compatibility", *models)
        try:
            graphs = [model.graph() for model in models]
        except (CaptureError, ValueError):
            return  # Code that no graph holds is compared when it runs.
        shapes = [[t.shape for t in graph.input_tensors] for graph in graphs]
        if len(shapes[0]) != len(shapes[1]) or not all(map(_compatible, *shapes)):
            raise ValueError(
                f"{self._pair}: they get the same inputs, and these have the shapes {shapes[0]} and {shapes[1]}."
            )
        for loss in self.distillation_losses:
            compared = []
            for model, graph, layer in zip(models, graphs, self._layers_of(loss), strict=True):
                found = [n.outputs for n in graph.nodes if n.operation is layer]
                if layer is not None and not found:
                    raise ValueError(
                        f"{self._pair}: {model.name!r} has no call of its layer {layer.name!r}, which a "
                        f"{type(loss).__name__} compares, outside of loops, branches and `remat`."
                    )
                compared.append(graph.outputs if layer is None else found[0])
            self._checked(loss, "validate_outputs", *map(_alone, compared))

    @property
    def _pair(self) -> str:
        return (
            f"Distiller {self.name!r}: teacher {self.teacher.name!r} and student {self.student.name!r} "
            "do not fit"
        )

    def _checked(self, loss: DistillationLoss, method: str, teacher: Any, student: Any) -> None:
        try:
            getattr(loss, method)(teacher, student)
        except ValueError as error:
            raise ValueError(f"{self._pair} {type(loss).__name__}: {error}") from error

    def _layers_of(self, loss: Any) -> list[Layer | None]:
        """Return the layers of the teacher and the student that a loss compares, `None` for their outputs."""
        names = [getattr(loss, f"{who}_layer_name", None) for who in ("teacher", "student")]
        models = self.teacher, self.student
        return [
            None if name is None else model.get_layer(name)
            for model, name in zip(models, names, strict=True)
        ]

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.teacher._maybe_build(args, {"training": False})
        super()._build_for(args, kwargs)
        self._check_models()

    def compile(  # type: ignore[override]
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Say how the student is trained.

        Args:
            optimizer: As for every model.
            loss: The loss by labels; `None` to learn from the teacher alone, on data without labels.
            metrics: Metrics of the student.
            kwargs: As for every model.
        """
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return the student's outputs.

        Args:
            inputs: The inputs.
            training: The mode.
        """
        return self.student(inputs, training=training)

    def _own_metrics(self) -> list[Metric]:
        theirs = {id(metric) for metric in self.teacher._own_metrics()}
        return [metric for metric in super()._own_metrics() if id(metric) not in theirs]

    def _watching(self, side: int) -> entered:
        """Note what the compared layers of the teacher (0) or the student (1) give, while the `with` block lasts."""
        layers = [self._layers_of(loss)[side] for loss in self.distillation_losses]
        return entered(watched={layer: [] for layer in layers if layer is not None})

    def compute_loss_and_updates(self, *args: Any, **kwargs: Any) -> Any:
        """Run the student and the loss as a pure function; see `Model`.

        Args:
            args: As in `Model`.
            kwargs: As in `Model`.
        """
        with self._watching(1):
            return super().compute_loss_and_updates(*args, **kwargs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the weighted sum of the compiled loss and the distillation losses, and what the student's layers add.

        Args:
            x: The inputs, which the teacher gets, too.
            y: The targets.
            y_pred: The student's outputs.
            sample_weight: The samples' weights in the compiled loss.
            training: Whether this is a training step.

        Returns:
            A scalar.

        Raises:
            ValueError: The compiled loss has no targets, or teacher and student do not fit.
        """
        added = [jnp.sum(value) for value in self.losses]
        by_labels = self._compiled_loss(y, y_pred, sample_weight)
        by_labels = jnp.zeros(()) if by_labels is None else by_labels
        given = self._given_by_teacher(x), self._given_by_student(x, y_pred, training)
        distilled: Any = jnp.zeros(())
        pairs = zip(self.distillation_losses, self.distillation_loss_weights, strict=True)
        for (loss, weight), teacher, student in zip(pairs, *given, strict=True):
            self._checked(loss, "validate_outputs", teacher, student)
            distilled = distilled + weight * loss.compute_loss(teacher, student)
        share = self.student_loss_weight
        total = sum(added, share * by_labels + (1 - share) * distilled)
        batch = jax.tree_util.tree_leaves(x)[0].shape[0]
        self.student_loss_tracker.update_state(by_labels, sample_weight=batch)
        self.distillation_loss_tracker.update_state(distilled, sample_weight=batch)
        self.total_loss_tracker.update_state(total, sample_weight=batch)
        return total

    def _given_by_teacher(self, x: Any) -> list[Any]:
        """Return what each loss compares of the teacher, as constants."""
        with StatelessScope(collect_losses=True), self._watching(0) as frame:
            outputs = self.teacher(x, training=False)
        return [map_tree(_constant, given) for given in self._picked(0, frame, outputs)]

    def _given_by_student(self, x: Any, y_pred: Any, training: bool) -> list[Any]:
        """Return what each loss compares of the student: noted in this step, or found by another call."""
        frame = current_frame()
        if frame.watched is None:
            with StatelessScope(collect_losses=True), self._watching(1) as frame:
                if frame.watched:
                    self.student(x, training=training)
        return self._picked(1, frame, y_pred)

    def _picked(self, side: int, frame: Any, outputs: Any) -> list[Any]:
        layers = [self._layers_of(loss)[side] for loss in self.distillation_losses]
        never = next((x for x in layers if x is not None and not frame.watched[x]), None)
        if never is not None:
            raise ValueError(
                f"{self._pair}: {(self.teacher, self.student)[side].name!r} has no call of its layer {never.name!r}, "
                "which a FeatureDistillation compares, outside of loops, branches and `remat`."
            )
        return [outputs if layer is None else frame.watched[layer][0] for layer in layers]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _compatible(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(one, other, strict=True)
    )


def _alone(outputs: Any) -> Any:
    """Return outputs as a call gives them: the only one without its list."""
    return outputs[0] if isinstance(outputs, list | tuple) and len(outputs) == 1 else outputs


def _constant(x: Any) -> Any:
    """Return an array that no gradient passes, with the mask and the logits that stand beside it."""
    made = keep_logits(x, jax.lax.stop_gradient(x), jax.lax.stop_gradient)
    if (mask := get_mask(x)) is not None:
        set_mask(made, mask)
    return made
