"""Models as classifiers, regressors and transformers of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from trivium.models import Model, clone_model

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class _Estimator(BaseEstimator):
    """What the three kinds share: the model, made and trained by `fit`."""

    _several_outputs = True

    def __init__(
        self,
        model: Model | Callable[..., Model],
        warm_start: bool = False,
        model_kwargs: Mapping[str, Any] | None = None,
        fit_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        tags.target_tags.required = True
        return tags

    @property
    def epoch_(self) -> int:
        """How many epochs the last `fit` had come to; 0 before the first."""
        return self.history_.epoch[-1] + 1 if hasattr(self, "history_") else 0

    def set_fit_request(self, **kwargs: Any) -> Any:
        """Say which metadata `fit` gets, for scikit-learn's metadata routing.

        Args:
            kwargs: For each name, such as `sample_weight`, whether it is asked for, or under which other name.

        Returns:
            The estimator.

        Raises:
            RuntimeError: Metadata routing is off.
        """
        if not sklearn.get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "Metadata routing is off: turn it on by sklearn.set_config(enable_metadata_routing=True)."
            )
        requests = self._get_metadata_request()
        for name, alias in kwargs.items():
            requests.fit.add_request(param=name, alias=alias)
        self._metadata_request = requests
        return self

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        """Make the model and train it.

        Args:
            X: The samples.
            y: Their targets.
            **kwargs: Arguments of `Model.fit`, which go before those of `fit_kwargs`.

        Returns:
            The estimator.

        Raises:
            ValueError: The samples or targets are not what can be learned from.
            RuntimeError: The model is not compiled with a loss and an optimizer.
        """
        several = self._several_outputs
        X, y = validate_data(self, X, y, allow_nd=True, multi_output=several, y_numeric=several)
        kwargs = {**(self.fit_kwargs or {}), **kwargs}
        self._target = y[:1]
        y = self._encoded(y, kwargs.get("sample_weight"))
        model = self._made(X, y)
        if not model.compiled or model.loss is None or model.optimizer is None:
            raise RuntimeError(
                f"The model of {type(self).__name__} is to be compiled with a loss and an optimizer before it is given "
                "or returned. Clones are compiled by its config, which holds only functions and classes that are "
                "registered: give a function that makes and compiles the model where yours are not."
            )
        self.history_ = model.fit(X, y, **kwargs)
        self.model_ = model
        return self

    def predict(self, X: Any) -> Any:
        """Return the model's answers in the form of the targets.

        Args:
            X: The samples.
        """
        return self._decoded(self._outputs(X))

    def _made(self, X: Any, y: Any) -> Model:
        """Return the model to train."""
        if self.warm_start and hasattr(self, "model_"):
            return self.model_
        if not isinstance(self.model, Model):
            return self.model(X=X, y=y, **(self.model_kwargs or {}))
        if self.warm_start:
            return self.model
        model = clone_model(self.model)
        if self.model.compiled:
            model.compile_from_config(self.model.get_compile_config())
        return model

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, allow_nd=True)
        size = (self.fit_kwargs or {}).get("batch_size")
        return self.model_.predict(X, batch_size=size, verbose=0)

    def _encoded(self, y: Any, weights: Any) -> Any:
        """Return targets as the model learns them: a column where there is one number each."""
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _decoded(self, outputs: Any) -> Any:
        outputs = outputs.astype(np.result_type(outputs, self._target), copy=False)
        return outputs[:, 0] if self._target.ndim == 1 and outputs.ndim == 2 else outputs


class SKLearnClassifier(ClassifierMixin, _Estimator):
    """A model as a classifier of scikit-learn.

    The model learns a column for each class, with `"categorical_crossentropy"` say. A class's labels may be anything.

    Args:
        model: A compiled model, of which `fit` trains a clone with weights of its own; or a function of `X`, `y` (as
            the model gets it) and `model_kwargs` that returns one.
        warm_start: Have `fit` go on with the model that the last `fit` trained, the first time with `model` itself.
        model_kwargs: Further arguments of the function.
        fit_kwargs: Arguments of `Model.fit`, e.g. `{"epochs": 20, "verbose": 0}`.

    Attributes:
        model_: The trained model.
        history_: What `Model.fit` returned.
        classes_: The labels, sorted.

    Example:
        >>> import numpy as np
        >>> import trivium as tv
        >>> from sklearn.model_selection import cross_val_score
        >>> def write(X, y):
        ...     model = tv.Sequential([tv.Input(X.shape[1:]), tv.layers.Dense(y.shape[1], activation="softmax")])
        ...     model.compile(tv.optimizers.Adam(0.1), "categorical_crossentropy")
        ...     return model
        >>> X = np.array([[-1.0], [1.0]] * 20)
        >>> y = np.where(X[:, 0] > 0, "right", "left")
        >>> found = tv.wrappers.SKLearnClassifier(write, fit_kwargs={"epochs": 20, "verbose": 0}).fit(X, y)
        >>> found.predict([[-2.0], [2.0]]).tolist()
        ['left', 'right']
    """

    _several_outputs = False
    classes_: Any

    def decision_function(self, X: Any) -> Any:
        """Return the model's outputs; of two classes, how much more the second one has.

        Args:
            X: The samples.
        """
        outputs = self._outputs(X)
        return outputs[:, 1] - outputs[:, 0] if len(self.classes_) == 2 else outputs

    def _encoded(self, y: Any, weights: Any) -> Any:
        kind = type_of_target(y, raise_unknown=True)
        if kind not in ("binary", "multiclass"):
            raise ValueError(
                f"Unknown label type: {kind}. SKLearnClassifier takes one label for each sample, of two or more."
            )
        classes = np.unique(y)
        counted = y if weights is None else y[np.asarray(weights) != 0]
        if len(np.unique(counted)) < 2:
            which = "" if weights is None else " whose sample_weight is not 0"
            raise ValueError(
                f"SKLearnClassifier cannot learn from one class alone: all labels{which} are {counted[:1].tolist()}."
            )
        if self.warm_start and hasattr(self, "model_"):
            self._require_known(classes)
        else:
            self.classes_ = classes
        return np.eye(len(self.classes_), dtype="float32")[np.searchsorted(self.classes_, y)]

    def _require_known(self, classes: Any) -> None:
        new = np.setdiff1d(classes, self.classes_)
        if len(new):
            raise ValueError(
                f"SKLearnClassifier goes on with a model of the classes {self.classes_.tolist()}, since warm_start is "
                f"set; {new.tolist()} are new."
            )

    def _decoded(self, outputs: Any) -> Any:
        return self.classes_[outputs.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class SKLearnRegressor(RegressorMixin, _Estimator):
    """A model as a regressor of scikit-learn, of one number or several for each sample.

    Args:
        model: A compiled model, of which `fit` trains a clone with weights of its own; or a function of `X`, `y` (as
            the model gets it) and `model_kwargs` that returns one.
        warm_start: Have `fit` go on with the model that the last `fit` trained, the first time with `model` itself.
        model_kwargs: Further arguments of the function.
        fit_kwargs: Arguments of `Model.fit`, e.g. `{"epochs": 20, "verbose": 0}`.

    Attributes:
        model_: The trained model.
        history_: What `Model.fit` returned.

    Example:
        >>> import numpy as np
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1)])
        >>> model.compile(tv.optimizers.SGD(0.5), "mse")
        >>> X = np.linspace(-1, 1, 20)[:, None]
        >>> found = tv.wrappers.SKLearnRegressor(model, fit_kwargs={"epochs": 100, "verbose": 0}).fit(X, 3 * X[:, 0])
        >>> round(found.score(X, 3 * X[:, 0]), 3)
        1.0
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        tags.target_tags.multi_output = True
        return tags


class SKLearnTransformer(TransformerMixin, _Estimator):
    """A model as a transformer of scikit-learn: a step of a pipeline that hands on the model's outputs.

    Args:
        model: A compiled model, of which `fit` trains a clone with weights of its own; or a function of `X`, `y` (as
            the model gets it) and `model_kwargs` that returns one.
        warm_start: Have `fit` go on with the model that the last `fit` trained, the first time with `model` itself.
        model_kwargs: Further arguments of the function.
        fit_kwargs: Arguments of `Model.fit`, e.g. `{"epochs": 20, "verbose": 0}`.

    Attributes:
        model_: The trained model.
        history_: What `Model.fit` returned.

    Example:
        >>> import numpy as np
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2), tv.layers.Dense(4)])
        >>> model.compile("sgd", "mse")
        >>> X = np.eye(4)
        >>> tv.wrappers.SKLearnTransformer(model, fit_kwargs={"verbose": 0}).fit(X, X).transform(X).shape
        (4, 4)
    """

    def transform(self, X: Any) -> Any:
        """Return the model's outputs.

        Args:
            X: The samples.
        """
        return self._outputs(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags
