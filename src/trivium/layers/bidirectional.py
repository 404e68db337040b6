"""A recurrent layer and its like that goes the other way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.state import suggest
from trivium.state.types import Array, ArrayLike, Shape

__all__ = ["Bidirectional"]

_MERGES: dict[Any, Any] = {
    "concat": lambda a, b: ops.concatenate([a, b], axis=-1),
    "sum": lambda a, b: a + b,
    "ave": lambda a, b: (a + b) / 2,
    "mul": lambda a, b: a * b,
    None: lambda a, b: (a, b),
}
_SETTINGS = ("return_sequences", "return_state", "go_backwards", "stateful")


@LAYERS.register()
class Bidirectional(Layer):
    """A recurrent layer that goes forward along a sequence, and its like that goes backward.

    The one is a new layer, made of the given one's settings, and so is the other if none is given.

    Args:
        layer: The recurrent layer; one of your own has `return_sequences`, `return_state`, `go_backwards` and
            `stateful` as arguments.
        merge_mode: What becomes of the two outputs: `"concat"`, `"sum"`, `"ave"`, `"mul"`, or `None` for both.
        weights: First values of the weights.
        backward_layer: The layer that goes backward; one like `layer` where it is `None`.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: A layer is none, or has no such settings.
        ValueError: `merge_mode` is unknown, or the two layers' settings do not go together.

    Shapes:
        `(batch, steps, inputs)` to `(batch, 2 * units)` with `"concat"`; states come forward's first.

    Example:
        >>> import numpy as np
        >>> from trivium.layers import LSTM
        >>> Bidirectional(LSTM(3, return_sequences=True))(np.ones((2, 5, 4))).shape
        (2, 5, 6)

    Reference:
        Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", 1997.
    """

    _unwritten = Layer._unwritten | {"weights"}

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Sequence[ArrayLike] | None = None,
        backward_layer: Layer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if merge_mode not in _MERGES:
            known = [m for m in _MERGES if m]
            raise ValueError(
                f"{type(self).__name__}: `merge_mode` is one of {', '.join(map(repr, known))} or None; got "
                f"{merge_mode!r}. {suggest(str(merge_mode), known)}"
            )
        self.merge_mode = merge_mode
        self.forward_layer = _like(self, layer, "forward")
        if backward_layer is None:
            backward_layer = _like(self, layer, "backward", go_backwards=not layer.go_backwards)
        self.backward_layer = _recurrent(self, backward_layer)
        self._check_pair()
        if self.return_sequences:  # What is masked has no output in either direction.
            self.forward_layer.zero_output_for_mask = self.backward_layer.zero_output_for_mask = (
                True
            )
        self.supports_masking = True
        self.input_spec = self.forward_layer.input_spec
        self._first_weights = weights

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        for name in _SETTINGS:
            same = getattr(forward, name) == getattr(backward, name)
            if same == (name == "go_backwards"):
                raise ValueError(
                    f"{type(self).__name__}: the two layers have {'opposite' if same else 'the same'} values of "
                    f"`{name}`; got {getattr(forward, name)} forward and {getattr(backward, name)} backward."
                )

    def _config_argument(self, name: str) -> Any:
        return self.forward_layer if name == "layer" else super()._config_argument(name)

    @property
    def return_sequences(self) -> bool:
        """Whether the outputs of all steps are returned."""
        return bool(self.forward_layer.return_sequences)

    @property
    def return_state(self) -> bool:
        """Whether the last states are returned, too."""
        return bool(self.forward_layer.return_state)

    @property
    def stateful(self) -> bool:
        """Whether each batch goes on where the last one ended."""
        return bool(self.forward_layer.stateful)

    @property
    def states(self) -> Any:
        """The states kept from the last batch, forward's first; `None` if the layers are not stateful."""
        kept = [self.forward_layer.states, self.backward_layer.states]
        return None if kept[0] is None else kept

    def reset_state(self) -> None:
        """Begin anew: the next batch goes on with nothing, if the layers are stateful."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Build both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights is not None:
            self.set_weights(list(self._first_weights))
            self._first_weights = None

    def compute_mask(self, _: Any, mask: Any = None) -> Any:
        """Return the input's mask for the outputs of all steps; the last ones and the states have none."""
        mask = mask if self.return_sequences else None
        outputs = [mask] if self.merge_mode else [mask, mask]
        states = 2 * len(self.forward_layer.state_size) if self.return_state else 0
        masks = [*outputs, *[None] * states]
        return masks if len(masks) > 1 else mask

    def call(
        self,
        sequences: Array,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        """Go along the sequences both ways.

        Args:
            sequences: The sequences.
            initial_state: The states before the first step: forward's, then backward's.
            mask: Which steps count, shape `(batch, steps)`.
            training: Whether the model is being trained.
        """
        outputs: list[Array] = []
        states: list[Any] = []
        for layer, first in zip(
            (self.forward_layer, self.backward_layer), self._halves(initial_state), strict=True
        ):
            given = {} if first is None else {"initial_state": first}
            result = layer(sequences, mask=mask, **given)
            output, *after = result if self.return_state else (result,)
            if layer.go_backwards and self.return_sequences:
                output = jnp.flip(output, axis=1)
            outputs.append(output)
            states.extend(after)
        merged = _MERGES[self.merge_mode](*outputs)
        if not self.return_state:
            return merged
        return (*(merged if self.merge_mode is None else (merged,)), *states)

    def _halves(self, initial_state: Any) -> tuple[Any, Any]:
        if initial_state is None:
            return None, None
        given = initial_state if isinstance(initial_state, list | tuple) else [initial_state]
        half = len(given) // 2
        if len(given) % 2:
            raise ValueError(
                f"Layer {self.path!r} (Bidirectional): `initial_state` has the states of both layers, forward's first: "
                f"as many for each; got {len(given)} in all."
            )
        return list(given[:half]), list(given[half:])


def _recurrent(outer: Layer, layer: Any) -> Any:
    """Return a layer, if it is a recurrent one."""
    if not isinstance(layer, Layer) or not all(hasattr(layer, s) for s in _SETTINGS):
        raise TypeError(
            f"{type(outer).__name__}: takes a recurrent layer, with the settings {', '.join(_SETTINGS)}; got {layer!r}."
        )
    return layer


def _like(outer: Layer, layer: Any, direction: str, **changes: Any) -> Any:
    """Return a new layer like a given one, with the direction before its name."""
    config = _recurrent(outer, layer).get_config()
    name = config["name"].removeprefix("forward_").removeprefix(f"{direction}_")
    return type(layer).from_config({**config, "name": f"{direction}_{name}", **changes})
