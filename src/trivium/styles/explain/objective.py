"""The last step of all: from a model's outputs to the number that is differentiated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from trivium.data import make_source, unpack_x_y_sample_weight
from trivium.data.texts import is_text
from trivium.state import StatelessScope
from trivium.state.masks import set_mask
from trivium.styles.explain.tape import Tape
from trivium.training.transaction import Transaction

__all__ = ["Objective"]


class Objective:
    """The number whose gradients are asked for: the loss, or where there is none the sum of the outputs.

    Args:
        tape: The model's steps.
        x: The inputs, as for `fit`.
        y: The targets; without them, or where the model is not compiled, it is the sum of the outputs.
        sample_weight: The samples' weights.
        what: Where the data was given, for messages.

    Raises:
        ValueError: The data is not what the model can take.
    """

    def __init__(self, tape: Tape, x: Any, y: Any, sample_weight: Any, what: str) -> None:
        self.tape, self.model = tape, tape.model
        source = make_source(x, y, sample_weight, steps=1, what=what)
        # As arrays of JAX, in which a computation has its dtypes whether it is compiled or not.
        data = jax.tree_util.tree_map(
            lambda a: a if is_text(a) else jnp.asarray(a), source.example()
        )
        self.x, self.y, self.sample_weight = unpack_x_y_sample_weight(data)
        with Transaction(self.model):
            self.model._prepare(source, training=False)
            source.require(self.model._check_batch)
        self.uses_loss = self.model.compiled and (
            self.y is not None or (self.model.loss is None and self._adds_losses())
        )

    def _adds_losses(self) -> bool:
        tape = self.tape
        regularized = any(v.regularizer is not None for v in tape.weights)
        return regularized or bool(tape.losses) or any(s.penalties for s in tape.steps)

    @property
    def words(self) -> str:
        """What it is, in words."""
        return "the loss" if self.uses_loss else "the sum of the outputs"

    def last(
        self,
        outputs: Sequence[Any],
        masks: Sequence[Any],
        penalties: Sequence[Any],
        values: Mapping[int, Any],
    ) -> Any:
        """Return the number, given what the model's steps gave.

        Args:
            outputs: The model's outputs, flat.
            masks: The masks beside them, or `None`.
            penalties: What the steps and the model add to the loss.
            values: The variables' values, by their ids.
        """
        if not self.uses_loss:
            return _total(outputs)
        for output, mask in zip(outputs, masks, strict=True):
            if mask is not None:
                set_mask(output, mask)
        y_pred = jax.tree_util.tree_unflatten(
            jax.tree_util.tree_structure(self.tape.graph.outputs), list(outputs)
        )
        scope = StatelessScope(
            [(v, values[id(v)]) for v in self.variables if id(v) in values], collect_losses=True
        )
        with scope:
            scope.losses.extend(penalties)
            return self._loss(y_pred)

    def whole(self, values: Mapping[int, Any]) -> Any:
        """Return the number as the model itself computes it, in one go.

        Args:
            values: The variables' values, by their ids.
        """
        scope = StatelessScope([(v, values[id(v)]) for v in self.variables], collect_losses=True)
        with scope:
            y_pred = self.model(self.x, training=self.tape.training)
            return (
                self._loss(y_pred) if self.uses_loss else _total(jax.tree_util.tree_leaves(y_pred))
            )

    def _loss(self, y_pred: Any) -> Any:
        return self.model._loss_of(self.x, self.y, y_pred, self.sample_weight, self.tape.training)

    @property
    def variables(self) -> list[Any]:
        """All variables that computing it may change or read."""
        return list(self.model.variables)

    def values(self) -> dict[int, Any]:
        """Return the variables' values now, by their ids."""
        return {id(v): v.value for v in self.variables}


def _total(outputs: Sequence[Any]) -> Any:
    floats = [
        jnp.sum(o.astype("float32")) for o in outputs if jnp.issubdtype(o.dtype, jnp.floating)
    ]
    return sum(floats[1:], floats[0]) if floats else jnp.zeros(())
