"""Labels of sequences as sparse tensors: what networks trained by CTC say, how far labels are apart."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import jax.numpy as jnp
import numpy as np

from trivium import ops
from trivium.compat.written import covers
from trivium.data.sparse import SparseArray
from trivium.state.types import Array, ArrayLike

__all__: list[str] = []


def _decoded(
    inputs: ArrayLike, sequence_length: ArrayLike, blank: int | None, **settings: Any
) -> tuple[list[SparseArray], Array]:
    logits = ops.swapaxes(ops.convert_to_tensor(inputs), 0, 1)
    last = int(logits.shape[-1]) - 1
    blank = last if blank is None else blank % (last + 1)
    paths, scores = ops.ctc_decode(logits, sequence_length, mask_index=blank, **settings)
    found = []
    for path in np.asarray(paths):
        places = np.argwhere(path >= 0)
        longest = int(places[:, 1].max(initial=-1)) + 1
        found.append(SparseArray(places, path[path >= 0], [len(path), longest]))
    return found, scores


@covers("tensorflow.nn.ctc_greedy_decoder")
def _ctc_greedy_decoder(
    inputs: ArrayLike,
    sequence_length: ArrayLike,
    merge_repeated: bool = True,
    blank_index: int | None = None,
) -> tuple[list[SparseArray], Array]:
    return _decoded(inputs, sequence_length, blank_index, merge_repeated=bool(merge_repeated))


@covers("tensorflow.nn.ctc_beam_search_decoder")
def _ctc_beam_search_decoder(
    inputs: ArrayLike, sequence_length: ArrayLike, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseArray], Array]:
    return _decoded(
        inputs,
        sequence_length,
        None,
        strategy="beam_search",
        beam_width=beam_width,
        top_paths=top_paths,
    )


@covers("tensorflow.nn.ctc_unique_labels")
def _ctc_unique_labels(labels: ArrayLike, name: str | None = None) -> tuple[Array, Array]:
    rows = np.asarray(labels)
    unique, places = np.zeros_like(rows), np.zeros_like(rows)
    for i, row in enumerate(rows):
        # In the order in which they come, as `tf.unique` has them.
        found, first, inverse = np.unique(row, return_index=True, return_inverse=True)
        order = np.argsort(first)
        unique[i, : len(found)] = found[order]
        places[i] = np.argsort(order)[inverse]
    return jnp.asarray(unique), jnp.asarray(places)


@covers("tensorflow.edit_distance")
def _edit_distance(
    hypothesis: SparseArray, truth: SparseArray, normalize: bool = True, name: str = "edit_distance"
) -> Array:
    one, other = _by_sequence(hypothesis), _by_sequence(truth)
    sizes = np.maximum(hypothesis.shape[:-1], truth.shape[:-1])
    made = np.zeros(sizes, np.float32)
    for place in np.ndindex(*sizes):
        distance = float(_levenshtein(one[place], other[place]))
        if normalize and distance:
            distance = distance / len(other[place]) if other[place] else np.inf
        made[place] = distance
    return jnp.asarray(made)


def _by_sequence(array: SparseArray) -> defaultdict[tuple[int, ...], list[Any]]:
    """Return the entries along the last axis, by their place on the others."""
    found: defaultdict[tuple[int, ...], list[Any]] = defaultdict(list)
    ordered = array.ordered()
    for place, value in zip(ordered.places.tolist(), ordered.values.tolist(), strict=True):
        found[tuple(place[:-1])].append(value)
    return found


def _levenshtein(one: list[Any], other: list[Any]) -> int:
    """Return how many entries are put in, left out or exchanged to get from one to the other (Levenshtein, 1966)."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]
