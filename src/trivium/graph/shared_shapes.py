"""What shape inference found once serves every equal call: two hundred layers that are alike are traced once.

Only calls of the library's own ops share, of its layers whose layers inside are built, and of models that run a graph
of such: to trace one has no effect but the answer, and the places that a model's first call gives to the layers inside.
A user's code, or a layer with something of a user's in it (an activation, a policy), is run for each call.

What the answer depends on, and so what two calls have in common that share one:

- what is computed: the op, or the layer's class, that class's `call`, and all that this code can reach, layers inside
  as well, by value (`Likeness`); of a model its graph, and for which inputs that was declared;
- the arguments: how they are nested, the sizes, dtypes and kinds of tensors, everything else by value. Unknown sizes
  count by which of them are the same one; an answer comes in the symbols of the call that asks;
- what surrounds the call: the mode, the settings that ops read, and JAX's settings about dtypes;
- where it is: a dtype policy that goes by paths counts as what it says at the layer's.

A layer that its own call changes is none of these, so the first call is compared before and after it is traced.
"""

from __future__ import annotations

import functools
import operator
import threading
import types
from collections.abc import Callable, Hashable
from typing import Any

import jax
import numpy as np

from trivium.graph.likeness import Likeness, in_library, is_fixed, plain
from trivium.graph.tensor import fresh_dimension, is_symbolic
from trivium.state.frame import current_frame
from trivium.state.scopes import in_shape_scope
from trivium.state.session import session
from trivium.state.symbolic_dimensions import Dimension, parse_sizes, replace_symbols, symbols_of
from trivium.state.tracking import LAYERS
from trivium.state.trees import has_keys, key_order, map_tree
from trivium.state.types import Tree

__all__ = ["blank", "shared"]

_MOST = 1024  # How many answers are kept: those that have been there longest go first.

_known: dict[Hashable, Any] = {}
_keeping = threading.Lock()

_settings_of_ops = operator.attrgetter(
    "floatx", "epsilon", "image_data_format", "flash_attention", "lowering"
)
_settings_of_jax = operator.attrgetter(
    "jax_enable_x64",
    "jax_explicit_x64_dtypes",
    "jax_numpy_dtype_promotion",
    "jax_numpy_rank_promotion",
    "jax_disable_jit",
)
# What nobody has set where layers are called for their shapes alone. If somebody has, he asks for more than these.
_around = operator.attrgetter("noise", "generator", "drawing", "watched")


class _Unknown(Exception):
    """Something in a call cannot be told by its value."""


class _Question:
    """What a layer's call gives, as something that can be asked and answered.

    Args:
        key: All that the answer depends on.
        symbols: The symbols for sizes in the call, by their names, in the order in which they come.
    """

    def __init__(self, key: Hashable, symbols: dict[str, Dimension]) -> None:
        self.key, self._symbols = key, symbols

    def answer(self) -> Any:
        """Return the outputs of an equal call as `jax.ShapeDtypeStruct`s, or `None` if there was none."""
        if (found := _known.get(self.key)) is None:
            return None
        theirs, specs = found
        mine = dict(zip(theirs, self._symbols.values(), strict=True))

        def renamed(name: str) -> Dimension:
            if name not in mine:  # A size that nobody can tell is another one each time.
                mine[name] = fresh_dimension()
            return mine[name]

        def size(d: Dimension) -> Dimension:
            return renamed(alone) if (alone := _alone(d)) else replace_symbols(d, renamed)

        def spec(x: Any) -> Any:
            sizes = [d if type(d) is int else size(d) for d in x.shape]
            return jax.ShapeDtypeStruct(sizes, x.dtype)

        return spec(specs) if isinstance(specs, jax.ShapeDtypeStruct) else map_tree(spec, specs)

    def keep(self, outputs: Any, after: _Question | None) -> None:
        """Keep the outputs for calls to come, if they can be.

        Args:
            outputs: What the call has given.
            after: The same question, asked anew when the call had been traced.
        """
        leaves = jax.tree_util.tree_leaves(outputs)
        if after is None or after.key != self.key or not leaves:
            return
        if any(is_symbolic(x) or not hasattr(x, "dtype") or x.weak_type for x in leaves):
            return
        specs = map_tree(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), outputs)
        with _keeping:
            while len(_known) >= _MOST:
                del _known[next(iter(_known))]
            _known[self.key] = list(self._symbols), specs


def shared(
    operation: Any,
    args: Tree,
    kwargs: dict[str, Any],
    find: Callable[[], Any],
    like: Callable[[Any], Any] = lambda specs: specs,
) -> Any:
    """Return what a call gives that is made for shapes: what `find` gives, or what is like it, if that is known.

    Args:
        operation: What is called.
        args: Its arguments, with symbolic tensors in them, or with arrays that JAX traces.
        kwargs: Its keyword arguments.
        find: Traces the call.
        like: Given nested `jax.ShapeDtypeStruct`s, makes of them what stands for the outputs.

    Example:
        >>> from trivium import layers
        >>> from trivium.graph import SymbolicTensor
        >>> x = SymbolicTensor((None, 4))
        >>> one, two = layers.Dense(3), layers.Dense(3)
        >>> one(x).shape
        (None, 3)
        >>> two.build((None, 4))
        >>> shared(two, (x,), {}, find=lambda: print("traced")).shape
        (b, 3)
    """
    asked = _question(operation, args, kwargs)
    if asked is None:
        return find()
    if (specs := asked.answer()) is not None:
        _place(operation)
        return like(specs)
    found = find()
    asked.keep(found, _question(operation, args, kwargs))
    return found


