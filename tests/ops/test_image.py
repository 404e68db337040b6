"""Functions of images: against the real Keras, and against the definitions where that is wrong or silent."""

from __future__ import annotations

import colorsys
from typing import Any

import jax
import numpy as np
import pytest
import scipy.ndimage
from oracle import recorded
from programs import (
    BATCH,
    DTYPES,
    Recording,
    assert_same_numbers,
    assert_symbolic,
    c,
    result_dtypes,
    with_gradients,
)

import trivium as tv
from trivium import ops
from trivium.ops import image

RNG = np.random.default_rng(0)
COLORS = RNG.uniform(size=(BATCH, 6, 7, 3)).astype("float32")
COLORS_FIRST = np.ascontiguousarray(COLORS.transpose(0, 3, 1, 2))
ONE = COLORS[0, :4]
BYTES = (COLORS * 255).astype("uint8")
OTHERS = RNG.uniform(size=(BATCH, 6, 7, 3)).astype("float32")
NEARBY = np.float32(0.8 * COLORS + 0.2 * OTHERS)
CUBES = RNG.normal(size=(BATCH, 4, 5, 3, 2)).astype("float32")
PLACES = RNG.uniform(-3, 9, size=(2, 4, 5)).astype("float32")
TURN = np.array([1.1, 0.2, -1, 0.1, 0.9, -0.5, 0, 0], "float32")
TURNS = (TURN + RNG.normal(0, 0.1, size=(BATCH, 8)) * (np.arange(8) < 6)).astype("float32")
CORNERS = np.array([[0, 0], [0, 5], [6, 0], [6, 5]], "float32")
MOVED = (CORNERS + RNG.uniform(-1, 1, size=(BATCH, 4, 2))).astype("float32")
STARTS = np.tile(CORNERS, (BATCH, 1, 1))
FACTORS, SHIFTS = np.array([1.3, 0.8], "float32"), np.array([0.4, -1.2], "float32")

CASES: dict[str, list[tuple[Any, Any]]] = {
    "rgb_to_grayscale": [c(COLORS), c(ONE), c(COLORS_FIRST, data_format="channels_first"), c(BYTES)],
    "rgb_to_hsv": [c(COLORS), c(COLORS_FIRST, data_format="channels_first"), c(ONE), c(np.float32(COLORS > 0.5))],
    "hsv_to_rgb": [c(COLORS), c(COLORS_FIRST, data_format="channels_first"), c(ONE)],
    "resize": [
        c(COLORS, (3, 9)), c(COLORS, (8, 4), "bicubic"), c(COLORS, (3, 3), "nearest"), c(ONE, (3, 9), "lanczos3"),
        c(COLORS, (4, 4), "lanczos5", True), c(COLORS_FIRST, (3, 2), antialias=True, data_format="channels_first"),
        c(COLORS, (4, 9), crop_to_aspect_ratio=True), c(COLORS, (9, 4), crop_to_aspect_ratio=True),
        c(COLORS, (4, 9), pad_to_aspect_ratio=True, fill_value=0.5), c(ONE, (9, 4), pad_to_aspect_ratio=True),
        c(BYTES, (3, 9)), c(BYTES, (9, 4), "bicubic"), c(BYTES, (3, 9), "nearest"),
    ],
    "scale_and_translate": [
        c(COLORS, (BATCH, 7, 8, 3), FACTORS, SHIFTS, (1, 2), "linear"),
        c(ONE, (3, 9, 3), FACTORS, SHIFTS, (0, 1), "cubic", False),
    ],
    "crop_images": [
        c(COLORS, 1, 2, 1, 0), c(ONE, 1, 2, target_height=2, target_width=3),
        c(COLORS_FIRST, None, None, 1, 2, target_height=2, target_width=3, data_format="channels_first"),
    ],
    "pad_images": [
        c(COLORS, 1, 2, 1, 0), c(ONE, 1, 2, target_height=9, target_width=9),
        c(COLORS_FIRST, None, None, 1, 2, target_height=9, target_width=9, data_format="channels_first"),
    ],
    "extract_patches": [
        c(COLORS, 2), c(COLORS, (3, 2), (2, 1), padding="same"), c(ONE, 2, 1, 2), c(BYTES, 3),
        c(COLORS_FIRST, (2, 3), data_format="channels_first"), c(CUBES, (2, 2, 1)),
    ],
    "extract_patches_3d": [c(CUBES, 2), c(CUBES, (2, 3, 1), 1, padding="same"), c(CUBES[0], 2)],
    "map_coordinates": [
        c(OTHERS[0, ..., 0], PLACES, 1), c(OTHERS[0, ..., 0], PLACES, 0, "nearest"),
        *(c(OTHERS[0, ..., 0], PLACES, order, mode, 0.5) for order, mode in (
            (1, "wrap"), (1, "mirror"), (1, "reflect"), (0, "constant"))),
    ],
    "affine_transform": [
        # With gradients of the images alone: the last two numbers are nothing to Keras.
        c(COLORS, TURNS.tolist()), c(ONE, TURN.tolist(), fill_value=0.3), c(COLORS, TURNS, "nearest", "wrap"),
        c(BYTES, TURNS), c(COLORS_FIRST, TURNS, "bilinear", "reflect", data_format="channels_first"),
    ],
    "perspective_transform": [
        c(COLORS, STARTS, MOVED), c(ONE, CORNERS, MOVED[0], "nearest", 0.5),
        c(COLORS_FIRST, STARTS, MOVED, data_format="channels_first"),
    ],
    "sobel_edges": [c(COLORS), c(COLORS_FIRST, data_format="channels_first"), c(np.int32(BYTES))],
    # Of images that are alike, and with a large `max_val`: else it is a mean of numbers that cancel, over small ones.
    "ssim": [c(COLORS, NEARBY, 8.0, filter_size=5), c(COLORS[0], NEARBY[0], 8.0, 3, 1.0, 0.02, 0.05)],
}  # fmt: skip

