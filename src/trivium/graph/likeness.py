"""When two layers compute the same but for the values of their variables, told by what they are made of.

Everything that a layer's code can reach is compared: its class, and its attributes as deep as they go. What nobody can
look into is the same only as itself. So the answer may be "no" for two that do the same, and is never "yes" for two
that do not.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import inspect
import types
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from trivium.state.seeds import SeedGenerator
from trivium.state.tracking import LAYERS
from trivium.state.variable import Variable

if TYPE_CHECKING:
    from trivium.graph.graph import Graph
    from trivium.graph.node import Node

__all__ = ["Likeness"]

# What says who a layer is, where it stands and what became of it, and nothing of what it computes.
_ASIDE = frozenset(
    {"name", "_name", "_named_by_itself", "_parent", "_build_index", "_built_alone", "_build_shapes", "_inbound_nodes",
     "_losses", "_sequential_input", "_added", "_captured", "_trainer", "_programs", "_optimizer", "_loss", "history",
     "stop_training", "_call_args", "seed", "_undo", "_lock",
     "_converted_from"}
)  # fmt: skip
_PLAIN = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    np.generic,
    np.dtype,
    type,
    range,
    slice,
)
# What runs before a layer is called, or beside it.
_BEFORE_CALLS = frozenset(
    {"__init__", "build", "get_config", "from_config", "get_build_config", "build_from_config",
     "compute_output_shape", "save_own_variables", "load_own_variables"}
)  # fmt: skip
_NAMES = frozenset({"name", "path"})
_STORES = frozenset({"STORE_ATTR", "STORE_GLOBAL", "DELETE_ATTR", "STORE_SUBSCR"})
_CHANGES = frozenset(
    {"append", "extend", "insert", "update", "setdefault", "setattr", "__dict__", "__setattr__"}
)
_LARGE = 4096  # Arrays of more bytes are the same as themselves only.
_MANY = 4000  # A layer that reaches more objects than that reaches beyond itself.


class _TooLarge(Exception):
    pass


class Likeness:
    """What an operation computes, as a value that can be compared.

    Args:
        operation: A layer, an op or another operation.

    Attributes:
        form: The same for two operations that compute the same with the same values of their variables.
        variables: The variables, in an order that goes with the form.

    Example:
        >>> from trivium import layers
        >>> one, two = (Likeness(layers.Dropout(rate)) for rate in (0.5, 0.5))
        >>> one.form == two.form, one.form == Likeness(layers.Dropout(0.1)).form, len(one.variables)
        (True, False, 1)
    """

    def __init__(self, operation: Any) -> None:
        self.variables: list[Variable] = []
        self._seen: dict[int, int] = {}
        self._kept: list[Any] = []  # So that identities stay their own.
        try:
            self.form: Any = self._of(operation)
        except _TooLarge:
            self.form = _itself(operation)

    def _of(self, x: Any) -> Any:
        kind = type(x)
        if isinstance(x, _PLAIN):
            return kind, str(x) if isinstance(x, float | np.generic | slice) else x
        if isinstance(x, jax.core.Tracer) or getattr(x, "is_symbolic", False):
            return "traced"  # Left behind by an earlier call, and of no use to the next one.
        if id(x) in self._seen:
            return "again", self._seen[id(x)]
        self._seen[id(x)] = len(self._seen)
        self._kept.append(x)
        if len(self._seen) > _MANY:
            raise _TooLarge
        return kind, *self._parts(x)

    def _parts(self, x: Any) -> Iterator[Any]:
        kind = type(x)
        if isinstance(x, Variable):
            self.variables.append(x)
            yield from (x.form, x.trainable, x.autocast, x.overwrite_with_gradient)
        elif isinstance(x, SeedGenerator):
            yield self._of(x.state)
        elif isinstance(x, list | tuple):
            yield from map(self._of, x)
        elif isinstance(x, dict):
            yield from ((self._of(k), self._of(v)) for k, v in x.items())
        elif isinstance(x, frozenset | set) and all(isinstance(v, _PLAIN) for v in x):
            yield frozenset(x)
        elif isinstance(x, types.FunctionType):
            cells = [cell.cell_contents for cell in x.__closure__ or ()]
            yield from (
                x.__code__,
                id(x.__globals__),
                self._of([cells, x.__defaults__, x.__kwdefaults__]),
            )
        elif isinstance(x, types.MethodType):
            yield from (self._of(x.__func__), self._of(x.__self__))
        elif isinstance(x, functools.partial):
            yield self._of([x.func, x.args, x.keywords])
        elif hasattr(kind, "all_nodes"):
            yield from self._graph(x)
        elif isinstance(x, weakref.ref):
            # What is only pointed at, as an owner is, is not looked into: its place counts where it was met before, and
            # else who it is.
            yield self._seen.get(id(x()), id(x()))
        elif isinstance(x, np.ndarray | jax.Array) and x.nbytes <= _LARGE:
            yield from (x.shape, str(x.dtype), np.asarray(x).tobytes())
        elif _can_be_told(kind):
            yield from self._attributes(x)
        else:
            yield _itself(x)

    def _attributes(self, x: Any) -> Iterator[Any]:
        remat = vars(x).get("_remat")
        if _code_of(type(x)).names or getattr(remat, "layer_names", None):
            yield x.name
        for name, value in vars(x).items():
            # A variable that has its value has no more use for its initializer.
            if name not in _ASIDE and not name.endswith("_initializer"):
                yield name, self._of(value)

    def _graph(self, graph: Graph) -> Iterator[Any]:
        places = {id(t): (-1, i) for i, t in enumerate(graph.input_tensors)}
        for number, node in enumerate(graph.nodes):
            yield self._of(node.operation), self.arguments(node)
            yield repr([places.get(id(t), id(t)) for t in node.inputs])
            places.update({id(t): (number, i) for i, t in enumerate(node.output_tensors)})
        yield repr([places[id(t)] for t in [*graph.output_tensors, *graph.losses]])
        yield jax.tree_util.tree_structure((graph.inputs, graph.outputs))

    def arguments(self, node: Node) -> Any:
        """Return what a node's arguments are, but for the tensors."""
        return self._of(
            [leaf for leaf in node.leaves if not getattr(leaf, "is_symbolic", False)]
        ), node.tree