def _question(operation: Any, args: Tree, kwargs: dict[str, Any]) -> _Question | None:
    """Return a call as a question, or `None` where its answer is this call's alone."""
    frame = current_frame()
    if in_shape_scope() and len(frame.layers) == 1 and getattr(operation, "_graph", None):
        return None  # The model itself, of which there is no other.
    if frame.sharing or any(x is not None for x in _around(frame)) or not _is_ours(operation):
        return None
    mode = kwargs.get("training", frame.training)
    kwargs = {k: v for k, v in kwargs.items() if k != "training"}
    leaves, tree = jax.tree_util.tree_flatten((args, kwargs))
    symbols: dict[str, Dimension] = {}
    try:
        given = tuple([_told(x, symbols) for x in leaves])
        form = _form(operation)
    except _Unknown:
        return None
    if form is None:
        return None
    key = (
        form,
        tree,
        key_order((args, kwargs)) if has_keys((args, tuple(kwargs.values()))) else None,
        given,
        mode,
        frame.autocast,
        frame.portable,
        _settings_of_ops(session()),
        _settings_of_jax(jax.config),
    )
    return _Question(key, symbols)


def _is_ours(operation: Any) -> bool:
    """Say whether something is an op of the library's, or a layer of which nothing is a user's, inside as well."""
    if isinstance(operation, types.FunctionType):
        return is_fixed(operation)
    if getattr(type(operation), "_tracked_as", None) != LAYERS or not _only_computes(operation):
        return False
    called = operation._calls_in_order()
    if called is None:
        return all(_has_its_place(layer) and _only_computes(layer) for layer in _inside(operation))
    return all(layer.built and layer._parent is not None and _is_ours(layer) for layer in called)


def _place(operation: Any) -> None:
    """Give the layers that a model would call the places that its first call would give them."""
    called = None if isinstance(operation, types.FunctionType) else operation._calls_in_order()
    for layer in called or ():
        layer._take_place(inside=True)
        _place(layer)


def _inside(layer: Any) -> list[Any]:
    inner: list[Any] = layer._flatten_layers(include_self=False) if layer._layers else []
    return inner


def _form(operation: Any) -> Hashable | None:
    """Return what an operation computes, by value; `None` where that cannot be told."""
    if isinstance(operation, types.FunctionType):
        return operation
    like = Likeness(operation)
    if not like.by_value:
        return None
    calls = tuple([type(layer).call for layer in (operation, *_inside(operation))])
    return like.form, calls, tuple([_declared(graph) for graph in like.graphs])


def _declared(graph: Any) -> Hashable:
    """Return for which inputs a model was declared: it brings what it is called on into their form."""
    symbols: dict[str, Dimension] = {}
    tensors = graph.input_tensors
    # Several may be given by their names.
    names = None if graph.inputs is tensors[0] else tuple([t.name for t in tensors])
    optional = [
        t.node is not None and getattr(t.node.operation, "optional", False) for t in tensors
    ]
    return names, tuple(optional), tuple([_told(t, symbols) for t in tensors])


def _only_computes(layer: Any) -> bool:
    """Say whether a layer's call runs the library's code alone, and adds no loss."""
    if layer._calls_users_code or layer._remat is not None:
        return False
    # Somebody may have put a function of his own in the place of `call`.
    code = getattr(type(layer).call, "__globals__", {})
    return layer.activity_regularizer is None and in_library(code.get("__name__"))


def _has_its_place(layer: Any) -> bool:
    """Say whether the first call of a layer by the one that it is in would change nothing about it."""
    placed = layer.built and layer._build_index is not None and not layer._built_alone
    return placed and layer._parent is not None


def _told(x: Any, symbols: dict[str, Dimension]) -> Hashable:
    """Return what an argument is, by value.

    Args:
        x: The argument.
        symbols: The symbols that were met, to which this one's are added.
    """
    if is_symbolic(x):
        if x.is_text:
            raise _Unknown
        return "tensor", _sizes(x.dims, symbols), x.dtype, False
    if isinstance(x, jax.core.Tracer):
        return "tensor", _sizes(x.shape, symbols), str(x.dtype), x.weak_type
    value: Hashable = plain(x)
    if value is NotImplemented:
        raise _Unknown
    return value


def _sizes(dims: Any, symbols: dict[str, Dimension]) -> Hashable:
    return tuple([d if type(d) is int else _named(d, symbols) for d in dims])


def _named(size: Dimension, symbols: dict[str, Dimension]) -> Hashable:
    """Return a size with its symbols named by the order in which they were met."""
    if alone := _alone(size):
        symbols.setdefault(alone, size)
        return (list(symbols).index(alone),)
    for name in symbols_of(size):
        if name not in symbols:
            symbols[name] = parse_sizes([name])[0]
    places = {name: place for place, name in enumerate(symbols)}
    renamed: Hashable = replace_symbols(size, lambda name: parse_sizes([f"s{places[name]}"])[0])
    return renamed


# The sizes of a model are a few, most of them the batch's.
@functools.lru_cache(maxsize=256)
def _alone(size: Dimension) -> str | None:
    """Return the name of a size that is a symbol and nothing else."""
    return names[0] if (names := symbols_of(size)) == [str(size)] else None


def blank(specs: Any) -> Any:
    """Return arrays of shapes and dtypes, to go on with where values do not matter.

    Args:
        specs: Nested `jax.ShapeDtypeStruct`s.
    """
    return map_tree(lambda x: jax.lax.broadcast(np.zeros((), x.dtype), x.shape), specs)
