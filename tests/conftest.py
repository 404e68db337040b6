"""Shared test settings: the real Keras, our oracle, runs on its JAX backend."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("MPLBACKEND", "agg")
# Nothing of a test is for the next one, nor in anybody's home.
os.environ.setdefault("TRIVIUM_COMPILATION_CACHE", "0")
# Tests start many processes. Where Python may not write bytecode, each compiles all of the package's source anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import hypothesis
import pytest

from trivium.state import clear_names

# The same examples in each run, so that a change and nothing else turns a test red; HYPOTHESIS_PROFILE=explore draws
# new ones, which is how faults are looked for.
hypothesis.settings.register_profile("same", derandomize=True, database=None)
hypothesis.settings.register_profile("explore", derandomize=False)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

pytest_plugins = ["groups", "compiling", "oracle.plugin"]


@pytest.fixture(autouse=True)
def _names_count_from_the_start():
    """What a test's layers are called does not depend on the tests before it in the process."""
    clear_names()
