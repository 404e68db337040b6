"""Luong's and Bahdanau's attention beyond the contract: masks, scores, long sequences, and what they refuse."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium.layers import AdditiveAttention, Attention, ReversibleEmbedding
from trivium.ops.lowering import attention
from trivium.state.masks import get_mask, set_mask

RNG = np.random.default_rng(0)
QUERY, VALUE, KEY = (
    RNG.normal(size=s).astype("float32") for s in [(2, 5, 4), (2, 6, 3), (2, 6, 4)]
)
MASKS = [RNG.uniform(size=(2, 5)) < 0.7, np.array([[1, 1, 0, 1, 0, 1], [1, 0, 1, 1, 1, 0]], bool)]
KINDS = {
    "dot": ("Attention", {"use_scale": True}),
    "concat": ("Attention", {"use_scale": True, "score_mode": "concat"}),
    "additive": ("AdditiveAttention", {}),
}
EACH = pytest.mark.parametrize("kind", KINDS)


def built(library, kind):
    name, settings = KINDS[kind]
    layer = getattr(library.layers, name)(**settings)
    layer.build([QUERY.shape, VALUE.shape, KEY.shape])
    layer.set_weights(
        [np.linspace(0.5, 1.5, w.size).reshape(w.shape) for w in map(np.asarray, layer.weights)]
    )
    return layer


def close(ours, theirs):
    for x, y in zip(
        jax.tree_util.tree_leaves(ours), jax.tree_util.tree_leaves(theirs), strict=True
    ):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)


@EACH
@pytest.mark.parametrize("causal", [False, True])
def test_masks_and_scores_are_those_of_keras(kind, causal):
    def results(library):
        outputs, scores = built(library, kind)(
            [QUERY, VALUE, KEY], mask=MASKS, return_attention_scores=True, use_causal_mask=causal
        )
        return outputs, scores * MASKS[0][..., None]  # What the others look at does not count.

    ours, theirs = both(results)
    close(ours, theirs)


@EACH
def test_long_sequences_go_in_blocks(kind, monkeypatch):
    layer = built(tv, kind)

    def total(*inputs):
        y = layer(list(inputs), mask=MASKS, use_causal_mask=True)
        return jnp.sum(y * jnp.cos(jnp.arange(y.size)).reshape(y.shape)), y

    run = jax.value_and_grad(total, (0, 1, 2), has_aux=True)
    plain = run(QUERY, VALUE, KEY)
    monkeypatch.setattr(attention, "_ON_CPU", (1, 2))
    close(run(QUERY, VALUE, KEY), plain)


def test_axes_before_the_steps_are_more_of_the_batch():
    query, value = (np.stack([x, 2 * x], axis=1) for x in (QUERY, KEY))
    together = Attention()([query, value])
    assert together.shape == (2, 2, 5, 4)
    for i in range(2):
        close(together[:, i], Attention()([query[:, i], value[:, i]]))


def test_masks_that_inputs_bring():
    query, value = jnp.asarray(QUERY), jnp.asarray(KEY)
    set_mask(query, jnp.asarray(MASKS[0]))
    set_mask(value, jnp.asarray(MASKS[1]))
    output = Attention()([query, value])
    close(output, Attention()([QUERY, KEY], mask=MASKS))
    assert np.array_equal(get_mask(output), MASKS[0])


def test_what_is_masked_of_the_value_may_be_anything():
    spoiled = np.where(MASKS[1][..., None], KEY, np.nan).astype("float32")

    def total(query, value):
        return jnp.sum(Attention()([query, value], mask=[None, MASKS[1]]) ** 2)

    results = [jax.value_and_grad(total, (0, 1))(QUERY, v) for v in (KEY, spoiled)]
    close(*results)


def test_it_has_any_length_in_a_model():
    query, value = tv.Input((None, 4)), tv.Input((None, 4))
    output, scores = AdditiveAttention()([query, value], return_attention_scores=True)
    assert output.shape == (None, None, 4) and scores.shape == (None, None, None)
    model = tv.Model([query, value], [output, scores])
    assert [y.shape for y in model([QUERY, KEY])] == [(2, 5, 4), (2, 5, 6)]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Attention(score_mode="sum"), "`score_mode` is 'dot' or 'concat'"),
        (lambda: Attention(dropout=1.5), "`dropout`"),
        (lambda: Attention()(QUERY), "takes a list [query, value]"),
        (lambda: Attention()([QUERY]), "takes a list [query, value]"),
        (lambda: Attention().build((2, 5, 4)), "takes a list [query, value]"),
        (lambda: Attention()([QUERY, VALUE]), "got (2, 5, 4), (2, 6, 3)."),
        (lambda: Attention()([QUERY, VALUE[:, :5], KEY]), "got (2, 5, 4), (2, 5, 3), (2, 6, 4)."),
        (lambda: AdditiveAttention()([QUERY[0], QUERY[0]]), "(batch, ..., queries, depth)"),
        (lambda: Attention()([QUERY, KEY], mask=MASKS[0]), "`mask` is a list"),
        (lambda: Attention()([QUERY, KEY], mask=[MASKS[0], np.ones(6)]), "its input's shape without the last axis"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(ValueError, match="Attention") as error:
        make()
    assert said in str(error.value)


# -- an embedding that goes back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"tie_weights": False, "logit_soft_cap": 2.0}])
def test_the_way_back_is_that_of_keras(settings):
    def results(library):
        layer = library.layers.ReversibleEmbedding(7, 4, **settings)
        layer.build()
        rng = np.random.default_rng(1)
        layer.set_weights([rng.normal(size=w.shape) for w in map(np.asarray, layer.weights)])
        symbol = layer(library.Input((None, 4)), reverse=True)
        shapes = (
            layer.compute_output_shape((2, 5)),
            layer.compute_output_shape((2, 5, 4), reverse=True),
        )
        return layer(QUERY, reverse=True), tuple(symbol.shape), [list(s) for s in shapes]

    ours, theirs = both(results)
    close(ours[0], theirs[0])
    assert ours[1:] == theirs[1:]


def test_the_dtype_of_the_way_back():
    ids = np.array([[1, 2, 0]])
    for settings, dtype in (({}, "bfloat16"), ({"reverse_dtype": "float32"}, "float32")):
        layer = ReversibleEmbedding(7, 4, dtype="mixed_bfloat16", **settings)
        assert layer(ids).dtype == "bfloat16"
        assert layer(layer(ids), reverse=True).dtype == dtype
        assert layer(tv.Input((3, 4)), reverse=True).dtype == dtype


def test_masks_and_tables_on_the_way_there_and_back():
    layer = ReversibleEmbedding(7, 4, mask_zero=True)
    vectors = layer(np.array([[1, 2, 0]]))
    logits = layer(vectors, reverse=True)
    assert get_mask(logits).tolist() == get_mask(vectors).tolist() == [[True, True, False]]
    ids, anything = tv.Input((3,), dtype="int32"), tv.Input((3, 4))
    model = tv.Model(
        [ids, anything], [layer(layer(ids), reverse=True), layer(anything, reverse=True)]
    )
    assert len(model.weights) == 1
    there, back = model.predict([np.array([[1, 2, 0]]), 100 * QUERY[:1, :3]], verbose=0)
    close((there, back), (logits, layer(100 * QUERY[:1, :3], reverse=True)))
    with pytest.raises(ValueError, match="for each of the numbers 0 to 6"):
        model.predict([np.array([[1, 7, 0]]), QUERY[:1, :3]], verbose=0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ReversibleEmbedding(7, 4, logit_soft_cap=0), "`logit_soft_cap`"),
        (lambda: ReversibleEmbedding(7, 4, logit_soft_cap=-1.0), "`logit_soft_cap`"),
        (lambda: ReversibleEmbedding(7, 4, reverse_dtype="float31"), "float31"),
        (lambda: ReversibleEmbedding(7, 4)(VALUE, reverse=True), "vectors of size 4"),
    ],
)
def test_what_cannot_go_back_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()
