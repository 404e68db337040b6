"""Evaluating, predicting and saving with the averaged weights, training with the others."""

from __future__ import annotations

from typing import Any

from trivium.training.callbacks.base import Callback, Logs

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Puts the optimizer's moving averages in the place of the weights while the model is evaluated or predicts.

    The optimizer keeps them with `use_ema=True`. The weights that are being trained wait in the callback meanwhile; the
    averages stay where they are. After `fit` the model has the averages, as always with `use_ema=True`.

    Args:
        swap_on_epoch: Have the averages in the model between two epochs, too, so that callbacks that come after this
            one, a `ModelCheckpoint` say, find them there at the end of an epoch.

    Raises:
        ValueError: No optimizer of the model keeps averages.

    Reference:
        Polyak & Juditsky, 1992, "Acceleration of Stochastic Approximation by Averaging".

    Example:
        >>> import numpy as np
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1)])
        >>> model.compile(tv.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
        >>> x = np.ones((4, 1))
        >>> history = model.fit(x, 3 * x, epochs=5, verbose=0, callbacks=[SwapEMAWeights(swap_on_epoch=True)])
        >>> len(history.epoch)
        5
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._trained: list[Any] | None = (
            None  # The weights' values, while the averages are in their place.
        )

    def set_model(self, model: Any) -> None:
        """Take the model at work."""
        if model is not self.model:
            self._trained = None
        super().set_model(model)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Put back what an interrupted run left in the callback."""
        self._pairs()
        self._swap_out()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Go on with the weights that are being trained."""
        self._swap_out()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Put the averages in, with `swap_on_epoch`."""
        if self.swap_on_epoch:
            self._swap_in()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Forget the weights that were trained: the model ends with the averages."""
        self._trained = None

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Put the averages in."""
        self._swap_in()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Take the averages out."""
        self._swap_out()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Put the averages in."""
        self._swap_in()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Take the averages out."""
        self._swap_out()

    def _swap_in(self) -> None:
        pairs = self._pairs()
        if self._trained is None:
            self._trained = [variable.value for variable, _ in pairs]
            for variable, average in pairs:
                variable.assign(average.value)

    def _swap_out(self) -> None:
        if self._trained is not None:
            for (variable, _), value in zip(self._pairs(), self._trained, strict=True):
                variable.assign(value)
            self._trained = None

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Return the weights with their averages; none as long as the optimizer has made no step."""
        keeping = [one for one in _all_of(self.model.optimizer) if getattr(one, "use_ema", False)]
        if not keeping:
            raise ValueError(
                f"SwapEMAWeights needs an optimizer that keeps moving averages; the model's is "
                f"{self.model.optimizer!r}. Make it with use_ema=True."
            )
        return [pair for one in keeping for pair in one.averages]


def _all_of(optimizer: Any) -> list[Any]:
    """Return an optimizer and those inside it."""
    inner = [one for held in getattr(optimizer, "inner", ()) for one in _all_of(held)]
    return [optimizer, *inner]