# Keras blurs along the rows alone, with weights that do not add up to 1, and so displaces pixels along the diagonal.
WRONG_IN_KERAS = {"elastic_transform", "gaussian_blur"}
# Whole numbers are no colors between 0 and 1, Keras's similarity of them is 0, and its edges of bytes overflow.
FLOATS_ONLY = {"hsv_to_rgb", "rgb_to_hsv", "sobel_edges", "ssim"}


def test_every_function_has_a_row() -> None:
    assert set(CASES) | WRONG_IN_KERAS == set(image.__all__)
    assert not set(image.__all__) & set(ops.__all__)


# Bytes are rounded: a tie falls as in the code that users get.
OF_BYTES = pytest.param("resize", marks=pytest.mark.optimized)


@pytest.mark.parametrize("name", [OF_BYTES if n == "resize" else n for n in sorted(CASES)])
def test_values_gradients_shapes_and_dtypes(name: str) -> None:
    ours, cases = getattr(image, name), CASES[name]
    assert_same_numbers(
        with_gradients(ours),
        lambda keras: with_gradients(getattr(keras.ops.image, name)),
        cases[:2],
    )
    assert_same_numbers(ours, lambda keras: getattr(keras.ops.image, name), cases[2:])


@pytest.mark.parametrize("name", sorted(CASES))
def test_dtypes(name: str) -> None:
    more = () if name == "ssim" else ("float32",)  # Transforms and places.
    case, tried = CASES[name][0], [d for d in DTYPES if "float" in d or name not in FLOATS_ONLY]

    def wanted(keras: Any) -> Any:
        each = [result_dtypes(getattr(keras.ops.image, name), case, [d, *more]) for d in tried]
        return [None if isinstance(d, Exception) else d for d in each]

    for dtype, theirs in zip(tried, recorded(wanted), strict=True):
        ours = result_dtypes(getattr(image, name), case, [dtype, *more])
        assert theirs is None or (dtype, ours) == (dtype, theirs)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"map_coordinates"}))
def test_recorded(name: str) -> None:
    cases = CASES[name][:1]
    if name == "scale_and_translate":
        cases = [c(COLORS, (None, 7, 8, 3), FACTORS, SHIFTS, (1, 2), "linear")]
    if name == "affine_transform":
        cases = [c(COLORS, TURN)]  # Several transforms are for as many images.
    assert_symbolic([Recording(getattr(image, name), case) for case in cases])


def test_sizes_that_are_not_known() -> None:
    x = tv.Input((None, None, 3))
    for function, shape in [
        (image.rgb_to_grayscale, (None, None, None, 1)),
        (image.rgb_to_hsv, (None, None, None, 3)),
        (image.gaussian_blur, (None, None, None, 3)),
        (image.sobel_edges, (None, None, None, 3, 2)),
        (lambda x: image.resize(x, (4, 5)), (None, 4, 5, 3)),
        (lambda x: image.crop_images(x, 1, 1, 1, target_width=2), (None, None, 2, 3)),
        (lambda x: image.pad_images(x, 1, 1, 1, 1), (None, None, None, 3)),
        (lambda x: image.extract_patches(x, 2), (None, None, None, 12)),
        (lambda x: image.affine_transform(x, TURN), (None, None, None, 3)),
        (lambda x: image.ssim(x, x), (None,)),
    ]:
        y = function(x)
        assert y.shape == shape
        got = tv.Model(x, y)(np.tile(COLORS, (1, 2, 2, 1)))
        np.testing.assert_allclose(
            got, function(np.tile(COLORS, (1, 2, 2, 1))), rtol=1e-5, atol=1e-6
        )


