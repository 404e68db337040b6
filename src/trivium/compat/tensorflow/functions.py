"""`tf.function`: what can be compiled is, by `trivium.state.functions`; the rest runs as plain Python, said once."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import logging
import textwrap
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from trivium.compat.tensorflow.gradients import GraphTapes, TapesNeeded
from trivium.compat.tensorflow.packing import holds_strings, only_dense, pack, unpack
from trivium.compat.tensorflow.specs import TensorSpec, TypeSpec, narrow
from trivium.compat.written import covers
from trivium.data.kinds import AnyRows, AnySparse
from trivium.data.strings import as_strings
from trivium.graph import CaptureError
from trivium.graph.errors import error_location
from trivium.state.functions import PlainRunNeeded, StatefulFunction
from trivium.state.scopes import init_scope
from trivium.state.traces import outside_of_traces
from trivium.training.traced import NEEDS_VALUES

__all__ = ["TFFunction"]


_COMPILED_LOOPS = " `tf.cond`, `tf.where` and `tf.while_loop` can be compiled."
# A pipeline's batches of rows have other lengths nearly each time. A few forms are worth compiling for.
_MOST_LENGTHS = 8


class _Setting:
    """Whether functions run as plain Python."""

    eager = False


class TFFunction:
    """A function under `tf.function`.

    Args:
        function: The function.
        input_signature: Specs of its positional arguments, which are converted to them.

    Example:
        >>> double = TFFunction(lambda x: 2 * x)
        >>> double(jnp.array(3.0)).item(), double.experimental_get_tracing_count()
        (6.0, 1)
    """

    def __init__(self, function: Callable[..., Any], input_signature: Any = None) -> None:
        functools.update_wrapper(self, function)
        self.python_function = function
        self.input_signature = input_signature
        self._compiled = StatefulFunction(self._traced)
        self._plain = False
        self._lengths: set[Hashable] = set()
        self._gives_packed = False
        self._looked = False
        self._tapes = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        if self.input_signature is not None:
            args, kwargs = self._converted(args, kwargs)
        if not self._looked:
            self._looked = True
            if (line := _loops_over_tensors(self.python_function)) is not None:
                self._run_plainly(line, "`for` goes over a tensor or a dataset there")
        while True:
            try:
                return self._called(args, kwargs)
            except TapesNeeded as needed:
                self._tapes = needed.depth

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        """Run the Python function; on a tape where it asks for gradients of what it computes."""
        if not self._tapes:
            return self.python_function(*args, **kwargs)
        with GraphTapes(self._tapes):
            return self.python_function(*args, **kwargs)

    def _traced(self, *args: Any, **kwargs: Any) -> Any:
        """Run it while it is compiled: rows and sparse arrays come and go as dense arrays and the places in them."""
        args, kwargs = unpack((args, kwargs))
        made, form = pack(self._run(*args, **kwargs))
        self._gives_packed |= bool(form)
        return made

    def _called(self, args: Any, kwargs: Any) -> Any:
        if self._plain or _Setting.eager:
            return self._run(*args, **kwargs)
        given, named = args, kwargs
        if not only_dense((args, kwargs)):
            if why := self._why_plain((args, kwargs)):
                self._run_plainly(self._place(), why, "")
                return self._run(*args, **kwargs)
            given, named = pack((args, kwargs))[0]
        try:
            made = self._compiled(*given, **named)
            return unpack(made) if self._gives_packed else made
        except PlainRunNeeded as needed:
            if needed.always:
                self._run_plainly(error_location(needed), str(needed))
        except NEEDS_VALUES as error:
            why = "Python looks at the value of an array there (`if`, `while`, `float`, NumPy)"
            self._run_plainly(error_location(error), why)
        except CaptureError as error:
            self._run_plainly(error.location, "Python looks at the value of an array there")
        except AttributeError as error:
            if error.name not in ("assign", "assign_add", "assign_sub"):
                raise
            self._run_plainly(error_location(error), "a part of a variable is assigned there")
        except ValueError as error:
            if "Reverse-mode differentiation does not work" not in str(error):
                raise
            why = "it takes gradients of a loop whose length is not known when it is compiled"
            self._run_plainly(error_location(error), why)
        return self._run(*args, **kwargs)

    def _why_plain(self, arguments: Any) -> str | None:
        """Return why arguments with strings, rows or sparse arrays among them keep the function from being compiled."""
        if holds_strings(arguments):
            return "it is given strings, which compiled code has not"
        self._lengths.add(pack(arguments)[1])
        if len(self._lengths) > _MOST_LENGTHS:
            return (
                "its ragged or sparse arguments have other lengths again and again, and it would be compiled for each; "
                "dense arrays of one shape, by `.to_tensor(shape=...)`, would be compiled for once"
            )
        return None

    def _place(self) -> str:
        code = getattr(inspect.unwrap(self.python_function), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else "tf.function"

    def _run_plainly(self, location: str, why: str, remedy: str = _COMPILED_LOOPS) -> None:
        self._plain = True
        name = getattr(self, "__name__", "function")
        logging.getLogger("tensorflow").warning(
            "%s: the tf.function %s runs as plain Python, since %s.%s", location, name, why, remedy
        )

    def _converted(self, args: Any, kwargs: Any) -> Any:
        """Return the arguments as the signature has them."""
        names = list(inspect.signature(self.python_function).parameters)
        skip = 1 if names and names[0] == "self" else 0
        specs = self.input_signature
        args = list(args)
        while len(args) < skip + len(specs) and names[len(args)] in kwargs:
            args.append(kwargs.pop(names[len(args)]))
        for i, spec in enumerate(specs):
            if skip + i < len(args):
                place = f"{self.__name__}: the argument {names[skip + i]!r}"  # type: ignore[attr-defined]
                args[skip + i] = _as_spec(args[skip + i], spec, place)
        return tuple(args), kwargs

    def __get__(self, owner: Any, cls: Any = None) -> Any:
        """Return it as a method."""
        return self if owner is None else _Method(self, owner)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        """Return the function for arguments of which those that are specs are left to be given."""
        specs = [i for i, a in enumerate(args) if isinstance(a, TypeSpec)]
        named = [k for k, a in kwargs.items() if isinstance(a, TypeSpec)]

        @functools.wraps(self.python_function)
        def concrete(*given: Any, **more: Any) -> Any:
            if not specs and not named:
                return self(*(given or args), **(kwargs | more))
            filled, left = list(args), list(given)
            for place in specs:
                if left:
                    filled[place] = left.pop(0)
            rest = {name: left.pop(0) for name in named if left and name not in more}
            return self(*filled, **(kwargs | rest | more))

        return concrete

    def experimental_get_tracing_count(self) -> int:
        """Return for how many forms of arguments it has been traced."""
        return self._compiled.count


class _Method:
    """A method under `tf.function`, of one object."""

    def __init__(self, function: TFFunction, owner: Any) -> None:
        functools.update_wrapper(self, function.python_function.__get__(owner))
        self.__self__, self.__func__ = owner, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__(self.__self__, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__func__, name)

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        return self.__func__.get_concrete_function(self.__self__, *args, **kwargs)


def _as_spec(value: Any, spec: Any, place: str) -> Any:
    if not isinstance(spec, TypeSpec):
        return value
    if isinstance(spec, TensorSpec) and not isinstance(value, AnyRows | AnySparse):
        if spec.dtype == "string":
            value = as_strings(value)
        elif not isinstance(value, jax.Array):
            value = jnp.asarray(value, narrow(spec.dtype))
    if not spec.is_compatible_with(value):
        raise TypeError(
            f"{place} is of shape {spec.shape} and dtype {spec.dtype}, as `input_signature` says ({spec}); got "
            f"{tuple(value.shape)}, {value.dtype}."
        )
    return value


def _loops_over_tensors(function: Callable[..., Any]) -> str | None:
    """Return the place of a loop over `tf.range(...)`, which would be written out round by round; `None` without."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
        tree = ast.parse(source)
        code = inspect.unwrap(function).__code__
    except (OSError, TypeError, SyntaxError, AttributeError):
        return None
    for node in ast.walk(tree):
        match node:
            case ast.For(iter=ast.Call(func=ast.Attribute(attr="range", value=ast.Name()))):
                return f"{code.co_filename}:{code.co_firstlineno + node.lineno - 1}"
    return None


@covers("tensorflow.function")
def _function(
    func: Any = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: Any = None,
    reduce_retracing: bool = False,
    experimental_implements: Any = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: Any = None,
    experimental_compile: Any = None,
    experimental_follow_type_hints: Any = None,
) -> Any:
    if func is None:
        return lambda f: TFFunction(f, input_signature)
    return TFFunction(func, input_signature)


@covers(
    "tensorflow.config.run_functions_eagerly",
    "tensorflow.config.experimental_run_functions_eagerly",
)
def _run_functions_eagerly(run_eagerly: bool) -> None:
    _Setting.eager = bool(run_eagerly)


covers("tensorflow.config.functions_run_eagerly")(lambda: _Setting.eager)


@covers("tensorflow.init_scope")
@contextlib.contextmanager
def _init_scope() -> Iterator[None]:
    with init_scope(), outside_of_traces():
        yield