def _itself(x: Any) -> Any:
    return "is", id(x)


@functools.cache
def _library() -> str:
    return __name__.partition(".")[0]


def _is_ours(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == _library() and hasattr(kind, "__dict__")


def _can_be_told(kind: type) -> bool:
    """Say whether what a class computes follows from its attributes, so that two of its kind can be compared."""
    if _is_ours(kind):
        return True
    return getattr(kind, "_tracked_as", None) == LAYERS and not _code_of(kind).keeps


@dataclasses.dataclass(frozen=True)
class _Code:
    """What is in the code of a user's class.

    Args:
        names: Whether it reads a name or a path, by which two layers that look alike could differ.
        keeps: Whether a call leaves something on the layer or elsewhere: in a loop it would be one block's, and of no
            use outside.
    """

    names: bool
    keeps: bool


# By class, since reading code takes long; a class made while a program runs may go.
_known: weakref.WeakKeyDictionary[type, _Code] = weakref.WeakKeyDictionary()


def _code_of(kind: type) -> _Code:
    if kind not in _known:
        found = [code for each in kind.__mro__ for code in _written_in(each)]
        _known[kind] = _Code(
            any(not _NAMES.isdisjoint(code.co_names) for code in found), any(map(_keeps, found))
        )
    return _known[kind]


def _written_in(kind: type) -> Iterator[types.CodeType]:
    """Yield the code of a user's class that may run in a call, functions inside functions as well."""
    if _is_ours(kind) or kind is object:
        return
    for name, member in vars(kind).items():
        member = getattr(member, "__func__", getattr(member, "fget", member))
        code = getattr(inspect.unwrap(member), "__code__", None) if callable(member) else None
        waiting = [] if code is None or name in _BEFORE_CALLS else [code]
        while waiting:
            yield (code := waiting.pop())
            waiting += [c for c in code.co_consts if isinstance(c, types.CodeType)]


def _keeps(code: types.CodeType) -> bool:
    stores = any(i.opname in _STORES for i in dis.get_instructions(code))
    return stores or not _CHANGES.isdisjoint(code.co_names)
