"""Galleries of images, and boxes and masks drawn into them."""

import sys

import numpy as np
import pytest
from matplotlib import pyplot

from trivium import visualization as vis

X = np.zeros((2, 20, 30, 3), "float32")
RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(autouse=True)
def _no_figure_stays_open():
    yield
    pyplot.close("all")


def boxes(corners, label=0):
    return {"boxes": np.array([[corners], [[0, 0, 1, 1]]], "float32"), "labels": [[label], [-1]]}


def test_a_box_is_drawn_where_it_is():
    drawn = vis.draw_bounding_boxes(X, boxes([5, 4, 15, 12]), "xyxy", color=RED, line_thickness=1)
    assert drawn.shape == X.shape and drawn.dtype == "uint8" and not X.any()
    wanted = np.zeros((20, 30), bool)
    wanted[[4, 12], 5:16] = wanted[4:13, [5, 15]] = True
    np.testing.assert_array_equal(drawn[0, ..., 0] == 255, wanted)
    assert not drawn[0, ..., 1:].any() and not drawn[1].any()  # A label of -1 is no box.
    relative = boxes([5 / 30, 4 / 20, 15 / 30, 12 / 20])
    again = vis.draw_bounding_boxes(X, relative, "rel_xyxy", color=RED, line_thickness=1)
    np.testing.assert_array_equal(again, drawn)
    first = vis.draw_bounding_boxes(
        np.moveaxis(X, -1, 1),
        boxes([5, 4, 15, 12]),
        "xyxy",
        None,
        RED,
        1,
        data_format="channels_first",
    )
    np.testing.assert_array_equal(np.moveaxis(first, 1, -1), drawn)
    gray = vis.draw_bounding_boxes(X[..., :1], boxes([5, 4, 15, 12]), "xyxy", color=(60, 60, 60))
    assert gray.shape == (2, 20, 30, 1) and gray.max() == 60


def test_names_and_confidences_are_written():
    big = np.zeros((2, 60, 90, 3))
    plain = vis.draw_bounding_boxes(big, boxes([10, 30, 50, 50]), "xyxy")
    named = vis.draw_bounding_boxes(big, boxes([10, 30, 50, 50]), "xyxy", {0: "cat"})
    sure = vis.draw_bounding_boxes(
        big, {**boxes([10, 30, 50, 50]), "confidences": [[0.5], [0.1]]}, "xyxy", {0: "cat"}
    )
    counts = [np.count_nonzero(image[0]) for image in (plain, named, sure)]
    assert counts == sorted(set(counts)) and not named[1].any()
    large = vis.draw_bounding_boxes(big, boxes([10, 30, 50, 50]), "xyxy", {0: "cat"}, font_scale=2)
    assert np.count_nonzero(large[0]) > counts[1]


def test_masks_are_painted():
    masks = np.zeros((2, 20, 30), int)
    masks[0, :10], masks[0, 10:15], masks[1] = 1, 2, 3
    colors = {1: RED, 2: BLUE, 3: (9, 9, 9)}
    drawn = vis.draw_segmentation_masks(X + 100, masks, color_mapping=colors, alpha=0.25)
    assert drawn[0, 0, 0].tolist() == [139, 75, 75] and drawn[0, 12, 0].tolist() == [75, 75, 139]
    assert drawn[0, 19, 0].tolist() == [100, 100, 100]  # The background.
    drawn = vis.draw_segmentation_masks(X, masks[..., None], 3, colors, blend=False, ignore_index=3)
    assert drawn[0, 0, 0].tolist() == list(RED) and not drawn[1].any()
    default = vis.draw_segmentation_masks(X, masks, blend=False)
    assert len({tuple(default[i]) for i in ((0, 0, 0), (0, 12, 0), (0, 19, 0), (1, 0, 0))}) == 4
    assert vis.draw_segmentation_masks(X, masks, color_mapping={**colors, 0: BLUE})[0, 19, 0, 2] > 0


