"""Fused outputs: a program in which XLA computes several large arrays of one shape in one loop over their elements.

By itself XLA's CPU compiler makes a loop for each array. A step of Adam on a table of embeddings then goes through the
gradient, the moments and the table eleven times, and memory is what it waits for; in one loop it reads each once and
writes each once, in its place. XLA has the pass for it ("multi-output fusion") and an option that turns it on, but
JAX's `compiler_options` take no options of this kind, so this stands where JAX hands a program to XLA, as
`quick_compilation` does; where a version of JAX has it otherwise, programs are compiled as ever.

Reference:
    https://openxla.org/xla/flags_guidance (the options)
"""

from __future__ import annotations

import contextlib
import functools
import threading
from typing import Any

import jax

from trivium.state.jaxpr import inner_programs, is_literal

__all__ = ["can_fuse_outputs", "compile_fused", "survives_fusing"]

_asked = threading.local()
_original: Any = None


def _field(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer that holds bytes: its number and kind, its length, and them."""
    head = b""
    for value in (number << 3 | 2, len(content)):
        while value > 127:
            head += bytes([value & 127 | 128])
            value >>= 7
        head += bytes([value])
    return head + content


# What is appended to a message is merged into it: here, into the debug options (3) of the options for an executable
# (3), an entry of the map of options for one backend (500).
_OPTION = _field(
    3, _field(3, _field(500, _field(1, b"xla_cpu_use_multi_output_fusion") + _field(2, b"true")))
)


def can_fuse_outputs() -> bool:
    """Say whether programs can be compiled so: on the CPU, with a JAX that is known from the inside.

    Example:
        >>> can_fuse_outputs() in (True, False)
        True
    """
    return jax.default_backend() == "cpu" and _stands_in()


def survives_fusing(program: Any) -> bool:
    """Say whether a program may be compiled so: XLA 0.10.2 ends the process where another loop joins a scatter.

    What is known to go well is adding to zeros, as the gradient of a lookup does; so other scatters are left alone, and
    what is in one program with them.

    Args:
        program: A jaxpr.

    Example:
        >>> places = jax.numpy.array([2, 2])
        >>> lookup = jax.grad(lambda x: x[places].sum())
        >>> [survives_fusing(jax.make_jaxpr(f)(jax.numpy.ones(3))) for f in (lookup, lambda x: x.at[places].set(2.0))]
        [True, False]
    """
    zeros = {
        e.outvars[0]
        for e in program.eqns
        if e.primitive.name == "broadcast_in_dim"
        and is_literal(e.invars[0])
        and e.invars[0].val == 0
    }
    return all(
        not e.primitive.name.startswith("scatter")
        or (
            e.primitive.name == "scatter-add"
            and not is_literal(e.invars[0])
            and e.invars[0] in zeros
        )
        for e in program.eqns
    ) and all(survives_fusing(inner) for e in program.eqns for inner in inner_programs(e))


def compile_fused(lowered: Any) -> Any:
    """Compile a program with its outputs fused where that can be; without, where XLA cannot do it.

    Args:
        lowered: A `jax.stages.Lowered`.

    Returns:
        A `jax.stages.Compiled`.

    Example:
        >>> both = jax.jit(lambda x, y: (x * 2 + y, y * 3 + x))
        >>> one = jax.ShapeDtypeStruct((8,), "float32")
        >>> [float(a) for a in compile_fused(both.lower(one, one))(*jax.numpy.ones((2, 8)))[0][:1]]
        [3.0]
    """
    if _stands_in():
        _asked.now = True
        try:
            return lowered.compile()
        except jax.errors.JaxRuntimeError:
            pass  # It may be for another reason, which comes up again.
        finally:
            _asked.now = False
    return lowered.compile()


def _stands_in() -> bool:
    global _original
    if _original is None:
        with contextlib.suppress(ImportError, AttributeError):
            from jax._src import compiler
            from jax._src.lib import xla_client

            if not hasattr(xla_client.CompileOptions, "ParseFromString"):
                return False
            _original = compiler.compile_or_get_cached
            compiler.compile_or_get_cached = functools.wraps(_original)(_compile)  # type: ignore[assignment]
    return _original is not None


def _compile(
    backend: Any, program: Any, devices: Any, options: Any, *more: Any, **named: Any
) -> Any:
    if getattr(_asked, "now", False):
        options = type(options).ParseFromString(options.SerializeAsString() + _OPTION)
    return _original(backend, program, devices, options, *more, **named)
