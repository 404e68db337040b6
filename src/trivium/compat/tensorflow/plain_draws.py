"""`tf.random`'s plain draws, whose numbers follow the global seed or that of the layer that draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trivium import random
from trivium.compat.tensorflow.static_shapes import as_sizes
from trivium.compat.written import covers
from trivium.state import SeedGenerator, set_random_seed
from trivium.state.frame import current_frame
from trivium.state.types import Array

__all__ = ["layer_seed"]


def layer_seed(seed: Any) -> Any:
    """Return what our random functions take for `seed`.

    TensorFlow's draw new numbers at each call, inside compiled functions too. Here those need a state: the layer
    that is being called keeps it.
    """
    layers = current_frame().layers
    if seed is not None or not layers:
        return seed
    kept = vars(layers[-1])
    if "tf_random" not in kept:
        kept["tf_random"] = SeedGenerator()
    return kept["tf_random"]


covers("tensorflow.random.set_seed")(lambda seed: set_random_seed(int(seed)))


def _cover_normal(draw: Callable[..., Array], *paths: str) -> None:
    @covers(*paths)
    def _drawn(
        shape: Any,
        mean: Any = 0.0,
        stddev: Any = 1.0,
        dtype: Any = "float32",
        seed: Any = None,
        name: str | None = None,
    ) -> Array:
        return draw(as_sizes(shape), mean, stddev, dtype, seed=layer_seed(seed))


_cover_normal(random.normal, "tensorflow.random.normal", "keras.backend.random_normal")
_cover_normal(random.truncated_normal, "tensorflow.random.truncated_normal")


@covers("tensorflow.random.uniform", "keras.backend.random_uniform")
def _uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    name: str | None = None,
) -> Any:
    if "int" in str(dtype):
        return random.randint(as_sizes(shape), minval, maxval, dtype, seed=layer_seed(seed))
    highest = 1.0 if maxval is None else maxval
    return random.uniform(as_sizes(shape), minval, highest, dtype, seed=layer_seed(seed))


@covers("tensorflow.random.shuffle")
def _shuffle(value: Any, seed: Any = None, name: str | None = None) -> Any:
    return random.shuffle(value, seed=layer_seed(seed))


@covers("tensorflow.random.categorical")
def _categorical(
    logits: Any, num_samples: int, dtype: Any = None, seed: Any = None, name: str | None = None
) -> Any:
    return random.categorical(logits, num_samples, dtype=dtype or "int32", seed=layer_seed(seed))
