"""How the tests' programs are compiled: quickly, since most of them run once, or as users' are.

XLA spends most of the suite's time on code that is fast, and a test runs its programs once or twice. So XLA's CPU
backend is asked for code that it makes quickly; what it does to a program before that (simplifying, fusing) stays as it
is. That code may round otherwise. Tests of bits, of edges of floats, of memory and of time have the marker `optimized`
and get the code that users get; `--optimized` gives it to all.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import jax
import pytest
from jax._src import compiler

from trivium.training.executables import clear_programs

QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
}
_options: Mapping[str, Any] = {}


def use(options: Mapping[str, Any]) -> None:
    """Compile with these options from now on, and everything that was compiled with others anew."""
    global _options
    if options != _options:
        _options = options
        clear_programs()
        jax.clear_caches()


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
        options = {**_options, **(env_options_overrides or {})}
        return original(*args, env_options_overrides=options, **kwargs)

    compiler.get_compile_options = get_compile_options
    config.add_cleanup(lambda: setattr(compiler, "get_compile_options", original))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    optimized = item.config.getoption("--optimized") or item.get_closest_marker("optimized")
    use({} if optimized else QUICK)
