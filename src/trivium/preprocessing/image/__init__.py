"""Images: between files, Pillow's objects and arrays, in other sizes, and what older programs change them by.

New programs take `image_dataset_from_directory` and the layers of augmentation.
"""

import importlib
from typing import TYPE_CHECKING, Any

from trivium.preprocessing.image.files import array_to_img, img_to_array, load_img, save_img
from trivium.preprocessing.image.resampling import smart_resize
from trivium.state import suggest

if TYPE_CHECKING:
    from trivium.preprocessing.image.affine import (
        apply_affine_transform,
        apply_brightness_shift,
        apply_channel_shift,
        random_brightness,
        random_channel_shift,
        random_rotation,
        random_shear,
        random_shift,
        random_zoom,
    )
    from trivium.preprocessing.image.file_iterators import DataFrameIterator, DirectoryIterator
    from trivium.preprocessing.image.generator import ImageDataGenerator
    from trivium.preprocessing.image.iterators import Iterator, NumpyArrayIterator

# Few programs ask for these: they are imported then.
_LATER = {
    "file_iterators": ("DataFrameIterator", "DirectoryIterator"),
    "generator": ("ImageDataGenerator",),
    "iterators": ("Iterator", "NumpyArrayIterator"),
    "affine": (
        "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift", "random_brightness",
        "random_channel_shift", "random_rotation", "random_shear", "random_shift", "random_zoom",
    ),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    home = next((home for home, names in _LATER.items() if name in names), None)
    if home is None:
        raise AttributeError(
            f"module 'trivium.preprocessing.image' has no attribute {name!r}. {suggest(name, __all__)}"
        )
    module = importlib.import_module(f"trivium.preprocessing.image.{home}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "img_to_array",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
]
