"""What a student is compared with its teacher by: their outputs, softened, or what layers inside give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

import jax
import jax.numpy as jnp

from trivium import activations, losses
from trivium.losses.arrays import as_array
from trivium.losses.lookup import object_name, resolve
from trivium.state.configured import Configured
from trivium.state.logits import logits_of
from trivium.state.masks import get_mask, set_mask
from trivium.state.registry import Registry
from trivium.state.trees import map_tree

__all__ = ["DISTILLATIONS", "DistillationLoss", "FeatureDistillation", "LogitsDistillation"]

DISTILLATIONS: Registry[Any] = Registry("distillation loss", "keras.distillation")

# Losses that compare probabilities, with what makes probabilities of logits.
_OF_PROBABILITIES: dict[Any, Callable[..., Any]] = {
    losses.kl_divergence: activations.softmax,
    losses.categorical_crossentropy: activations.softmax,
    losses.categorical_focal_crossentropy: activations.softmax,
    losses.binary_crossentropy: activations.sigmoid,
    losses.binary_focal_crossentropy: activations.sigmoid,
}


class DistillationLoss(Configured):
    """The base of what a student is compared with its teacher by; yours overrides `compute_loss`.

    Example:
        >>> class Largest(DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        ...         return abs(teacher_outputs.max() - student_outputs.max())
        >>> Largest().compute_loss(jnp.array([1.0, 4.0]), jnp.array([2.0, 3.0])).item()
        1.0
    """

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Return the loss, a number.

        Args:
            teacher_outputs: What the teacher gives: an array, or a nested structure of them.
            student_outputs: What the student gives.
            kwargs: Nothing yet.
        """
        raise NotImplementedError(
            f"{type(self).__name__} has no `compute_loss(self, teacher_outputs, student_outputs, **kwargs)`: write one "
            "that returns a number."
        )

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raise an error where outputs cannot be compared.

        Args:
            teacher_outputs: What the teacher gives, arrays or symbolic tensors.
            student_outputs: What the student gives.

        Raises:
            ValueError: They are not as many.
        """
        counts = [len(jax.tree_util.tree_leaves(x)) for x in (teacher_outputs, student_outputs)]
        if counts[0] != counts[1]:
            raise ValueError(f"The teacher gives {counts[0]} arrays, the student {counts[1]}.")

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raise an error where this loss cannot compare two models; by default there is none.

        Args:
            teacher: The teacher.
            student: The student.

        Raises:
            ValueError: A model lacks what is compared.
        """


class _Compared(DistillationLoss):
    """What is compared output by output, by losses in the outputs' structure."""

    loss: Any

    def _read_losses(self, loss: Any) -> None:
        self.loss = map_tree(losses.get, loss)
        if not jax.tree_util.tree_leaves(self.loss):
            raise ValueError(
                f"{type(self).__name__}: one loss at least is not `None`; got loss={loss!r}."
            )

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raise an error where outputs cannot be compared.

        Args:
            teacher_outputs: What the teacher gives, arrays or symbolic tensors.
            student_outputs: What the student gives.

        Raises:
            ValueError: They are nested otherwise, than each other or than the losses, or have other shapes.
        """
        for loss, teacher, student, place in _paired(self.loss, teacher_outputs, student_outputs):
            same = len(teacher.shape) == len(student.shape) and all(
                a is None or b is None or a == b
                for a, b in zip(teacher.shape, student.shape, strict=True)
            )
            # A function of one's own may compare what has different sizes.
            if not same and _function_of(loss).__module__.startswith("trivium."):
                raise ValueError(
                    f"The teacher gives {place}shape {tuple(teacher.shape)}, the student {tuple(student.shape)}, and "
                    f"{object_name(loss)} compares equal shapes."
                )

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Return the sum of the losses, a number.

        Args:
            teacher_outputs: What the teacher gives: an array, or arrays in the losses' structure.
            student_outputs: What the student gives.
            kwargs: Nothing yet.

        Raises:
            ValueError: They are nested in another way than the losses.
        """
        total: Any = 0.0
        for loss, teacher, student, _ in _paired(self.loss, teacher_outputs, student_outputs):
            teacher, student = self._prepared(loss, _array(teacher), _array(student))
            compared = resolve(loss, teacher.shape, student.shape)
            assert compared is not None
            total = total + jnp.mean(compared(teacher, student))
        return total

    def _prepared(self, loss: Any, teacher: Any, student: Any) -> tuple[Any, Any]:
        return teacher, student


@DISTILLATIONS.register()
class LogitsDistillation(_Compared):
    """Compares the logits of teacher and student, divided by a temperature.

    Losses of probabilities (`kl_divergence`, categorical and binary crossentropies) get the softmax (sigmoid) of the
    divided logits; a crossentropy `from_logits` gets the student's as they are. All others compare the divided logits.
    Outputs of a softmax or sigmoid layer are taken back to its logits first.

    The gradients shrink with the square of the temperature. The paper makes up for that by a weight:
    `distillation_loss_weights=[temperature**2]`.

    Args:
        temperature: How soft the probabilities become: 1 leaves them, more says more about the wrong classes.
        loss: A loss or its name; for several outputs, losses in their structure, `None` for what is not compared.

    Raises:
        ValueError: The temperature is not above zero, or there is no loss.

    Example:
        >>> teacher, student = jnp.array([[2.0, 0.0]]), jnp.array([[0.0, 0.0]])
        >>> round(LogitsDistillation(temperature=2.0).compute_loss(teacher, student).item(), 4)
        0.1109

    Reference:
        Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015, https://arxiv.org/abs/1503.02531
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        number = isinstance(temperature, Real) and not isinstance(temperature, bool)
        if not number or not 0 < temperature < float("inf"):
            raise ValueError(
                f"LogitsDistillation: the temperature is a number above zero; got {temperature!r}."
            )
        self.temperature = temperature
        self._read_losses(loss)

    def _prepared(self, loss: Any, teacher: Any, student: Any) -> tuple[Any, Any]:
        settings = getattr(loss, "_fn_kwargs", {})
        squash = _OF_PROBABILITIES.get(_function_of(loss))
        axis = settings.get("axis", -1)

        def softened(x: Any, as_logits: bool) -> Any:
            if squash is None:
                made = x / self.temperature
            else:
                known = logits_of(x)
                logits = x if known is None else known.value
                made = logits / self.temperature
                if not as_logits:
                    softmax = squash is activations.softmax
                    made = squash(made, axis=axis) if softmax else squash(made)
            if (mask := get_mask(x)) is not None:
                set_mask(made, mask)
            return made

        return softened(teacher, False), softened(student, settings.get("from_logits", False))


@DISTILLATIONS.register()
class FeatureDistillation(_Compared):
    """Compares what a layer of the teacher gives with what a layer of the student gives.

    Where the layers have different sizes, put a layer into the student that maps to the teacher's size, as the paper
    does, and name it here.

    Args:
        loss: A loss or its name; for layers that give several arrays, losses in their structure, `None` for what is
            not compared.
        teacher_layer_name: The name of a layer directly inside the teacher, whose first call counts; the output where
            it is `None`.
        student_layer_name: Likewise in the student.

    Raises:
        ValueError: There is no loss.

    Example:
        >>> FeatureDistillation("mse").compute_loss(jnp.array([[1.0, 2.0]]), jnp.array([[1.0, 4.0]])).item()
        2.0

    Reference:
        Romero et al., "FitNets: Hints for Thin Deep Nets", 2015, https://arxiv.org/abs/1412.6550
    """

    def __init__(
        self,
        loss: Any = "mse",
        teacher_layer_name: str | None = None,
        student_layer_name: str | None = None,
    ) -> None:
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name
        self._read_losses(loss)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raise an error where a model does not have the layer.

        Args:
            teacher: The teacher.
            student: The student.

        Raises:
            ValueError: The error has the nearest name.
        """
        for model, name in (
            (teacher, self.teacher_layer_name),
            (student, self.student_layer_name),
        ):
            if name is not None:
                model.get_layer(name)


def _array(x: Any) -> jax.Array:
    # A mask and logits stand beside this very array.
    return x if isinstance(x, jax.Array) else as_array(x)


def _function_of(loss: Any) -> Any:
    """Return the function that a loss is made of, or its class."""
    return getattr(loss, "fn", type(loss) if isinstance(loss, losses.Loss) else loss)


def _paired(
    loss: Any, teacher: Any, student: Any, place: str = ""
) -> Iterator[tuple[Any, Any, Any, str]]:
    """Yield each loss with what it compares, and where that stands in the outputs, for messages."""
    if loss is None:
        return
    inner = isinstance(loss, dict | list | tuple)
    plain = [not isinstance(x, dict | list | tuple) for x in (teacher, student)]
    if inner and len(loss) == 1 and all(plain) and not isinstance(loss, dict):
        inner, loss = False, loss[0]  # A model's only output comes without its list.
    if not inner:
        if not all(plain):
            raise ValueError(
                f"One loss compares one array, and teacher and student give {_form(teacher)} and {_form(student)}: "
                "give a loss for each, `None` for what is not compared."
            )
        yield loss, teacher, student, place
        return
    if not _form(loss) == _form(teacher) == _form(student):
        raise ValueError(
            f"The losses are {_form(loss)}, and teacher and student give {_form(teacher)} and {_form(student)}."
        )
    for key in loss if isinstance(loss, dict) else range(len(loss)):
        yield from _paired(loss[key], teacher[key], student[key], f"at {key!r} the ")


def _form(structure: Any) -> str:
    if isinstance(structure, dict):
        return f"a dict of {sorted(map(str, structure))}"
    return f"a list of {len(structure)}" if isinstance(structure, list | tuple) else "an array"
