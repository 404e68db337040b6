"""How the tests' programs are compiled: quickly, since most of them run once, or as users' are.

XLA spends most of the suite's time on code that is fast, and a test runs its programs once or twice. So XLA's CPU
backend is asked for code that it makes quickly; what it does to a program before that (simplifying, fusing) stays as it
is. That code may round otherwise. Tests of bits, of edges of floats, of memory and of time have the marker `optimized`
and get the code that users get; `--optimized` gives it to all.
"""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Mapping
from typing import Any

import jax
import pytest
from groups import group
from jax._src import compiler

from trivium.state.quick_compilation import OPTIONS as QUICK
from trivium.training.executables import clear_programs

# How many programs a process keeps for the next group of tests: each takes about a megabyte.
KEPT = 1000
_options: Mapping[str, Any] = {}
_group = ""
_compiled = 0


def use(options: Mapping[str, Any], group: str) -> None:
    """Compile the programs of a group of tests with these options.

    What was compiled with others is dropped, and what earlier groups compiled where it has become much.
    """
    global _options, _group, _compiled
    if options != _options or (group != _group and _compiled > KEPT):
        gc.unfreeze()  # What is dropped may hold itself in a circle.
        clear_programs()
        jax.clear_caches()
        _compiled = 0
    if group != _group:
        # After some minutes JAX keeps millions of objects of programs, and to search them for garbage takes a second.
        # A test that looks for what is gone makes it by itself.
        _leave_out()
    _options, _group = options, group


def compiled_count() -> int:
    """Return how many programs XLA was asked for, of JAX's own and of all others, since programs were dropped last."""
    return _compiled


def quick_environment() -> dict[str, str]:
    """Return the environment of a process that a test starts, and whose programs are compiled quickly, too."""
    flags = [f"--{name}={str(value).lower()}" for name, value in QUICK.items()]
    return {**os.environ, "XLA_FLAGS": " ".join([os.environ.get("XLA_FLAGS", ""), *flags])}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("compiling").addoption(
        "--optimized", action="store_true", help="compile the programs of all tests as users' are"
    )


def pytest_configure(config: pytest.Config) -> None:
    original = compiler.get_compile_options

    # JAX has no setting for this but an environment variable, which holds for a process and all of its tests.
    @functools.wraps(original)
    def get_compile_options(
        *args: Any, env_options_overrides: dict[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        global _compiled
        _compiled += 1
        options = {**_options, **(env_options_overrides or {})}
        return original(*args, env_options_overrides=options, **kwargs)

    compiler.get_compile_options = get_compile_options
    config.add_cleanup(lambda: setattr(compiler, "get_compile_options", original))


def pytest_collection_finish() -> None:
    # What was collected stays, and is large: no search for garbage goes through all modules and tests again.
    _leave_out()


def _leave_out() -> None:
    """Leave out of further searches for garbage what is in use."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    optimized = item.config.getoption("--optimized") or item.get_closest_marker("optimized")
    use({} if optimized else QUICK, group(item.nodeid))