def test_blur_is_a_normal_distribution_over_both_axes() -> None:
    away = np.arange(-2, 3)
    weights = [np.exp(-0.5 * (away / s) ** 2) for s in (1.0, 2.0)]
    kernel = np.outer(*(w / w.sum() for w in weights))[..., None]
    wanted = np.stack([scipy.ndimage.correlate(x, kernel, mode="constant") for x in COLORS])
    got = image.gaussian_blur(COLORS, (5, 5), (1.0, 2.0))
    np.testing.assert_allclose(got, wanted, rtol=1e-5)
    first = image.gaussian_blur(COLORS_FIRST, 5, (1.0, 2.0), "channels_first")
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), wanted, rtol=1e-5)
    assert image.gaussian_blur(BYTES).dtype == "uint8"
    slopes = jax.grad(lambda x: image.gaussian_blur(x)[0, 2, 2, 0])(COLORS)
    np.testing.assert_allclose(slopes.sum(), 1, rtol=1e-5)  # The weights add up to 1.


def test_elastic_moves_each_pixel_by_a_blurred_draw() -> None:
    x, y = np.meshgrid(np.arange(40.0), np.arange(30.0))
    places = np.stack([y, x], -1).astype("float32")
    key = jax.random.wrap_key_data(np.array([3, 0], "uint32"), impl="threefry2x32")
    draws = np.asarray(jax.random.normal(key, (1, 30, 40, 2)))[0]
    wanted = np.stack(
        [
            scipy.ndimage.gaussian_filter(draws[..., i], 2.0, mode="constant", radius=6)
            for i in (0, 1)
        ],
        -1,
    )
    moved = image.elastic_transform(places, alpha=3.0, sigma=2.0, seed=3) - places
    inside = np.s_[3:-3, 3:-3]  # At the edges the image is reflected.
    np.testing.assert_allclose(moved[inside], 3 * wanted[inside], rtol=1e-3, atol=1e-4)
    generator = tv.random.SeedGenerator(1)
    a, b = (image.elastic_transform(COLORS, seed=generator) for _ in "ab")
    assert not np.allclose(a, b)
    pixels = tv.Input((6, 7, 3))
    model = tv.Model(pixels, image.elastic_transform(pixels, seed=3))
    np.testing.assert_allclose(model(COLORS), image.elastic_transform(COLORS, seed=3), rtol=1e-5)


def test_a_projection_is_a_perspective() -> None:
    """Keras leaves out the last two numbers: a perspective is to be seen, where it gives a shear."""
    start, end = CORNERS.astype("float64"), MOVED[1].astype("float64")
    rows, right = [], []
    for (sx, sy), (x, y) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -sx * x, -sx * y], [0, 0, 0, x, y, 1, -sy * x, -sy * y]]
        right += [sx, sy]
    transform = np.linalg.solve(np.array(rows), np.array(right)).astype("float32")
    np.testing.assert_allclose(
        image.affine_transform(COLORS, transform),
        image.perspective_transform(COLORS, CORNERS, MOVED[1]),
        rtol=1e-3, atol=1e-4,
    )  # fmt: skip


def test_one_transform_for_all_images() -> None:
    each = image.affine_transform(COLORS, np.tile(TURN, (BATCH, 1)))
    np.testing.assert_array_equal(image.affine_transform(COLORS, TURN), each)
    np.testing.assert_array_equal(image.affine_transform(COLORS, TURN[None]), each)


def test_colors_are_those_of_the_standard_library() -> None:
    pixels = np.concatenate([COLORS.reshape(-1, 3), np.eye(3), np.zeros((1, 3)), np.ones((1, 3))])
    pixels = pixels[None].astype("float32")
    hsv = np.array([[colorsys.rgb_to_hsv(*map(float, p)) for p in pixels[0]]])
    np.testing.assert_allclose(image.rgb_to_hsv(pixels), hsv, atol=1e-6)
    np.testing.assert_allclose(image.hsv_to_rgb(image.rgb_to_hsv(pixels)), pixels, atol=1e-6)
    slopes = jax.grad(lambda x: image.rgb_to_hsv(x).sum())(pixels)
    assert np.isfinite(slopes).all()


