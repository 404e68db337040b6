"""A search from a file: what `trivium tune` does."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from trivium.state import suggest
from trivium.styles.load import load_module
from trivium.tuning.bayesian import BayesianOptimization
from trivium.tuning.grid_search import GridSearch
from trivium.tuning.hyperband import Hyperband
from trivium.tuning.hypermodel import HyperModel
from trivium.tuning.objective import Objective
from trivium.tuning.random_search import RandomSearch
from trivium.tuning.tuner import Tuner

__all__ = ["TUNERS", "TuneError", "TuneSettings", "tune_file"]

TUNERS: dict[str, type[Tuner]] = {
    "random": RandomSearch,
    "grid": GridSearch,
    "bayesian": BayesianOptimization,
    "hyperband": Hyperband,
}


class TuneError(ValueError):
    """A request that makes no sense."""


@dataclasses.dataclass(frozen=True)
class TuneSettings:
    """What the options of `trivium tune` say.

    Args:
        tuner: One of `TUNERS`.
        trials: How many trials there are; with Hyperband its rounds say that.
        objective: The name of a result, with `:min` or `:max` where the name does not say which is better.
        epochs: Epochs of each trial; with Hyperband those of the longest.
        batch_size: Samples a step.
        executions: How many times each trial's model is trained.
        seed: What the search follows from.
        directory: The folder of searches.
        project: The search's name; the file's where it is `None`.
        storage: A URL of PostgreSQL or SQLite.
        overwrite: Whether to begin anew.
        report: Where to write a page of the search.
    """

    tuner: str = "bayesian"
    trials: int | None = 20
    objective: str = "val_loss"
    epochs: int | None = None
    batch_size: int | None = None
    executions: int = 1
    seed: int | None = None
    directory: str = "tuning"
    project: str | None = None
    storage: str | None = None
    overwrite: bool = False
    report: str | None = None


def tune_file(file: str | Path, settings: TuneSettings) -> Tuner:
    """Search over the model that a file builds, on the data that it loads.

    Args:
        file: A Python file with `build(hp)` or a `HyperModel`, and with `data()`, which returns the arguments of `fit`
            as a dict, `(x, y)`, or `((x, y), (x_val, y_val))`.
        settings: What to do.

    Returns:
        The tuner, with its search done.

    Raises:
        TuneError: The file has no such things, or a setting makes no sense.
        LoadError: There is no such file, or it stops with an error.
    """
    if settings.tuner not in TUNERS:
        raise TuneError(f"there is no tuner {settings.tuner!r}. {suggest(settings.tuner, TUNERS)}")
    module = load_module(Path(file))
    name = Path(file).name
    hypermodel, objective = _hypermodel(module, name), _objective(settings.objective)
    arguments = _arguments(module, name)
    for key in ("epochs", "batch_size"):
        if (value := getattr(settings, key)) is not None:
            arguments[key] = value
    if "validation_data" not in arguments and "val" in settings.objective:
        arguments.setdefault("validation_split", 0.2)
    # Hyperband counts its trials and its epochs itself.
    most: dict[str, Any] = {"max_trials": settings.trials}
    if settings.tuner == "hyperband":
        epochs = arguments.pop("epochs", None)
        most = {} if epochs is None else {"max_epochs": epochs}
    tuner = TUNERS[settings.tuner](
        hypermodel,
        objective,
        **most,
        seed=settings.seed,
        executions_per_trial=settings.executions,
        directory=settings.directory,
        project_name=settings.project or Path(file).stem,
        storage=settings.storage,
        overwrite=settings.overwrite,
    )
    tuner.search(**arguments)
    if settings.report is not None:
        tuner.report(settings.report)
    return tuner


def _objective(text: str) -> Any:
    name, found, direction = text.rpartition(":")
    try:
        return Objective(name, direction) if found else text
    except ValueError as error:
        raise TuneError(str(error)) from None


def _hypermodel(module: ModuleType, file: str) -> Any:
    for name in ("build", "build_model"):
        if callable(getattr(module, name, None)):
            return getattr(module, name)
    for value in vars(module).values():
        if isinstance(value, HyperModel):
            return value
        mine = isinstance(value, type) and value.__module__ == module.__name__
        if mine and issubclass(value, HyperModel):
            return value()
    known = [n for n, v in vars(module).items() if callable(v) and n[:1] != "_"]
    hint = suggest("build", known) if known else ""
    raise TuneError(
        f"{file} has neither a function `build(hp)` that returns a compiled model nor a HyperModel. {hint}"
    )


def _arguments(module: ModuleType, file: str) -> dict[str, Any]:
    load: Callable[[], Any] | None = getattr(module, "data", None)
    if not callable(load):
        raise TuneError(
            f"{file} has no function `data()` that returns the arguments of `fit`: a dict, (x, y), or "
            "((x, y), (x_val, y_val))."
        )
    given = load()
    if isinstance(given, Mapping):
        return dict(given)
    if isinstance(given, tuple | list) and len(given) == 2:
        first, second = given
        if isinstance(first, tuple | list) and isinstance(second, tuple | list):
            return {"x": first[0], "y": first[1], "validation_data": tuple(second)}
        return {"x": first, "y": second}
    raise TuneError(
        f"data() of {file} returns the arguments of `fit`: a dict, (x, y), or ((x, y), (x_val, y_val)); it returned a "
        f"{type(given).__name__}."
    )
