"""Draw what each layer of images does, as docs/preprocessing.md shows it.

python docs/images/draw_augmentations.py
"""

from pathlib import Path

import matplotlib

matplotlib.use("agg")

import numpy as np

import trivium as tv
from trivium import layers as L

SIZE = 96
# The sun, the house, the tree.
BOXES = np.array([[64, 8, 84, 28], [14, 30, 50, 78], [60, 40, 86, 78]], "float32")
SURE = (1.0, 1.0)
# Layers that move things, with the boxes that go along, and layers that change colors. What is drawn is drawn narrowly,
# so that each effect is seen.
MOVING = {
    "RandomFlip": lambda **k: L.RandomFlip("horizontal", seed=0, **k),
    "RandomRotation": lambda **k: L.RandomRotation((0.06, 0.06), fill_mode="nearest", **k),
    "RandomZoom": lambda **k: L.RandomZoom((-0.35, -0.35), **k),
    "RandomTranslation": lambda **k: L.RandomTranslation((0.2, 0.2), (0.1, 0.1), "constant", **k),
    "RandomShear": lambda **k: L.RandomShear((0.3, 0.3), fill_mode="nearest", seed=1, **k),
    "RandomPerspective": lambda **k: L.RandomPerspective(SURE, 0.6, seed=3, **k),
    "RandomCrop": lambda **k: L.RandomCrop(64, 64, seed=2, **k),
    "CenterCrop": lambda **k: L.CenterCrop(64, 64, **k),
    "Resizing": lambda **k: L.Resizing(48, 96, pad_to_aspect_ratio=True, **k),
}
COLORING = {
    "RandomElasticTransform": lambda: L.RandomElasticTransform(SURE, SURE, seed=3),
    "RandomErasing": lambda: L.RandomErasing(SURE, (0.1, 0.1), seed=3),
    "RandomBrightness": lambda: L.RandomBrightness((0.25, 0.25)),
    "RandomContrast": lambda: L.RandomContrast((0.8, 0.8), seed=1),
    "RandomSaturation": lambda: L.RandomSaturation((0.95, 0.95)),
    "RandomHue": lambda: L.RandomHue((0.6, 0.6), seed=1),
    "RandomGrayscale": lambda: L.RandomGrayscale(1.0),
    "RandomColorDegeneration": lambda: L.RandomColorDegeneration((0.7, 0.7)),
    "RandomInvert": lambda: L.RandomInvert(SURE),
    "RandomPosterization": lambda: L.RandomPosterization(2),
    "Solarization": lambda: L.Solarization(0.0, (0.5, 0.5)),
    "RandomSharpness": lambda: L.RandomSharpness(SURE),
    "RandomGaussianBlur": lambda: L.RandomGaussianBlur(SURE, 9, (0.9, 0.9)),
    "AutoContrast": lambda: L.AutoContrast(),
    "Equalization": lambda: L.Equalization(),
}


def picture():
    """Return a picture of a house and a tree under the sun, as floats from 0 to 255."""
    y, x = np.mgrid[:SIZE, :SIZE].astype("float32")
    image = np.stack([110 + 0.8 * y, 160 + 0.5 * y, np.full_like(y, 215)], -1)  # The sky.

    def paint(where, color, grain=0.0):
        shade = grain * np.sin(x * 1.7) * np.cos(y * 1.3)
        image[where] = np.asarray(color) + shade[where][:, None]

    paint(y > 66, (96, 150, 72), 12)
    paint(np.hypot(x - 73.5, y - 17.5) < 10, (250, 214, 80))
    paint((x >= 18) & (x < 46) & (y >= 48) & (y < 78), (206, 92, 70), 6)
    paint((abs(x - 31.5) < (y - 30)) & (y >= 30) & (y < 48), (120, 60, 52))
    paint((x >= 28) & (x < 36) & (y >= 62) & (y < 78), (84, 52, 40))
    for left in (21, 38):
        paint((x >= left) & (x < left + 5) & (y >= 54) & (y < 59), (230, 238, 250))
    paint((abs(x - 72.5) < 2.5) & (y >= 58) & (y < 78), (98, 68, 44))
    paint(np.hypot(x - 72.5, y - 51.5) < 12, (58, 118, 60), 14)
    return np.clip(image, 0, 255)


def marked(image, boxes):
    """Return an image with boxes drawn into it, filled up to the gallery's size."""
    boxes = {"boxes": np.asarray(boxes)[None], "labels": np.zeros((1, len(boxes)), "int32")}
    image = tv.visualization.draw_bounding_boxes(
        np.asarray(image)[None], boxes, "xyxy", color=(255, 255, 255), line_thickness=1
    )[0]
    height, width = image.shape[:2]
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    full = np.full((SIZE, SIZE, 3), 255, image.dtype)
    full[top : top + height, left : left + width] = image
    return full


def main():
    """Write the gallery beside this file."""
    image = picture()
    shown = {"as it is": marked(image, BOXES)}
    for name, make in MOVING.items():
        layer = make(bounding_box_format="xyxy")
        boxes = {"boxes": BOXES, "labels": np.arange(3)}
        y = layer({"images": image, "bounding_boxes": boxes})
        left = np.asarray(y["bounding_boxes"]["labels"]) >= 0
        shown[name] = marked(y["images"], np.asarray(y["bounding_boxes"]["boxes"])[left])
    for name, make in COLORING.items():
        shown[name] = np.asarray(make()(image)).clip(0, 255).astype("uint8")
    path = Path(__file__).with_name("augmentations.png")
    tv.visualization.plot_image_gallery(
        np.stack(list(shown.values())), np.arange(len(shown)), label_map=dict(enumerate(shown)),
        cols=7, scale=2.5, path=path, transparent=False, dpi=56,
    )  # fmt: skip
    print(path.name, f"{path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
