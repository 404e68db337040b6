"""The `op` decorator: it turns a function of arrays into one that records itself on symbolic tensors."""

from __future__ import annotations

import functools
import inspect
import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, ParamSpec, TypeVar, cast, get_args, get_origin, get_type_hints

import jax

from trivium.data.texts import is_text
from trivium.graph.errors import CaptureError
from trivium.graph.infer import stands_for_text
from trivium.graph.moving import moved
from trivium.graph.node import record
from trivium.graph.tensor import SymbolicTensor
from trivium.state.frame import current_frame
from trivium.state.registry import suggest
from trivium.state.types import Array, ArrayLike, Tree
from trivium.state.variable import Variable

__all__ = ["any_symbolic", "op", "tensor_arguments"]

P = ParamSpec("P")
R = TypeVar("R")

_NESTS = (list, tuple)
_EXPLAINED = (ArithmeticError, IndexError, NotImplementedError, TypeError, ValueError)


def any_symbolic(args: Iterable[Tree], kwargs: Mapping[str, Tree] | None = None) -> bool:
    """Say whether a symbolic tensor is anywhere in nested arguments.

    Example:
        >>> any_symbolic(([SymbolicTensor((2,))], 1)), any_symbolic((1, [2]))
        (True, False)
    """
    for a in args:
        if isinstance(a, SymbolicTensor):
            return True
        if isinstance(a, _NESTS):
            if any_symbolic(a):
                return True
        elif isinstance(a, dict) and any_symbolic(a.values()):
            return True
    return any_symbolic(kwargs.values()) if kwargs else False


def _any_array(structure: Tree) -> bool:
    return any(isinstance(leaf, jax.Array) for leaf in jax.tree_util.tree_leaves(structure))


def _values(x: Tree) -> Any:
    """Replace variables, at most one list deep, by their values."""
    if isinstance(x, Variable):
        return x.value
    if isinstance(x, _NESTS) and any(isinstance(e, Variable) for e in x):
        return type(x)(_values(e) for e in x)
    return x


def op(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function of arrays an op: called with arrays it runs, with a symbolic tensor it records a node.

    What goes wrong inside is raised with the call before it: the op's name and what each argument was.

    Args:
        function: A pure function of arrays, written with `jax.numpy` or `jax.lax`. Variables among its arguments
            reach it as their values.

    Returns:
        The op; its `__wrapped__` is the function.

    Example:
        >>> @op
        ... def halve(x):
        ...     return x / 2
        >>> halve(3.0), halve(SymbolicTensor((None, 5))).shape
        (1.5, (None, 5))
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        # Before anything is looked at: the node keeps the arguments as they were given, variables and lists included,
        # for a graph that is run, written or converted later is to read their values then.
        if any_symbolic(args, kwargs) and not stands_for_text((args, kwargs)):
            return cast(R, record(call, args, kwargs, run))
        return cast(R, run(*args, **kwargs))

    def run(*args: Tree, **kwargs: Tree) -> Any:
        plain = tuple(map(_values, args))
        named = {k: _values(v) for k, v in kwargs.items()}
        frame = current_frame()
        # While a model is captured its own variables read as symbolic tensors. What was one before stands for text.
        if (
            frame.nodes is not None
            and any_symbolic(plain, named)
            and not any_symbolic(args, kwargs)
        ):
            return record(call, plain, named, run)
        # While JAX traces a model's code, each call of an op is marked in the program, with what computes it.
        binder = frame.binder
        if binder is not None and _any_array((plain, named)):
            return binder(call, plain, named, function)
        try:  # Costs nothing where nothing goes wrong, unlike a check of the arguments beforehand.
            return function(*plain, **named)
        except (*_EXPLAINED, CaptureError) as error:
            if (on_text := moved(function, plain, named)) is not NotImplemented:
                return on_text
            if isinstance(error, CaptureError):
                raise
            _put_call_before(error, function, plain, named)
            raise

    call.is_op = True  # type: ignore[attr-defined]
    call.name = function.__name__  # type: ignore[attr-defined]
    return call


@functools.cache
def tensor_arguments(operation: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of an op's arguments that are tensors; the others are settings, known beforehand.

    They are those annotated with `ArrayLike` or `Array`, alone, in a sequence or beside `None`, or with `Tree`. They
    are read when first asked for: neither making an op nor calling it costs anything.

    Args:
        operation: An op, or the function behind it.

    Example:
        >>> from trivium import ops
        >>> tensor_arguments(ops.clip), tensor_arguments(ops.concatenate), tensor_arguments(ops.zeros)
        (('x', 'x_min', 'x_max'), ('xs',), ())
    """
    function = inspect.unwrap(operation)
    try:
        hints = get_type_hints(function, include_extras=True)
    except (
        NameError,
        TypeError,
    ):  # A user's own op may name types that are only there for checkers.
        return ()
    return tuple(n for n in inspect.signature(function).parameters if _is_tensor(hints.get(n)))


def _is_tensor(hint: Any) -> bool:
    if hint in (Array, ArrayLike, Tree):
        return True
    return get_origin(hint) is not Annotated and any(map(_is_tensor, get_args(hint)))


def _put_call_before(
    error: Exception, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """Put an op's call before an error's message, in the place of the call of an op inside of it."""
    name, signature = function.__name__, inspect.signature(function)
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as mismatch:
        unknown = [k for k in kwargs if k not in signature.parameters]
        hint = f" {suggest(unknown[0], signature.parameters)}" if unknown else ""
        error.args = (f"{name}: {mismatch}.{hint}",)
        return
    # An op that calls another: the outer call is the one that the user wrote, so it takes the inner one's place.
    bare = (getattr(error, "_bare", None) or str(error)).removeprefix(f"{name}: ")
    bare = _wrong_kind(function, given) or bare
    call = ", ".join(f"{k}={_describe(v)}" for k, v in given.items())
    error.args = (f"{name}({call}): {bare}",)
    error._bare = bare  # type: ignore[attr-defined]


def _wrong_kind(function: Callable[..., Any], given: dict[str, Any]) -> str | None:
    """Say which tensor of a call is none, or which setting is a tensor: what failed inside failed for that."""
    tensors = tensor_arguments(function)
    hints = inspect.get_annotations(function)
    for name, value in given.items():
        if is_text(value):
            return (
                f"`{name}` is a tensor of numbers; got text. The layers StringLookup, TextVectorization and Hashing "
                "make numbers of text."
            )
        if name in tensors and not _may_be_tensor(value):
            return (
                f"`{name}` is a tensor: an array, a number, nested lists of numbers or a variable; got {value!r}, "
                f"a {type(value).__name__}."
            )
        # What `Any` may be is nobody's to say, and an op without a table says nothing of its settings.
        is_setting = tensors and name not in tensors and hints.get(name) not in (None, "Any")
        if is_setting and isinstance(value, jax.core.Tracer | SymbolicTensor):
            return f"`{name}` is a setting, known before there is data; got a tensor, which has no value yet."
    return None


def _may_be_tensor(value: object) -> bool:
    if isinstance(value, _NESTS):
        return all(map(_may_be_tensor, value))
    numbers = value is None or isinstance(value, int | float | complex)
    return numbers or hasattr(value, "__array__") or hasattr(value, "shape")


def _describe(value: object) -> str:
    """Describe an argument: arrays by their dtype and shape."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{value.dtype}{tuple(n if isinstance(n, int) else None for n in value.shape)}"
    if isinstance(value, _NESTS) and any(hasattr(v, "shape") for v in value):
        return f"[{', '.join(map(_describe, value))}]"
    return reprlib.repr(value)
