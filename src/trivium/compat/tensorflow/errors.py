"""`tf.errors`: TensorFlow's classes of errors, and how errors of Python's become ones of them, too.

An error that TensorFlow raises as `InvalidArgumentError` is a `ValueError` or a `TypeError` in the library. While a
program runs it is raised as a class that derives from both, so that `except` finds it by either name.
"""

from __future__ import annotations

import contextlib
import functools
import sysconfig
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import jax

from trivium.compat.errors import NotCovered
from trivium.compat.written import WRITTEN
from trivium.data.checks import DamagedDataError
from trivium.graph import CaptureError
from trivium.graph.errors import is_foreign

__all__ = ["OpError", "as_tensorflow_s", "raised_in_python", "raising", "turn_methods", "turned"]

# Of https://github.com/abseil/abseil-cpp/blob/master/absl/status/status.h, which TensorFlow's are.
_CODES = {
    "OK": 0, "CANCELLED": 1, "UNKNOWN": 2, "INVALID_ARGUMENT": 3, "DEADLINE_EXCEEDED": 4, "NOT_FOUND": 5,
    "ALREADY_EXISTS": 6, "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8, "FAILED_PRECONDITION": 9, "ABORTED": 10,
    "OUT_OF_RANGE": 11, "UNIMPLEMENTED": 12, "INTERNAL": 13, "UNAVAILABLE": 14, "DATA_LOSS": 15,
    "UNAUTHENTICATED": 16,
}  # fmt: skip


class OpError(Exception):
    """What went wrong in an operation.

    Args:
        node_def: A node of TensorFlow's graph; `None` here.
        op: The operation of TensorFlow's graph; `None` here.
        message: What went wrong.
        error_code: One of `tf.errors`' numbers; the class's own if it is left out.

    Attributes:
        message: The message.
        error_code: The number.

    Example:
        >>> error = OpError(None, None, "too long", 3)
        >>> str(error), error.error_code
        ('too long', 3)
    """

    error_code = _CODES["UNKNOWN"]
    experimental_payloads: dict[str, Any] = {}  # noqa: RUF012

    def __init__(
        self, node_def: Any, op: Any, message: str, error_code: int | None = None, *args: Any
    ) -> None:
        super().__init__()
        self.node_def, self.op, self.message = node_def, op, message
        if error_code is not None:
            self.error_code = error_code

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        return type(self), (self.node_def, self.op, self.message), vars(self)


def _kind(name: str, code: int) -> type[OpError]:
    # Others than OpError itself know their number, so what comes behind the message is something else.
    def init(self: Any, node_def: Any, op: Any, message: str, *args: Any) -> None:
        OpError.__init__(self, node_def, op, message)

    return type(name, (OpError,), {"__init__": init, "error_code": code, "__module__": __name__})


_KINDS = {
    name: _kind(f"{name.title().replace('_', '')}Error", code)
    for name, code in _CODES.items()
    if name != "OK"
}
# Errors of other processes come pickled, by the names of their classes in this module.
globals().update({kind.__name__: kind for kind in _KINDS.values()})


class OperatorNotAllowedInGraphError(TypeError):
    """Python looks at a value where there is none yet."""


for _error in (OpError, OperatorNotAllowedInGraphError, *_KINDS.values()):
    WRITTEN[f"tensorflow.errors.{_error.__name__}"] = _error
for _name, _code in _CODES.items():
    WRITTEN[f"tensorflow.errors.{_name}"] = _code

# The first that fits counts, so what is narrower stands before what is wider.
_MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (DamagedDataError, "DATA_LOSS"), (EOFError, "DATA_LOSS"),
    (FileNotFoundError, "NOT_FOUND"), (FileExistsError, "ALREADY_EXISTS"),
    (PermissionError, "PERMISSION_DENIED"), (TimeoutError, "DEADLINE_EXCEEDED"),
    (ConnectionError, "UNAVAILABLE"), (OSError, "FAILED_PRECONDITION"),  # a folder for a file, one that is not empty
    (NotImplementedError, "UNIMPLEMENTED"), (MemoryError, "RESOURCE_EXHAUSTED"),
    (ValueError, "INVALID_ARGUMENT"), (TypeError, "INVALID_ARGUMENT"), (IndexError, "INVALID_ARGUMENT"),
    (ArithmeticError, "INVALID_ARGUMENT"),
)  # fmt: skip

# JAX's about values that are not there yet have a meaning of their own to `tf.function`.
_OURS = (OpError, NotCovered, CaptureError, jax.errors.JAXTypeError, jax.errors.JAXIndexError)

_PYTHON = (sysconfig.get_paths()["stdlib"], "<frozen")


