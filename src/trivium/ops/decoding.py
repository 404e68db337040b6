"""Decoding: the labels that a network's outputs over time most likely mean."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from trivium.graph.op import op
from trivium.ops.arrays import as_array, as_wide_floats
from trivium.state.types import Array, ArrayLike

__all__ = ["ctc_decode"]


@op
def ctc_decode(
    inputs: ArrayLike,
    sequence_lengths: ArrayLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> tuple[Array, Array]:
    """Return the labels that the outputs of a network trained with `ctc_loss` stand for.

    Args:
        inputs: Logits, shape `(batch, time, classes)`.
        sequence_lengths: How many time steps count, shape `(batch,)`.
        strategy: `"greedy"` takes the likeliest class of each step; `"beam_search"` looks for the likeliest labels,
            whose probability is that of all their alignments in time.
        beam_width: How many beginnings the search keeps at each step.
        top_paths: How many results the search gives.
        merge_repeated: Whether a greedy path's repeated labels are one. To the search they always are.
        mask_index: The index of the blank.

    Returns:
        A pair: labels, shape `(paths, batch, time)`, with -1 behind them; and scores, shape `(batch, paths)`: minus the
        sum of the greedy path's logits, or the logarithms of the probabilities, the likeliest first.

    Raises:
        ValueError: The strategy is another word, the shapes do not fit, or fewer beams than paths are kept.

    Example:
        >>> logits = jnp.log(jnp.array([[[0.1, 0.9], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]]]))
        >>> labels, scores = ctc_decode(logits, [4], strategy="beam_search")
        >>> labels.tolist(), f"{jnp.exp(scores).item():.2f}"
        ([[[1, 1, -1, -1]]], '0.67')

    Reference:
        Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", Springer 2012, section 7.5,
        https://www.cs.toronto.edu/~graves/preprint.pdf
    """
    logits, lengths = as_wide_floats(inputs), jnp.asarray(as_array(sequence_lengths))
    if logits.ndim != 3 or lengths.ndim != 1:
        raise ValueError(
            "`inputs` has the shape (batch, time, classes) and `sequence_lengths` the shape (batch,); got "
            f"{logits.shape} and {lengths.shape}."
        )
    counts = jnp.arange(logits.shape[1]) < lengths[:, None]
    if strategy == "greedy":
        return _greedy(logits, counts, merge_repeated, mask_index % logits.shape[-1])
    if strategy != "beam_search":
        raise ValueError(f"`strategy` is 'greedy' or 'beam_search'; got {strategy!r}.")
    if not 1 <= top_paths <= beam_width:
        raise ValueError(f"`top_paths` is 1 to `beam_width`, {beam_width}; got {top_paths}.")
    # The blank last: the other classes keep their order and are counted from 0.
    blank = mask_index % logits.shape[-1]
    classes = [c for c in range(logits.shape[-1]) if c != blank]
    logs = jax.nn.log_softmax(logits)[..., jnp.array([*classes, blank])]
    prefixes, scores = jax.vmap(functools.partial(_search, width=beam_width))(logs, counts)
    names = jnp.array([*classes, -1], "int32")  # What is empty is -1 there and here.
    return names[prefixes[:, :top_paths].swapaxes(0, 1)], scores[:, :top_paths]


def _greedy(logits: Array, counts: Array, merge: bool, blank: int) -> tuple[Array, Array]:
    best = jnp.argmax(logits, -1).astype("int32")
    kept = counts & (best != blank)
    if merge:
        kept &= jnp.diff(best, axis=-1, prepend=-1) != 0
    order = jnp.argsort(~kept, axis=-1, stable=True)
    labels = jnp.take_along_axis(jnp.where(kept, best, -1), order, -1)
    scores = -jnp.sum(jnp.where(counts, logits.max(-1), 0), -1, keepdims=True)
    return labels[None], scores


# The logarithm of no probability. The infinite one would have no gradient: it is given back in its place at the end.
_NEVER = -1e30


class _Beams(NamedTuple):
    """Beginnings of label sequences, and the logarithms of their probabilities up to a step."""

    labels: Array  # (beams, time), -1 behind the labels
    length: Array
    blank: Array  # of the alignments that end in a blank,
    label: Array  # and of those that end in the last label.

    @property
    def total(self) -> Array:
        return jnp.logaddexp(self.blank, self.label)


def _search(logs: Array, counts: Array, width: int) -> tuple[Array, Array]:
    """Return the labels and the scores of a sequence's beams; `logs` has shape `(time, classes)`, the blank last."""
    never = jnp.full(width, _NEVER, logs.dtype)
    start = _Beams(
        jnp.full((width, logs.shape[0]), -1, "int32"),
        jnp.zeros(width, "int32"),
        never.at[0].set(0.0),
        never,
    )

    def step(beams: _Beams, at: tuple[Array, Array]) -> tuple[_Beams, None]:
        log, counted = at
        after = _step(beams, log)
        return jax.tree_util.tree_map(
            lambda new, old: jnp.where(counted, new, old), after, beams
        ), None

    beams, _ = jax.lax.scan(step, start, (logs, counts))
    return beams.labels, jnp.where(beams.total < _NEVER / 2, -jnp.inf, beams.total)


def _step(beams: _Beams, log: Array) -> _Beams:
    """Let each beam stay as it is, or take one label more, and keep the likeliest of both."""
    width, time = beams.labels.shape
    places, classes = jnp.arange(time), log.shape[0] - 1
    last = jnp.take_along_axis(beams.labels, jnp.maximum(beams.length - 1, 0)[:, None], 1)[:, 0]
    empty = beams.length == 0
    stay_blank = beams.total + log[-1]
    stay_label = jnp.where(empty, _NEVER, beams.label + log[last])
    # A label that repeats the last one is a new label only after a blank.
    repeats = (jnp.arange(classes) == last[:, None]) & ~empty[:, None]
    more = jnp.where(repeats, beams.blank[:, None], beams.total[:, None]) + log[:-1]
    # Beam j may be beam i and one label: what the two ways give is one beam's probability.
    shorter = jnp.where(places < (beams.length - 1)[:, None], beams.labels, -1)
    extends = jnp.all(shorter[:, None] == beams.labels[None], -1) & (
        beams.length[:, None] == beams.length + 1
    )
    gained = jnp.where(extends, more[:, jnp.maximum(last, 0)].T, _NEVER)
    stay_label = jnp.logaddexp(stay_label, jax.nn.logsumexp(gained, axis=1))
    known = jnp.any(extends[:, :, None] & (jnp.arange(classes) == last[:, None, None]), 0)
    more = jnp.where(known, _NEVER, more)

    scores = jnp.concatenate([jnp.logaddexp(stay_blank, stay_label), more.ravel()])
    _, chosen = jax.lax.top_k(scores, width)
    stays = chosen < width
    parent = jnp.where(stays, chosen, (chosen - width) // classes)
    new = (chosen - width) % classes
    here = (places == beams.length[parent][:, None]) & ~stays[:, None]
    return _Beams(
        jnp.where(here, new[:, None], beams.labels[parent]).astype("int32"),
        beams.length[parent] + ~stays,
        jnp.where(stays, stay_blank[parent], _NEVER),
        jnp.where(stays, stay_label[parent], scores[chosen]),
    )
