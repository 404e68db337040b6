"""What goes wrong: in the program, which ends the search, and in a trial, which does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import networks
import pytest

import trivium as tv
from trivium import tuning
from trivium.tuning.errors import FatalRuntimeError, FatalTypeError, FatalValueError


def search(tmp_path: Path, build: Any = networks.by_rate, **kwargs: Any) -> tuning.RandomSearch:
    settings: dict[str, Any] = {"objective": "val_loss", "max_trials": 2, "directory": tmp_path}
    return tuning.RandomSearch(build, **settings | kwargs)


def test_a_build_that_returns_none_is_named(tmp_path: Path) -> None:
    def build(hp: Any) -> None:
        networks.by_rate(hp)

    with pytest.raises(FatalTypeError) as caught:
        search(tmp_path, build)
    line = build.__code__.co_firstlineno
    assert f"{__file__}:{line}) returned None. Does it end in `return model`?" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_returns_something_else(tmp_path: Path) -> None:
    with pytest.raises(FatalTypeError, match="yours returned int 3"):
        search(tmp_path, lambda hp: 3)


def test_a_build_that_returns_a_model_that_is_not_compiled(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        return tv.Sequential([tv.layers.Dense(hp.Int("units", 1, 4))])

    tuner = search(tmp_path, build)  # Who looks at the space alone needs no more.
    with pytest.raises(FatalValueError, match=r"not compiled\. Call `model.compile` in it"):
        tuner.search(**networks.DATA)
    assert [t.status for t in tuner.oracle.trials.values()] == ["RUNNING"]  # It is to be run again.

    class Own(tuning.HyperModel):
        def build(self, hp: Any) -> Any:
            return build(hp)

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> float:
            return float(hp.get("units"))

    tuner = search(tmp_path / "own", Own(), objective=None)  # Its `fit` does without.
    tuner.search(verbose=0)
    assert tuner.oracle.get_best_trials()[0].score is not None


def test_a_name_that_nothing_defines_ends_the_search(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"There is no hyperparameter 'unit'\. Did you mean 'units'"):
        search(tmp_path, lambda hp: networks.network(units=hp.Int("units", 4, 8) * hp.get("unit")))


def test_an_objective_that_no_log_has(tmp_path: Path) -> None:
    epochs: list[int] = []

    def noted(epoch: int, logs: Any) -> None:
        epochs.append(epoch)

    tuner = search(tmp_path, objective="val_mean_absolute_error")
    with pytest.raises(
        FatalValueError,
        match=r"'val_mean_absolute_error' is none of the results of an epoch of trial",
    ):
        tuner.search(
            **networks.DATA, epochs=5, callbacks=[tv.callbacks.LambdaCallback(on_epoch_end=noted)]
        )
    # It is seen after the first epoch, and what was begun is left to be run again.
    assert len(epochs) <= 1
    assert [t.status for t in tuner.oracle.trials.values()] == ["RUNNING"]
    tuner = search(tmp_path / "b", objective=tuning.Objective("val_acuracy", "max"))
    with pytest.raises(FatalValueError, match="Did you mean 'val_accuracy'"):
        tuner.search(**networks.DATA)
    tuner = search(tmp_path / "c", objective="val_accuracy")
    with pytest.raises(FatalValueError, match="There was no validation"):
        tuner.search(networks.X, networks.Y, verbose=0)
    with pytest.raises(FatalValueError, match="Is more or less of 'val_happiness' better"):
        search(tmp_path / "d", objective="val_happiness")
    tuner = search(tmp_path / "e", objective=None)
    with pytest.raises(
        FatalValueError, match="no `objective` says which one counts: give `objective="
    ):
        tuner.search(**networks.DATA)


class Failing(tuning.RandomSearch):
    """A search in which trials go wrong in several ways."""

    ways: tuple[Any, ...] = ()

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        trial.hyperparameters.Float("x", 0.0, 1.0)
        way = self.ways[trial.number] if trial.number < len(self.ways) else 0.5
        if isinstance(way, BaseException):
            raise way
        return way


def failing(tmp_path: Path, *ways: Any, **kwargs: Any) -> Failing:
    tuner = Failing(max_trials=len(ways), directory=tmp_path, **kwargs)
    tuner.ways = ways
    return tuner


def test_failed_trials_are_noted_and_the_search_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import jax

    exhausted = jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
    ways = (
        ValueError("odd\nmore"),
        0.25,
        MemoryError(),
        float("nan"),
        exhausted,
        0.75,
        tuning.FailedTrialError("no"),
    )
    tuner = failing(tmp_path, *ways, max_consecutive_failed_trials=4)
    tuner.search(verbose=2)
    trials = list(tuner.oracle.trials.values())
    assert [t.status for t in trials] == [
        "INVALID", "COMPLETED", "FAILED", "INVALID", "FAILED", "COMPLETED", "FAILED",
    ]  # fmt: skip
    assert [t.reason for t in trials] == [
        "ValueError: odd", "", "out of memory", "the objective 'default_objective' is NaN",
        "out of memory: RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes", "", "no",
    ]  # fmt: skip
    assert "in run_trial" in (trials[0].message or "") and all(
        "x" in t.hyperparameters for t in trials
    )
    assert [t.trial_id for t in tuner.oracle.get_best_trials(9)] == ["0001", "0005"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("trial 0000  invalid: ValueError: odd  (x=")
    assert lines[1].startswith("trial 0001  default_objective 0.25  best 0.25 (0001)  x=")
    page = Path(tuner.report(tmp_path / "page.html")).read_text("utf-8")
    assert "What failed" in page and "ValueError: odd" in page
    tuner.results_summary()
    assert "5 trials failed:\nTrial 0000: ValueError: odd" in capsys.readouterr().out


def test_too_many_failures_in_a_row_end_the_search(tmp_path: Path) -> None:
    ways = [ValueError("odd")] * 5
    tuner = failing(tmp_path, 0.5, *ways)
    with pytest.raises(
        FatalRuntimeError, match=r"3 trials failed in a row .*0003: ValueError: odd"
    ):
        tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 4
    # Failures of another day say nothing of this one's.
    again = failing(tmp_path, 0.5, *ways[:3], 0.5, 0.5)
    again.search(verbose=0)
    assert [t.status for t in again.oracle.trials.values()][4:] == ["COMPLETED"] * 2


def test_a_failed_trial_is_tried_again_where_that_was_asked_for(tmp_path: Path) -> None:
    tries: list[str] = []

    class Lucky(tuning.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            tries.append(trial.trial_id)
            if tries.count(trial.trial_id) < 3 and trial.number == 0:
                raise ValueError("not yet")
            return float(trial.hyperparameters.Float("x", 0.0, 1.0))

    tuner = Lucky(max_trials=2, max_retries_per_trial=2, directory=tmp_path)
    tuner.search(verbose=0)
    assert tries == ["0000"] * 3 + ["0001"]
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED"] * 2


def test_an_interrupted_trial_is_run_again(tmp_path: Path) -> None:
    tuner = failing(tmp_path, 0.5, KeyboardInterrupt(), 0.25)
    with pytest.raises(KeyboardInterrupt):
        tuner.search(verbose=0)
    values = tuner.oracle.get_trial("0001").hyperparameters.values
    tuner.ways = (0.5, 0.125, 0.25)
    tuner.search(verbose=0)
    trials = list(tuner.oracle.trials.values())
    assert [t.score for t in trials] == [0.5, 0.125, 0.25]
    assert trials[1].hyperparameters.values == values


class Stop(tv.callbacks.Callback):
    """Ends the program before an epoch, counted over all copies and trials."""

    begun: ClassVar[list[int]] = []
    limit: int | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if len(self.begun) == self.limit:
            raise KeyboardInterrupt
        self.begun.append(epoch)


def test_each_trial_keeps_its_training_in_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scores(name: str, limit: int | None = None, **kwargs: Any) -> list[Any]:
        tuner = search(tmp_path / name, seed=1, objective="loss")
        monkeypatch.setattr(Stop, "begun", [])
        monkeypatch.setattr(Stop, "limit", limit)
        tuner.search(networks.X, networks.Y, epochs=2, verbose=0, callbacks=[Stop()], **kwargs)
        return [t.score for t in tuner.oracle.trials.values()]

    with pytest.raises(KeyboardInterrupt):
        scores("killed", 3, resume=tmp_path / "runs")
    again = scores("killed", resume=tmp_path / "runs")
    assert Stop.begun == [1]  # The trial that was under way goes on from its second epoch.
    assert again == scores("whole")
    folders = ["trial-0000-0", "trial-0001-0"]
    assert [p.name for p in sorted((tmp_path / "runs").iterdir())] == folders
    backup = tv.callbacks.BackupAndRestore(tmp_path / "backups", delete_checkpoint=False)
    search(tmp_path, objective="loss").search(networks.X, networks.Y, verbose=0, callbacks=backup)
    assert [p.name for p in sorted((tmp_path / "backups").iterdir())] == folders


def test_a_model_that_is_too_large(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        model = networks.network(units=hp.Int("units", 2, 4, step=2))
        model.build((None, 4))
        return model

    tuner = tuning.GridSearch(build, "val_loss", max_model_size=20, directory=tmp_path)
    tuner.search(**networks.DATA)
    reasons = [t.reason for t in tuner.oracle.trials.values()]
    assert reasons == ["", "the model has 30 trainable parameters, more than max_model_size=20"]


def test_wrong_arguments(tmp_path: Path) -> None:
    with pytest.raises(
        TypeError, match=r"RandomSearch has no argument 'max_trial'\. Did you mean 'max_trials'"
    ):
        search(tmp_path, max_trial=3)
    with pytest.raises(FatalValueError, match="`max_trials` is a whole number above zero"):
        search(tmp_path, max_trials=0)
    with pytest.raises(FatalValueError, match="is on SQLite or PostgreSQL"):
        search(tmp_path, storage="mysql://root@localhost/x")
    with pytest.raises(FatalValueError, match="`storage` is a URL"):
        search(tmp_path, storage="study")
    with pytest.raises(FatalTypeError, match="`hypermodel` is a function"):
        search(tmp_path, build=3)
    with pytest.raises(FatalValueError, match="has no `hypermodel`"):
        search(tmp_path, build=None)
    with pytest.raises(FatalTypeError, match="`oracle` is an oracle"):
        tuning.Tuner("random", networks.by_rate)
    with pytest.raises(ValueError, match="direction of objective 'loss' is 'min' or 'max'"):
        tuning.Objective("loss", "maximum")
    tuner = search(tmp_path)
    with pytest.raises(FatalValueError, match="cannot be copied"):
        tuner.search(**networks.DATA, callbacks=[(i for i in [])])
    with pytest.raises(KeyError, match="There is no trial '7'"):
        tuner.oracle.get_trial("7")


def test_another_search_is_not_taken_for_this_one(tmp_path: Path) -> None:
    search(tmp_path)
    with pytest.raises(
        FatalValueError, match=r"looks for 'val_loss' .min., this one for 'val_accuracy' .max."
    ):
        search(tmp_path, objective="val_accuracy")
    with pytest.raises(
        FatalValueError, match=r"max_value: 1\.0.* and this program has .*max_value: 2\.0"
    ):
        search(tmp_path, lambda hp: networks.network(hp.Float("rate", 1e-3, 2.0, sampling="log")))
    search(tmp_path, objective="val_accuracy", overwrite=True)
