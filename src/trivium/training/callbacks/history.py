"""What `fit` returns: each epoch's results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trivium.state.tracking import REPORTS
from trivium.training.callbacks.base import Callback, Logs
from trivium.viz.curves import learning_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["History"]


class History(Callback):
    """The results of each epoch, by name; `fit` adds one to every run and returns it.

    Attributes:
        history: The values by name, one for each epoch that logged it:
            `{"loss": [0.7, 0.5], "val_loss": [0.6, 0.5]}`.
        epoch: The epochs of the latest `fit`, counted from 0.
        params: The `verbose`, `epochs` and `steps` of the latest `fit`.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5, "accuracy": 0.75})
        >>> history.history
        {'loss': [0.5], 'accuracy': [0.75]}
    """

    _tracked_as = REPORTS

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self._epochs_of: dict[str, list[int]] = {}
        self._trained = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the epoch numbers of an earlier `fit`; its results stay."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch's results."""
        self.epoch.append(epoch)
        self._trained = max(self._trained + 1, epoch + 1)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._epochs_of.setdefault(name, []).append(self._trained)

    def plot(self, metrics: str | Sequence[str] | None = None, ax: Axes | None = None) -> Figure:
        """Draw the learning curves: training solid, validation dashed; the loss has its own panel.

        The figure is one of pyplot's: `plt.show()` shows it, `figure.savefig(...)` writes it.

        Args:
            metrics: Which results to draw, such as `"loss"` or `["accuracy", "val_loss"]`; all by
                default. A name without `val_` stands for its validation results too.
            ax: Matplotlib axes to draw everything in, instead of a new figure.

        Returns:
            The figure.

        Raises:
            ValueError: There is no such result, or none at all.

        Example:
            >>> history = History()
            >>> history.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.75})
            >>> figure = history.plot("loss")
            >>> [line.get_label() for line in figure.axes[0].get_lines()]
            ['training', 'validation']
        """
        return learning_curves(self.history, metrics=metrics, ax=ax, epochs=self._epochs_of)

    def __repr__(self) -> str:
        last = ", ".join(f"{k}: {_short(v[-1])}" for k, v in self.history.items())
        count = self._trained
        return f"<History of {count} epoch{'s' * (count != 1)}{'; ' * bool(last)}{last}>"

    def _repr_html_(self) -> str | None:
        from trivium.viz.notebook import history_html

        return history_html(self)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)
