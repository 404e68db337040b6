"""One trial: hyperparameters, and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trivium.tuning.hyperparameters import HyperParameters

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from trivium.tuning.store import Store

__all__ = ["Metrics", "Observation", "Trial", "TrialStatus", "trial_id", "trial_of"]


class TrialStatus:
    """What becomes of a trial.

    Attributes:
        RUNNING: Somebody runs it.
        IDLE: Nothing to do at this moment: others run what the next trial depends on.
        STOPPED: There is no further trial.
        COMPLETED: It has a score.
        PRUNED: It was ended early, and has the score of that moment.
        INVALID: It failed, and may be tried again.
        FAILED: It failed for good.
    """

    RUNNING = "RUNNING"
    IDLE = "IDLE"
    STOPPED = "STOPPED"
    COMPLETED = "COMPLETED"
    PRUNED = "PRUNED"
    INVALID = "INVALID"
    FAILED = "FAILED"


@dataclass
class Observation:
    """What a result was after some epoch, in each execution.

    Args:
        value: The values, one for each execution.
        step: The epoch.
    """

    value: list[float]
    step: int


class Metrics:
    """The results of a trial by name: those of its best epoch, averaged over executions.

    Args:
        values: The results.
        step: The epoch that they are of.
    """

    def __init__(self, values: dict[str, float], step: int = 0) -> None:
        self.values, self._step = dict(values), step

    def exists(self, name: str) -> bool:
        """Say whether there is such a result."""
        return name in self.values

    def get_last_value(self, name: str) -> float | None:
        """Return a result, or `None`."""
        return self.values.get(name)

    def get_best_value(self, name: str) -> float | None:
        """Return a result, or `None`."""
        return self.values.get(name)

    def get_history(self, name: str) -> list[Observation]:
        """Return a result as it was observed."""
        return [Observation([self.values[name]], self._step)] if name in self.values else []

    def get_config(self) -> dict[str, Any]:
        """Return the results as plain values."""
        return {"metrics": dict(self.values), "step": self._step}


@dataclass
class Trial:
    """One trial.

    Args:
        hyperparameters: Its hyperparameters and their values.
        trial_id: What it is known by.
        status: One of `TrialStatus`.
        message: What went wrong: the reason, and Python's traceback.

    Attributes:
        score: The objective's value; `None` as long as there is none.
        best_step: The epoch that the score is of, from 0 on.
        metrics: Its results.
        histories: The results of each epoch, for each execution.
        reason: What went wrong, in one line.
        seconds: How long it took, once it is finished.
        host: The machine that ran it.
    """

    hyperparameters: HyperParameters
    trial_id: str
    status: str = TrialStatus.RUNNING
    message: str | None = None
    score: float | None = None
    best_step: int = 0
    metrics: Metrics = field(default_factory=lambda: Metrics({}))
    histories: list[dict[str, list[float]]] = field(default_factory=list)
    reason: str = ""
    seconds: float | None = None
    host: str = ""

    @property
    def number(self) -> int:
        """Its number, from 0 on."""
        return int(self.trial_id)

    def display_hyperparameters(self) -> None:
        """Print the hyperparameters."""
        values = self.hyperparameters.values
        for name, value in values.items():
            print(f"{name}: {value}")
        if not values:
            print("default configuration")

    def summary(self) -> None:
        """Print the trial.

        Example:
            >>> hp = HyperParameters()
            >>> _ = hp.Int("units", 8, 64)
            >>> Trial(hp, "0003", score=0.5).summary()
            Trial 0003 summary
            Hyperparameters:
            units: 8
            Score: 0.5
        """
        print(f"Trial {self.trial_id} summary")
        print("Hyperparameters:")
        self.display_hyperparameters()
        if self.score is not None:
            print(f"Score: {self.score}")
        if self.message:
            print(self.message)

    def get_state(self) -> dict[str, Any]:
        """Return the trial as plain values."""
        return {
            "trial_id": self.trial_id,
            "hyperparameters": self.hyperparameters.get_config(),
            "metrics": self.metrics.get_config(),
            "score": self.score,
            "best_step": self.best_step,
            "status": self.status,
            "message": self.message,
        }


def trial_id(number: int) -> str:
    """Return what the trial of a number is known by.

    Example:
        >>> trial_id(7)
        '0007'
    """
    return f"{number:04d}"


_STATES = {
    "RUNNING": TrialStatus.RUNNING,
    "WAITING": TrialStatus.RUNNING,
    "COMPLETE": TrialStatus.COMPLETED,
    "PRUNED": TrialStatus.PRUNED,
}


def trial_of(store: Store, record: FrozenTrial, space: HyperParameters) -> Trial:
    """Return a record of Optuna's as a trial.

    Args:
        store: Where it comes from.
        record: The record.
        space: The hyperparameters of the search.
    """
    hp = space.copy()
    hp.values = dict(store.of(record, "values", {}))
    known = _STATES.get(record.state.name)
    # A trial that went well at last may have failed before.
    error = store.of(record, "error") or {} if known in (None, TrialStatus.RUNNING) else {}
    results = store.of(record, "results") or {}
    step = results.get("best_step", 0)
    took = record.duration
    return Trial(
        hp,
        trial_id(record.number),
        known or error.get("status", TrialStatus.FAILED),
        error.get("message"),
        record.value if known in (TrialStatus.COMPLETED, TrialStatus.PRUNED) else None,
        step,
        Metrics(results.get("metrics", {}), step),
        results.get("histories", []),
        error.get("reason", ""),
        took.total_seconds() if took is not None else None,
        (store.of(record, "owner") or {}).get("host", ""),
    )
