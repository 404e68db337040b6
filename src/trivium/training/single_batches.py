"""Single batches trained on, evaluated and predicted, for loops of one's own."""

from __future__ import annotations

import contextlib
from typing import Any

from trivium.data import make_source
from trivium.state import named_arguments
from trivium.training.in_place import takes_data_alone
from trivium.training.logs import numbers
from trivium.training.outputs import joined
from trivium.training.preparation import Preparation
from trivium.training.transaction import Transaction

__all__ = ["SingleBatches", "listed"]


class SingleBatches(Preparation):
    """The part of a trainer that works on one batch at a time."""

    @named_arguments
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one step of training on one batch.

        Args:
            x: The inputs; several may differ in length (a graph's nodes and edges).
            y: The targets.
            sample_weight: Weights by sample.
            class_weight: Weights by class number.
            return_dict: Whether to return a dict by names instead of a list.

        Returns:
            The loss alone, a list of loss and metrics, or a dict; of this batch, not of those before.

        Example:
            >>> import numpy as np
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.layers.Dense(1, kernel_initializer="ones")])
            >>> model.compile(tv.optimizers.SGD(0.5), "mse")
            >>> model.train_on_batch(np.ones((4, 1)), np.zeros((4, 1)))
            1.0
        """
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict)

    @named_arguments
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluate one batch.

        Args:
            x: The inputs.
            y: The targets.
            sample_weight: Weights by sample.
            return_dict: Whether to return a dict by names instead of a list.

        Returns:
            The loss alone, a list of loss and metrics, or a dict; of this batch, not of those before.
        """
        return self._on_batch("test", x, y, sample_weight, None, return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch.

        Args:
            x: The inputs.
        """
        source = make_source(x, steps=1, what="predict_on_batch", batch=True)
        alone = self._alone(source)
        if alone is not None:
            return alone()
        with contextlib.closing(source), Transaction(self, compiled=False) as change:
            work = self._pass("predict", source)
            work.prepare()
            change.commit()
            parts = [outputs for _, outputs, _ in work.run() if outputs is not None]
            self._keep_alone(source, work)
        return self._finished(joined(parts))

    def _on_batch(
        self, kind: str, x: Any, y: Any, sample_weight: Any, class_weight: Any, return_dict: bool
    ) -> Any:
        what = f"{kind}_on_batch"
        self._need(what)
        source = make_source(
            x, y, sample_weight, steps=1, class_weight=class_weight, what=what, batch=True
        )
        with Transaction(self) as change:
            self._prepare(source, kind == "train")
            step = self.train_step if kind == "train" else self.test_step
            # A step in place is run to find what it touches, and may build something.
            with contextlib.nullcontext() if takes_data_alone(step) else self._look():
                work = self._pass(kind, source)
                change.keep(self.metrics_variables)
                self.reset_metrics()
                names = self.metrics_names
            if kind == "train":
                self._warn_if_untrained(work, stacklevel=5)
            [(_, result, _)] = work.run()
        logs = numbers(result)
        return logs if return_dict else listed(logs, names)


def listed(logs: dict[str, Any], names: list[str]) -> Any:
    """Return logs as Keras lists them; one alone as it is."""
    known = [name for name in names if name in logs]
    values = [logs[name] for name in [*known, *(n for n in logs if n not in known)]]
    return values[0] if len(values) == 1 else values
