"""Quick compilation: an operation that is met outside of a compiled loop is compiled in little time.

JAX computes step by step by compiling each operation when it meets it with new shapes, one program each. XLA takes 20
to 40 ms of a core to make the fastest code for it, and most operations of a program that computes so are small and run
some dozen times. Here XLA's CPU compiler is asked for code that it makes quickly, in a third of that time: without
LLVM's optimizations, and fusions written by the older of its two emitters.

What counts is whose program it is: an operation of JAX's own (`jnp.add`, a primitive) that is called by itself, or one
that a tape runs with its gradient; small, without a loop, on a CPU. Whatever somebody compiles (`fit`, `predict`,
`tf.function`, `jax.jit`) is compiled with all care, and so is what draws random numbers, so that first values are the
same whatever is chosen here.

JAX has no setting for some of its programs, so this stands where it hands a program to XLA. That is JAX's inside;
`tests/state/test_quick_compilation.py` says what is relied on, and where a version of JAX has it otherwise, programs
are compiled as ever.

Reference:
    https://openxla.org/xla/flags_guidance (the options)
"""

from __future__ import annotations

import contextlib
import functools
import math
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = [
    "disable_quick_operations",
    "enable_quick_operations",
    "is_quick_operations_enabled",
    "quick_operations",
]

OPTIONS = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
    # XLA cuts a program into parts for as many threads, and at this level a part costs more to begin than to compile.
    # In one piece, a step of training takes three fifths of the time, a single operation a little less than before.
    "xla_cpu_parallel_codegen_split_count": 1,
}
# Elements of the largest array. Quick code of a function such as `tanh` takes 5 ns for each of them and XLA's best 0.5,
# so that hundreds of calls pass before the latter has earned what it costs; then, the dispatch of a call takes as long.
LARGEST = 8192
_TAPES = ("trivium.state.recording", "trivium.state.tape")

_enabled = False
_original: Any = None


def is_quick_operations_enabled() -> bool:
    """Say whether small operations outside of compiled loops are compiled quickly; they are under `trivium run`.

    Example:
        >>> is_quick_operations_enabled()
        False
    """
    return _enabled


def enable_quick_operations() -> None:
    """Compile small operations quickly that are called one by one, outside of `fit`, `predict` and `jax.jit`.

    A program that computes step by step starts sooner: on a CPU, JAX compiles each operation for each shape when it is
    met first. Functions such as `exp`, and sums, may come out otherwise in the last digit. What is compiled as a whole
    (`fit`, `evaluate`, `predict`, `tf.function`, `jax.jit`) keeps all of its bits and its speed, and so do random
    numbers. It holds for the process, from then on: what was compiled before stays as it is.

    Example:
        >>> enable_quick_operations()
        >>> is_quick_operations_enabled()
        True
        >>> disable_quick_operations()
    """
    global _enabled, _original
    if _original is None:
        with contextlib.suppress(ImportError, AttributeError):
            from jax._src import compiler

            _original = compiler.compile_or_get_cached
            compiler.compile_or_get_cached = functools.wraps(_original)(_compile)  # type: ignore[assignment]
    _enabled = True


def disable_quick_operations() -> None:
    """Compile each operation with all care, as JAX does by itself.

    Example:
        >>> disable_quick_operations()
    """
    global _enabled
    _enabled = False


@contextlib.contextmanager
def quick_operations() -> Iterator[None]:
    """Compile small operations quickly while the `with` block lasts.

    Example:
        >>> with quick_operations():
        ...     is_quick_operations_enabled()
        True
    """
    before = _enabled
    enable_quick_operations()
    try:
        yield
    finally:
        if not before:
            disable_quick_operations()


def _compile(
    backend: Any, program: Any, devices: Any, options: Any, *more: Any, **named: Any
) -> Any:
    if _enabled and backend.platform == "cpu" and _is_operation() and _is_small(program):
        options.env_option_overrides = [*options.env_option_overrides, *OPTIONS.items()]
    return _original(backend, program, devices, options, *more, **named)


def _is_operation() -> bool:
    """Say whether what is being compiled is one of JAX's own functions, called by itself, or an operation on a tape."""
    function = _called()
    module = getattr(function, "__module__", None) or ""
    if module in _TAPES or getattr(function, "is_operation", False):
        return True
    return module.partition(".")[0] == "jax" and "random" not in module


def _called() -> Any:
    """Return the function of the compiled call that is going on; `None` where a program is compiled beforehand."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == "cache_miss":
            return frame.f_locals.get("fun")
        frame = frame.f_back
    return None


def _is_small(program: Any) -> bool:
    """Say whether a program has no loop, and takes and gives no large array."""
    for function in program.body.operations:
        if function.operation.name != "func.func":
            continue  # A mesh of devices.
        if any(op.operation.name == "stablehlo.while" for op in _operations(function)):
            return False
        kind = function.attributes["function_type"].value
        if any(math.prod(getattr(t, "shape", ())) > LARGEST for t in (*kind.inputs, *kind.results)):
            return False
    return True


def _operations(function: Any) -> Iterator[Any]:
    for region in function.operation.regions:
        for block in region.blocks:
            for operation in block.operations:
                yield operation
                yield from _operations(operation)
