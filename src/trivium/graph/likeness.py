"""When two layers compute the same but for the values of their variables, told by what they are made of.

Everything that a layer's code can reach is compared: its class, and its attributes as deep as they go. What nobody can
look into is the same only as itself. So the answer may be "no" for two that do the same, and is never "yes" for two
that do not.
"""

from __future__ import annotations

import functools
import sys
import types
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from trivium.graph.users_code import code_of, in_library, is_ours, names_in
from trivium.state.dtype_policies import DTypePolicyMap
from trivium.state.seeds import SeedGenerator
from trivium.state.symbolic_dimensions import is_unknown
from trivium.state.tracking import LAYERS, lasts
from trivium.state.variable import Variable

if TYPE_CHECKING:
    from trivium.graph.graph import Graph
    from trivium.graph.node import Node

__all__ = ["Likeness", "in_library", "is_fixed", "plain"]

# What says who a layer is, where it stands and what became of it, and nothing of what it computes, unless a user's code
# reads it: `seed` may be what a layer of one's own draws with.
_ASIDE = frozenset(
    {"name", "_name", "_named_by_itself", "_parent", "_build_index", "_built_alone", "_build_shapes", "_inbound_nodes",
     "_losses", "_sequential_input", "_added", "_captured", "_trainer", "_programs", "_optimizer", "_loss", "history",
     "stop_training", "stop_evaluating", "stop_predicting", "_call_args", "seed", "_undo", "_lock",
     "_converted_from"}
)  # fmt: skip
# What is the same as nothing but itself, of whatever class the other is.
_ALONE = frozenset({str, bytes, type(None)})
# What is the same as another of its class, since `True == 1`; and what looks the same, since `0.0 == -0.0`.
_PLAIN = (bool, int, str, bytes, np.dtype, range)
_BY_TEXT = (float, complex, np.generic)
_NAMES = frozenset({"name", "path", "id", "hash"})
_LARGE = 4096  # Arrays of more bytes are the same as themselves only.
_MANY = 4000  # A layer that reaches more objects than that reaches beyond itself.


class _TooLarge(Exception):
    pass


def plain(x: Any) -> Any:
    """Return a number, a text or the like as a value that can be compared; `NotImplemented` for anything else.

    Args:
        x: Anything.

    Example:
        >>> plain(1) == plain(True), plain(0.0) == plain(-0.0), plain([])
        (False, False, NotImplemented)
    """
    kind = type(x)
    # Each layer of a model comes through here, several times in a first `fit`, with some dozens of attributes: what
    # most of these are is asked first.
    if kind in _ALONE:
        return x
    if kind is int or kind is bool:
        return kind, x
    if kind is slice:  # Sizes with symbols in it are more than their text.
        parts = [plain(v) for v in (x.start, x.stop, x.step)]
        return NotImplemented if NotImplemented in parts else (kind, *parts)
    if isinstance(x, _BY_TEXT):
        return kind, str(x)
    if isinstance(x, _PLAIN) or (isinstance(x, type) and lasts(x)):
        return kind, x
    return NotImplemented


