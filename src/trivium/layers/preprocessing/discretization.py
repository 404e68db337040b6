"""Numbers as bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import is_whole
from trivium.layers.preprocessing.adapting import Adaptive, finite_numbers
from trivium.layers.preprocessing.encodings import encode
from trivium.layers.preprocessing.quantiles import Quantiles
from trivium.layers.preprocessing.settings import chosen, dense_only
from trivium.layers.registry import LAYERS
from trivium.state import Variable
from trivium.state.scopes import only_shapes
from trivium.state.types import Array, DType

__all__ = ["Discretization"]


@LAYERS.register()
class Discretization(Adaptive):
    """The number of the bin that each number falls into, by boundaries that are given, or learned from data by `adapt`.

    The boundaries `[0, 1, 2]` make the bins below 0, from 0 to below 1, from 1 to below 2, and from 2; NaN falls into
    the last. What `adapt` finds are quantiles, so that all bins hold about equally many of the numbers: exactly, of up
    to 65,536 numbers; of more, however many, the part that lies below a boundary is off by less than `epsilon` (by
    0.0002 for a billion). It depends on the numbers and their order alone, not on the batches that they come in.

    Args:
        bin_boundaries: The boundaries, in order.
        num_bins: How many bins `adapt` is to make, in place of the boundaries; beside them, they are what it found
            before.
        epsilon: How far a boundary may be from its quantile, as a part of all numbers.
        output_mode: `"int"`: the bins' numbers. `"one_hot"`: a vector for each number, with a 1 at its bin; in place of
            a last axis of size 1. `"multi_hot"`, `"count"`: one vector for all numbers on the last axis, that says
            which bins they fall into, or how many fall into each.
        sparse: Kept for Keras's signature: what comes out is dense.
        dtype: A dtype or policy.
        name: A name.

    Raises:
        TypeError: A boundary is no number.
        ValueError: Neither `bin_boundaries` nor `num_bins` is given, there are more boundaries than between so many
            bins, they are not in order, or another setting is out of its range.

    Shapes:
        `"int"`: any, the same for the output. `"one_hot"`: `(...)` to `(..., bins)`, `(..., 1)` to `(..., bins)`.
        `"multi_hot"`, `"count"`: `(..., n)` to `(..., bins)`.

    Example:
        >>> import numpy as np
        >>> Discretization([0.0, 1.0, 2.0])(np.array([[-1.5, 1.0, 3.4, 0.5]])).tolist()
        [[0, 2, 3, 1]]
        >>> layer = Discretization(num_bins=2, output_mode="one_hot")
        >>> layer.adapt(np.array([1.0, 2.0, 30.0, 40.0]))
        >>> layer.bin_boundaries, layer(np.array([[35.0]])).tolist()
        ([2.0], [[0.0, 1.0]])
    """

    _stateless = True
    _unwritten: ClassVar[frozenset[str]] = Layer._unwritten | {"trainable", "activity_regularizer"}

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: DType | None = None,
        name: str | None = None,
    ) -> None:
        # Numbers are compared with the boundaries in float32, whatever comes out.
        super().__init__(dtype=dtype, name=name, autocast=False)
        if bin_boundaries is None and num_bins is None:
            raise ValueError(
                "Discretization is given `bin_boundaries`, or `num_bins` and `adapt` finds them; got neither."
            )
        if num_bins is not None and not is_whole(num_bins, least=1):
            raise ValueError(
                f"Discretization: `num_bins` is a whole number above zero; got {num_bins!r}."
            )
        if not isinstance(epsilon, int | float) or not 0 < epsilon < 1:
            raise ValueError(
                f"Discretization: `epsilon` is a number between 0 and 1; got {epsilon!r}."
            )
        modes = ("int", "one_hot", "multi_hot", "count")
        self._set(
            num_bins=None if num_bins is None else int(num_bins),
            epsilon=epsilon,
            output_mode=chosen(self, modes, output_mode=output_mode),
            sparse=dense_only(self, sparse),
        )
        self._given: Any = None if bin_boundaries is None else _in_order(self, bin_boundaries)
        self._found: Any = None
        if num_bins is not None:
            # A variable, so that a program that is compiled already goes by what `adapt` finds later. It has room for
            # all boundaries; where the data gives fewer, the last bins stay empty.
            self._found = self.add_weight(
                (num_bins - 1,), "zeros", "float32", trainable=False, autocast=False, name="found"
            )
            self._is_adapted = False
            if self._given is not None:
                self._keep(self._given)

    @property
    def bin_boundaries(self) -> list[float] | None:
        """The boundaries, as given or found; `None` before there are any."""
        if self._found is None:
            return self._given.tolist()
        values = self._found.numpy()
        return values[np.isfinite(values)].tolist() if self._is_adapted else None

    def _config_argument(self, name: str) -> Any:
        return self._own_policy().name if name == "dtype" else super()._config_argument(name)

    @property
    def weights(self) -> list[Variable]:
        """None: the boundaries are in the config, found or given, and no list that `set_weights` takes has them."""
        return []

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the boundaries that `adapt` found into a store, so that a file of weights alone has them, too.

        Args:
            store: A dict, or something that takes arrays by name as one does.
        """
        if self.bin_boundaries is not None:
            super().save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Take boundaries from a store; files of Keras have none.

        Args:
            store: A dict, or something that has arrays by name as one does.

        Raises:
            ValueError: Their number is another.
        """
        if len(store) and self._found is not None:
            super().load_own_variables(store)
            self._is_adapted = True

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        if self._found is not None and not self._is_adapted and not only_shapes():
            raise ValueError(
                f"Layer {self.path!r} (Discretization) has no boundaries yet: call `adapt(data)` first, or make it "
                "with `bin_boundaries`."
            )
        boundaries = self._given if self._found is None else self._found.value
        bins = ops.cast(ops.digitize(ops.cast(inputs, "float32"), boundaries), "int32")
        return encode(bins, self.output_mode, boundaries.size + 1, self.compute_dtype)

    def _check_adaptive(self) -> None:
        if self._found is None:
            raise ValueError(
                f"Layer {self.path!r} (Discretization) was given its boundaries, so there is nothing to adapt."
            )

    def _gathered(self, before: Any, batch: np.ndarray) -> Quantiles:
        numbers = finite_numbers(self, batch)
        seen = Quantiles(self.epsilon) if before is None else before
        seen.add(numbers)
        return seen

    def _learn(self, gathered: Any) -> None:
        if not gathered.count:
            raise ValueError(f"Layer {self.path!r} (Discretization): `adapt` was given no numbers.")
        self._keep(gathered.boundaries(self.num_bins))

    def _keep(self, boundaries: np.ndarray) -> None:
        room = np.full(self._found.shape, np.inf, "float32")
        if boundaries.size > room.size:
            raise ValueError(
                f"Discretization: {self.num_bins} bins have {room.size} boundaries; got {boundaries.size}, "
                f"{boundaries.tolist()!r:.80}."
            )
        room[: boundaries.size] = boundaries
        self._found.assign(room)
        self._is_adapted = True


def _in_order(layer: Layer, boundaries: Any) -> np.ndarray:
    """Return boundaries as an array, checked."""
    values = np.asarray(boundaries)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iuf"):
        raise TypeError(
            f"{type(layer).__name__}: `bin_boundaries` is a list of numbers; got {boundaries!r}."
        )
    values = values.astype("float32")
    if np.isnan(values).any() or (np.diff(values) < 0).any():
        raise ValueError(
            f"{type(layer).__name__}: `bin_boundaries` are numbers in order, the least first; got {boundaries!r}."
        )
    return values
