"""Functions give what TensorFlow's give, in the same dtypes, with the same gradients.

Those that are differentiated are so on a tape in one compiled function, as in a step of training; others run at once.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tf_functions import CASES, VALUES, asked

from trivium.compat import active

with active():
    import tensorflow as tf

RECORDED = dict(line.split(" = ", 1) for line in VALUES.read_text("utf-8").splitlines())
NARROW = {"int64": "int32", "float64": "float32"}


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    given = {name: tf.constant(x) for name, (_, x) in CASES.items() if x is not None}

    def every(xs: dict[str, Any]) -> dict[str, Any]:
        return {name: asked(tf, name, x) for name, x in xs.items()}

    with active():
        function = tf.function(every)
        made: dict[str, Any] = function(given)
    assert function.experimental_get_tracing_count() == 1  # Nothing in it needs plain Python.
    return made


def test_all_cases_are_recorded() -> None:
    assert list(RECORDED) == list(CASES)


@pytest.mark.parametrize("name", CASES)
def test_values(name: str, compiled: dict[str, Any]) -> None:
    if name in compiled:
        made, gradient = compiled[name]
        found = [*made, gradient]
    else:
        with active():
            found = asked(tf, name, None)[0]
    for array, (dtype, shape, values) in zip(found, json.loads(RECORDED[name]), strict=True):
        assert (str(array.dtype), list(array.shape)) == (NARROW.get(dtype, dtype), shape)
        # SciPy and JAX round otherwise than TensorFlow's kernels; large numbers may cancel each other.
        near = 3e-6 * max(1.0, np.abs(values).max(initial=0))
        np.testing.assert_allclose(np.ravel(array), np.array(values), rtol=3e-5, atol=near)


@pytest.mark.parametrize("name", ["total_variation", "resize"])
def test_tapes_hear_what_images_go_through_at_once(name: str) -> None:
    # Images that nobody watches are changed in NumPy, of which a tape hears nothing.
    x = tf.constant(CASES[f"image.{name}"][1])
    with active():
        *_, (_, _, wanted) = json.loads(RECORDED[f"image.{name}"])
        np.testing.assert_allclose(
            np.ravel(asked(tf, f"image.{name}", x)[1]), wanted, rtol=1e-4, atol=1e-5
        )
        with tf.GradientTape() as tape:
            tape.watch(x)
            worse = tf.image.adjust_jpeg_quality(tf.image.grayscale_to_rgb(x[0]), 50)
        assert worse.shape == (6, 7, 3) and tape.gradient(worse, x) is None


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft"])
def test_transforms_of_any_axes_are_numpy_s(name: str) -> None:
    # TensorFlow's have no kernels for CPUs.
    x = (
        np.arange(24, dtype="float32")
        .reshape(2, 3, 4)
        .astype("complex64" if name != "rfft" else "float32")
    )
    wanted = getattr(np.fft, f"{name}n")(x, [4, 4], [1, 2], "ortho")
    np.testing.assert_allclose(
        getattr(tf.signal, f"{name}nd")(x, [4, 4], [1, 2], "ortho"), wanted, rtol=1e-4, atol=1e-4
    )


def test_parts_of_images_drawn_at_random_hold_enough_of_an_object() -> None:
    size, boxes = tf.shape(tf.zeros((40, 50, 3))), [[[0.2, 0.2, 0.6, 0.8]]]
    for seed in range(5):
        begin, extent, box = tf.image.stateless_sample_distorted_bounding_box(
            size, boxes, [seed, 1], min_object_covered=0.5, area_range=(0.2, 0.9)
        )
        part = tf.slice(tf.zeros((40, 50, 3)), begin, extent)
        assert box.shape == (1, 1, 4) and part.shape == (*extent[:2].tolist(), 3)
        height, width = part.shape[:2]
        assert 0.7 < width / height < 1.4 and 0.15 < height * width / 2000 < 0.95
        low, high = np.maximum(box[0, 0, :2], [0.2, 0.2]), np.minimum(box[0, 0, 2:], [0.6, 0.8])
        assert np.prod(high - low) >= 0.5 * 0.4 * 0.6 - 1e-6
    tf.random.set_seed(1)
    first, second = (tf.image.sample_distorted_bounding_box(size, boxes)[2] for _ in range(2))
    assert not np.array_equal(first, second)


ERRORS = {
    "frame_length": lambda: tf.signal.mdct(tf.ones(16), 6),
    "diagonals_format": lambda: tf.linalg.tridiagonal_matmul(tf.eye(3), tf.eye(3), "dense"),
    "pad_to_max_output_size": lambda: tf.image.non_max_suppression_padded(
        tf.ones((2, 3, 4)), tf.ones((2, 3)), 2
    ),
    "boxes, classes": lambda: tf.image.combined_non_max_suppression(
        tf.ones((2, 3, 4)), tf.ones((2, 3)), 2, 2
    ),
    "use_image_if_no_bounding_boxes": lambda: tf.image.sample_distorted_bounding_box(
        (4, 4, 3), np.zeros((1, 0, 4))
    ),
    "'i' or 'v'; got 'x'": lambda: tf.linalg.eigh_tridiagonal([1.0, 2.0], [1.0], select="x"),
    "got 'max'": lambda: tf.nn.embedding_lookup_sparse(
        tf.ones((3, 2)), tf.SparseTensor([[0, 0]], [1], [1, 1]), None, "max"
    ),
    "dtype float32; got float16": lambda: tf.debugging.assert_same_float_dtype(
        [tf.ones(1), tf.ones(1, tf.float16)]
    ),
}


@pytest.mark.parametrize("words", ERRORS)
def test_what_is_wrong_is_said(words: str) -> None:
    with active(), pytest.raises(ValueError, match=words):
        ERRORS[words]()
