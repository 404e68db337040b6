"""What a trial's training gives back: a history, numbers by name, a number, or a list of these."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from trivium.state import suggest
from trivium.training.callbacks import History
from trivium.tuning.errors import FatalTypeError, FatalValueError
from trivium.tuning.objective import Objective

__all__ = ["check_names", "check_results", "curves", "metrics_of", "per_epoch"]


def check_results(results: Any, objective: Objective, where: str) -> None:
    """Raise an error for results that have no value of the objective.

    Args:
        results: What was returned.
        objective: The objective.
        where: Who returned it, for messages.

    Raises:
        FatalTypeError: It is nothing that has results.
        FatalValueError: The objective is not among the results.
    """
    if isinstance(results, list):
        if not results:
            raise FatalTypeError(f"{where} returned an empty list; return the results of each run.")
        for one in results:
            check_results(one, objective, where)
        return
    if isinstance(results, History):
        results = results.history
    if isinstance(results, Mapping):
        check_names(results, objective, where)
    elif isinstance(results, bool) or np.ndim(results) or not _is_number(results):
        raise FatalTypeError(
            f"{where} returns the History of `fit`, a dict of results with {objective.name!r} in it, or the objective "
            f"as a number; yours returned {results!r}."
        )


def check_names(logs: Mapping[str, Any], objective: Objective, where: str) -> None:
    """Raise an error where logs lack the objective.

    Args:
        logs: Results by name.
        objective: The objective.
        where: Whose they are, for messages.

    Raises:
        FatalValueError: They do.
    """
    missing = objective.missing(logs)
    if not missing:
        return
    if missing == ["default_objective"]:
        raise FatalValueError(
            f'{where} gives several results, and no `objective` says which one counts: give `objective="..."`, one of '
            f"{', '.join(sorted(logs))}."
        )
    hint = suggest(missing[0], logs)
    if missing[0].startswith("val_") and not any(name.startswith("val_") for name in logs):
        hint = f"There was no validation: give `search(..., validation_data=...)`. {hint}"
    raise FatalValueError(
        f"The objective {missing[0]!r} is none of the results of {where}, which are {', '.join(sorted(logs))}. {hint}"
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def metrics_of(results: Any, objective: Objective) -> tuple[dict[str, float], int]:
    """Return the results of the best epoch, averaged over executions, and that epoch.

    Args:
        results: What was returned, checked.
        objective: The objective, which says what is best.

    Example:
        >>> metrics_of([{"loss": 0.5}, {"loss": 0.25}], Objective("loss", "min"))
        ({'loss': 0.375}, 0)
    """
    runs = results if isinstance(results, list) else [results]
    single = [_metrics(run, objective) for run in runs]
    names = [name for name in single[0][0] if all(name in metrics for metrics, _ in single)]
    means = {name: float(np.mean([metrics[name] for metrics, _ in single])) for name in names}
    # A checkpoint is the best epoch of the best run.
    best = single[0]
    for run in single[1:]:
        if objective.better_than(objective.get_value(run[0]), objective.get_value(best[0])):
            best = run
    return means, best[1]


def _metrics(results: Any, objective: Objective) -> tuple[dict[str, float], int]:
    if isinstance(results, History):
        epochs = per_epoch(results.history)
        best, step = epochs[0], 0
        for epoch, logs in enumerate(epochs[1:], 1):
            if not objective.has_value(logs):
                continue
            value = objective.get_value(logs)
            lost = not objective.has_value(best) or math.isnan(objective.get_value(best))
            if lost or objective.better_than(value, objective.get_value(best)):
                best, step = logs, epoch
        return best, step
    if isinstance(results, Mapping):
        numbers = {k: float(v) for k, v in results.items() if np.ndim(v) == 0 and _is_number(v)}
        return numbers, 0
    return {objective.name: float(results)}, 0


def per_epoch(history: Mapping[str, list[Any]]) -> list[dict[str, float]]:
    """Return the logs of each epoch; a result that some epochs lack counts from the last ones back."""
    count = max((len(values) for values in history.values()), default=0)
    epochs: list[dict[str, float]] = [{} for _ in range(count)]
    for name, values in history.items():
        if all(np.ndim(value) == 0 for value in values):
            for logs, value in zip(epochs[count - len(values) :], values, strict=True):
                logs[name] = float(value)
    return epochs


def curves(results: Any) -> list[dict[str, list[float]]]:
    """Return the results of each epoch, for each execution that has a history."""
    runs = results if isinstance(results, list) else [results]
    return [
        {
            k: [float(x) for x in v]
            for k, v in run.history.items()
            if all(np.ndim(x) == 0 for x in v)
        }
        for run in runs
        if isinstance(run, History)
    ]
