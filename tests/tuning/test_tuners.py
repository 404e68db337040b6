"""The tuners on small networks and on plain functions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import networks
import numpy as np
import pytest

import trivium as tv
from trivium import tuning
from trivium.training.executables import compile_count
from trivium.tuning.hyperband import HyperbandOracle


def parabola(kind: type[tuning.Tuner]) -> Any:
    class Parabola(kind):  # type: ignore[valid-type, misc]
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            hp = trial.hyperparameters
            x = hp.Float("x", -2.0, 2.0)
            with hp.conditional_scope("bent", [True]) if hp.Boolean("bent") else hp.name_scope(""):
                pass
            return float((x - 1) ** 2 + hp.get("bent"))

    return Parabola


def test_a_search_over_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def build(hp: Any) -> tv.Sequential:
        return networks.network(
            hp.Float("rate", 1e-2, 1.0, sampling="log"), hp.Int("units", 4, 8, step=4)
        )

    tuner = tuning.RandomSearch(
        build, "val_accuracy", max_trials=3, executions_per_trial=2, seed=1, directory=tmp_path,
        project_name="small",
    )  # fmt: skip
    tuner.search(**networks.DATA, epochs=3)
    assert capsys.readouterr().out == ""
    best = tuner.oracle.get_best_trials(3)
    assert [t.status for t in best] == ["COMPLETED"] * 3
    assert sorted((t.score for t in best), reverse=True) == [t.score for t in best]
    assert best[0].metrics.exists("val_loss") and len(best[0].histories) == 2
    # The mean over the executions of the best epoch of each.
    scores = [max(history["val_accuracy"]) for history in best[0].histories]
    assert best[0].score == pytest.approx(np.mean(scores))
    model = tuner.get_best_models()[0]
    found = model.evaluate(*networks.DATA["validation_data"], verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(max(scores))
    assert model.layers[0].units == tuner.get_best_hyperparameters()[0].get("units")
    tuner.results_summary(1)
    said = capsys.readouterr().out
    assert said.startswith(f"Results summary\nResults in {tmp_path}/small\nShowing 1 best trials\n")
    assert f"Trial {best[0].trial_id} summary\nHyperparameters:\nrate: " in said
    # A trial is the same in another process, after other trials, and again: its seed is its own.
    again = tuning.RandomSearch(
        build, "val_accuracy", max_trials=3, seed=1, directory=tmp_path / "b"
    )
    tv.utils.set_random_seed(99)
    again.search(**networks.DATA, epochs=3)
    for one, other in zip(tuner.oracle.trials.values(), again.oracle.trials.values(), strict=True):
        assert one.hyperparameters.values == other.hyperparameters.values
        assert one.histories[0] == other.histories[0]
    # What a search draws is no part of what the program draws.
    a = tv.random.uniform((2,))
    tv.utils.set_random_seed(99)
    assert (np.asarray(a) == np.asarray(tv.random.uniform((2,)))).all()


def test_trials_that_differ_in_the_learning_rate_compile_once(tmp_path: Path) -> None:
    counts: list[int] = []

    class Counting(tuning.RandomSearch):
        def on_trial_end(self, trial: tuning.Trial) -> None:
            counts.append(compile_count())

    tuner = Counting(networks.by_rate, "val_loss", max_trials=5, directory=tmp_path)
    tuner.search(**networks.DATA, epochs=2)
    assert len(counts) == 5 and len(set(counts)) == 1


def test_every_combination_once(tmp_path: Path) -> None:
    class Table(tuning.GridSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            hp = trial.hyperparameters
            kind = hp.Choice("kind", ["adam", "sgd", "adagrad"])
            with hp.conditional_scope("kind", ["sgd"]):
                momentum = hp.Choice("momentum", [0.0, 0.5])
                with hp.conditional_scope("momentum", [0.5]):
                    hp.Boolean("nesterov")
            hp.Int("units", 1, 3)
            return len(kind) + (momentum or 0.0)

    tuner = Table(directory=tmp_path, max_consecutive_failed_trials=99)
    tuner.search(verbose=0)
    found = {tuple(t.hyperparameters.values.items()) for t in tuner.oracle.trials.values()}
    assert len(found) == len(tuner.oracle.trials) == 3 * (1 + (1 + 2) + 1)
    assert tuner.oracle.get_best_trials()[0].hyperparameters.get("kind") == "sgd"
    assert tuner.remaining_trials is None


def test_a_space_that_is_exhausted_ends_the_search(tmp_path: Path) -> None:
    class Coin(tuning.RandomSearch):
        def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
            return float(trial.hyperparameters.Boolean("side"))

    tuner = Coin(max_trials=10, directory=tmp_path)
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 2


def test_bayesian_optimization_goes_where_it_is_good(tmp_path: Path) -> None:
    scores = {}
    for kind in (tuning.RandomSearch, tuning.BayesianOptimization):
        tuner = parabola(kind)(max_trials=20, seed=5, directory=tmp_path / kind.__name__)
        tuner.search(verbose=0)
        trials = list(tuner.oracle.trials.values())[10:]
        scores[kind] = np.median([t.score for t in trials])
    assert scores[tuning.BayesianOptimization] < 0.5 * scores[tuning.RandomSearch]


def test_a_sampler_and_a_pruner_of_optuna_s(tmp_path: Path) -> None:
    import optuna

    tuner = tuning.BayesianOptimization(
        networks.by_rate, "val_loss", max_trials=4, seed=2, directory=tmp_path,
        sampler=optuna.samplers.RandomSampler(seed=1),
        pruner=optuna.pruners.PercentilePruner(25.0, n_startup_trials=1, n_warmup_steps=0),
    )  # fmt: skip
    tuner.search(**networks.DATA, epochs=4)
    trials = tuner.oracle.trials.values()
    pruned = [t for t in trials if t.status == "PRUNED"]
    assert pruned and all(len(t.histories[0]["loss"]) < 4 for t in pruned)
    assert all(t.score is not None for t in trials)
    assert not {t.trial_id for t in pruned} & {t.trial_id for t in tuner.oracle.get_best_trials(9)}


SIZES = {  # What KerasTuner's oracle says: (trials, epochs) of each round.
    (9, 3): [[(9, 1), (3, 3), (1, 9)], [(5, 3), (2, 9)], [(3, 9)]],
    (10, 4): [[(6, 3), (2, 10)], [(3, 10)]],
    (5, 2): [[(6, 2), (3, 3), (2, 5)], [(4, 3), (2, 5)], [(4, 5)]],
}


@pytest.mark.parametrize(("form", "sizes"), SIZES.items())
def test_the_brackets_are_keras_tuner_s(form: tuple[int, int], sizes: Any) -> None:
    oracle = HyperbandOracle("val_loss", *form)
    brackets = reversed(range(oracle.brackets))
    assert sizes == [
        [(oracle.size(b, r), oracle.epochs(b, r)) for r in range(b + 1)] for b in brackets
    ]


def test_hyperband_goes_on_from_the_shorter_trial(tmp_path: Path) -> None:
    began: dict[str, Any] = {}

    class Network(tuning.HyperModel):
        def build(self, hp: Any) -> Any:
            return networks.by_rate(hp)

        def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            if hp.values.get("tuner/trial_id"):
                began[hp.values["tuner/trial_id"]] = model.get_weights()
            return model.fit(*args, **kwargs)

    tuner = tuning.Hyperband(
        Network(), "val_loss", max_epochs=4, factor=2, seed=3, directory=tmp_path
    )
    tuner.search(**networks.DATA)
    oracle, trials = tuner.oracle, tuner.oracle.trials
    rounds: dict[tuple[int, int], list[tuning.Trial]] = {}
    for trial in trials.values():
        values = trial.hyperparameters.values
        rounds.setdefault((values["tuner/bracket"], values["tuner/round"]), []).append(trial)
        epochs = values["tuner/epochs"] - values["tuner/initial_epoch"]
        assert [len(h["loss"]) for h in trial.histories] == [epochs]
    assert {place: len(ones) for place, ones in rounds.items()} == {
        (b, r): oracle.size(b, r) for b in range(oracle.brackets) for r in range(b + 1)
    }
    for (bracket, number), ones in rounds.items():
        if number:
            ranked = sorted(rounds[bracket, number - 1], key=lambda t: t.score or math.inf)
            best = {t.trial_id for t in ranked[: len(ones)]}
            assert {t.hyperparameters.values["tuner/trial_id"] for t in ones} == best
    # The weights are those of the shorter trial's best epoch.
    for shorter, weights in began.items():
        model = tuner.load_model(trials[shorter])
        for ours, theirs in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_scikit_learn_s_estimators(tmp_path: Path) -> None:
    from sklearn import ensemble, linear_model, metrics, model_selection

    def build(hp: Any) -> Any:
        if hp.Choice("kind", ["ridge", "forest"]) == "ridge":
            with hp.conditional_scope("kind", "ridge"):
                return linear_model.RidgeClassifier(
                    alpha=hp.Float("alpha", 1e-3, 1.0, sampling="log")
                )
        with hp.conditional_scope("kind", "forest"):
            return ensemble.RandomForestClassifier(n_estimators=hp.Int("trees", 2, 4))

    tuner = tuning.SklearnTuner(
        tuning.oracles.BayesianOptimizationOracle(tuning.Objective("score", "max"), max_trials=4, seed=1),
        build, scoring=metrics.make_scorer(metrics.accuracy_score), metrics=metrics.f1_score,
        cv=model_selection.StratifiedKFold(2), directory=tmp_path,
    )  # fmt: skip
    tuner.search(networks.X, networks.Y, verbose=0)
    best = tuner.oracle.get_best_trials()[0]
    assert best.score and best.score > 0.7 and best.metrics.exists("f1_score")
    assert tuner.get_best_models()[0].predict(networks.X).shape == (64,)


def test_the_style_is_searched_over_too(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        model = networks.network()
        model.build((None, 4))
        made = tv.convert(model, to=hp.Choice("style", ["sequential", "functional", "subclass"]))
        made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return made

    tuner = tuning.GridSearch(build, "val_loss", directory=tmp_path, seed=1)
    tuner.search(**networks.DATA, epochs=1)
    models = tuner.get_best_models(3)
    assert len(models) == 3 and len({type(m).__name__ for m in models}) == 3
    assert models[0].predict(networks.X, verbose=0).shape == (64, 2)


class Twice(tv.callbacks.Callback):
    """Ends training after two epochs that it has seen itself."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append(epoch)
        self.model.stop_training = len(self.seen) >= 2


def test_callbacks_are_each_trial_s_own(tmp_path: Path) -> None:
    twice = Twice()
    tuner = tuning.RandomSearch(networks.by_rate, "val_loss", max_trials=2, directory=tmp_path)
    tuner.search(**networks.DATA, epochs=5, callbacks=[twice])
    assert [len(t.histories[0]["loss"]) for t in tuner.oracle.trials.values()] == [2, 2]
    assert twice.seen == [] and twice.model is None


def test_given_hyperparameters_take_the_place_of_those_in_build(tmp_path: Path) -> None:
    def build(hp: Any) -> Any:
        return networks.network(hp.Float("rate", 1e-3, 1.0), hp.Int("units", 4, 8))

    given = tuning.HyperParameters()
    given.Fixed("rate", 0.125)
    tuner = tuning.RandomSearch(
        build, "val_loss", max_trials=3, hyperparameters=given, directory=tmp_path / "a"
    )
    tuner.search(**networks.DATA, epochs=1)
    values = [t.hyperparameters.values for t in tuner.oracle.trials.values()]
    assert {v["rate"] for v in values} == {0.125} and len({v["units"] for v in values}) == 3
    # Only what is given is searched over.
    given = tuning.HyperParameters()
    given.Choice("rate", [0.25, 0.5])
    tuner = tuning.RandomSearch(
        build,
        "val_loss",
        max_trials=3,
        hyperparameters=given,
        tune_new_entries=False,
        directory=tmp_path / "b",
    )
    tuner.search(**networks.DATA, epochs=1)
    values = [t.hyperparameters.values for t in tuner.oracle.trials.values()]
    assert [(v["rate"], v["units"]) for v in sorted(values, key=lambda v: v["rate"])] == [
        (0.25, 4),
        (0.5, 4),
    ]
    with pytest.raises(tuning.errors.FatalValueError, match="`build` defines 'units'"):
        tuning.RandomSearch(
            build,
            "val_loss",
            hyperparameters=given,
            allow_new_entries=False,
            directory=tmp_path / "c",
        )


def test_pictures_and_pages(tmp_path: Path) -> None:
    tuner = parabola(tuning.RandomSearch)(
        max_trials=4, seed=1, directory=tmp_path, project_name="a<b"
    )
    assert "no trials yet" in tuner._repr_html_()
    with pytest.raises(ValueError, match="No trial of the search has a score"):
        tuner.plot()
    tuner.search(verbose=0)
    import matplotlib.pyplot as plt

    for kind in ("history", "parallel", "slices", "curves"):
        plt.close(tuner.plot(kind))
    with pytest.raises(ValueError, match="Did you mean 'parallel'"):
        tuner.plot("paralel")
    page = Path(tuner.report(tmp_path / "page")).read_text("utf-8")
    assert page.count("<svg") == 3 and "a&lt;b" in page and "<b</title>" not in page
    assert "<svg" in tuner._repr_html_()


def test_results_are_plain_values(tmp_path: Path) -> None:
    tuner = parabola(tuning.RandomSearch)(max_trials=1, directory=tmp_path)
    tuner.search(verbose=0)
    [trial] = tuner.oracle.trials.values()
    assert json.loads(json.dumps(trial.get_state()))["score"] == trial.score
