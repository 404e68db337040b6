"""Shared test settings: the real Keras, our oracle, runs on its JAX backend."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("MPLBACKEND", "agg")

import pytest

from trivium.state import clear_names

pytest_plugins = ["groups", "oracle.plugin"]


@pytest.fixture(autouse=True)
def _names_count_from_the_start():
    """What a test's layers are called does not depend on the tests before it in the process."""
    clear_names()
