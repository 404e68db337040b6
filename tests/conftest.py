"""Shared test settings: the real Keras, our oracle, runs on its JAX backend."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("MPLBACKEND", "agg")

pytest_plugins = ["groups", "oracle.plugin"]