def as_tensorflow_s(
    error: Exception, meaning: str | None = None, message: str | None = None
) -> Exception:
    """Return an error as TensorFlow's, which is of its own class as well.

    Args:
        error: What Python, JAX or the library raised.
        meaning: The status that it stands for, such as `"OUT_OF_RANGE"`; that of its class if it is left out.
        message: What it says; its own text if it is left out.

    Returns:
        The new error; the same one where TensorFlow has no class for it.

    Example:
        >>> new = as_tensorflow_s(FileNotFoundError(2, "No such file", "x.csv"))
        >>> type(new).__name__, isinstance(new, FileNotFoundError), new.filename, new.error_code
        ('NotFoundError', True, 'x.csv', 5)
    """
    if isinstance(error, _OURS):
        return error
    if meaning is None:
        # XLA's statuses are those of TensorFlow, and stand before its messages.
        said = str(error).partition(":")[0] if isinstance(error, jax.errors.JaxRuntimeError) else ""
        meaning = next((name for cls, name in _MEANINGS if isinstance(error, cls)), said)
    if meaning not in _KINDS:
        return error
    # What an error of a file was made of is in what it is pickled by, and not in `args`.
    reduced: Any = error.__reduce__()
    args = reduced[1] if reduced[0] is type(error) else error.args
    message = str(error) if message is None else message
    new = _remade(_KINDS[meaning], type(error), args, message, vars(error))
    return new.with_traceback(error.__traceback__)


# What a call of Python's out of a program stands for; all else is of the status UNKNOWN.
_IN_PYTHON: tuple[tuple[type[Exception], str], ...] = (
    (ValueError, "INVALID_ARGUMENT"), (TypeError, "INVALID_ARGUMENT"), (StopIteration, "OUT_OF_RANGE"),
    (MemoryError, "RESOURCE_EXHAUSTED"), (NotImplementedError, "UNIMPLEMENTED"),
)  # fmt: skip


@contextlib.contextmanager
def raised_in_python() -> Iterator[None]:
    """Raise the errors of a program's own function as TensorFlow does where it calls one.

    Example:
        >>> try:
        ...     with raised_in_python():
        ...         {}["x"]
        ... except KeyError as error:
        ...     print(type(error).__name__, error)
        UnknownError KeyError: 'x'
    """
    try:
        yield
    except Exception as error:
        meaning = next((name for cls, name in _IN_PYTHON if isinstance(error, cls)), "UNKNOWN")
        new = as_tensorflow_s(error, meaning, f"{type(error).__name__}: {error}")
        if new is error:
            raise
        raise new from error.__cause__


def _remade(kind: Any, cls: Any, args: Any, message: str, state: dict[str, Any]) -> Exception:
    error: Exception = _both(kind, cls)(*args)
    if issubclass(cls, OSError):
        OSError.__init__(error, *args)
    else:
        error.args = args
    vars(error).update({"node_def": None, "op": None, "message": message, **state})
    vars(error)["_made_of"] = (kind, cls, args, message, dict(state))
    return error


@functools.cache
def _both(kind: Any, cls: Any) -> Any:
    """Return the class of errors that are of two classes."""

    def reduce(self: Any) -> Any:
        return _remade, self._made_of

    own = {"__module__": kind.__module__, "__reduce__": reduce, "__init__": lambda *args: None}
    return type(kind.__name__, (kind, cls), own)


# Where TensorFlow itself raises Python's.
_PYTHON_S = frozenset(
    f"tensorflow.{name}"
    for name in (
        "constant", "convert_to_tensor", "debugging.assert_integer", "debugging.assert_rank",
        "debugging.assert_rank_at_least", "debugging.assert_rank_in", "debugging.assert_scalar",
        "debugging.assert_shapes", "debugging.assert_type", "function",
    )
)  # fmt: skip


@functools.cache
def raising(path: str, function: Any) -> Any:
    """Return a function that raises what TensorFlow's does; classes and values as they are.

    What the code of a program raises in a function that it gives (to `tf.map_fn`, say) stays what it is.

    Args:
        path: Its path, from `tensorflow` on.
        function: What is called.

    Example:
        >>> import jax.numpy as jnp
        >>> try:
        ...     raising("tensorflow.reshape", jnp.reshape)([1, 2], (3,))
        ... except TypeError as error:
        ...     print(type(error).__name__, isinstance(error, OpError))
        InvalidArgumentError True
    """
    is_plain = isinstance(function, FunctionType) or hasattr(function, "__wrapped__")
    if isinstance(function, type) or not is_plain or path in _PYTHON_S:
        return function
    return turned(function)


def _is_library_s(error: Exception) -> bool:
    """Say whether an error was raised by a library and not by the program's own code that it called."""
    trace, file = error.__traceback__, ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        # Python's own files are read and opened by both.
        file, trace = (
            (file if name.startswith(_PYTHON) and "site-packages" not in name else name),
            trace.tb_next,
        )
    return is_foreign(file)


def turned(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose errors, and those of the library in it, are TensorFlow's."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if not _is_library_s(error):
                raise
            new = as_tensorflow_s(error)
            if new is error:
                raise
            raise new from error.__cause__

    return call


def turn_methods(cls: type) -> None:
    """Have the methods of a class raise TensorFlow's errors.

    Args:
        cls: A class that is written for programs of TensorFlow.
    """
    for name, function in list(vars(cls).items()):
        if name.startswith("_") and name not in ("__init__", "__next__", "__call__"):
            continue
        if isinstance(function, FunctionType):
            setattr(cls, name, turned(function))
        elif isinstance(function, classmethod | staticmethod):
            setattr(cls, name, type(function)(turned(function.__func__)))
