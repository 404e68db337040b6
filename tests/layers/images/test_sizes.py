"""Resized and cut images: Keras's numbers and dtypes; and crops where Keras does not do what it says."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import both

from trivium import layers as L

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(2, 6, 9, 3)).astype("uint8")
MASKS = RNG.integers(9, size=(2, 6, 9, 1)).astype("uint8")


@pytest.mark.parametrize(
    "kwargs",
    [
        {"interpolation": "bilinear"},
        {"interpolation": "nearest", "pad_to_aspect_ratio": True, "fill_value": 7},
        {"interpolation": "bicubic", "crop_to_aspect_ratio": True},
        {"interpolation": "lanczos3", "antialias": True},
        {"interpolation": "lanczos5", "dtype": "mixed_bfloat16"},
    ],
    ids=str,
)
def test_whole_numbers_stay_whole(kwargs):
    def run(library):
        layer = library.layers.Resizing(4, 5, **kwargs)
        y = layer({"images": IMAGES, "segmentation_masks": MASKS})
        return y["images"], y["segmentation_masks"], layer(IMAGES[0].astype("float32") / 255)

    for ours, theirs in zip(*both(run), strict=True):
        assert ours.dtype == theirs.dtype
        whole = np.issubdtype(ours.dtype, np.integer)
        ours, theirs = (np.asarray(x, "float32") for x in (ours, theirs))
        # Halves may be rounded up or down.
        np.testing.assert_allclose(ours, theirs, atol=1.0 if whole else 1e-2)
        assert (ours == theirs).mean() > 0.9 or not whole


def test_the_middle():
    ours, theirs = both(
        lambda lib: [
            lib.layers.CenterCrop(h, w)(IMAGES) for h, w in ((3, 4), (6, 2), (8, 4), (7, 12))
        ]
    )
    for a, b in zip(ours, theirs, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, atol=1e-3)


def places(layer, count=200):
    """Return where crops of an image that holds the numbers of its cells begin, over some calls."""
    cells = np.arange(6 * 9, dtype="float32").reshape(1, 6, 9, 1)
    found = []
    for _ in range(count):
        part = np.asarray(layer(cells))
        start = int(part[0, 0, 0, 0])
        found.append((start // 9, start % 9))
        rows, columns = part.shape[1:3]
        top, left = found[-1]
        assert np.array_equal(part, cells[:, top : top + rows, left : left + columns])
    return found


def test_every_place_is_drawn_as_often():
    found = places(L.RandomCrop(4, 8, seed=1), 300)
    counts = [found.count((top, left)) for top in range(3) for left in range(2)]
    assert sum(counts) == 300 and min(counts) > 25
    # Keras takes the middle where one side is the image's own.
    assert set(places(L.RandomCrop(6, 7, seed=1), 30)) == {(0, left) for left in range(3)}
    assert set(places(L.RandomCrop(6, 9), 3)) == {(0, 0)}


def test_all_images_of_a_batch_are_cut_at_one_place():
    batch = np.repeat(np.arange(54, dtype="float32").reshape(1, 6, 9, 1), 20, 0)
    part = np.asarray(L.RandomCrop(2, 3)(batch))
    assert (part == part[:1]).all()


def test_inference_takes_the_largest_part_in_the_middle():
    """As Keras says, and does not do: it leaves the image as it is."""
    images = IMAGES.astype("float32")
    for height, width, top, left in (
        (3, 3, slice(0, 6), slice(1, 7)),
        (2, 6, slice(1, 4), slice(0, 9)),
    ):
        wanted = L.Resizing(height, width)(images[:, top, left])
        np.testing.assert_allclose(
            L.RandomCrop(height, width)(images, training=False), wanted, rtol=1e-6
        )
    # And of an image that is too small in training, too, where Keras squeezes it.
    wanted = L.Resizing(12, 12)(images[:, :, 1:7])
    np.testing.assert_allclose(L.RandomCrop(12, 12)(images), wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.Resizing(0, 3), "Resizing: `height` is a whole number above zero; got 0"),
        (lambda: L.CenterCrop(3, 2.5), "CenterCrop: `width` is a whole number above zero; got 2.5"),
        (lambda: L.RandomCrop(3, "2"), "RandomCrop: `width`"),
        (lambda: L.Resizing(3, 3, "biliner"), "`interpolation` is one of.*Did you mean 'bilinear'"),
        (lambda: L.Resizing(3, 3, fill_mode="reflect"), "`fill_mode` is one of 'constant'"),
        (lambda: L.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "not both"),
        (lambda: L.MaxNumBoundingBoxes(-1), "`max_number` is a whole number above zero"),
        (lambda: L.MaxNumBoundingBoxes(1, 0.5), "`fill_value` is a whole number"),
    ],
)  # fmt: skip
def test_settings_that_are_none(make, message):
    with pytest.raises(ValueError, match=message):
        make()
