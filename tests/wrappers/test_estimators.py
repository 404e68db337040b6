"""Models as estimators: scikit-learn's own checks, and its tools around them."""

import importlib.util
import pickle

import numpy as np
import pytest
import sklearn
from oracle import both
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import trivium as tv
from trivium.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3))
LABELS = np.where(X[:, 0] + X[:, 1] > 0, "yes", "no")
VALUES = X @ [1.0, -2.0, 0.5]
ONE_BATCH = {"verbose": 0, "batch_size": 512}


def write(X, y, loss="mse", activation=None, rate=0.1, units=()):
    """Return a net for these samples and targets; seeded, since estimators know no seed."""
    tv.utils.set_random_seed(1)
    hidden = [tv.layers.Dense(n, activation="relu") for n in units]
    outputs = tv.layers.Dense(y.shape[1], activation=activation)
    model = tv.Sequential([tv.Input(X.shape[1:]), tv.layers.Flatten(), *hidden, outputs])
    model.compile(tv.optimizers.Adam(rate), loss)
    return model


def classifier(epochs=1, **options):
    given = {"loss": "categorical_crossentropy", "activation": "softmax", **options}
    return SKLearnClassifier(write, model_kwargs=given, fit_kwargs={**ONE_BATCH, "epochs": epochs})


def regressor(epochs=1):
    return SKLearnRegressor(write, fit_kwargs={**ONE_BATCH, "epochs": epochs})


# What scikit-learn does not ask of estimators that depend on a seed, nor where nobody has asked for other arrays.
UNASKED = {"check_pipeline_consistency", "check_array_api_input", "check_transformer_general"}
UNASKED |= {"check_transformer_data_not_an_array"}


@pytest.mark.filterwarnings("ignore")  # Of the check's: odd labels, NaN, tags.
@pytest.mark.parametrize(
    "estimator",
    [classifier(), regressor(), SKLearnTransformer(write, fit_kwargs=ONE_BATCH)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_scikit_learn_s_own_checks_pass(estimator):
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert not failed and skipped <= UNASKED and len(results) > 40


def learned(lib, kind, targets, given):
    """Return what an estimator of a library has learned, from weights that are all the same."""

    def simple(X, y, loss="mse", activation=None):
        dense = lib.layers.Dense(y.shape[1], activation, kernel_initializer="ones")
        model = lib.Sequential([lib.Input(X.shape[1:]), dense])
        model.compile(lib.optimizers.SGD(0.1), loss)
        return model

    options = {"epochs": 3, "verbose": 0, "shuffle": False, "batch_size": 16}
    estimator = getattr(lib.wrappers, kind)(simple, model_kwargs=given, fit_kwargs=options)
    estimator.fit(X, targets)
    answers = estimator.transform(X) if "Trans" in kind else estimator.predict(X)
    known = estimator.classes_.tolist() if "Class" in kind else None
    return answers[:8].tolist(), known, estimator.history_.history["loss"]


@pytest.mark.parametrize(
    ("kind", "targets", "given"),
    [
        (
            "SKLearnClassifier",
            LABELS,
            {"loss": "categorical_crossentropy", "activation": "softmax"},
        ),
        ("SKLearnRegressor", VALUES, {}),
        ("SKLearnTransformer", VALUES, {}),
    ],
)
def test_they_learn_what_keras_s_learn(kind, targets, given):
    ours, theirs = both(lambda lib: learned(lib, kind, targets, given))
    assert ours[1] == theirs[1]
    if kind == "SKLearnClassifier":
        assert ours[0] == theirs[0]
    else:
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-4)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-4)


def test_a_search_over_nets_and_trainings_finds_the_best_one():
    search = GridSearchCV(
        classifier(),
        {
            "model_kwargs": [
                {"loss": "categorical_crossentropy", "activation": "softmax", "rate": rate}
                for rate in (1e-6, 0.1)
            ],
            "fit_kwargs": [{**ONE_BATCH, "epochs": epochs} for epochs in (1, 60)],
        },
        cv=2,
    ).fit(X, LABELS)
    assert search.best_params_["fit_kwargs"]["epochs"] == 60
    assert search.best_params_["model_kwargs"]["rate"] == 0.1
    assert search.best_score_ > 0.85 and search.best_estimator_.epoch_ == 60