def test_similarity_of_whole_numbers() -> None:
    noise = np.clip(BYTES + RNG.integers(-9, 9, BYTES.shape), 0, 255).astype("uint8")
    got = image.ssim(BYTES, noise, 255.0, 5)
    wanted = image.ssim(np.float32(BYTES), np.float32(noise), 255.0, 5)
    np.testing.assert_array_equal(got, wanted)
    assert got.shape == (BATCH,) and ((got > 0.5) & (got < 1)).all()


def test_edges_of_bytes() -> None:
    np.testing.assert_array_equal(image.sobel_edges(BYTES), image.sobel_edges(np.int32(BYTES)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: image.resize(COLORS[0, 0], (2, 2)), r"an image has 3 axes.*\(7, 3\)"),
        (lambda: image.resize(COLORS, (2, 2, 2)), "`size` is one whole number or 2"),
        (lambda: image.resize(COLORS, 2, "bilinera"), "`interpolation` is one of.*'bilinera'"),
        (lambda: image.resize(COLORS, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "not both"),
        (lambda: image.resize(COLORS, 2, fill_mode="wrap"), "`fill_mode` is 'constant'"),
        (lambda: image.resize(COLORS, 2, data_format="first"), "`data_format` is"),
        (lambda: image.crop_images(COLORS, 1), "exactly two of `top_cropping`"),
        (lambda: image.crop_images(COLORS, 4, 1, 4, 1), "target_height|height = -2"),
        (lambda: image.pad_images(COLORS, 1, 1, target_height=3, target_width=9), "bottom = -4"),
        (lambda: image.affine_transform(COLORS, TURN[:7]), r"\(8,\) or \(images, 8\)"),
        (lambda: image.affine_transform(COLORS, TURNS[:2]), "2 transforms for 5 images"),
        (lambda: image.affine_transform(COLORS, TURN, "bicubic"), "`interpolation` is one of"),
        (lambda: image.affine_transform(COLORS, TURN, fill_mode="none"), "`fill_mode` is one of"),
        (lambda: image.perspective_transform(COLORS, CORNERS[:3], MOVED), r"`start_points` has the shape \(4, 2\)"),
        (lambda: image.map_coordinates(COLORS, PLACES, 1), "each of the 4 axes"),
        (lambda: image.map_coordinates(COLORS[0, ..., 0], PLACES, 2), "`order` is 0 or 1"),
        (lambda: image.map_coordinates(COLORS[0, ..., 0], PLACES, 1, "none"), "`fill_mode` is one of"),
        (lambda: image.rgb_to_grayscale(COLORS[..., :2]), "3 channels.*or 1"),
        (lambda: image.rgb_to_hsv(BYTES), "floats from 0 to 1.*Divide by 255"),
        (lambda: image.gaussian_blur(COLORS, 3, 0.0), "`sigma` is one positive number"),
        (lambda: image.extract_patches(COLORS, (1, 2, 3, 4)), "`size` is one number, two"),
        (lambda: image.extract_patches(COLORS, 2, padding="full"), "`padding` is"),
        (lambda: image.extract_patches(COLORS[0], (2, 2, 2)), "a volume has 4 axes"),
        (lambda: image.ssim(COLORS, COLORS[:, :5]), "one shape"),
        (lambda: image.ssim(COLORS, OTHERS), "at least as large as `filter_size`, 11"),
        (lambda: image.elastic_transform(COLORS, interpolation="none"), "`interpolation` is one of"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_in_models() -> None:
    """Images in a graph: configs, source and other styles know them."""

    class Net(tv.Model):
        def __init__(self) -> None:
            super().__init__()
            self.d = tv.layers.Dense(2)

        def call(self, x: Any) -> Any:
            small = ops.image.resize(ops.image.rgb_to_grayscale(x), (3, 4), "bicubic")
            return self.d(
                ops.rearrange(ops.image.extract_patches(small, 2), "b h w c -> b (h w c)")
            )

    net = Net()
    wanted = net(COLORS)
    model = tv.convert(net, to="functional")
    again = tv.Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for other in (model, again):
        np.testing.assert_allclose(other(COLORS), wanted, rtol=1e-5, atol=1e-6)
    assert "ops.image.resize(" in tv.source(
        net
    ) and "import Input, Model, layers, ops" in tv.source(model)
