"""Images of other sizes on the host: the numbers of `ops.image.resize`."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both

from trivium import ops
from trivium.preprocessing.image import smart_resize
from trivium.preprocessing.image.resampling import (
    METHODS,
    crop_to_ratio,
    pad_to_ratio,
    resample,
)

RNG = np.random.default_rng(0)
SIZES = [((5, 7), (9, 4)), ((8, 6), (8, 3)), ((3, 1), (1, 3)), ((12, 12), (5, 5)), ((4, 4), (4, 4))]
IMAGES = RNG.integers(0, 256, (2, 7, 11, 3)).astype("uint8")


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("fit", ["squeeze", "crop", "pad"])
def test_the_numbers_are_those_of_the_op(method, fit):
    fitted = {"squeeze": lambda x, size: x, "crop": crop_to_ratio, "pad": pad_to_ratio}[fit]
    kwargs = {} if fit == "squeeze" else {f"{fit}_to_aspect_ratio": True}
    for (height, width), size in SIZES:
        x = RNG.integers(0, 256, (height, width, 3)).astype("uint8")
        wanted = ops.image.resize(x.astype("float32"), size, method, **kwargs)
        got = resample(fitted(x, size), size, method)
        assert got.dtype in ("uint8", "float32")  # Bytes where each pixel is one that was there.
        np.testing.assert_allclose(got, wanted, atol=2e-2 if "lanczos" in method else 2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_one_color_stays_one_color(method):
    for (height, width), size in SIZES:
        resized = resample(np.full((height, width, 3), 77, "uint8"), size, method)
        np.testing.assert_allclose(resized, 77, rtol=1e-5)


def test_areas_are_means():
    x = np.arange(24.0).reshape(4, 6, 1)
    means = x.reshape(2, 2, 3, 2, 1).mean((1, 3))
    np.testing.assert_allclose(resample(x, (2, 3), "area"), means, rtol=1e-6)


# What `tf.image.resize` of TensorFlow 2.21 gives of the image below: Keras's other backends do not have these.
TENSORFLOW_S = {
    "area": [[3, 7.2, 10.25, 11.25, 16.85, 14.15, 8], [6.5, 10.7, 12.6, 9, 14.6, 14.2, 11.5],
             [10, 14.2, 14.95, 6.75, 12.35, 14.25, 15]],
    "gaussian": [[3.0003, 6.5714, 9.9342, 12.2163, 16.3516, 13.8689, 8.2986],
                 [6.997, 10.4761, 11.9928, 10.2248, 13.8434, 13.9997, 11.8195],
                 [10.9937, 14.3808, 14.0515, 8.2333, 11.3352, 14.1304, 15.3404]],
    "mitchellcubic": [[2.081, 5.8952, 9.9782, 12.3006, 17.5441, 14.0453, 7.081],
                      [6.5, 10.5781, 12.3316, 9.6389, 14.1173, 14.2662, 11.5],
                      [10.919, 15.261, 14.6851, 6.9772, 10.6906, 14.4871, 15.919]],
}  # fmt: skip


@pytest.mark.parametrize("method", TENSORFLOW_S)
def test_the_other_kernels_are_tensorflow_s(method):
    x = (np.arange(20).reshape(4, 5, 1) * 7) % 23
    resized = resample(x.astype("float32"), (3, 7), method)[..., 0]
    np.testing.assert_allclose(resized, TENSORFLOW_S[method], atol=2e-4)


@pytest.mark.parametrize("method", ["gaussian", "mitchellcubic"])
def test_kernels_that_smooth_change_an_image_of_the_same_size(method):
    x = np.zeros((5, 5, 1), "float32")
    x[2, 2] = 1
    smooth = resample(x, (5, 5), method)
    assert 0.3 < smooth[2, 2, 0] < 0.9
    np.testing.assert_allclose(smooth.sum(), 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic"])
def test_smart_resize_is_the_real_keras_s(dtype, method):
    x = IMAGES.astype(dtype)
    ours, theirs = both(
        lambda lib: lib.preprocessing.image.smart_resize(x, (5, 5), interpolation=method)
    )
    assert ours.dtype == dtype
    # Keras cuts off what is behind the point; whole numbers are rounded here.
    np.testing.assert_allclose(ours, theirs, atol=1 if dtype == "uint8" else 1e-3)


def test_smart_resize_takes_one_image_channels_first_and_jax_arrays():
    one = smart_resize(IMAGES[0], (5, 5))
    np.testing.assert_array_equal(one, smart_resize(IMAGES, (5, 5))[0])
    first = smart_resize(IMAGES.transpose(0, 3, 1, 2), (5, 5), data_format="channels_first")
    np.testing.assert_array_equal(first[0].transpose(1, 2, 0), one)
    compiled = jax.jit(lambda x: smart_resize(x, (5, 5)))(jnp.asarray(IMAGES[0]))
    assert isinstance(compiled, jax.Array)
    np.testing.assert_allclose(np.asarray(compiled, int), one, atol=1)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"size": (5,)}, "a height and a width"),
        ({"size": 5}, "a height and a width"),
        ({"interpolation": "bilinaer"}, "Did you mean 'bilinear'"),
        ({"data_format": "last"}, "'channels_last' or 'channels_first'"),
        ({"x": np.zeros((3, 3))}, r"got an array of shape \(3, 3\)"),
    ],
)
def test_errors(kwargs, message):
    with pytest.raises(ValueError, match=message):
        smart_resize(**{"x": IMAGES, "size": (5, 5)} | kwargs)
