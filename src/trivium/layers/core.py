"""Layers of general use: the input itself, any function, masking."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from trivium import ops
from trivium.layers.base import Layer
from trivium.layers.checks import number, refuse_unregistered
from trivium.layers.registry import LAYERS
from trivium.state.types import Array

__all__ = ["Identity", "Lambda", "Masking"]


@LAYERS.register()
class Identity(Layer):
    """The input itself; a place for a name.

    Args:
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Shapes:
        Any, the same for the output.

    Example:
        >>> import numpy as np
        >>> Identity()(np.array([1.0, 2.0])).tolist()
        [1.0, 2.0]
    """

    _stateless = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """Return the input."""
        return inputs


@LAYERS.register()
class Masking(Layer):
    """Leaves out the steps of a sequence in which every feature has one value: what pads short sequences.

    Args:
        mask_value: The value.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `mask_value` is no number.

    Shapes:
        `(batch, steps, features)`, the same for the output, with 0 in the steps left out; the mask has the shape
        `(batch, steps)`.

    Example:
        >>> import numpy as np
        >>> layer = Masking(mask_value=-1.0)
        >>> x = np.array([[[-1.0, -1.0], [-1.0, 2.0]]])
        >>> layer(x).tolist(), layer.compute_mask(x).tolist()
        ([[[0.0, 0.0], [-1.0, 2.0]]], [[False, True]])
    """

    _stateless = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set(mask_value=number(self, mask_value=mask_value))
        self.supports_masking = True

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Array:
        """Return which steps count."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Array) -> Array:
        """Compute the output."""
        return ops.where(ops.expand_dims(self.compute_mask(inputs), -1), inputs, 0)


@LAYERS.register()
class Lambda(Layer):
    """A function as a layer, for what keeps no variables.

    A config holds the function's name and never its code: to save the layer, register the function with
    `register_keras_serializable`, or write a `Layer` of your own.

    Args:
        function: A function of the input. It is given `mask` and `training` too where it takes them.
        output_shape: Kept for configs: shapes are inferred from the function itself.
        mask: The output's mask, or a function of the input and its mask that returns it.
        arguments: More arguments for `function`, by name.
        kwargs: `name`, `dtype`, `trainable`, as for every layer.

    Raises:
        TypeError: `function` is no function.

    Shapes:
        As the function has it.

    Example:
        >>> import numpy as np
        >>> Lambda(lambda x, times: x * times, arguments={"times": 3})(np.array([1.0])).tolist()
        [3.0]
    """

    _left_out: ClassVar[dict[str, Any]] = {**Layer._left_out, "output_shape": None, "mask": None}

    _has_users_code = True

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Sequence[int | None] | Callable[..., Any] | None = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda: `function` is a function of an array; got {function!r}.")
        self.function = function
        self._output_shape = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._takes = _parameters(function) & {"mask", "training"}

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Return what the function makes of the input.

        Args:
            inputs: The input.
            mask: Its mask.
            training: Whether the model is being trained.
        """
        context = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{k: context[k] for k in self._takes})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the output's mask."""
        if self.mask is None:
            return super().compute_mask(inputs, mask)
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def _config_argument(self, name: str) -> Any:
        return self._output_shape if name == "output_shape" else super()._config_argument(name)

    def _config_write(self, name: str, value: Any) -> Any:
        refuse_unregistered(self, value)
        return super()._config_write(name, value)


def _parameters(function: Callable[..., Any]) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except ValueError:  # Some functions written in C do not say.
        return set()
