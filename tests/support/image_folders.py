"""Folders of images, written anew for each test from seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = {"ant": 7, "bee": 4, "cat": 5}


def image_of(number: int) -> np.ndarray:
    """Return an image, of one of three sizes, whose first value is its number."""
    rng = np.random.default_rng(number)
    height, width = ((6, 5), (4, 9), (6, 6))[number % 3]
    x = rng.integers(0, 256, (height, width, 3)).astype("uint8")
    x[0, 0, 0] = number
    return x


def write_images(folder: Path) -> None:
    """Write three classes of images: of several formats, some in folders of their own, and what is no image."""
    number = 0
    for name, count in CLASSES.items():
        for i in range(count):
            path = (
                folder / name / ("deep" if i == 2 else ".") / f"{i}.{('png', 'bmp', 'PNG')[i % 3]}"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image_of(number)).save(path)
            number += 1
        (folder / name / "notes.md").write_text("no image")
    (folder / ".hidden").mkdir()
    Image.fromarray(image_of(0)).save(folder / ".hidden" / "0.png")
