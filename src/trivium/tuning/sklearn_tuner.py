"""A tuner for scikit-learn's estimators: each trial is a cross-validation."""

from __future__ import annotations

import importlib.util
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from trivium.tuning.base_tuner import BaseTuner
from trivium.tuning.errors import FatalTypeError
from trivium.tuning.hypermodel import place_of
from trivium.tuning.hyperparameters import HyperParameters
from trivium.tuning.oracle import Oracle, derived_seed
from trivium.tuning.own_seed import own_seed
from trivium.tuning.trial import Trial

__all__ = ["SklearnTuner"]


class SklearnTuner(BaseTuner):
    """Searches over estimators of scikit-learn, each scored by cross-validation.

    The score is called `"score"`, as the oracle's objective must be: `Objective("score", "max")`.

    Args:
        oracle: Chooses the trials: one of `trivium.tuning.oracles`.
        hypermodel: A function `build(hp)` that returns an estimator, or a `HyperModel`.
        scoring: A scorer `(estimator, X, y) -> float`, as `sklearn.metrics.make_scorer` makes; by default the
            estimator's own `score`.
        metrics: A metric of `sklearn.metrics`, or a list of them, `(y, y_pred) -> float`, which are noted besides.
        cv: A splitter of scikit-learn; by default five shuffled parts.
        kwargs: Arguments of `BaseTuner`.

    Example:
        >>> import tempfile
        >>> from sklearn import linear_model
        >>> from trivium.tuning import Objective, oracles
        >>> def build(hp):
        ...     return linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 1e3, sampling="log"))
        >>> X = np.random.default_rng(0).normal(size=(40, 3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     oracle = oracles.RandomSearchOracle(Objective("score", "max"), max_trials=3)
        ...     tuner = SklearnTuner(oracle, build, directory=folder)
        ...     tuner.search(X, X.sum(1), verbose=0)
        ...     best = tuner.get_best_models()[0]
        >>> type(best).__name__
        'Ridge'
    """

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: Any,
        scoring: Callable[..., float] | None = None,
        metrics: Any = None,
        cv: Any = None,
        **kwargs: Any,
    ) -> None:
        if importlib.util.find_spec("sklearn") is None:
            raise ImportError(
                "SklearnTuner tunes estimators of scikit-learn, which is not installed: pip install 'trivium[sklearn]'."
            )
        listed = isinstance(metrics, list | tuple)
        self.metrics = list(metrics) if listed else [] if metrics is None else [metrics]
        self.scoring, self.cv = scoring, cv
        super().__init__(oracle, hypermodel, **kwargs)

    def _built(self, hp: HyperParameters) -> Any:
        assert self.hypermodel is not None
        model = super()._built(hp)
        if not hasattr(model, "fit"):
            raise FatalTypeError(
                f"{place_of(self.hypermodel.build)} returns an estimator of scikit-learn; yours returned {model!r}."
            )
        return model

    def search(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, verbose: Any = "auto"
    ) -> None:
        """Run trials until there are none left.

        Args:
            X: The samples: an array, a sparse matrix or a DataFrame.
            y: The targets.
            sample_weight: The samples' weights.
            groups: The samples' groups, for splitters that keep them together.
            verbose: What is shown; see `BaseTuner.search`.
        """
        super().search(X, y, sample_weight=sample_weight, groups=groups, verbose=verbose)

    def run_trial(
        self,
        trial: Trial,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Cross-validate the trial's estimator, and train it on everything.

        Args:
            trial: The trial.
            X: The samples.
            y: The targets.
            sample_weight: The samples' weights.
            groups: The samples' groups.
            kwargs: What else `search` was given; nothing that counts here.

        Returns:
            The mean results.
        """
        from sklearn.model_selection import KFold
        from sklearn.utils import _safe_indexing as rows

        hp, seed = trial.hyperparameters, derived_seed(self.oracle.seed, "run", trial.number)
        splitter = self.cv or KFold(5, shuffle=True, random_state=derived_seed(self.oracle.seed))
        results: dict[str, list[float]] = {}
        with own_seed(seed):
            for train, test in splitter.split(X, y, groups):
                weights = [
                    {} if sample_weight is None else {"sample_weight": rows(sample_weight, part)}
                    for part in (train, test)
                ]
                model = self._built(hp)
                model.fit(rows(X, train), rows(y, train), **weights[0])
                X_test, y_test = rows(X, test), rows(y, test)
                score = self.scoring or type(model).score
                found = {"score": score(model, X_test, y_test, **weights[1])}
                if self.metrics:
                    predicted = model.predict(X_test)
                    for metric in self.metrics:
                        takes = "sample_weight" in inspect.signature(metric).parameters
                        found[metric.__name__] = metric(
                            y_test, predicted, **(weights[1] if takes else {})
                        )
                for name, value in found.items():
                    results.setdefault(name, []).append(float(value))
            whole = {} if sample_weight is None else {"sample_weight": sample_weight}
            self.save_model(trial.trial_id, self._built(hp).fit(X, y, **whole))
        return {name: float(np.mean(values)) for name, values in results.items()}

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Keep the model of a trial."""
        folder = Path(self.get_trial_dir(trial_id))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.pickle").write_bytes(pickle.dumps(model))

    def load_model(self, trial: Trial) -> Any:
        """Return the model of a trial."""
        # scikit-learn's own way of keeping estimators. Only this search's folder is read, which the search wrote.
        return pickle.loads(
            (Path(self.get_trial_dir(trial.trial_id)) / "model.pickle").read_bytes()
        )