def test_a_gallery_has_rows_columns_and_titles(tmp_path):
    many = np.zeros((5, 4, 4, 1))
    names = {0: "cat", 1: "dog"}
    figure = vis.plot_image_gallery(
        many, [0, 1, 0, 1, 2], [1, 1, 0, 0, 0], names, cols=2, show=False
    )
    assert figure.axes[0].get_gridspec().get_geometry() == (3, 2)
    assert (
        figure.axes[0].get_title() == "cat\npredicted: dog"
        and figure.axes[4].get_title()[:1] == "2"
    )
    assert vis.plot_image_gallery(many, rows=1, show=False).axes[0].get_gridspec().ncols == 5
    light = vis.plot_image_gallery(many + 0.5, value_range=(0, 1), show=False)
    assert light.axes[0].images[0].get_array().max() == 128
    vis.plot_image_gallery(many, path=tmp_path / "g.png", transparent=False, dpi=30)
    assert pyplot.imread(tmp_path / "g.png").shape[:2] == (120, 180)


def test_shown_unless_saved(monkeypatch, tmp_path):
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(True))
    vis.plot_image_gallery(X)
    vis.plot_image_gallery(X, show=False)
    vis.plot_image_gallery(X, path=tmp_path / "g.png")
    assert shown == [True]


def test_galleries_of_boxes_and_masks():
    true, guess = boxes([5, 4, 15, 12]), boxes([6, 5, 16, 13])
    figure = vis.plot_bounding_box_gallery(
        X / 255, "xyxy", true, guess, (0, 1), RED, BLUE, legend=True, cols=1, show=False
    )
    image = figure.axes[0].images[0].get_array()
    assert image[4, 5].tolist() == list(RED) and image[13, 16].tolist() == list(BLUE)
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["true", "predicted"]
    masks = np.ones((2, 20, 30), int)
    figure = vis.plot_segmentation_mask_gallery(
        X,
        1,
        y_true=masks,
        y_pred=0 * masks,
        color_mapping={1: RED},
        blend=False,
        rows=1,
        show=False,
    )
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (20, 90, 3) and not image[:, :30].any() and not image[:, 60:].any()
    assert (image[:, 30:60, 0] == 255).all()


def test_nothing_is_imported_before_it_is_needed():
    assert "draw_bounding_boxes" in dir(vis)
    with pytest.raises(AttributeError, match="Did you mean 'draw_bounding_boxes'"):
        _ = vis.draw_bounding_box
    assert (
        vis.draw_bounding_boxes is sys.modules["trivium.visualization.drawing"].draw_bounding_boxes
    )


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: vis.draw_bounding_boxes(X[0], boxes([0] * 4), "xyxy"), ValueError, r"got \(20, 30, 3\)"),
        (lambda: vis.draw_bounding_boxes(X[..., :2], boxes([0] * 4), "xyxy"), ValueError, "1 channel or 3"),
        (lambda: vis.draw_bounding_boxes(X, [1], "xyxy"), TypeError, "a dict; got list"),
        (lambda: vis.draw_bounding_boxes(X, {"boxes": []}, "xyxy"), ValueError, r"lacks \['labels'\]"),
        (lambda: vis.draw_bounding_boxes(X[:1], boxes([0] * 4), "xyxy"), ValueError, r"\(1, n, 4\)"),
        (lambda: vis.draw_segmentation_masks(X, X[..., 0]), TypeError, "whole numbers; got float32"),
        (lambda: vis.draw_segmentation_masks(X, np.zeros((2, 3, 3), int)), ValueError, "without channels"),
        (lambda: vis.draw_segmentation_masks(X, np.zeros((2, 20, 30), int), alpha=2), ValueError, "from 0 to 1"),
        (
            lambda: vis.draw_segmentation_masks(X, np.full((2, 20, 30), 5), color_mapping={1: RED}),
            ValueError, r"class 5 has no color; \[1\] have one",
        ),
        (lambda: vis.plot_image_gallery(X, path="a.png", show=True), ValueError, "not both"),
        (lambda: vis.plot_image_gallery(X, [0, 1], show=False), ValueError, "give `label_map`"),
        (lambda: vis.plot_image_gallery(X, [0], label_map={0: "a"}, show=False), ValueError, "2 images and 1"),
        (
            lambda: vis.plot_bounding_box_gallery(X, "xyxy", legend=True, legend_handles=[]),
            ValueError, "not both",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()
