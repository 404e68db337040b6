"""How a layer is built: variables, shapes for `build` by name, and the shapes that come out."""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from trivium import constraints, initializers, regularizers
from trivium.graph import SymbolicTensor
from trivium.graph.infer import infer
from trivium.graph.tensor import tensor_like
from trivium.layers.checks import known
from trivium.layers.context import note_build
from trivium.layers.holding import Holder
from trivium.layers.signature import shapes_wanted, signature_of
from trivium.state import Variable
from trivium.state.dtypes import is_float, standardize_dtype
from trivium.state.frame import current_frame, entered
from trivium.state.scopes import init_scope
from trivium.state.types import DType
from trivium.state.undo import note_undo, undone_on_error

__all__ = ["Buildable", "noting_build", "shape_of", "symbolic_of"]

# In which order layers were built, which is the order of the data's flow: models list their variables by it.
_builds = itertools.count()


class Buildable(Holder):
    """The part of `Layer` that makes its variables once the shape of its input is known."""

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: DType | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        name: str | None = None,
    ) -> Variable:
        """Make a variable that belongs to the layer.

        Args:
            shape: Its shape; a scalar where it is `None`.
            initializer: A name, an initializer or a function `(shape, dtype)`; Glorot's uniform one for floats,
                zeros otherwise, where it is `None`.
            dtype: Its dtype; the layer's where it is `None`.
            trainable: Whether optimizers change it.
            autocast: Whether it is read in the layer's compute dtype.
            regularizer: A penalty on it, added to the loss.
            constraint: A function applied to it after each update.
            aggregation: How several devices' values are combined; kept for Keras's configs.
            name: A name.

        Returns:
            The variable.
        """
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if any(not isinstance(d, int | np.integer) for d in shape):
            raise ValueError(
                f"Layer {self.path!r}: the weight {name!r} cannot have the shape {known(shape)}: every size must be "
                "known. Give the input a full shape on the axes that the layer's weights depend on."
            )
        dtype = standardize_dtype(dtype or self.variable_dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        variable = Variable(
            initializers.get(initializer), shape, dtype, trainable=trainable,
            autocast=autocast, aggregation=aggregation, name=name,
        )  # fmt: skip
        variable.frozen = not self.trainable
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.owner = weakref.ref(self)
        self._added.append(variable)
        return variable

    def _add_set_weight(
        self, name: str, shape: Any, settings: str | None = None, **options: Any
    ) -> Variable:
        """Make the variable whose initializer, regularizer and constraint are the settings `{settings or name}_…`."""
        kinds = ("initializer", "regularizer", "constraint")
        said = {kind: getattr(self, f"{settings or name}_{kind}", None) for kind in kinds}
        return self.add_weight(shape, name=name, **{**said, **options})

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Make the variables for inputs of a shape. Subclasses override it; by default there is nothing to make.

        Args:
            args: `input_shape`, the shape of the input, `None` for unknown sizes; or a structure of shapes.
            kwargs: For a `call` of several tensors: the shape of each as `{argument}_shape`.
        """
        self._note_built(*args, *kwargs.values())

    def _note_built(self, *shapes: Any) -> None:
        frame = current_frame()
        callers = (*frame.layers, *((frame.building,) if frame.building is not None else ()))
        self._take_place(inside=any(layer is not self for layer in callers))
        self._build_shapes = shapes
        self.built = True

    def _take_place(self, inside: bool) -> None:
        """Come next in the order of the data's flow, unless the layer has its place there.

        What was declared, built by itself or from a config, before another layer built or called it, has its place to
        come: a clone is declared and built in another order, and its weights are listed in the same.
        """
        if self._build_index is None or (self._built_alone and inside):
            before = self._build_index, self._built_alone
            note_undo(lambda: self._put_in_place(*before))
            self._build_index, self._built_alone = next(_builds), not inside

    def _calls_in_order(self) -> list[Any] | None:
        """Return the layers that a call calls, in their order, where it does nothing else: that of a model that runs
        its graph. `None` for all others."""
        return None

    def _put_in_place(self, index: int | None, alone: bool) -> None:
        self._build_index, self._built_alone = index, alone

    def _maybe_build(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._is_placed():
            return
        note_build(self)
        # Outside of whatever is being traced or recorded around the call: a variable's first value is a real array.
        with init_scope():
            self._build_for(args, kwargs)

    def _is_placed(self) -> bool:
        """Say whether the layer is built and has its place in the order of the data's flow.

        Layers that are built from the start get their place with their first call.
        """
        return self.built and self._build_index is not None

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.built or type(self).build is Buildable.build:
            self._note_built(shape_of(args[0]) if args else None)
            return
        first, named = self._build_arguments(args, kwargs)
        self.build(*first, **named)
        self._note_built(*(self._build_shapes or ()))

    def _build_arguments(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the shapes for `build`: the first input's by position where `build` calls it by no argument's name
        (`input_shape`), and those that it asks for by name (`query_shape` is that of the argument `query`)."""
        call = signature_of(type(self))
        given = dict(zip(call.names, args, strict=False)) | kwargs
        shapes = {f"{k}_shape": shape_of(v) for k, v in given.items() if v is not None}
        wanted = shapes_wanted(self.build) if "build" in vars(self) else call.shapes
        first = []
        if wanted and wanted[0].name not in shapes:
            wanted = wanted[1:]
            first = [shape_of(args[0] if args else next(iter(kwargs.values()), None))]
        missing = [p.name for p in wanted if p.default is p.empty and p.name not in shapes]
        forgotten = [n.removesuffix("_shape") for n in missing]
        if not call.required.isdisjoint(forgotten):
            raise TypeError(
                f"Layer {self.path!r} ({type(self).__name__}) was called without {', '.join(forgotten)}: write "
                f"`layer({', '.join(n for n in call.names if n in call.required)})`."
            )
        if missing:
            raise TypeError(
                f"Layer {self.path!r} ({type(self).__name__}) cannot be built: its `build` wants {', '.join(missing)}, "
                f"and the call gave {', '.join(shapes) or 'no tensors'}. Name each parameter of `build` after the "
                "argument of `call` whose shape it is (`query_shape` for `query`), with a default where that may be "
                "left out."
            )
        return first, {p.name: shapes[p.name] for p in wanted if p.name in shapes}

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs. Subclasses give it."""
        raise NotImplementedError(
            f"{type(self).__name__} ({self.path!r}) has no `call` method: write "
            "`def call(self, inputs):` that returns the outputs."
        )

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors like the outputs, without recording anything.

        Args:
            args: Symbolic tensors, as for a call.
            kwargs: Likewise.
        """
        specs = infer(self.call, args, kwargs)
        return jax.tree_util.tree_map(tensor_like, specs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Return the shape of the outputs for inputs of a shape.

        Args:
            args: The shape of the input, `None` for unknown sizes; or a structure of shapes.
            kwargs: Shapes by `{argument}_shape`, for layers of several arguments; `input_shape` is the first one's.
        """
        # Keras's name for the first shape, whatever the first argument of `call` is called.
        if not args and "input_shape" in kwargs and "input" not in signature_of(type(self)).names:
            args = (kwargs.pop("input_shape"),)
        tensors = [symbolic_of(shape, self.compute_dtype) for shape in args]
        named = {
            k.removesuffix("_shape"): symbolic_of(v, self.compute_dtype) for k, v in kwargs.items()
        }
        # Asking for a shape builds the layer, as in Keras; if it cannot be told, the layer is as it was.
        with undone_on_error():
            self._maybe_build(tuple(tensors), named)
            outputs = self.compute_output_spec(*tensors, **named)
        return jax.tree_util.tree_map(lambda t: t.shape, outputs)


def noting_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a subclass's `build` so that calling it directly marks the layer as built, too."""

    @functools.wraps(build)
    def wrapped(self: Buildable, *args: Any, **kwargs: Any) -> Any:
        if not self.built:
            note_build(self)
        # A layer that another one's `build` builds belongs to it, though it has not been called yet: its variables'
        # paths begin with the other's name.
        outer = current_frame().building
        if self._parent is None and isinstance(outer, Buildable) and outer is not self:
            self._parent = weakref.ref(outer)
        with entered(building=self):
            result = build(self, *args, **kwargs)
        self._note_built(*(args or kwargs.values()))
        return result

    return wrapped


def shape_of(value: Any) -> Any:
    """Return the shape of an array, `None` for sizes that are not known; of a structure of arrays, a structure.

    Example:
        >>> shape_of({"a": SymbolicTensor((None, 3))})
        {'a': (None, 3)}
    """
    if isinstance(value, dict):
        return {k: shape_of(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [shape_of(v) for v in value]
    return known(value.shape) if hasattr(value, "shape") else None


def symbolic_of(shape: Any, dtype: str) -> Any:
    """Return a symbolic tensor of a shape, or a structure of them for a structure of shapes.

    Example:
        >>> symbolic_of((None, 3), "float32").shape
        (None, 3)
    """
    if isinstance(shape, dict):
        return {k: symbolic_of(v, dtype) for k, v in shape.items()}
    if isinstance(shape, list | tuple) and shape and isinstance(shape[0], list | tuple):
        return [symbolic_of(s, dtype) for s in shape]
    return SymbolicTensor(tuple(shape), dtype)
