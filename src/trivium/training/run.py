"""Runs: one call of `fit`, `evaluate` or `predict`, its passes and the callbacks at their edges."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from trivium.state import global_seed
from trivium.state.tracking import one_look
from trivium.state.trees import map_tree
from trivium.training.callbacks import CallbackList
from trivium.training.loop import Pass
from trivium.training.transaction import Transaction

__all__ = ["Run", "joined", "numbers"]


class Run:
    """A model at work with its callbacks.

    Args:
        model: The model.
        watchers: The callbacks.
        change: What undoes the getting ready until there is something new in the model.
    """

    def __init__(self, model: Any, watchers: CallbackList, change: Transaction) -> None:
        self.model, self.watchers, self._change = model, watchers, change

    def train(
        self, train: Pass, test: Pass | None, epochs: range, validate: Callable[[int], bool]
    ) -> None:
        """Train for some epochs.

        Args:
            train: The pass over the training data.
            test: The pass over the validation data.
            epochs: The epochs' numbers.
            validate: Says after which epochs to validate.
        """
        model, watchers = self.model, self.watchers
        model.stop_training = False
        watchers.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in epochs:
            watchers.on_epoch_begin(epoch)
            train.renew()
            self._reset()
            results = self._drive(train, _moment(model))
            if results is None:
                break  # The data had nothing left: there is no epoch to report.
            if test is not None and validate(epoch):
                results |= {f"val_{k}": v for k, v in self.evaluate(test).items()}
            logs = dict(sorted(results.items()))
            watchers.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
            if train.source.exhausted and epoch + 1 < epochs.stop:
                warnings.warn(
                    f"The training data ran out after epoch {epoch + 1} of {epochs.stop}, which ends the training. A "
                    "generator that is to serve all epochs goes on without end, and `steps_per_epoch` cuts it.",
                    stacklevel=4,
                )
                break
        optimizer = model.optimizer
        if optimizer is not None and optimizer.built:
            optimizer.finalize_variable_values(model.trainable_variables)
        watchers.on_train_end(logs)

    def evaluate(self, test: Pass) -> dict[str, Any]:
        """Return the results of an evaluation.

        Args:
            test: The pass.
        """
        self._reset()
        self.watchers.on_test_begin()
        test.renew()
        logs = self._drive(test) or {}
        self.watchers.on_test_end(logs)
        return logs

    def predict(self, work: Pass) -> Any:
        """Return the outputs of a pass, batch after batch.

        Args:
            work: The pass.
        """
        watchers, hooks = self.watchers, work.chunk is not None
        parts: list[Any] = []
        told = 0
        watchers.on_predict_begin()
        if watchers.callbacks:
            work.renew()
        for done, outputs, ends in work.run(
            before=watchers.on_predict_batch_begin if hooks else None
        ):
            if outputs is not None:
                parts.append(outputs)
                watchers.on_chunk_end("predict", done, {})
            if ends and hooks:
                watchers.on_predict_batch_end(done - 1, {"outputs": joined(parts[told:])})
                told = len(parts)
        watchers.on_predict_end()
        return joined(parts)

    def _reset(self) -> None:
        with one_look():
            self._change.keep(self.model.metrics_variables)
            self.model.reset_metrics()

    def _drive(self, work: Pass, moment: tuple[int, int] = (0, 0)) -> dict[str, Any] | None:
        """Run one pass with callbacks at the edges of its chunks; return the last logs, `None` if there was no step."""
        watchers, kind = self.watchers, work.kind
        hooks = work.chunk is not None
        begin, end = (getattr(watchers, f"on_{kind}_batch_{edge}") for edge in ("begin", "end"))
        train = kind == "train"
        logs = None
        for done, result, ends in work.run(
            moment, begin if hooks else None, lambda: train and self.model.stop_training
        ):
            if result is not None:
                logs = numbers(result)
                watchers.on_chunk_end(kind, done, logs)
            if ends and hooks:
                end(done - 1, logs)
            self._change.commit()
            if train and self.model.stop_training:
                break
        return logs


def _moment(model: Any) -> tuple[int, int]:
    """Return what the order of the samples follows from: the seed, and the steps that the optimizer has taken."""
    optimizer = model.optimizer
    built = optimizer is not None and optimizer.built
    return global_seed(), int(optimizer.iterations) if built else 0


def joined(parts: list[Any]) -> Any:
    """Return the rows of several outputs one after the other.

    Args:
        parts: Outputs of one structure.
    """
    # A copy in any case: the user may write to it, and JAX has the memory of what came from it.
    return map_tree(lambda *arrays: np.concatenate(arrays), *parts)


def numbers(result: Any) -> dict[str, Any]:
    """Return logs as Python floats, in the order of their names; what is no single number stays an array.

    Args:
        result: What a step returned as logs.
    """
    found: dict[str, Any] = {}
    for name, value in sorted(result.items()):
        if isinstance(value, dict):
            found |= numbers(value)
        else:
            array = np.asarray(value)
            found[name] = float(array) if array.ndim == 0 else array
    return found