class Likeness:
    """What an operation computes, as a value that can be compared.

    Args:
        operation: A layer, an op or another operation.

    Attributes:
        form: The same for two operations that compute the same with the same values of their variables.
        variables: The variables, in an order that goes with the form.
        by_value: Whether nothing in the form is known by who it is, and nothing is of a user's: then it may be held
            against forms of operations that are no more, and says which code of the library's runs.
        graphs: The graphs in it, as a model has one, in the order in which they come. The form says what they do, and
            not for which inputs they were declared.

    Example:
        >>> from trivium import layers
        >>> one, two = (Likeness(layers.Dropout(rate)) for rate in (0.5, 0.5))
        >>> one.form == two.form, one.form == Likeness(layers.Dropout(0.1)).form, len(one.variables)
        (True, False, 1)
    """

    def __init__(self, operation: Any) -> None:
        self.variables: list[Variable] = []
        self.by_value = True
        self.graphs: list[Graph] = []
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # So that identities stay their own.
        # What users' code that was met may ask of all that is inside, though nothing follows from it in our own; and
        # whether a function has come to ask for what had been passed by.
        self._asked_late = False
        self._read: set[str] = set()
        try:
            self.form: Any = self._of(operation)
            while self._asked_late:
                self.variables, self._seen, self._asked_late = [], {}, False
                self.form = self._of(operation)
        except _TooLarge:
            self.form = self._itself(operation)

    def _of(self, x: Any) -> Any:
        if (value := plain(x)) is not NotImplemented:
            return value
        if id(x) in self._seen:
            return "again", self._seen[id(x)]
        kind = type(x)
        way = _ways.get(kind) or _way_of(kind)
        if way.traced or getattr(x, "is_symbolic", False):
            self.by_value = False
            return "traced"  # Left behind by an earlier call, and of no use to the next one.
        self._seen[id(x)] = len(self._seen)
        self._kept.append(x)
        if len(self._seen) > _MANY:
            raise _TooLarge
        if not way.lasts:
            self.by_value = False
        return kind, *way.parts(self, x)

    def _itself(self, x: Any) -> Any:
        self.by_value = False
        return "is", id(x)

    def _variable(self, x: Variable) -> Any:
        self.variables.append(x)
        return x.form, x.trainable, x.autocast, x.overwrite_with_gradient

    def _generator(self, x: SeedGenerator) -> Any:
        return (self._of(x.state),)

    def _row(self, x: Any) -> Any:
        return [self._of(v) for v in x]

    def _table(self, x: Any) -> Any:
        return [(self._of(k), self._of(v)) for k, v in x.items()]

    def _set(self, x: Any) -> Any:
        values = [plain(v) for v in x]
        return [self._itself(x) if NotImplemented in values else frozenset(values)]

    def _function(self, x: types.FunctionType) -> Any:
        if is_fixed(x):
            return (x,)
        if not in_library(x.__globals__.get("__name__")):
            self.by_value = False
            asked = {name for name in names_in(x) if _is_aside(name)}
            self._asked_late |= not asked <= self._read
            self._read |= asked
        cells = [cell.cell_contents for cell in x.__closure__ or ()]
        around = self._of([cells, x.__defaults__, x.__kwdefaults__])
        return x.__code__, id(x.__globals__), around

    def _method(self, x: types.MethodType) -> Any:
        return self._of(x.__func__), self._of(x.__self__)

    def _partial(self, x: functools.partial[Any]) -> Any:
        return (self._of([x.func, x.args, x.keywords]),)

    def _pointed_at(self, x: weakref.ref[Any]) -> Any:
        # What is only pointed at, as an owner is, is not looked into: its place counts where it was met before, and
        # else who it is.
        place = self._seen.get(id(x()))
        return (self._itself(x()) if place is None else place,)

    def _slice(self, x: slice) -> Any:
        return [self._of(v) for v in (x.start, x.stop, x.step)]

    def _other(self, x: Any) -> Any:
        if is_unknown(x):
            self.by_value = False  # Its symbols are those of this graph.
            return (str(x),)
        if isinstance(x, np.ndarray | jax.Array) and x.nbytes <= _LARGE and not x.dtype.hasobject:
            return x.shape, str(x.dtype), np.asarray(x).tobytes()
        return (self._itself(x),)

    def _attributes(self, x: Any) -> Any:
        held = vars(x)
        parts: list[Any] = []
        self._read |= code_of(type(x)).reads
        by_name = not _NAMES.isdisjoint(self._read)
        if by_name or getattr(held.get("_remat"), "layer_names", None):
            parts.append(getattr(x, "name", None))
        if isinstance(policies := held.get("_policy"), DTypePolicyMap):
            # Of all that is in the map, what the layer's path leads to.
            parts.append(self._of(policies[x.path]))
        counted = [name for name in held if _counts(name) or name in self._read]
        return parts + [(name, self._of(held[name])) for name in counted]

    def _graph(self, graph: Graph) -> Any:
        self.graphs.append(graph)
        parts: list[Any] = []
        places = {id(t): (-1, i) for i, t in enumerate(graph.input_tensors)}
        for number, node in enumerate(graph.nodes):
            parts.append((self._of(node.operation), self.arguments(node)))
            if not all(id(t) in places for t in node.inputs):
                self.by_value = (
                    False  # It reads tensors from around it, which are told by who they are.
                )
            parts.append(repr([places.get(id(t), id(t)) for t in node.inputs]))
            places.update({id(t): (number, i) for i, t in enumerate(node.output_tensors)})
        parts.append(repr([places[id(t)] for t in [*graph.output_tensors, *graph.losses]]))
        parts.append(jax.tree_util.tree_structure((graph.inputs, graph.outputs)))
        return parts

    def arguments(self, node: Node) -> Any:
        """Return what a node's arguments are, but for the tensors."""
        return self._of(
            [leaf for leaf in node.leaves if not getattr(leaf, "is_symbolic", False)]
        ), node.tree


