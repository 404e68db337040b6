"""The Sequential API: a stack of layers, each taking what the one before gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from trivium.data.texts import is_text
from trivium.graph import Graph, SymbolicTensor, is_symbolic
from trivium.layers.base import Layer
from trivium.layers.input_layer import InputLayer
from trivium.layers.registry import LAYERS
from trivium.layers.settings import shapes_of
from trivium.models.functional_inputs import match_inputs
from trivium.models.model import Model
from trivium.state import is_float
from trivium.state.registry import custom_object_scope, deserialize, serialize, sharing
from trivium.state.scopes import init_scope
from trivium.state.trees import is_nested, map_tree

__all__ = ["Sequential"]


@LAYERS.register(module="keras")
class Sequential(Model):
    """A stack of layers, each of which takes what the one before it gives.

    A layer may stand in the stack more than once: its weights are shared. The first one may take several arrays, in a
    dict or list; such a model is built on the first data.

    Args:
        layers: The layers. The first may be `Input(...)`, or say `input_shape=`; without either the model is built
            on the first data, and takes later data of other sizes as far as the weights allow.
        trainable: Whether the weights are trained.
        name: A name.

    Raises:
        TypeError: Something among them is no layer.
        ValueError: Two different layers have one name, or there are two inputs.

    Example:
        >>> import trivium as tv
        >>> model = tv.Sequential([tv.Input((28, 28)), tv.layers.Flatten(), tv.layers.Dense(10)])
        >>> model.output_shape, model.count_params()
        ((None, 10), 7850)
    """

    _untracked = Model._untracked | {"_entry", "_start"}

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        self._entry: InputLayer | None = None
        # What the stack is laid on: the entry's tensor, or several in the structure that the first data had.
        self._start: Any = None
        self._stack: list[Layer] = []
        self._tensors: list[Any] = []
        if isinstance(layers, Layer):
            layers = [layers]
        taken: dict[str, Layer] = {}
        for layer in layers or ():
            self._push(layer, taken)
        self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top of the stack.

        Args:
            layer: A layer, or `Input(...)` as the first.
            rebuild: Whether to work out the shapes anew.

        Raises:
            TypeError: It is no layer.
            ValueError: Its name is taken, it is a second input, or its input does not fit; the stack is as before.
        """
        before = (self._entry, self._start, list(self._stack), list(self._tensors))
        try:
            self._push(layer, {below.name: below for below in self._stack})
            if rebuild:
                self._rebuild()
        except Exception:
            self._entry, self._start, self._stack, self._tensors = before
            if self._tensors:
                self._rebuild()
            raise

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off the stack.

        Args:
            rebuild: Whether to work out the shapes anew.

        Returns:
            The layer.

        Raises:
            TypeError: The stack is empty.
        """
        if not self._stack:
            raise TypeError(f"Model {self.name!r} has no layers to take off.")
        layer = self._stack.pop()
        if rebuild:
            self._rebuild()
        return layer

    def _push(self, layer: Any, taken: dict[str, Layer]) -> None:
        """Put a layer on the stack, in which these names are taken."""
        node = getattr(layer, "node", None)
        if node is not None and isinstance(node.operation, InputLayer):
            layer = node.operation
        if isinstance(layer, InputLayer):
            if self._entry is not None or self._stack:
                raise ValueError(
                    f"Model {self.name!r}: a Sequential model has one input, before its first layer; {layer.name!r} is "
                    "another. For several inputs write a Functional model: "
                    "`Model(inputs=[a, b], outputs=...)`."
                )
            self._entry, self._start = layer, layer.output
            return
        if not isinstance(layer, Layer):
            what = (
                f"the class {layer.__name__}; write {layer.__name__}(...)"
                if isinstance(layer, type)
                else repr(layer)
            )
            raise TypeError(
                f"Model {self.name!r}: a Sequential model is made of layers; got {what}."
            )
        if taken.setdefault(layer.name, layer) is not layer:
            raise ValueError(
                f"Model {self.name!r} has a layer called {layer.name!r} already; names within a model are unique. Give "
                "it another `name=`."
            )
        if not self._stack and self._entry is None:
            self._entry = _declared_input(layer)
            self._start = None if self._entry is None else self._entry.output
        self._stack.append(layer)

    def _rebuild(self) -> None:
        """Work out the graph, where the input is known; what the stack below has given stays."""
        self._graph, self.built, self._build_index = None, False, None
        if self._start is None or not self._stack:
            self._tensors = []
            return
        kept = self._tensors[: len(self._stack)]
        self._tensors = [*kept, *self._laid(kept[-1] if kept else self._start, len(kept))]
        self._declare(Graph(self._start, self._tensors[-1]))

    def _laid(self, x: Any, first: int = 0) -> list[Any]:
        """Call the layers one on the other, from the one numbered `first` on, and return what each gives."""
        tensors = []
        for layer in self._stack[first:]:
            x = layer(x)
            count = len(jax.tree_util.tree_leaves(x))
            if x is None:
                raise ValueError(
                    f"Model {self.name!r}: the `call` of the layer {layer.name!r} "
                    f"({type(layer).__name__}) returned None. Does it end in `return ...`?"
                )
            if count != 1:
                raise ValueError(
                    f"Model {self.name!r}: the layer {layer.name!r} gives {count} outputs, and a "
                    "Sequential model passes one on. Write a Functional model."
                )
            tensors.append(x)
        return tensors

    def _can_be_called(self) -> bool:
        return True

    def build(self, input_shape: Any = None) -> None:
        """Build the stack for inputs of a shape.

        Args:
            input_shape: The shape with the batch, `None` for unknown sizes; for a first layer that takes several
                arrays, their shapes in a dict or list.

        Raises:
            ValueError: There are no layers, or one cannot take it.
        """
        if not self.built and input_shape is not None:
            dtype = self._stack[0].compute_dtype if self._stack else None
            self._begin(_inputs_of(input_shape, dtype))

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = args[0] if args else next(iter(kwargs.values()))
        if is_text(x) or (is_symbolic(x) and x.is_text):
            self._begin(_input_of(x.shape, "string"))
            return
        if not is_nested(x):
            Layer._build_for(self, args, kwargs)
            return
        # Several arrays keep their dtypes, floats aside: some are numbers of words, and others are measured.
        dtype = self._stack[0].compute_dtype if self._stack else None
        self._begin(
            map_tree(lambda a: _input_of(a.shape, dtype if is_float(a.dtype) else a.dtype), x)
        )

    def _begin(self, start: Any) -> None:
        """Lay the stack on inputs that the first data said, not the program."""
        if not self._stack:
            raise ValueError(f"Model {self.name!r} has no layers: `add` one before building it.")
        self._start = start
        try:
            self._rebuild()
        except Exception:
            self._start, self._tensors = None, []
            raise

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output.

        Args:
            args: The input.
            kwargs: The input, by a keyword.
        """
        if self._entry is None and self._graph is not None and len(args) == 1:
            self._follow(args[0])
        return super().call(*args, **kwargs)

    def _follow(self, inputs: Any) -> None:
        """Leave open what the first data had of another size than these inputs, which nobody has declared.

        The layers are built. They must take the new sizes as they are; then the graph is recorded anew, with sizes
        that are not known.
        """
        assert self._graph is not None
        pairs = match_inputs(self._graph, inputs, self.path)
        seen = [(t, _open_sizes(t.shape, getattr(x, "shape", None))) for t, x, _ in pairs]
        if all(t.shape == shape for t, shape in seen):
            return
        sizes = {id(t): x.shape for t, x, _ in pairs if hasattr(x, "shape")}
        opened = {id(t): shape for t, shape in seen}

        def laid(shapes: dict[int, Any], batch: bool = False) -> tuple[Any, list[Any]]:
            start = map_tree(lambda t: _input_of(shapes[id(t)], t.dtype, batch), self._start)
            return start, self._laid(start)

        with init_scope():
            laid(sizes, batch=True)  # Raises what the layer says that cannot take them.
            try:
                start, tensors = laid(opened)
            except Exception:
                # Code that needs numbers for sizes has them, anew for each.
                start, tensors = laid(sizes)
        self._start, self._tensors = start, tensors
        self._graph = Graph(start, tensors[-1])

    def get_config(self) -> dict[str, Any]:
        """Return the name and the layers, the input among them, as Keras writes them.

        Raises:
            NotImplementedError: A layer was made with what no config can hold.
        """
        if type(self).__init__ is not Sequential.__init__:
            return super().get_config()
        layers = [*([self._entry] if self._entry is not None else []), *self._stack]
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy.serialize(),
            "layers": serialize(layers),
        }
        if self._start is not None:
            config["build_input_shape"] = map_tree(lambda t: t.shape, self._start)
            if any(t.is_text for t in jax.tree_util.tree_leaves(self._start)):
                # Text is no number of any kind; Keras passes this over.
                config["build_input_dtype"] = map_tree(lambda t: t.dtype, self._start)
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Return a new model, with layers and weights of its own.

        Args:
            config: What `get_config` gave, ours or Keras's.
            custom_objects: Classes and functions of yours by name, besides the registered ones.

        Raises:
            ValueError: The config names something unknown, or a layer does not fit the one before it.
        """
        with custom_object_scope(custom_objects), sharing():
            written = config.get("layers") or []
            layers: list[Any] = []
            for i, layer in enumerate(written):
                # A layer that stands in the stack twice is one.
                first = written.index(layer)
                layers.append(layers[first] if first < i else deserialize(layer))
            rest = {
                k: v for k, v in config.items() if k != "layers" and not k.startswith("build_input")
            }
            model = cls(layers=layers, **deserialize(rest))
        if not model.built and config.get("build_input_shape"):
            shapes, dtype = shapes_of(config["build_input_shape"]), config.get("build_input_dtype")
            model.build(shapes) if dtype is None else model._begin(_inputs_of(shapes, dtype))
        return model

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shape that the model was built for."""
        if self._start is None or not self.built:
            return None
        return {"input_shape": map_tree(lambda t: t.shape, self._start)}

    @property
    def _layers(self) -> list[Layer]:
        return list(self._stack)

    def _flow_layers(self) -> list[Layer]:
        return list(self._stack)


