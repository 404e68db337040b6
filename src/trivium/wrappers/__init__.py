"""Models as estimators of scikit-learn, which is imported when one of them is first asked for.

Example:
    >>> import trivium as tv
    >>> tv.wrappers.SKLearnRegressor(lambda X, y: tv.Sequential()).warm_start
    False
"""

import importlib.util
from typing import TYPE_CHECKING, Any

from trivium.state import suggest

if TYPE_CHECKING:
    from trivium.wrappers.estimators import (
        SKLearnClassifier,
        SKLearnRegressor,
        SKLearnTransformer,
    )

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(
            f"module 'trivium.wrappers' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    if importlib.util.find_spec("sklearn") is None:
        raise ImportError(
            f"{name} is an estimator of scikit-learn, which is not installed: pip install 'trivium[sklearn]'."
        )
    from trivium.wrappers import estimators

    return getattr(estimators, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
