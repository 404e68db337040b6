"""Decoding against its definition: the probability of labels is the sum over all their alignments in time."""

from __future__ import annotations

import itertools

import jax
import numpy as np
import pytest

from trivium import Input, ops

LOGITS = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
LENGTHS = np.array([5, 3, 0])


def likeliest(logits: np.ndarray, blank: int, count: int) -> list[tuple[float, list[int]]]:
    logs = np.asarray(jax.nn.log_softmax(logits), "float64")
    sums: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        labels = tuple(label for label, _ in itertools.groupby(path) if label != blank)
        chance = np.exp(logs[range(len(path)), path].sum()) if path else 1.0
        sums[labels] = sums.get(labels, 0.0) + chance
    best = sorted(sums, key=lambda labels: -sums[labels])[:count]
    return [(float(np.log(sums[labels])), list(labels)) for labels in best]


@pytest.mark.parametrize("blank", [0, 1, 3, -1])
def test_a_wide_search_finds_the_likeliest_labels(blank: int) -> None:
    labels, scores = ops.ctc_decode(LOGITS, LENGTHS, "beam_search", 300, 5, mask_index=blank)
    assert labels.shape == (5, 3, 5) and scores.shape == (3, 5)
    for i, length in enumerate(LENGTHS):
        wanted = likeliest(LOGITS[i, :length], blank % 4, 5)
        np.testing.assert_allclose(
            scores[i, : len(wanted)], [s for s, _ in wanted], rtol=1e-4, atol=1e-5
        )
        for path, (_, best) in zip(labels[:, i].tolist(), wanted, strict=False):
            assert path == best + [-1] * (5 - len(best))


def test_scores_have_gradients() -> None:
    def score(logits: jax.Array) -> jax.Array:
        return ops.ctc_decode(logits, LENGTHS, "beam_search", 9)[1].sum()

    slopes = np.asarray(jax.grad(score)(LOGITS))
    assert np.isfinite(slopes).all() and (slopes[0] != 0).all() and (slopes[2] == 0).all()


def test_greedy_labels() -> None:
    logits = np.eye(3, dtype="float32")[[[1, 1, 0, 1, 2, 2]]]
    labels, scores = ops.ctc_decode(logits, [6])
    assert labels.tolist() == [[[1, 1, 2, -1, -1, -1]]] and scores.tolist() == [[-6.0]]
    labels, scores = ops.ctc_decode(logits, [2], merge_repeated=False)
    assert labels.tolist() == [[[1, 1, -1, -1, -1, -1]]] and scores.tolist() == [[-2.0]]


def test_sizes_that_are_not_known() -> None:
    x, lengths = Input((None, 4)), Input((), dtype="int32")
    for strategy, paths in (("greedy", 1), ("beam_search", 2)):
        labels, scores = ops.ctc_decode(x, lengths, strategy, 4, paths)
        assert labels.shape == (paths, None, None) and scores.shape == (None, paths)


def test_what_is_refused() -> None:
    for arguments, words in [
        ((LOGITS[0], LENGTHS), r"\(batch, time, classes\)"),
        ((LOGITS, LENGTHS, "beam"), "'greedy' or 'beam_search'; got 'beam'"),
        ((LOGITS, LENGTHS, "beam_search", 2, 3), "`top_paths` is 1 to `beam_width`, 2"),
    ]:
        with pytest.raises(ValueError, match=words):
            ops.ctc_decode(*arguments)
