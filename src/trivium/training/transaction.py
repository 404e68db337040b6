"""Getting ready as a transaction: bad data or a bad step leaves a model as it was."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable
from typing import Any

import jax

from trivium.metrics import Metric
from trivium.state import Variable
from trivium.state.undo import note_undo, undone_on_error

__all__ = ["Transaction", "unbuilt_on_error"]

# What the trainer's methods set on the model itself.
_FLAGS = ("built", "history", "stop_training", "stop_evaluating", "stop_predicting")


class Transaction:
    """Undoes, if the `with` block raises, what was built in it: the model, its losses and metrics, the optimizer.

    Args:
        model: The model.
        compiled: Whether what `compile` was told may be built in it, too.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.layers.Dense(2)])
        >>> with contextlib.suppress(ZeroDivisionError), Transaction(model):
        ...     model.build((None, 3))
        ...     1 / 0
        >>> model.built
        False
    """

    def __init__(self, model: Any, compiled: bool = True) -> None:
        self._model, self._compiled = model, compiled
        self._undone = contextlib.ExitStack()
        self._open = False

    def __enter__(self) -> Transaction:
        self._undone.enter_context(undone_on_error())
        made = self._model._trainer if self._compiled else None
        if made:
            unbuilt_on_error(_unbuilt(made))
        flags = {k: v for k, v in vars(self._model).items() if k in _FLAGS}

        def restore() -> None:
            for flag in _FLAGS:
                vars(self._model).pop(flag, None)
            vars(self._model).update(flags)

        note_undo(restore)
        self._open = True
        return self

    def keep(self, variables: Iterable[Variable]) -> None:
        """Put these variables' values back, too; metrics are reset before the first step is done."""
        if self._open:
            for variable in variables:
                note_undo(functools.partial(variable.replace, variable.peek()))

    def commit(self) -> None:
        """Keep all of it: there is something new in the model, whatever may go wrong from here on."""
        self._open = False
        self._undone.close()

    def __exit__(self, *error: Any) -> None:
        self._open = False
        self._undone.__exit__(*error)


def unbuilt_on_error(parts: Iterable[Any]) -> None:
    """Have losses, metrics and optimizers be as they are now, not built, if what surrounds this raises.

    Args:
        parts: The losses, metrics and optimizers.
    """
    kept = [(part, _copy_of(vars(part))) for part in parts]

    def restore() -> None:
        for part, attributes in kept:
            vars(part).clear()
            vars(part).update(attributes)

    note_undo(restore)


def _unbuilt(made: Any) -> list[Any]:
    """Return the parts of what `compile` was told that are built with the model, where they are not built yet."""
    parts = [made]
    if made.loss is not None and not made.loss.built:
        parts.append(made.loss)
    if not made.metrics.built:
        given = jax.tree_util.tree_leaves(made.metrics.specs)
        parts += [made.metrics, *(x for x in given if isinstance(x, Metric))]
    if made.optimizer is not None and not made.optimizer.built:
        parts += [made.optimizer, *made.optimizer.inner]
    return parts


def _copy_of(attributes: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, list) else v for k, v in attributes.items()}
