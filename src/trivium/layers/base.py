"""The layer: a function with variables, called on arrays or recorded on symbolic tensors.

What a layer does stands in the files that this one builds on, each with a class on top of the one before: `settings`
(the constructor's arguments as a config), `holding` (what belongs to it), `building` (its variables and shapes) and
`calling` (its call).
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, ClassVar

import jax

from trivium import regularizers
from trivium.layers.building import noting_build
from trivium.layers.calling import Called
from trivium.layers.own_names import (
    PUBLIC,
    is_known,
    is_ours,
    refuse_own_name,
    refuse_own_names,
)
from trivium.state.dtype_policies import get_policy
from trivium.state.frame import current_frame
from trivium.state.names import checked_name
from trivium.state.retracing import note_changed

__all__ = ["SEQUENTIAL_KEYS", "Layer"]

# Kinds of functions that a user may give a layer: JAX remembers what it traced of those that they call.
_FUNCTIONS = (types.FunctionType, functools.partial, type(jax.jit(lambda: None)))

SEQUENTIAL_KEYS = (
    "input_shape",
    "batch_input_shape",
    "batch_shape",
    "input_dim",
    "batch_size",
    "input_dtype",
)


class Layer(Called):
    """A function from tensors to tensors that keeps variables.

    Write a layer by giving `__init__` (the settings), `build` (the variables, once the input's shape is known) and
    `call` (the function). What is assigned to attributes, in lists, tuples and dicts too, belongs to the layer.

    Args:
        activity_regularizer: A penalty on the outputs, added to the loss.
        trainable: Whether the variables are trained.
        dtype: A dtype or policy; the default policy where it is `None`.
        autocast: Whether float inputs are cast to the compute dtype.
        name: A name; the class's in snake case and a number where it is `None`.
        kwargs: `input_shape` and its relatives, which `Sequential` reads off its first layer.

    Raises:
        TypeError: An argument that no layer has, or a name that is no string.
        ValueError: A name with `/` in it.

    Example:
        >>> import numpy as np, trivium as tv
        >>> class Scale(tv.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(np.ones((2, 3))).shape
        (2, 3)
    """

    # What attributes that are not for users are called in messages.
    _said_as: ClassVar[dict[str, str]] = {}

    if TYPE_CHECKING:
        # Settings become attributes by `_set`, and users' layers have attributes of their own.
        def __getattr__(self, name: str) -> Any: ...
    else:

        def __getattr__(self, name):
            called = any(layer is self for layer in current_frame().layers)
            # Dunders, and these lists, are asked for while a copy is made.
            hidden = name[:2] == "__" or name in ("_inbound_nodes", "_losses")
            if hidden or hasattr(type(self), name) or called or vars(self).get("built", True):
                return object.__getattribute__(self, name)  # which raises the error again
            raise self._not_built(name)

    def _not_built(self, name: str) -> AttributeError:
        """Return the error for an attribute that building makes."""
        said = self._said_as.get(name, name)
        return AttributeError(
            f"Layer {self.path!r} ({type(self).__name__}) has no attribute {said!r}. It is not built yet, and weights "
            "are made by building: call it on data, or `build(input_shape)`, first.",
            name=name,
            obj=self,
        )

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Give the layer its inner attributes."""
        # Here and not in `__init__`, so that a subclass may assign layers before it calls `super().__init__()`.
        layer = super().__new__(cls, *args, **kwargs)
        # In one go, since a deep model makes hundreds; none of it is looked at in `__setattr__`.
        vars(layer).update(
            _name=None, _policy=None, _parent=None, _remat=None, _build_index=None, _build_shapes=None,
            _built_alone=False, _added=[], _inbound_nodes=[], _losses=[], _sequential_input={}, _trainable=True,
            autocast=True, built=cls._stateless and cls.build is Layer.build, supports_masking=False,
            _named_by_itself=False, input_spec=None, activity_regularizer=None,
        )  # fmt: skip
        return layer

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        self._sequential_input = {k: kwargs.pop(k) for k in SEQUENTIAL_KEYS if k in kwargs}
        if kwargs:
            from trivium.state import suggest

            accepted = [
                *inspect.signature(type(self).__init__).parameters,
                "trainable",
                "dtype",
                "name",
            ]
            wrong = next(iter(kwargs))
            raise TypeError(
                f"{type(self).__name__} has no argument {wrong!r}. "
                + suggest(wrong, [k for k in accepted if k not in ("self", "kwargs", "args")])
            )
        if name is not None and name != "":
            self._name = checked_name(name, self)
        elif self._name is None:
            self._name_itself()
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = self._checked_trainable(trainable)
        self._policy = get_policy(dtype)
        self._remat = current_frame().remat
        self.autocast = autocast

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_own_names(cls)
        cls._has_users_code = cls._has_users_code or not is_ours(cls.__module__)
        cls._calls_users_code = cls._has_users_code
        if "build" in cls.__dict__:
            cls.build = noting_build(cls.__dict__["build"])  # type: ignore[method-assign]

    if not TYPE_CHECKING:

        def __setattr__(self, name, value):
            if self._has_users_code and (name[:1] == "_" or name in PUBLIC):
                refuse_own_name(self, name)
            object.__setattr__(self, name, value)
            # What the library sets is nothing that users' code was traced with.
            if not is_ours(sys._getframe(1).f_globals.get("__name__", "")):
                note_changed(self)
            if type(value) in _FUNCTIONS and not is_known(getattr(value, "__module__", None)):
                object.__setattr__(self, "_calls_users_code", True)

    def quantize(
        self, mode: str | None = None, type_check: bool = True, config: Any = None
    ) -> None:
        """Keep the kernel in fewer bits: layers that have one do.

        Args:
            mode: `"int8"`, `"int4"` or `"float8"`.
            type_check: Whether to refuse a subclass that is not the library's.
            config: A `QuantizationConfig` in place of the mode, or besides it.

        Raises:
            NotImplementedError: The layer has no kernel.
        """
        raise NotImplementedError(
            f"Layer {self.path!r} ({type(self).__name__}) has no kernel to quantize: Dense, EinsumDense, Embedding, "
            "Conv1D, Conv2D and Conv3D have. `model.quantize` finds them."
        )

    def _node(self) -> Any:
        """Return the layer's first call: in the graph that its subclassed model's code records, or as it was made."""
        parent: Any = self._parent() if self._parent is not None else None
        if not self._inbound_nodes and hasattr(parent, "graph"):
            for node in parent.graph().nodes:
                if node.operation is self:
                    return node
        if not self._inbound_nodes:
            raise AttributeError(
                f"Layer {self.path!r} has not been called on symbolic tensors, so it has no input or output in a graph."
            )
        return self._inbound_nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic input of its first call in a graph."""
        node = self._node()
        return node.args[0] if node.args else node.inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic output of its first call in a graph."""
        return self._node().outputs
