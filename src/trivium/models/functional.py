"""The Functional API: a model is the graph between given inputs and outputs."""

from __future__ import annotations

from typing import Any

import jax

from trivium.layers.registry import LAYERS
from trivium.models.model import Model
from trivium.models.sequential import Sequential

__all__ = ["Functional"]


class _Declared(type):
    """Counts every model whose graph was declared by inputs and outputs as a `Functional`."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is not Functional or super().__instancecheck__(instance):
            return super().__instancecheck__(instance)
        declared = isinstance(instance, Model) and instance._graph is not None
        return declared and not isinstance(instance, Sequential)


@LAYERS.register(module="keras.src.models.functional")
class Functional(Model, metaclass=_Declared):
    """The model between symbolic inputs and outputs; `Model(inputs, outputs)` makes one.

    An object of a subclass of `Model` that was given inputs and outputs is a `Functional`, too.

    Args:
        inputs: Symbolic tensors, nested as you like.
        outputs: Symbolic tensors, nested as you like.
        name: A name.
        kwargs: `trainable`, `dtype`, as for every model.

    Raises:
        DisconnectedGraphError: An output needs a tensor that the inputs do not give.
        TypeError: Something among them is no symbolic tensor.
        ValueError: There are no inputs or no outputs, or two layers have one name.

    Example:
        >>> import trivium as tv
        >>> a, b = tv.Input((2,), name="a"), tv.Input((2,), name="b")
        >>> model = tv.Model({"a": a, "b": b}, tv.layers.concatenate([a, b]))
        >>> model.output_shape
        (None, 4)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        for what, tensors in (("inputs", inputs), ("outputs", outputs)):
            if not jax.tree_util.tree_leaves(tensors):
                raise ValueError(
                    f"A model's `{what}` are one or more symbolic tensors; got {tensors!r}."
                )
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
