"""The model: a layer that holds layers and knows how to be trained, however it was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Any, ClassVar, cast

import jax

from trivium.graph import CaptureError, Graph, any_symbolic, is_recording
from trivium.layers.base import Layer
from trivium.layers.registry import LAYERS
from trivium.models.capture import same_form, symbolic_like, trace
from trivium.models.functional_inputs import fit_inputs, one_input, with_masks
from trivium.models.graphed import GraphedModel
from trivium.models.hosted import HostedModel
from trivium.models.hosting import Mapped
from trivium.models.layered import LayeredModel
from trivium.models.quantizing import Filters, quantize_model
from trivium.models.serializable import SerializableModel
from trivium.state import current_scope, reserve
from trivium.state.frame import current_frame
from trivium.state.trees import keep_order, map_tree
from trivium.training.trainer import Trainer

__all__ = ["Model"]


def _gives_graph(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Say whether constructor arguments are a graph's inputs and outputs."""
    return (
        len(args) >= 2
        or (len(args) == 1 and "outputs" in kwargs)
        or {"inputs", "outputs"} <= set(kwargs)
    )


class Model(LayeredModel, SerializableModel, GraphedModel, HostedModel, Trainer, Layer):
    """A model, in one of three ways.

    - `Model(inputs, outputs)`: the graph between symbolic tensors (the Functional API).
    - A subclass with `__init__` and `call`.
    - A subclass given `inputs` and `outputs`: both.

    Args:
        inputs: Symbolic tensors, nested as you like.
        outputs: Symbolic tensors, nested as you like.
        name: A name.
        trainable: Whether the weights are trained.
        dtype: A dtype or policy.

    Raises:
        DisconnectedGraphError: An output needs a tensor that the inputs do not give.

    Example:
        >>> import numpy as np, trivium as tv
        >>> x = tv.Input(shape=(4,))
        >>> model = tv.Model(x, tv.layers.Dense(2)(x))
        >>> model(np.ones((3, 4))).shape
        (3, 2)
    """

    _untracked = Layer._untracked | {
        "_graph",
        "_captured",
        "_captured_with",
        "_flow_seen",
        "_call_spec",
        "_capture_error",
        "_trail",
        "_trainer",
        "_made_layers",
        "_converted_from",
    }

    _remade: ClassVar[dict[str, Any]] = {
        "_captured": dict,
        "_captured_with": list,
        "_capture_error": type(None),
        "_converted_from": type(None),
        "_programs": None,
    }

    _graph: Graph | None
    _captured: dict[bool, tuple[Graph | None, bool | Callable[[Any], bool]]]
    _captured_with: list[Hashable]  # the settings that the code read
    _flow_seen: list[Layer]  # in the order of what was captured last, while nothing is
    _call_spec: tuple[Any, dict[str, Any]] | None
    _capture_error: Exception | None
    _trail: list[tuple[Layer, Any]]
    _made_layers: list[Layer]  # those that `call` makes, of which no attribute tells
    _converted_from: Model | None  # kept, as the layers' paths begin with its name

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a `Functional` of `Model(inputs, outputs)`."""
        if cls is Model and _gives_graph(cls, args, kwargs):
            cls = cast("type[Model]", LAYERS.find("Functional"))  # It stands above this one.
        model = super().__new__(cls, *args, **kwargs)
        model._graph = None
        model._captured = {}
        model._flow_seen = []
        model._call_spec = None
        model._capture_error = None
        model._trail = []
        model._made_layers = []
        model._converted_from = None
        return model

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _gives_graph(type(self), args, kwargs):
            inputs, outputs = _take(args, kwargs, "inputs"), _take(args[-1:], kwargs, "outputs")
            if len(args) > 2:
                inputs, outputs, kwargs["name"] = args
            super().__init__(**kwargs)
            self._declare(Graph(inputs, outputs))
        else:
            super().__init__(*args, **kwargs)

    def _declare(self, graph: Graph) -> None:
        """Make a graph this model's own."""
        names = [layer.name for layer in graph.operations if isinstance(layer, Layer)]
        twice = next((n for n, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise ValueError(
                f"Model {self.name!r} has {names.count(twice)} layers called {twice!r}; names within a model are "
                "unique. Give one of them another `name=`."
            )
        self._graph = graph
        self._note_built()
        self._adopt()

    def _adopt(self) -> None:
        """Place the variables' first values in the order of the data's flow, and be the parent of the layers."""
        import weakref

        for layer in (*self._layers, *self._made_layers):
            if layer._parent is None and layer is not self:
                layer._parent = weakref.ref(self)
        if not is_recording():
            reserve(self.variables)

    def _holds(self) -> Iterable[Any]:
        return (*super()._holds(), *self._made_layers)

    def __getstate__(self) -> dict[str, Any]:
        # The graph first: it is in an order that leads to no deep recursion.
        return {"_graph": self._graph, **super().__getstate__()}

    def _owners(self) -> tuple[Any, ...]:
        # A copy of it alone is the parent of the layers that it has of the model it was converted from.
        first = self._converted_from
        return (self,) if first is None else (self, *first._owners())

    # -- building and running -----------------------------------------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        """Build the model for inputs of a shape.

        Args:
            input_shape: A shape with the batch, `None` for unknown sizes; or a structure of shapes.
        """
        if self._graph is None and input_shape is not None and not self.built:
            from trivium.layers.building import symbolic_of

            dtype = self.compute_dtype
            args = (symbolic_of(input_shape, dtype),)
            if type(self).build in (Model.build, Layer.build):
                self._build_for(args, {})
            elif self._call_spec is None:  # `super().build(...)` in a `build` of one's own.
                self._build_graph(args, {})

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if type(self).build not in (Model.build, Layer.build):
            # What `super().build(...)` in it leaves to the lines below.
            self._call_spec = args, kwargs
            try:
                super()._build_for(args, kwargs)
            finally:
                self._call_spec = None
            self.built = False
        self._build_graph(args, kwargs)

    def _build_graph(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        kwargs = {k: v for k, v in kwargs.items() if k not in ("training", "mask") or v is not None}
        training = bool(kwargs.pop("training", False))
        # A layer that keeps its states from batch to batch has one for each sample.
        stateful = any(getattr(layer, "stateful", False) for layer in self._flatten_layers())
        self._call_spec = symbolic_like((args, kwargs), whole_batches=stateful)
        self._captured = {}
        graph, _ = self._capture(training)
        if graph is None:
            try:
                given, named = self._call_spec
                self._trail = trace(self, given, named, training)
            except Exception as error:
                # Neither way works. What no graph can hold knows the user's line; any other error is plainer on arrays.
                refused = self._capture_error
                if not isinstance(refused, CaptureError):
                    raise error from None
                if not self.run_eagerly or any_symbolic(args, kwargs):
                    refused.add_note("`compile(..., run_eagerly=True)` runs it as plain Python.")
                    raise refused from None
        self._note_built()
        if current_frame().layers[:1] in ((), (self,)):
            # What the other mode alone calls is built now, too. Where the code cannot be recorded, reading it once more
            # means running it once more; so it waits until somebody asks, unless something is not built yet.
            inner = self._flatten_layers(include_self=False)
            if self._recorded() or not all(layer.built for layer in inner):
                self._capture(not training)
            self._adopt()

    def _can_be_called(self) -> bool:
        return self._graph is not None or type(self).call is not Model.call

    def _run(self, args: Any, kwargs: Any) -> Any:
        if args and isinstance(args[0], Mapped):
            with self._autocasting():
                return self._run_rest(args[0])
        if self._graph is None and (graph := self._runnable(args, kwargs)) is not None:
            with self._autocasting():
                return self._run_graph(graph, args[0])
        return super()._run(args, kwargs)

    def _record(self, args: Any, kwargs: Any, said: dict[str, Any], record: Any) -> Any:
        outputs = super()._record(args, kwargs, said, record)
        if self._graph is None or len(current_frame().layers) > 1:
            return outputs
        # A graph is declared with the structure that the model was declared with, a list of one included.
        tree = jax.tree_util.tree_structure(self._graph.outputs)
        declared = jax.tree_util.tree_unflatten(tree, jax.tree_util.tree_leaves(outputs))
        return keep_order(self._graph.outputs, declared)

    def _runnable(self, args: Any, kwargs: Any) -> Graph | None:
        """Return the captured graph if running it, in its own order, is what the call would do.

        Two writings of one graph then lower to the same program. Eager calls go through `call`, for debuggers.
        """
        # A step that runs eagerly is to run the user's lines, of models inside too: prints, breakpoints, Python state.
        frame = current_frame()
        if any(isinstance(x, Trainer) and x._steps_eagerly for x in frame.layers):
            return None
        training = frame.training
        if current_scope() is None or is_recording() or self._call_spec is None or len(args) != 1:
            return None
        if any(v is not None for k, v in kwargs.items() if k != "training"):
            return None
        spec_args, spec_kwargs = self._call_spec
        if len(spec_args) != 1 or spec_kwargs or not same_form(spec_args[0], args[0]):
            return None
        graph, whole = self._capture(bool(training))
        return graph if (whole(args[0]) if callable(whole) else whole) else None

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs: run the graph. A model written by subclassing gives its own.

        Args:
            args: The inputs.
            kwargs: The inputs, by a keyword.
        """
        if self._graph is None:
            raise NotImplementedError(
                f"Model {type(self).__name__!r} has no `call` method: write `def call(self, inputs):` that returns "
                "the outputs, or give the constructor `inputs` and `outputs`."
            )
        mask = kwargs.pop("mask", None)
        path = self.path
        inputs = fit_inputs(self._graph, one_input(args, kwargs, path), path)
        if mask is not None:
            inputs = with_masks(self._graph, inputs, mask, path)
        return self._one_alone(self._run_graph(self._graph, inputs))

    def _calls_in_order(self) -> list[Any] | None:
        graph = self._graph
        if graph is None or graph.losses or type(self).call is not Model.call:
            return None
        if any(node.closures for node in graph.nodes):
            return None
        return [node.operation for node in graph.nodes if isinstance(node.operation, Layer)]

    def _one_alone(self, outputs: Any) -> Any:
        """Return the only output: many programs write `Model(inputs=[x], outputs=[y])` and mean one array."""
        alone = isinstance(outputs, list | tuple) and len(outputs) == 1
        return outputs[0] if alone and self._graph is not None else outputs

    def _run_graph(self, graph: Graph, inputs: Any) -> Any:
        values = graph.trace(inputs)
        if graph.losses:
            self.add_loss([values[id(t)] for t in graph.losses])
        return map_tree(lambda t: values[id(t)], graph.outputs)

    # -- changing -----------------------------------------------------------------------------------------------

    def quantize(  # type: ignore[override]
        self, mode: str | None = None, config: Any = None, filters: Filters = None, **kwargs: Any
    ) -> None:
        """Keep the kernels of the layers inside, however deep, in fewer bits, and compute with those.

        Args:
            mode: `"int8"`, `"int4"` or `"float8"`.
            config: A `QuantizationConfig` in place of the mode, or besides it.
            filters: Which layers: a regular expression that is found in their names, several of them, or a function
                of a layer; all that have a kernel where it is `None`.
            kwargs: `type_check=False` quantizes layers of classes of your own, too, which a warning names otherwise.

        Raises:
            ValueError: The model is not built, or a layer is quantized already; no layer has been changed.

        Example:
            >>> import trivium as tv
            >>> model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(8), tv.layers.Dense(2, name="last")])
            >>> model.quantize("int8", filters=lambda layer: layer.name != "last")
            >>> [layer.quantization_mode for layer in model.layers]
            ['int8', None]
        """
        quantize_model(self, mode, config, filters, **{"type_check": True, **kwargs})

    # -- looking ------------------------------------------------------------------------------------------------

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers with their output shapes and numbers of parameters, and which blocks are a loop.

        Args:
            line_length: The width in characters; the terminal's where it is `None`.
            positions: Kept for Keras's signature; the columns fit themselves.
            print_fn: Where the text goes; a function of a string. Standard output where it is `None`.
            expand_nested: Whether to show the layers of models inside.
            show_trainable: Whether to show which layers are trained.
            layer_range: Names of the first and the last layer to show.
        """
        from trivium.viz.summary import print_summary

        print_summary(
            self, line_length=line_length, print_fn=print_fn, expand_nested=expand_nested,
            show_trainable=show_trainable, layer_range=layer_range,
        )  # fmt: skip

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the summary and the drawing."""
        from trivium.viz.notebook import model_html

        return model_html(self)


def _take(args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> Any:
    return kwargs.pop(name) if name in kwargs else args[0]
