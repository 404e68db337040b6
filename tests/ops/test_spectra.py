"""Cosine transforms against SciPy's, bands of the mel scale, frames that overlap; boxes that are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.fft

from trivium import ops
from trivium.graph import Graph, SymbolicTensor
from trivium.ops.boxes import compute_iou, non_max_suppression

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 9)).astype("float32")


@pytest.mark.parametrize(
    ("kind", "norm"), [(1, None), *((k, n) for k in (2, 3, 4) for n in (None, "ortho"))]
)
def test_cosine_transforms_are_scipy_s(kind: int, norm: Any) -> None:
    theirs = scipy.fft.dct(X.astype("float64"), kind, norm=norm)
    np.testing.assert_allclose(ops.dct(X, kind, norm), theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.dct(X, 5), "`type` is 1, 2, 3 or 4"),
        (lambda: ops.dct(X, 1, "ortho"), "but for type 1"),
        (lambda: ops.dct(X[:, :1], 1), "at least two points; got 1"),
        (lambda: ops.mel_weights(3, 9, 8000, 300, 200), "edges ascend .* 4000.0; got 300 and 200"),
        (lambda: ops.mel_weights(3, 9, 8000, 10, 5000), "got 10 and 5000"),
    ],
)
def test_what_cannot_be(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def test_bands_are_triangles_that_add_up_to_one_between_the_first_center_and_the_last() -> None:
    weights = ops.mel_weights(10, 257, 16000, 100, 7000)
    assert weights.shape == (257, 10) and weights.dtype == np.float32
    whole = weights.sum(1)
    inside = np.flatnonzero(weights[:, 0] == weights[:, 0].max())[0] + 1
    last = np.flatnonzero(weights[:, -1] == weights[:, -1].max())[0]
    np.testing.assert_allclose(whole[inside:last], 1, rtol=1e-5)
    assert (np.diff(weights.argmax(0)) > 0).all()


def test_overlapping_frames_add_up_in_graphs_too() -> None:
    frames = ops.extract_sequences(X, 4, 2)
    added = np.asarray(ops.overlap_add(frames, 2))
    np.testing.assert_allclose(added[:, 2:-2], 2 * X[:, 2:6], rtol=1e-6)
    inputs = SymbolicTensor((None, 3, 4), "float32")
    outputs = ops.overlap_add(inputs, 2)
    assert outputs.shape == (None, 8)
    np.testing.assert_array_equal(Graph([inputs], [outputs]).run([frames])[0], added)


def test_boxes_that_are_kept_overlap_little_and_beat_those_that_are_not() -> None:
    boxes = np.sort(RNG.random((40, 2, 2)), 1).reshape(40, 4).astype("float32")
    scores = RNG.random(40).astype("float32")
    kept = non_max_suppression(boxes, scores, 40, 0.3)
    ious = np.asarray(compute_iou(boxes, boxes, "xyxy"))
    assert (np.diff(scores[kept]) <= 0).all()
    among = ious[np.ix_(kept, kept)] - np.eye(len(kept))
    assert among.max() <= 0.3 + 1e-6
    for lost in set(range(40)) - set(kept.tolist()):
        assert any(ious[lost, k] > 0.3 and scores[k] >= scores[lost] for k in kept)
    assert non_max_suppression(boxes, scores, 3, 0.3).tolist() == kept[:3].tolist()
    few = non_max_suppression(boxes, scores, 40, 1.0, 0.9)
    assert sorted(few.tolist()) == np.flatnonzero(scores > 0.9).tolist()
    flipped = boxes[:, [2, 3, 0, 1]]  # Any two opposite corners do.
    assert non_max_suppression(flipped, scores, 40, 0.3).tolist() == kept.tolist()
    assert non_max_suppression(np.zeros((0, 4)), [], 5).shape == (0,)
