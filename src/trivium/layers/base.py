"""The layer: a function with variables, called on arrays or recorded on symbolic tensors."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import operator
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import jax
import jax.numpy as jnp
import numpy as np

from trivium import constraints, initializers, regularizers
from trivium.data.sparse import is_sparse
from trivium.graph import (
    SymbolicTensor,
    any_symbolic,
    is_recording,
    is_symbolic,
    record,
)
from trivium.graph.infer import infer
from trivium.layers.checks import known
from trivium.layers.context import entering, note_build
from trivium.layers.input_spec import check_input
from trivium.layers.own_names import PUBLIC, is_ours, refuse_own_name, refuse_own_names
from trivium.layers.settings import Settings
from trivium.metrics import Metric
from trivium.state import StatelessScope, Variable, auto_name, to_snake_case
from trivium.state.copying import Copied
from trivium.state.dtypes import DTypePolicy, get_policy, is_float, standardize_dtype
from trivium.state.frame import Call, Frame, current_frame, entered
from trivium.state.jaxpr import NOTHING, fresh_traces
from trivium.state.masks import get_mask, set_mask
from trivium.state.scopes import add_losses, autocast_scope, current_scope, init_scope
from trivium.state.tracking import LAYERS, in_one_look, members, unique
from trivium.state.trees import keep_order, map_tree, named_leaves
from trivium.state.undo import undone_on_error

__all__ = ["Layer"]

_IS_TRAINED = operator.attrgetter("trainable_unless_frozen")
_builds = itertools.count()
SEQUENTIAL_KEYS = (
    "input_shape",
    "batch_input_shape",
    "batch_shape",
    "input_dim",
    "batch_size",
    "input_dtype",
)


class _CallSignature:
    """What `call` accepts, read once per class."""

    def __init__(self, call: Callable[..., Any]) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        self.names = [
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        accepted = {p.name: p for p in parameters}
        self.first = self.names[0] if self.names else None
        needs = self.first is not None and parameters[0].default is inspect.Parameter.empty
        self.needed = self.first if needs else None
        self.training = accepted.get("training")
        self.masks = [n for n in accepted if n == "mask" or n.endswith("_mask")]

    def position(self, name: str) -> int:
        return self.names.index(name) if name in self.names else 1 << 30


_signatures: weakref.WeakKeyDictionary[Any, _CallSignature] = weakref.WeakKeyDictionary()


def _signature(cls: Any) -> _CallSignature:
    if cls not in _signatures:
        _signatures[cls] = _CallSignature(cls.call)
    return _signatures[cls]


class Layer(Copied, Settings):
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

    _tracked_as = LAYERS
    # Whether `call` may be code of the user's, which may hand layers to JAX as plain functions.
    _has_users_code: ClassVar[bool] = False
    _untracked: frozenset[str] = frozenset(
        {"_call_args", "_inbound_nodes", "_losses", "_build_shapes", "_sequential_input"}
    )

    _owned_by = "_parent"

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
            raise AttributeError(
                f"Layer {self.path!r} ({type(self).__name__}) has no attribute {name!r}. It is not built yet, and "
                "weights are made by building: call it on data, or `build(input_shape)`, first.",
                name=name,
                obj=self,
            )

    # Whether there is nothing to build, unless a subclass overrides `build`: such layers are built from the start.
    _stateless: ClassVar[bool] = False
    built: bool
    supports_masking: bool
    input_spec: Any
    activity_regularizer: Any
    autocast: bool
    _name: str | None
    _named_by_itself: bool
    _policy: DTypePolicy | None
    _trainable: bool
    _parent: weakref.ref[Layer] | None
    _build_index: int | None
    _build_shapes: tuple[Any, ...] | None
    _sequential_input: dict[str, Any]
    _added: list[Variable]
    _inbound_nodes: list[Any]
    _losses: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Give the layer its inner attributes."""
        # Here and not in `__init__`, so that a subclass may assign layers before it calls `super().__init__()`.
        layer = super().__new__(cls, *args, **kwargs)
        layer._name = layer._policy = layer._parent = None
        layer._build_index = layer._build_shapes = None
        layer._added, layer._inbound_nodes, layer._losses = [], [], []
        layer._sequential_input = {}
        layer._trainable = layer.autocast = True
        layer.built = cls._stateless and cls.build is Layer.build
        layer.supports_masking = layer._named_by_itself = False
        layer.input_spec = layer.activity_regularizer = None
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
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{type(self).__name__}: `name` is a string; got {name!r}.")
        if name is not None and "/" in name:
            raise ValueError(
                f"{type(self).__name__}: `name` has no '/', which joins the names of a path; got {name!r}."
            )
        if name is not None:
            self._name = name
        elif self._name is None:
            self._name_itself()
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = self._checked_trainable(trainable)
        self._policy = get_policy(dtype)
        self.autocast = autocast

    def _snapshot(self) -> Callable[[], None]:
        """Return a function that makes the layer what it is now, for a transaction that fails."""
        before = dict(vars(self))
        lists = {key: list(before[key]) for key in ("_added", "_inbound_nodes")}

        def restore() -> None:
            # The error's text may have its name, so the layer keeps the one it has got meanwhile.
            named = {"_name": self._name, "_named_by_itself": self._named_by_itself}
            vars(self).clear()
            vars(self).update(before | lists | named)

        return restore

    def _holds(self) -> Iterable[Any]:
        return (*self._layers, *self._own_weights())

    def __getstate__(self) -> dict[str, Any]:
        _ = self.name  # A copy has the same, though nobody may have asked for it yet.
        state = super().__getstate__()
        # A copy has the graphs it is in if they are copied too, and then they say so.
        calls = state.pop("_inbound_nodes")
        state["_sources"] = [node for node in calls if node.is_source]
        state["_losses"] = []
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        sources = state["_sources"]
        super().__setstate__({k: v for k, v in state.items() if k != "_sources"})
        vars(self).setdefault("_inbound_nodes", []).extend(sources)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        refuse_own_names(cls)
        cls._has_users_code = cls._has_users_code or not is_ours(cls.__module__)
        if "build" in cls.__dict__:
            cls.build = _noting_build(cls.__dict__["build"])  # type: ignore[method-assign]

    if not TYPE_CHECKING:

        def __setattr__(self, name, value):
            if name[:1] == "_" or name in PUBLIC:
                refuse_own_name(self, name)
            object.__setattr__(self, name, value)

    # -- identity -----------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The name, unique among the automatic ones."""
        if self._name is None:  # Its class has not called `super().__init__()`, or not yet.
            self._name_itself()
        return str(self._name)

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    def _name_itself(self) -> None:
        self._name = auto_name(to_snake_case(type(self).__name__))
        self._named_by_itself = True

    @property
    def path(self) -> str:
        """The names from the outermost model to this layer, joined by `/`."""
        parent = self._parent() if self._parent is not None else None
        return f"{parent.path}/{self.name}" if parent is not None else self.name

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The policy that says what the layer computes and keeps its variables in."""
        if self._policy is None:
            self._policy = get_policy(None)
        return self._policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._policy = get_policy(value)

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self.dtype_policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the variables."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computation."""
        return self.dtype_policy.compute_dtype

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # -- what it is made of -------------------------------------------------------------------------------------

    @property
    def _layers(self) -> list[Layer]:
        """The layers directly inside, in the order of assignment."""
        return list(members(self).layers)

    def _flow_layers(self) -> list[Layer]:
        """The layers directly inside in the order of the data's flow: the order in which they were built."""
        layers, far = self._layers, 1 << 60
        if len(layers) > 1:
            layers.sort(key=lambda x: far if x._build_index is None else x._build_index)
        return layers

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Layer]:
        """This layer and those inside it, each before its own inner ones."""
        if not recursive:
            return unique([*([self] if include_self else []), *self._layers])
        every = self._every_layer()
        return every if include_self else every[1:]

    @in_one_look
    def _every_layer(self) -> list[Layer]:
        found: dict[int, Layer] = {}
        waiting = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in found:
                found[id(layer)] = layer
                waiting.extend(reversed(layer._layers))
        return list(found.values())

    def _own_weights(self) -> list[Variable]:
        # Those that `add_weight` made come first: their list is the layer's first attribute.
        variables = list(members(self).variables)
        if len(variables) > 1:
            variables.sort(key=_IS_TRAINED, reverse=True)
        return variables

    @property
    def weights(self) -> list[Variable]:
        """All variables but those of random generators and metrics: own ones first, trainable before others."""
        return unique(
            [*self._own_weights(), *(w for layer in self._flow_layers() for w in layer.weights)]
        )

    @property
    @in_one_look
    def variables(self) -> list[Variable]:
        """All variables but those of metrics."""
        found: dict[int, Variable] = {}
        self._add_variables(found)
        return list(found.values())

    def _add_variables(self, found: dict[int, Variable]) -> None:
        for variable in self._own_weights():
            found[id(variable)] = variable
        for generator in members(self).seeds:
            found[id(generator.state)] = generator.state
        for layer in self._flow_layers():
            if type(layer).variables is Layer.variables:
                layer._add_variables(found)
            else:
                found.update((id(v), v) for v in layer.variables)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that optimizers change."""
        return [w for w in self.weights if w.trainable] if self.trainable else []

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers change."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that optimizers leave alone."""
        return [w for w in self.weights if not w.trainable] if self.trainable else self.weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that optimizers leave alone, random generators' states among them."""
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def metrics(self) -> list[Metric]:
        """The metrics among the attributes, and those of the layers inside."""
        inner = (m for layer in self._layers for m in layer.metrics)
        return unique([*members(self).metrics, *inner])

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def trainable(self) -> bool:
        """Whether the layer is trained; setting it sets it for everything inside."""
        return bool(self._trainable)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = self._checked_trainable(value)
        for v in self._own_weights():
            v.frozen = not value
        for layer in self._layers:
            layer.trainable = value

    def _checked_trainable(self, value: Any) -> bool:
        if isinstance(value, bool | np.bool_):
            return bool(value)
        listed = isinstance(value, Layer) or (
            isinstance(value, list | tuple) and any(isinstance(x, Layer) for x in value)
        )
        raise TypeError(
            f"{type(self).__name__} {self.name!r}: `trainable` is True or False; got {value!r}."
            + (" Put the layers in a list: `Sequential([a, b])`." if listed else "")
        )

    def count_params(self) -> int:
        """Return the number of numbers in the weights.

        Raises:
            ValueError: The layer is not built, so nobody knows.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.path!r} has no weights yet, because the shape of its input is not known: call it on "
                "data, or `build(input_shape)`, before `count_params()`."
            )
        return sum(w.size for w in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """Return the weights' values, in the order of `weights`."""
        return [w.numpy() for w in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Set the weights' values.

        Args:
            weights: Arrays in the order and of the shapes of `get_weights()`.

        Raises:
            ValueError: Their number or a shape differs; no weight has been changed.
        """
        mine = self.weights
        if len(weights) != len(mine):
            raise ValueError(
                f"Layer {self.path!r} has {len(mine)} weights; got {len(weights)} arrays."
                + ("" if self.built else " It is not built yet: call it on data first.")
            )
        for variable, value in zip(mine, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"Weight {variable.path!r} has shape {variable.shape}; got an array of shape {np.shape(value)}."
                )
        for variable, value in zip(mine, weights, strict=True):
            variable.assign(value)

    # -- making it ----------------------------------------------------------------------------------------------

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
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

    def _add_set_weight(self, name: str, shape: Any, **options: Any) -> Variable:
        """Make the variable whose initializer, regularizer and constraint are the settings `{name}_…`."""
        kinds = ("initializer", "regularizer", "constraint")
        said = {kind: getattr(self, f"{name}_{kind}", None) for kind in kinds}
        return self.add_weight(shape, name=name, **{**said, **options})

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Make the variables for inputs of a shape. Subclasses override it; by default there is nothing to make.

        Args:
            args: `input_shape`, the shape of the input, `None` for unknown sizes; or a structure of shapes.
            kwargs: For a `call` of several tensors: the shape of each as `{argument}_shape`.
        """
        self._note_built(*args, *kwargs.values())

    def _note_built(self, *shapes: Any) -> None:
        if self._build_index is None:
            self._build_index = next(_builds)
        self._build_shapes = shapes
        self.built = True

    def _maybe_build(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._is_placed():
            return
        note_build(self)
        with init_scope():
            self._build_for(args, kwargs)

    def _is_placed(self) -> bool:
        """Say whether the layer is built and has its place in the order of the data's flow.

        Layers that are built from the start get their place with their first call.
        """
        return self.built and self._build_index is not None

    def _build_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self.built or type(self).build is Layer.build:
            self._note_built(_shape_of(args[0]) if args else None)
            return
        first, named = self._build_arguments(args, kwargs)
        self.build(*first, **named)
        self._note_built(*(self._build_shapes or ()))

    def _build_arguments(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the shapes for `build`: the first input's by position where `build` calls it by no argument's name
        (`input_shape`), and those that it asks for by name (`query_shape` is that of the argument `query`)."""
        given = dict(zip(_signature(type(self)).names, args, strict=False)) | kwargs
        shapes = {f"{k}_shape": _shape_of(v) for k, v in given.items() if v is not None}
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        wanted = [p for p in inspect.signature(self.build).parameters.values() if p.kind in kinds]
        first = []
        if wanted and wanted[0].name not in shapes:
            wanted = wanted[1:]
            first = [_shape_of(args[0] if args else next(iter(kwargs.values()), None))]
        missing = [p.name for p in wanted if p.default is p.empty and p.name not in shapes]
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

    # -- calling it ---------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs for arrays, or record the call on symbolic tensors.

        Args:
            args: What `call` takes: arrays, symbolic tensors, nested structures of them.
            kwargs: What `call` takes; `training` goes on to every layer inside that does not say otherwise.

        Returns:
            What `call` returns.

        Raises:
            ValueError: The inputs are not what the layer takes; the message names its path.
        """
        frame = current_frame()
        if self._parent is None and frame.layers:
            self._parent = weakref.ref(cast(Layer, frame.layers[-1]))
        accepts = _signature(type(self))
        if not args and accepts.first in kwargs:  # `layer(inputs=x)` is `layer(x)`.
            kwargs = dict(kwargs)
            args = (kwargs.pop(accepts.first),)
        training = self._mode(args, kwargs, frame.training)
        with entering(self, training) as mine:
            try:
                with contextlib.nullcontext() if self._is_placed() else undone_on_error():
                    outputs = self._call_in(frame, mine, args, kwargs)
            except Exception as error:
                _say_where(error, self, mine.path, args)
                raise
        if frame.call is None and mine.call is not None and (mine.call.losses or self._losses):
            self._losses = mine.call.losses
        return outputs

    def _call_in(
        self, outer: Frame, mine: Frame, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        needed = _signature(type(self)).needed
        if not args and needed is not None:
            raise TypeError(
                f"Layer {self.path!r} ({type(self).__name__}) was called without its input: write "
                f"`layer({needed})`."
            )
        symbolic = any_symbolic(args, kwargs)
        # What the caller would hand down anyway is no part of a node.
        given = kwargs.get("training")
        said = {} if given is None or given is outer.training else {"training": given}
        if not symbolic:
            args, kwargs = self._cast((args, kwargs))
        kwargs = self._with_inherited(args, kwargs, mine.training)
        self._check_inputs(args, mine.path)
        if not self._is_placed():
            self._maybe_build(args, kwargs)
            self._check_inputs(args, mine.path)  # Building may have said more.
        if symbolic or outer.binder is not None:
            outputs = self._record(args, kwargs, said, record if symbolic else outer.binder)
        else:
            outputs = self._run(args, kwargs)
        self._pass_mask(args, outputs)
        if outer.trail is not None:
            outer.trail.append((self, _shape_of(outputs)))
        return outputs

    def _check_inputs(self, args: tuple[Any, ...], path: str) -> None:
        if self.input_spec is not None and args:
            check_input(self.input_spec, args[0], path, type(self).__name__)

    def _cast(self, tree: Any) -> Any:
        """Turn NumPy arrays into JAX's and float inputs into the compute dtype."""
        compute = self.compute_dtype if self.autocast else None

        def cast(x: Any) -> Any:
            if is_sparse(x):
                x = x.toarray()
            if isinstance(x, np.ndarray | np.generic):
                x = jnp.asarray(x, None if x.dtype != np.float64 else standardize_dtype(None))
            if compute and isinstance(x, jax.Array) and x.dtype != compute and is_float(x.dtype):
                return _keeping_mask(x, x.astype(compute))
            return x

        return map_tree(cast, tree)

    def _mode(self, args: Any, kwargs: dict[str, Any], inherited: bool | None) -> bool | None:
        """Return the mode for the layers inside: what the call says, `call` taking it or not, or the one outside."""
        position = _signature(type(self)).position("training")
        given = args[position] if len(args) > position else kwargs.get("training")
        return inherited if given is None else given

    def _with_inherited(
        self, args: Any, kwargs: dict[str, Any], training: bool | None
    ) -> dict[str, Any]:
        """Fill in `training` from the mode, and masks from the inputs, where `call` takes them and none were given."""
        accepts = _signature(type(self))
        if (parameter := accepts.training) is None:
            kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        elif len(args) <= accepts.position("training"):
            if training is None:
                training = parameter.default if isinstance(parameter.default, bool) else False
            kwargs = {**kwargs, "training": training}
        for name in accepts.masks:
            if kwargs.get(name) is None and len(args) <= accepts.position(name):
                mask = self._inherited_mask(name, args, kwargs)
                if mask is not None:
                    kwargs = {**kwargs, name: mask}
        return kwargs

    def _inherited_mask(self, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        """Return the mask of the tensor that the mask argument `name` belongs to."""
        names = _signature(type(self)).names
        source = names[0] if name == "mask" and names else name.removesuffix("_mask")
        value = kwargs.get(source)
        if source in names and len(args) > names.index(source):
            value = args[names.index(source)]
        return _masks_of(value)

    def _run(self, args: Any, kwargs: Any) -> Any:
        with self._autocasting(), fresh_traces() if self._has_users_code else NOTHING:
            outputs = self.call(*args, **kwargs)
        if self.activity_regularizer is not None:
            for output in jax.tree_util.tree_leaves(outputs):
                # A mean over the batch, so that the penalty's weight does not depend on its size.
                self.add_loss(self.activity_regularizer(output) / (output.shape or (1,))[0])
        return outputs

    def _autocasting(self) -> entered:
        """Return the scope in which the layer's code reads float variables in the dtype that it computes in."""
        autocast = self.compute_dtype if self.autocast else None
        return autocast_scope(autocast if autocast != self.variable_dtype else None)

    def _record(self, args: Any, kwargs: Any, said: dict[str, Any], record: Any) -> Any:
        """Record the call as one node.

        Args:
            args: The arguments.
            kwargs: The keyword arguments, filled in.
            said: The mode, where the call says another one than its caller: it is part of the node, also where the
                layer's own `call` has no such argument and only hands it down.
            record: What makes the node.
        """
        kept = {k: v for k, v in kwargs.items() if k != "training"} | said

        def traced(*a: Any, **k: Any) -> Any:
            k.pop("training", None)
            with entered(call=Call()):
                return self._run(*self._cast((a, {**kwargs, **k})))

        outputs = record(self, args, kept, traced)
        first = jax.tree_util.tree_leaves(outputs)
        if not is_recording() and first and is_symbolic(first[0]):
            note_build(self)
            self._inbound_nodes.append(first[0].node)
        return outputs

    def _pass_mask(self, args: Any, outputs: Any) -> None:
        """Put the outputs' masks beside them."""
        previous = _masks_of(args[0]) if args else None
        if previous is None and type(self).compute_mask is Layer.compute_mask:
            return
        inputs = args[0] if args else None
        flat = jax.tree_util.tree_leaves(outputs)
        if any(get_mask(x) is not None for x in flat):
            return  # A model's own graph has said it.
        mask = self.compute_mask(inputs, previous)
        if mask is None:
            return
        # Masks come in the outputs' structure, or in a row; where there are more than outputs, the first count.
        masks = named_leaves(keep_order(outputs, mask), "mask")
        for (_, x), (_, m) in zip(named_leaves(outputs, "outputs"), masks, strict=False):
            if x is not None and m is not None:
                set_mask(x, m)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the outputs' mask, given the inputs'.

        Args:
            inputs: The inputs.
            previous_mask: Their mask or masks, or `None`.
        """
        if previous_mask is None or self.supports_masking:
            return previous_mask
        warnings.warn(
            f"Layer {self.path!r} ({type(self).__name__}) was given an input with a mask and does not pass masks on: "
            "what follows sees no mask. Set `supports_masking = True` in the layer if its output keeps the time axis.",
            stacklevel=4,
        )
        return None

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call the layer as a pure function of its variables' values.

        Args:
            trainable_variables: Values in the order of `trainable_variables`; or the variables themselves.
            non_trainable_variables: Values in the order of `non_trainable_variables`; or the variables themselves.
            args: The layer's arguments.
            return_losses: Whether to return the losses too.
            kwargs: The layer's keyword arguments.

        Returns:
            `(outputs, non_trainable_variables)`, and `losses` third if asked for.

        Raises:
            ValueError: The layer is not built, or the number of values is not that of the variables.
        """
        if not self.built:
            raise ValueError(
                f"Layer {self.path!r} is not built, so it has no variables to map: call it on data, or "
                "`build(input_shape)`, before `stateless_call`."
            )
        mine = self.trainable_variables, self.non_trainable_variables
        values = [
            [v.value if isinstance(v, Variable) else v for v in given]
            for given in (trainable_variables, non_trainable_variables)
        ]
        for what, variables, given in zip(("", "non-"), mine, values, strict=True):
            if len(variables) != len(given):
                raise ValueError(
                    f"Layer {self.path!r} has {len(variables)} {what}trainable variables; got {len(given)} values."
                )
        mapping = [p for vs, xs in zip(mine, values, strict=True) for p in zip(vs, xs, strict=True)]
        with StatelessScope(mapping, collect_losses=True) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else []
        after = [scope.get_current_value(v) for v in mine[1]]
        return (outputs, after, losses) if return_losses else (outputs, after)

    # -- losses -------------------------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add to the loss, from inside `call`.

        Args:
            loss: A scalar, or a list of them.
        """
        losses = jax.tree_util.tree_leaves(loss)
        if not add_losses(losses):
            self._losses.extend(losses)

    def _regularization_losses(self) -> list[Any]:
        return [v.regularizer(v.value) for v in self.trainable_weights if v.regularizer is not None]

    @property
    def losses(self) -> list[Any]:
        """The losses of the last call, and the regularizers' penalties on the weights."""
        scope = current_scope()
        added = scope.losses if scope is not None and scope.collect_losses else self._losses
        return [*added, *self._regularization_losses()]

    # -- shapes and symbolic life -------------------------------------------------------------------------------

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors like the outputs, without recording anything.

        Args:
            args: Symbolic tensors, as for a call.
            kwargs: Likewise.
        """
        specs = infer(self.call, args, kwargs)
        return jax.tree_util.tree_map(lambda s: SymbolicTensor(s.shape, s.dtype), specs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Return the shape of the outputs for inputs of a shape.

        Args:
            args: The shape of the input, `None` for unknown sizes; or a structure of shapes.
            kwargs: Shapes by `{argument}_shape`, for layers of several arguments; `input_shape` is the first one's.
        """
        if not args and "input_shape" in kwargs and "input" not in _signature(type(self)).names:
            args = (kwargs.pop("input_shape"),)
        tensors = [_symbolic_of(shape, self.compute_dtype) for shape in args]
        named = {
            k.removesuffix("_shape"): _symbolic_of(v, self.compute_dtype) for k, v in kwargs.items()
        }
        with undone_on_error():
            self._maybe_build(tuple(tensors), named)
            outputs = self.compute_output_spec(*tensors, **named)
        return jax.tree_util.tree_map(lambda t: t.shape, outputs)

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


def _noting_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a subclass's `build` so that calling it directly marks the layer as built, too."""

    @functools.wraps(build)
    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> Any:
        if not self.built:
            note_build(self)
        result = build(self, *args, **kwargs)
        self._note_built(*(args or kwargs.values()))
        return result

    return wrapped


def _shape_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _shape_of(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_shape_of(v) for v in value]
    return known(value.shape) if hasattr(value, "shape") else None


def _symbolic_of(shape: Any, dtype: str) -> Any:
    if isinstance(shape, dict):
        return {k: _symbolic_of(v, dtype) for k, v in shape.items()}
    if isinstance(shape, list | tuple) and shape and isinstance(shape[0], list | tuple):
        return [_symbolic_of(s, dtype) for s in shape]
    return SymbolicTensor(tuple(shape), dtype)


def _masks_of(value: Any) -> Any:
    """Return the mask of a tensor, or a list of masks for a list; `None` where there is none at all."""
    if isinstance(value, list | tuple):
        masks = [_masks_of(v) for v in value]
        return masks if any(m is not None for m in masks) else None
    if isinstance(value, dict):
        named = {k: _masks_of(v) for k, v in value.items()}
        return named if any(m is not None for m in named.values()) else None
    return get_mask(value)


def _keeping_mask(x: Any, y: Any) -> Any:
    mask = get_mask(x)
    if mask is not None:
        set_mask(y, mask)
    return y


def _say_where(error: Exception, layer: Layer, path: str, args: Any) -> None:
    """Note on an error from inside a call which layer it came from, once."""
    if getattr(error, "_trivium_noted", False):
        return
    shapes = [str(known(x.shape)) for x in jax.tree_util.tree_leaves(args) if hasattr(x, "shape")]
    error.add_note(
        f"In layer {path!r} ({type(layer).__name__}), called on input of shape {', '.join(shapes) or '()'}."
    )
    error._trivium_noted = True  # type: ignore[attr-defined]
