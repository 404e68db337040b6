from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from trivium.viz.images import image_captions, image_grid

RNG = np.random.default_rng(0)
NAMES = ["cat", "dog", "owl"]


def labels_of(figure: Figure) -> list[tuple[str, str]]:
    return [(a.get_xlabel(), a.xaxis.label.get_color()) for a in figure.axes]


def test_right_is_blue_and_wrong_is_red() -> None:
    probabilities = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]]
    figure = image_grid(RNG.random((2, 4, 4)), [0, 2], probabilities, NAMES, figure=Figure())
    assert labels_of(figure) == [("cat (cat)", "blue"), ("cat (owl)", "red")]


def test_labels_alone_and_predictions_alone_are_black() -> None:
    images = RNG.random((2, 4, 4))
    assert labels_of(image_grid(images, labels=[1, 2], figure=Figure())) == [
        ("1", "black"),
        ("2", "black"),
    ]
    grid = image_grid(images, predictions=[1, 0], class_names=NAMES, figure=Figure())
    assert labels_of(grid) == [("dog", "black"), ("cat", "black")]
    assert labels_of(image_grid(images, figure=Figure())) == [("", "black")] * 2


@pytest.mark.parametrize(("count", "columns", "grid"), [(7, 3, (3, 3)), (2, 5, (1, 2))])
def test_grid_has_one_axes_an_image(count: int, columns: int, grid: tuple[int, int]) -> None:
    figure = image_grid(RNG.random((count, 4, 4)), columns=columns, size=1.5, figure=Figure())
    assert len(figure.axes) == count
    spec = figure.axes[0].get_subplotspec()
    assert spec is not None
    assert (spec.get_gridspec().nrows, spec.get_gridspec().ncols) == grid
    assert figure.get_size_inches().tolist() == [grid[1] * 1.5, grid[0] * 1.5]


@pytest.mark.parametrize("shape", [(3, 5, 4), (3, 5, 4, 1), (3, 5, 4, 3), (3, 5, 4, 4)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_every_channel_layout_is_drawn(shape: tuple[int, ...], dtype: str) -> None:
    images = (RNG.random(shape) * 255).astype(dtype)
    figure = image_grid(images, figure=Figure(), title="drawn")
    figure.canvas.draw()
    drawn = figure.axes[0].images[0].get_array()
    assert drawn.shape[:2] == (5, 4)
    scale = 255 if len(shape) == 4 and shape[-1] > 1 and dtype != "uint8" else 1
    np.testing.assert_allclose(np.squeeze(images[0]) / scale, drawn, rtol=1e-6)


def test_one_scale_of_gray_for_the_whole_grid() -> None:
    figure = image_grid(np.stack([np.full((2, 2), v) for v in (0.0, 0.5, 1.0)]), figure=Figure())
    assert {a.images[0].get_clim() for a in figure.axes} == {(0.0, 1.0)}


def test_new_figure_is_pyplots_own() -> None:
    figure = image_grid(RNG.random((1, 2, 2)))
    try:
        assert pyplot.gcf() is figure
    finally:
        pyplot.close(figure)


def test_class_forms() -> None:
    sigmoid = np.array([[0.2], [0.7]])
    assert image_captions(2, predictions=sigmoid) == [("0", None), ("1", None)]
    assert image_captions(2, labels=np.array([[1], [0]])) == [("1", None), ("0", None)]
    one_hot = np.eye(3, dtype=int)[[2, 1]]
    assert image_captions(2, labels=one_hot, predictions=[2, 2]) == [
        ("2 (2)", True),
        ("2 (1)", False),
    ]
    assert image_captions(1) == [("", None)]


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (np.zeros((4, 4)), {}, r"look like one image.*images\[None\]"),
        (np.zeros((2, 4, 4, 2)), {}, r"\(2, 4, 4, 2\); wanted"),
        (np.zeros(4), {}, r"shape \(4,\); wanted"),
        (np.zeros((0, 4, 4)), {}, "nothing to draw"),
        (np.zeros((2, 4, 4)), {"columns": 0}, "at least 1; got 0"),
        (np.zeros((2, 4, 4)), {"labels": [1]}, r"`labels` have the shape \(1,\).*each of the 2"),
        (np.zeros((2, 4, 4)), {"predictions": np.zeros((2, 1, 1))}, "`predictions` have the shape"),
        (np.zeros((2, 4, 4)), {"predictions": [0.1, 0.2]}, "wanted integers"),
        (np.zeros((2, 4, 4)), {"labels": [0, 3], "class_names": NAMES}, "class 3.*0 to 2"),
        (np.zeros((2, 4, 4)), {"labels": [0, -1], "class_names": NAMES}, "class -1.*0 to 2"),
    ],
)
def test_bad_shapes_are_named(images: np.ndarray, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        image_grid(images, figure=Figure(), **options)
