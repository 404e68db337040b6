"""Images between files, Pillow and arrays."""

from __future__ import annotations

import io

import numpy as np
import pytest
from oracle import both
from PIL import Image

from trivium import utils
from trivium.config import set_image_data_format
from trivium.data.checks import DataError
from trivium.preprocessing import image
from trivium.preprocessing.image.files import decode

RNG = np.random.default_rng(0)
COLOR = RNG.integers(0, 256, (5, 7, 3)).astype("float32")
GRAY = RNG.normal(size=(4, 3, 1)).astype("float32")
DEEP = RNG.integers(0, 60000, (4, 3, 1)).astype("float32")
ALPHA = RNG.integers(0, 256, (3, 4, 4)).astype("uint8")


def stored(x, form="png", **kwargs):
    """Return an image as the bytes of a file."""
    file = io.BytesIO()
    Image.fromarray(x).save(file, form, **kwargs)
    return io.BytesIO(file.getvalue())


@pytest.mark.parametrize(
    ("x", "kwargs"),
    [
        (COLOR, {}),
        (COLOR, {"scale": False}),
        (GRAY, {}),
        (DEEP, {"scale": False}),
        (ALPHA, {"scale": False}),
        (np.zeros((2, 2, 3)), {}),
        (COLOR.transpose(2, 0, 1), {"data_format": "channels_first"}),
        (COLOR, {"dtype": "float64"}),
    ],
)
def test_arrays_become_the_real_keras_s_images_and_come_back(x, kwargs):
    form = kwargs.get("data_format")

    def there_and_back(lib):
        made = lib.utils.array_to_img(x, **kwargs)
        return made.mode, np.asarray(made), lib.utils.img_to_array(made, form)

    ours, theirs = both(there_and_back)
    assert ours[0] == theirs[0]
    np.testing.assert_array_equal(ours[1], theirs[1], strict=True)
    np.testing.assert_array_equal(ours[2], theirs[2], strict=True)


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"target_size": (4, 9)},
        {"target_size": (4, 9), "keep_aspect_ratio": True, "interpolation": "bilinear"},
        {"target_size": (2, 2), "interpolation": "lanczos"},
    ],
)
def test_files_are_read_as_the_real_keras_reads_them(color_mode, kwargs):
    for x in (
        COLOR.astype("uint8"),
        ALPHA,
        COLOR[..., 0].astype("uint8"),
        DEEP[..., 0].astype("uint16"),
    ):
        if x.dtype == "uint16" and color_mode != "grayscale":
            continue  # Which conversion Pillow has for these depends on its version.
        if x.dtype == "uint16" and kwargs.get("interpolation"):
            continue  # Likewise.
        ours, theirs = both(
            lambda lib, x=x: np.asarray(
                lib.utils.load_img(stored(x), color_mode=color_mode, **kwargs)
            ),
            case=f"{color_mode} {x.shape} {x.dtype} {kwargs}",
        )
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_a_path_may_be_text_bytes_or_an_object(tmp_path):
    path = tmp_path / "a.png"
    image.save_img(path, COLOR, scale=False)
    for given in (path, str(path), str(path).encode(), io.BytesIO(path.read_bytes())):
        loaded = image.load_img(given)
        np.testing.assert_array_equal(image.img_to_array(loaded), COLOR)


def test_the_data_format_is_the_one_that_is_set():
    set_image_data_format("channels_first")
    try:
        first = image.img_to_array(image.array_to_img(COLOR.transpose(2, 0, 1)))
    finally:
        set_image_data_format("channels_last")
    assert first.shape == (3, 5, 7)


def test_what_a_file_is_called_says_its_format(tmp_path):
    for name, form in (("a.jpg", "JPEG"), ("b.JPEG", "JPEG"), ("c.bmp", "BMP"), ("d.gif", "GIF")):
        image.save_img(tmp_path / name, COLOR)
        with Image.open(tmp_path / name) as made:
            assert made.format == form
    with pytest.warns(UserWarning, match="JPEG has no alpha channel"):
        image.save_img(tmp_path / "e.jpg", ALPHA)
    assert image.load_img(tmp_path / "e.jpg", color_mode="rgb").size == (4, 3)
    with pytest.raises(ValueError, match="no image format 'WHAT'"):
        image.save_img(tmp_path / "f", COLOR, file_format="what")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: image.load_img("no.png"), FileNotFoundError, "no.png"),
        (lambda: image.load_img(io.BytesIO(b"no")), DataError, "could not be read as an image"),
        (lambda: image.load_img(3), TypeError, "a path or an open file of bytes; got int"),
        (lambda: image.load_img("a", color_mode="gray"), ValueError, "mean 'grayscale'"),
        (lambda: image.load_img("a", interpolation="linear"), ValueError, "mean 'bilinear'"),
        (lambda: image.array_to_img(np.zeros((2, 2))), ValueError, r"one image, .* shape \(2, 2\)"),
        (lambda: image.array_to_img(np.zeros((2, 2, 2))), ValueError, "1, 3 or 4 channels; got 2"),
        (lambda: image.img_to_array(np.zeros(3)), ValueError, r"shape \(3,\)"),
        (lambda: image.img_to_array(COLOR, "last"), ValueError, "'channels_last' or 'channels_"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_every_kind_of_file_becomes_bytes_of_color(tmp_path):
    """Palettes, alpha, gray of 16 bits, animations: whatever is in the file."""
    bytes_of_color = COLOR.astype("uint8")
    palette = Image.fromarray(bytes_of_color).quantize(256)
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "moving.gif", save_all=True, append_images=[palette.transpose(0)])
    Image.fromarray(DEEP[..., 0].astype("uint16")).save(tmp_path / "deep.png")
    Image.fromarray(COLOR[..., 0].astype("uint8")).save(tmp_path / "gray.bmp")
    Image.fromarray(bytes_of_color).convert("CMYK").save(tmp_path / "cmyk.jpg")
    for path in tmp_path.iterdir():
        for mode, channels in (("grayscale", 1), ("rgb", 3), ("rgba", 4)):
            x = decode(str(path), mode)
            assert x.dtype == np.uint8
            assert x.shape[2] == channels
            assert x.shape[:2] in {(5, 7), (4, 3)}
    upper = DEEP.astype("uint16") >> 8
    np.testing.assert_array_equal(decode(str(tmp_path / "deep.png"), "grayscale"), upper)
    still = decode(str(tmp_path / "moving.gif"), "rgb")
    np.testing.assert_array_equal(still, decode(str(tmp_path / "palette.png"), "rgb"))


def test_only_formats_of_images_are_tried(tmp_path):
    """A file that is called an image and is something else never meets Pillow's other readers."""
    path = tmp_path / "a.png"
    Image.fromarray(COLOR.astype("uint8")).save(path, "tiff")
    with pytest.raises(DataError, match=r"a\.png could not be read as an image in PNG, JPEG"):
        decode(str(path), "rgb")


def test_a_file_that_is_cut_off_is_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(stored(RNG.integers(0, 256, (40, 40, 3)).astype("uint8")).getvalue()[:-200])
    with pytest.raises(DataError, match=r"a\.png could not be read as .*truncated"):
        decode(str(path), "rgb")


@pytest.mark.parametrize("read", [image.load_img, lambda path: decode(path, "rgb")])
def test_what_is_said_of_no_image_has_no_place_in_memory(read, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"words")
    with pytest.raises(DataError, match=r"a\.png could not .*: cannot identify image file\. Mend"):
        read(str(path))


def test_the_same_functions_stand_in_both_places():
    for name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        assert getattr(utils, name) is getattr(image, name)