def test_pipelines_and_scores():
    scores = cross_val_score(make_pipeline(StandardScaler(), regressor(150)), X, VALUES, cv=2)
    assert scores.min() > 0.95
    auc = cross_val_score(classifier(60), X, LABELS, cv=2, scoring="roc_auc")
    assert auc.min() > 0.9
    # What it learned to tell apart goes on to another estimator.
    seen = SKLearnTransformer(write, fit_kwargs={**ONE_BATCH, "epochs": 100})
    wide = make_pipeline(seen, LogisticRegression()).fit(X, (LABELS == "yes").astype(float))
    assert wide.score(X, LABELS == "yes") > 0.9
    assert wide[:-1].transform(X).shape == (64, 1)


def test_clones_are_not_fitted_and_pickles_answer_the_same():
    fitted = classifier(3).fit(X, LABELS)
    twin = clone(fitted)
    assert twin.fit_kwargs == fitted.fit_kwargs and twin.epoch_ == 0
    assert not hasattr(twin, "model_")
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict(X), fitted.predict(X))
    assert again.history_.history == fitted.history_.history and again.epoch_ == 3
    margins = fitted.decision_function(X)
    assert margins.shape == (64,)
    assert np.array_equal(np.where(margins > 0, "yes", "no"), fitted.predict(X))


def test_a_model_is_a_pattern_whose_clones_are_trained_or_itself_with_a_warm_start():
    model = write(X, VALUES[:, None])
    before = model.get_weights()
    options = {**ONE_BATCH, "epochs": 2}
    cold = SKLearnRegressor(model, fit_kwargs=options)
    first = cold.fit(X, VALUES).model_
    assert first is not model and np.array_equal(model.get_weights()[0], before[0])
    assert cold.fit(X, VALUES).model_ is not first
    assert isinstance(clone(cold).model, tv.Model)
    assert cold.fit(X, VALUES, epochs=3).epoch_ == 3 and options["epochs"] == 2

    warm = SKLearnRegressor(model, warm_start=True, fit_kwargs=ONE_BATCH).fit(X, VALUES)
    once = warm.history_.history["loss"]
    twice = warm.fit(X, VALUES).history_.history["loss"]
    assert warm.model_ is model and twice < once
    told = SKLearnClassifier(
        write, warm_start=True, model_kwargs={"loss": "categorical_crossentropy"},
        fit_kwargs=ONE_BATCH,
    ).fit(X, RNG.integers(0, 3, 64))  # fmt: skip
    trained = told.model_
    assert told.fit(X, np.arange(64) % 2).model_ is trained and len(told.classes_) == 3
    with pytest.raises(ValueError, match=r"goes on.*\[7\] are new"):
        told.fit(X, np.arange(64) % 2 * 7)


def test_targets_come_back_in_their_own_form():
    images = RNG.normal(size=(20, 4, 3)).astype("float32")
    several = regressor().fit(images, RNG.normal(size=(20, 2)))
    assert several.predict(images).shape == (20, 2) and several.predict(images).dtype == "float64"
    single = regressor().fit(images, np.ones(20, "float32"))
    assert single.predict(images).shape == (20,) and single.predict(images).dtype == "float32"
    three = classifier().fit(images, np.array([7.0, 1.0, 2.0, 1.0] * 5))
    assert three.decision_function(images).shape == (20, 3)
    assert set(three.predict(images)) <= {1, 2, 7} and three.classes_.tolist() == [1, 2, 7]


def test_sample_weights_are_routed_where_they_are_asked_for():
    weights = np.where(LABELS == "yes", 1.0, 1e-6)
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        classifier().set_fit_request(sample_weight=True)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = classifier(80).set_fit_request(sample_weight="w")
        search = GridSearchCV(asking, {"warm_start": [False]}, cv=2).fit(X, LABELS, w=weights)
    assert np.mean(search.predict(X) == "yes") > np.mean(LABELS == "yes") + 0.2


def test_wrong_models_and_targets_are_refused():
    with pytest.raises(RuntimeError, match="compiled with a loss"):
        SKLearnRegressor(tv.Sequential([tv.Input((3,)), tv.layers.Dense(1)])).fit(X, VALUES)
    with pytest.raises(ValueError, match="one class alone"):
        classifier().fit(X, np.ones(64))
    with pytest.raises(ValueError, match=r"sample_weight is not 0 are \['yes'\]"):
        classifier().fit(X, LABELS, sample_weight=LABELS == "yes")
    with pytest.raises(ValueError, match="continuous"):
        classifier().fit(X, VALUES)


def test_without_scikit_learn_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'trivium\[sklearn\]'"):
        tv.wrappers.SKLearnClassifier  # noqa: B018
    with pytest.raises(AttributeError, match="SKLearnRegressor"):
        tv.wrappers.SKLearnRegresor  # noqa: B018
    assert "SKLearnTransformer" in dir(tv.wrappers)