def _input_of(shape: Any, dtype: Any, batch: bool = False) -> SymbolicTensor:
    """Return an input for data of a shape, of any number of samples unless `batch` says that it is of this one."""
    sizes = [int(d) if isinstance(d, int | np.integer) else None for d in shape]
    return InputLayer(batch_shape=sizes if batch else (None, *sizes[1:]), dtype=dtype).output


def _inputs_of(shapes: Any, dtype: Any) -> Any:
    """Return inputs in a structure of shapes, of one dtype, or of one for each."""
    if isinstance(shapes, Mapping):
        dtypes = dtype if isinstance(dtype, Mapping) else dict.fromkeys(shapes, dtype)
        return {key: _inputs_of(shape, dtypes[key]) for key, shape in shapes.items()}
    if any(is_nested(d) for d in shapes):
        listed = dtype if isinstance(dtype, list | tuple) else [dtype] * len(shapes)
        return [_inputs_of(*pair) for pair in zip(shapes, listed, strict=True)]
    return _input_of(shapes, dtype)


def _open_sizes(known: Sequence[int | None], given: Any) -> Sequence[int | None]:
    """Return a shape with `None` where data of another shape with as many axes has another size."""
    if given is None or len(given) != len(known):
        return known
    sizes = zip(known[1:], given[1:], strict=True)
    return (*known[:1], *(k if k == d or not isinstance(d, int) else None for k, d in sizes))


def _declared_input(layer: Layer) -> InputLayer | None:
    """Return the input that a first layer's own arguments describe."""
    said = layer._sequential_input
    if "batch_shape" in said or "batch_input_shape" in said:
        return InputLayer(
            batch_shape=said.get("batch_shape") or said["batch_input_shape"],
            dtype=said.get("input_dtype"),
        )
    shape = said.get("input_shape") or ((said["input_dim"],) if "input_dim" in said else None)
    if shape is not None:
        return InputLayer(shape, said.get("batch_size"), said.get("input_dtype"))
    if isinstance(layer, Model) and layer._graph is not None and len(layer.inputs) == 1:
        tensor = layer.inputs[0]
        return InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype)
    return None
