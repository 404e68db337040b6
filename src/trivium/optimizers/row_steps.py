"""Steps of large tables of which a batch has looked up some rows: only these are read and written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium.optimizers.own_variables import OwnVariables, State
from trivium.optimizers.transforms import is_large
from trivium.state import Variable
from trivium.state.lookups import RowGradient, lookups_of, row_gradient
from trivium.state.types import Array

__all__ = ["RowSteps"]

# A row that is sorted, gathered and written by itself costs some times what it costs in one sweep over all.
_FEW = 4


class RowSteps(OwnVariables):
    """The part of an optimizer's step that goes by rows.

    That is possible where nothing of a row changes by a gradient of zero: with plain descent and Adagrad; not where a
    momentum goes on by itself, nor with Adam, whose moments decay.
    """

    @property
    def _skips_zeros(self) -> bool:
        """Whether `rule` changes neither a number nor its slots where the gradient is zero."""
        return False

    def _by_rows(self, gradients: Sequence[Array | None]) -> Sequence[Array | RowGradient | None]:
        """Return the gradients, those of large tables of which few rows were looked up as `RowGradient`."""
        # What follows looks at the whole gradient, or changes rows that have none.
        others = (
            "clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "use_ema", "loss_scale_factor",
            "gradient_accumulation_steps",
        )  # fmt: skip
        # A class of somebody's may have another formula beside `rule`, which would not be asked.
        by_formula = self._skips_zeros and self._by_rule
        if not by_formula or any(getattr(self, name) for name in others):
            return gradients
        return [
            _of_rows(gradient, variable) if is_large(variable) else gradient
            for gradient, variable in zip(gradients, self._trainable_variables, strict=True)
        ]

    def _apart(
        self, gradients: Sequence[Array | RowGradient | None]
    ) -> tuple[list[Array | None], dict[int, RowGradient]]:
        """Return the gradients without those of rows, and these by their place."""
        by_rows = {i: g for i, g in enumerate(gradients) if isinstance(g, RowGradient)}
        return [None if isinstance(g, RowGradient) else g for g in gradients], by_rows

    def _descend_by_rows(
        self, state: State, gradients: dict[int, RowGradient], parameters: list[Array], rate: Any
    ) -> tuple[list[Array], State]:
        """Return the parameters and the state after a step on those that have a gradient of rows."""
        if not gradients:
            return parameters, state
        parameters, slots = list(parameters), [list(group) for group in state.slots]
        for i, (places, values) in gradients.items():
            table = parameters[i]
            kept = {name: array for group in slots for name, array in group[i].items()}
            before = _rows(table, places)
            delta, after = self.rule(
                jnp.asarray(values, table.dtype),
                before,
                {name: _rows(array, places) for name, array in kept.items()},
                jnp.asarray(rate, table.dtype),
                state.iteration,
            )
            parameters[i] = _with_rows(table, places, before + jnp.asarray(delta, table.dtype))
            for group in slots:
                group[i] = OrderedDict(
                    (name, _with_rows(kept[name], places, after[name])) for name in group[i]
                )
        return parameters, state._replace(slots=slots)


def _of_rows(gradient: Array | None, variable: Variable) -> Array | RowGradient | None:
    # A constraint is applied to all rows, and may change what has no gradient.
    if variable.constraint is not None or variable.overwrite_with_gradient:
        return gradient
    lookups, rows = lookups_of(gradient), variable.shape[0]
    if not lookups or sum(len(places) for places, _ in lookups) * _FEW > rows:
        return gradient
    return row_gradient(lookups, rows)


def _rows(array: Array, places: Array) -> Array:
    return array.at[places].get(mode="fill", fill_value=0)


def _with_rows(array: Array, places: Array, rows: Array) -> Array:
    return array.at[places].set(jnp.asarray(rows, array.dtype), mode="drop")