class _Way(NamedTuple):
    """How objects of a class are told from each other.

    Args:
        parts: What says what is in one.
        traced: Whether they are arrays that JAX traces.
        lasts: Whether the class lasts as long as the process, as the library's do, and a user's may not.
    """

    parts: Callable[[Likeness, Any], Any]
    traced: bool
    lasts: bool


# The first that a class is a kind of.
_PARTS: dict[type, Callable[[Likeness, Any], Any]] = {
    Variable: Likeness._variable,
    SeedGenerator: Likeness._generator,
    list: Likeness._row,
    tuple: Likeness._row,
    dict: Likeness._table,
    frozenset: Likeness._set,
    set: Likeness._set,
    types.FunctionType: Likeness._function,
    types.MethodType: Likeness._method,
    functools.partial: Likeness._partial,
    weakref.ref: Likeness._pointed_at,
    slice: Likeness._slice,
}
# Of classes that last, since asking takes longer than telling.
_ways: dict[type, _Way] = {}


def _way_of(kind: type) -> _Way:
    parts = next((each for known, each in _PARTS.items() if issubclass(kind, known)), None)
    if parts is None and hasattr(kind, "all_nodes"):
        parts = Likeness._graph
    if parts is None:
        parts = Likeness._attributes if _can_be_told(kind) else Likeness._other
    way = _Way(parts, issubclass(kind, jax.core.Tracer), lasts(kind))
    if way.lasts:
        _ways[kind] = way
    return way


def is_fixed(function: Any) -> bool:
    """Say whether a function stands in a module of the library: it is there as long as the process, one for all.

    Args:
        function: The function.

    Example:
        >>> is_fixed(is_fixed), is_fixed(lambda x: x)
        (True, False)
    """
    # A user's function may have the library's name, by `functools.wraps`, or its globals, as an op has.
    ours = in_library(function.__module__) and in_library(function.__globals__.get("__name__"))
    return (
        ours and getattr(sys.modules[function.__module__], function.__qualname__, None) is function
    )


@functools.lru_cache(maxsize=4096)
def _counts(name: str) -> bool:
    """Say whether an attribute of a name takes part in a call: a variable has no more use for its initializer."""
    return name not in _ASIDE and not name.endswith("_initializer")


def _is_aside(name: str) -> bool:
    return name in _NAMES or not _counts(name)


def _can_be_told(kind: type) -> bool:
    """Say whether what a class computes follows from its attributes, so that two of its kind can be compared."""
    if is_ours(kind):
        return True
    return getattr(kind, "_tracked_as", None) == LAYERS and not code_of(kind).keeps
