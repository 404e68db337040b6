"""Attention of several heads: the contract of every layer, for those of several arguments; masks, axes and errors."""

from __future__ import annotations

import copy
import json
import pickle
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from configs import check_config
from oracle import both

import trivium as tv
from trivium import layers
from trivium.layers import GroupQueryAttention, MultiHeadAttention
from trivium.state.masks import get_mask, set_mask

RNG = np.random.default_rng(0)
QUERY, VALUE, KEY, GRID = (
    RNG.normal(size=s).astype("float32") for s in [(2, 5, 4), (2, 6, 3), (2, 6, 7), (2, 3, 5, 4)]
)
QUERY_MASK = np.array([[1, 1, 0, 1, 1], [0, 1, 1, 1, 1]], bool)
VALUE_MASK = np.array([[1, 1, 1, 1, 0, 0], [1, 0, 1, 1, 1, 1]], bool)
KEY_MASK = np.array([[1, 1, 1, 0, 1, 1], [1, 1, 1, 1, 1, 0]], bool)
PAIRS = RNG.uniform(size=(2, 5, 6)) < 0.7
WEIGHTED = {
    "kernel_regularizer": "l2", "bias_regularizer": "l2", "activity_regularizer": "l2", "kernel_constraint": "non_neg",
    "bias_constraint": "unit_norm", "kernel_initializer": "he_normal", "bias_initializer": "ones",
}  # fmt: skip

# A layer, its settings, its inputs, and what else its call is given.
CASES = {
    "plain": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, [QUERY, VALUE], {}),
    "key": (
        "MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "value_dim": 5, "use_bias": False},
        [QUERY, VALUE, KEY], {"use_causal_mask": True},
    ),
    "masks": (
        "MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "output_shape": (2, 3)}, [QUERY, VALUE, KEY],
        {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK, "key_mask": KEY_MASK, "attention_mask": PAIRS},
    ),
    "window": (
        "MultiHeadAttention", {"num_heads": 1, "key_dim": 3, "sliding_window": 2, "use_gate": True, "output_shape": 7},
        [QUERY, VALUE], {},
    ),
    "weighted": (
        "MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "use_gate": True, **WEIGHTED}, [QUERY, QUERY], {},
    ),
    "rows": (
        "MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "attention_axes": 2}, [GRID, GRID],
        {"attention_mask": PAIRS[:, :, :5]},
    ),
    "columns": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "attention_axes": [1]}, [GRID, GRID], {}),
    "image": ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, [GRID, GRID], {}),
    "groups": (
        "GroupQueryAttention", {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}, [QUERY, VALUE],
        {"attention_mask": PAIRS, "value_mask": VALUE_MASK},
    ),
    "one group": (
        "GroupQueryAttention",
        {"head_dim": 3, "num_query_heads": 3, "num_key_value_heads": 1, "use_gate": True,
         "sliding_window": 3, "kernel_regularizer": "l2", "seed": 3},
        [QUERY, VALUE, KEY], {"use_causal_mask": True},
    ),
}  # fmt: skip
EACH = pytest.mark.parametrize("name", CASES)


def made(library, name, **more):
    kind, settings, inputs, given = CASES[name]
    layer = getattr(library.layers, kind)(**{"name": "layer", **settings, **more})
    return layer, inputs, given


def built(library, name, **more):
    layer, inputs, given = made(library, name, **more)
    layer.build(*[x.shape for x in inputs])
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape).astype("float32") for w in layer.weights])
    return layer, inputs, given


def plain(config):
    return json.loads(json.dumps(config))


def close(ours, theirs, tolerance=2e-5):
    ours, theirs = jax.tree_util.tree_leaves(ours), jax.tree_util.tree_leaves(theirs)
    assert [x.shape for x in ours] == [x.shape for x in theirs]
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


@EACH
def test_config_is_that_of_keras(name):
    def config(library):
        layer, _, _ = made(library, name)
        written = plain(library.layers.serialize(layer))
        return written["class_name"], written["config"]

    ours, theirs = both(config)
    assert ours == theirs
    layer, _, _ = made(tv, name)
    check_config(layer)
    assert plain(type(layer).from_config(theirs[1]).get_config()) == ours[1]


def results(library, name):
    """Return weights' names and shapes, outputs and scores, losses, and gradients of inputs and weights."""
    layer, inputs, given = built(library, name)

    def loss(values, arrays):
        mapping = list(zip(layer.trainable_variables, values, strict=True))
        with library.StatelessScope(mapping, collect_losses=True) as scope:
            outputs, scores = layer(*arrays, return_attention_scores=True, **given)
        factors = np.cos(np.arange(outputs.size)).reshape(outputs.shape)
        penalties = [w.regularizer(x) for w, x in mapping if w.regularizer is not None]
        total = jnp.sum(factors * outputs) + sum(scope.losses + penalties)
        return total, (outputs, scores)

    run = jax.value_and_grad(loss, (0, 1), has_aux=True)
    values = [jnp.asarray(v.value) for v in layer.trainable_variables]
    (total, tensors), gradients = jax.jit(run)(values, [jnp.asarray(x) for x in inputs])
    # A key's bias adds the same to all scores, which a softmax does not see: its gradient is zero, and else rounding.
    gradients = jax.tree_util.tree_map(lambda g: g * (jnp.max(jnp.abs(g)) > 1e-4), gradients)
    weights = [(w.path, tuple(w.shape), str(w.dtype)) for w in layer.weights]
    return weights, (total, *tensors), gradients


@EACH
def test_weights_outputs_scores_and_gradients_are_those_of_keras(name):
    (our_weights, ours, our_gradients), (weights, theirs, gradients) = both(
        lambda library: results(library, name)
    )
    assert our_weights == weights
    close(ours, theirs)
    close(our_gradients, gradients, 1e-4)


@pytest.mark.parametrize("name", ["masks", "rows", "one group"])
def test_a_call_is_one_call_however_it_is_made(name):
    """Symbolic, in a model, without scores, by names, for unknown sizes, in control flow, copied, in half precision."""
    layer, inputs, given = built(tv, name)
    names = ["query", "value", "key"][: len(inputs)]
    given = {k: jnp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in given.items()}
    outputs, _ = layer(*inputs, return_attention_scores=True, **given)
    arrays = [jnp.asarray(x) for x in inputs]

    def call(*xs):
        return layer(*xs, **given)

    def ways(*xs):
        _, in_scan = tv.ops.scan(lambda c, x: (c, call(*x)), 0, [x[None] for x in xs])
        in_cond = tv.ops.cond(xs[0][0, 0].sum() < 1e9, lambda: call(*xs), lambda: call(*xs) * 0)
        return call(*xs), in_scan[0], in_cond, tv.ops.remat(call)(*xs)

    close(jax.jit(ways)(*arrays), [outputs] * 4)
    close(layer(**dict(zip(names, inputs, strict=True)), **given), outputs)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert [w.path for w in other.weights] == [w.path for w in layer.weights]
        close(other(*inputs, **given), outputs)
    # A model, for which the masks of the cases would be too small: those of pairs have sizes of their own.
    unknown = [tv.Input((*[None] * (x.ndim - 2), x.shape[-1])) for x in inputs]
    symbol = layer(*unknown)
    assert len(symbol.shape) == outputs.ndim and symbol.shape[0] is None
    assert symbol.shape[inputs[0].ndim - 1 :] == outputs.shape[inputs[0].ndim - 1 :]
    shapes = layer.compute_output_shape(*[(None, *x.shape[1:]) for x in inputs])
    assert shapes == (None, *outputs.shape[1:])
    model = tv.Model(unknown, symbol)
    close(model(inputs), layer(*inputs))
    half, _, _ = built(tv, name, dtype="mixed_bfloat16")
    rough, scores = half(*inputs, return_attention_scores=True, **given)
    assert rough.dtype == scores.dtype == "bfloat16" and half.query_dense.kernel.dtype == "float32"
    near = np.abs(rough.astype("float32") - outputs) <= 0.05 * np.abs(outputs).max()
    assert near.all()


def test_masks_that_inputs_bring_are_the_masks_said():
    layer, inputs, _ = built(tv, "masks")
    said = layer(*inputs, query_mask=QUERY_MASK, value_mask=VALUE_MASK, key_mask=KEY_MASK)
    arrays = [jnp.asarray(x) for x in inputs]
    for x, mask in zip(arrays, (QUERY_MASK, VALUE_MASK, KEY_MASK), strict=True):
        set_mask(x, jnp.asarray(mask))
    output = layer(*arrays)
    close(output, said)
    assert np.array_equal(get_mask(output), QUERY_MASK)
    symbols = [tv.Input(x.shape[1:]) for x in inputs]
    masks = [tv.Input(x.shape[1:-1], dtype="bool") for x in inputs]
    for symbol, mask in zip(symbols, masks, strict=True):
        set_mask(symbol, mask)
    model = tv.Model([*symbols, *masks], layer(*symbols))
    close(model([*inputs, QUERY_MASK, VALUE_MASK, KEY_MASK]), said)


def test_what_is_masked_may_be_anything():
    layer, (query, value, key), _ = built(tv, "masks")
    mask = VALUE_MASK & KEY_MASK

    def total(x, value, key):
        y = layer(x, value, key, value_mask=VALUE_MASK, key_mask=KEY_MASK)
        return jnp.sum(y * jnp.cos(jnp.arange(y.size)).reshape(y.shape))

    run = jax.jit(jax.value_and_grad(total, (0, 1, 2)))
    results = [
        run(query, *(np.where(mask[..., None], x, v) for x in (value, key))) for v in (0, np.nan)
    ]
    close(*results, 0)
    assert not any(np.asarray(g)[~mask].any() for g in results[1][1][1:])


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_numbers_at_the_edges(dtype):
    """Zeros, ones, numbers whose squares are 0, and large ones of a half type; slopes are numbers, too."""
    layer, (query, value), _ = built(tv, "window", dtype=dtype)
    layer.set_weights([np.full(w.shape, 0.01, "float32") for w in layer.weights])

    def total(x, y):
        return layer(x, y).astype("float32").sum()

    run = jax.jit(jax.value_and_grad(total, (0, 1)))
    for number in (0.0, 1.0, 1e-30) if dtype == "float32" else (3e4, -3e4, 6e-8):
        results = run(*(jnp.full(a.shape, number, layer.compute_dtype) for a in (query, value)))
        assert all(np.isfinite(leaf).all() for leaf in jax.tree_util.tree_leaves(results))


@pytest.mark.parametrize(
    "shape", [(5, 6), (1, 5, 6), (2, 1, 5, 6), (2, 2, 5, 6), (2, 5, 1), (1, 1, 1, 6)]
)
def test_masks_of_pairs_of_any_shape(shape):
    layer, inputs, _ = built(tv, "plain")
    mask = RNG.uniform(size=shape) < 0.7
    _, scores = layer(*inputs, attention_mask=mask, return_attention_scores=True)
    wide = mask[:, None] if mask.ndim == 3 else mask
    seen = np.broadcast_to(wide, scores.shape)
    assert (np.asarray(scores) > 0).tolist() == seen.tolist()
    np.testing.assert_allclose(
        scores.sum(-1), seen.any(-1), rtol=1e-5
    )  # Who sees nothing gets nothing.


def test_axes_are_attended_over_as_if_they_alone_were_there():
    layer, (grid, _), _ = built(tv, "rows")
    mask = RNG.uniform(size=(2, 3, 5)) < 0.7
    together, scores = layer(
        grid, grid, return_attention_scores=True, query_mask=mask, value_mask=mask
    )
    alone = MultiHeadAttention(2, 3)
    alone.build((2, 5, 4), (2, 5, 4))
    alone.set_weights(layer.get_weights())
    for i in range(3):
        row, row_scores = alone(
            grid[:, i],
            grid[:, i],
            return_attention_scores=True,
            query_mask=mask[:, i],
            value_mask=mask[:, i],
        )
        close((together[:, i], scores[:, i]), (row, row_scores))


def test_all_axes_are_one_sequence():
    layer, (grid, _), _ = built(tv, "image")
    pairs = RNG.uniform(size=(2, 3, 5, 3, 5)) < 0.7
    flat = MultiHeadAttention(2, 3)
    flat.build((2, 15, 4), (2, 15, 4))
    flat.set_weights(layer.get_weights())
    sequence = grid.reshape(2, 15, 4)
    for said, of_flat in (
        ({"attention_mask": pairs}, {"attention_mask": pairs.reshape(2, 15, 15)}),
        ({"use_causal_mask": True}, {"use_causal_mask": True}),
    ):
        ours = layer(grid, grid, **said)
        close(ours.reshape(2, 15, 4), flat(sequence, sequence, **of_flat))


def test_groups_are_heads_that_are_repeated():
    layer, (query, value), _ = built(tv, "groups")
    heads = MultiHeadAttention(4, 3)
    heads.build(query.shape, value.shape)
    weights = layer.get_weights()
    for i in (2, 3, 4, 5):
        weights[i] = np.repeat(weights[i], 2, axis=-2)
    heads.set_weights(weights)
    close(layer(query, value), heads(query, value))


def test_dropout_drops_weights_while_training_only():
    def layer(rate):
        made = MultiHeadAttention(2, 3, dropout=rate, seed=4)
        made.build(QUERY.shape, QUERY.shape)
        rng = np.random.default_rng(3)
        made.set_weights([rng.normal(size=w.shape) for w in made.weights])
        return made

    one, other = layer(0.5), layer(0.5)
    first, scores = one(QUERY, QUERY, training=True, return_attention_scores=True)
    close(other(QUERY, QUERY, training=True), first)
    assert not np.allclose(one(QUERY, QUERY, training=True), first)
    plainly, weights = one(QUERY, QUERY, return_attention_scores=True)
    close((plainly, weights), layer(0.0)(QUERY, QUERY, return_attention_scores=True))
    close(scores, weights)  # Before dropout.
    many = one(*[np.repeat(QUERY[:1], 2000, axis=0)] * 2, training=True).mean(axis=0)
    assert np.abs(many - plainly[0]).max() < 0.1 * np.abs(plainly).max()


def test_a_model_trains_converts_and_is_written_in_each_style(tmp_path):
    class Attending(tv.Model):
        def __init__(self):
            super().__init__()
            self.embed = layers.Embedding(9, 4, mask_zero=True)
            self.attend = MultiHeadAttention(2, 3, dropout=0.1)
            self.pool, self.out = layers.GlobalAveragePooling1D(), layers.Dense(2)

        def call(self, ids):
            x = self.embed(ids)
            return self.out(self.pool(x + self.attend(x, x, use_causal_mask=True)))

    ids = RNG.integers(9, size=(8, 5)).astype("int32")
    prints = []
    for style in (None, "functional", "subclass"):
        tv.utils.set_random_seed(1)
        model = Attending()
        model(ids)
        model = model if style is None else tv.convert(model, to=style)
        prints.append(model.fingerprint())
        model.compile("sgd", "mse")
        model.fit(ids, np.ones((8, 2)), epochs=2, batch_size=4, verbose=0)
        if style is None:
            trained = model.get_weights()
            namespace = {}
            exec(tv.source(model, style="functional"), namespace)
            assert "use_causal_mask=True" in tv.source(model, style="functional")
        else:
            close(model.get_weights(), trained)
    assert len(set(prints)) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "f" in str(tv.explain(model))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: MultiHeadAttention(0, 3), "`num_heads` is a whole number above zero"),
        (lambda: MultiHeadAttention(2, -3), "`key_dim` is a whole number above zero"),
        (lambda: MultiHeadAttention(2, 3, value_dim=0), "`value_dim` is a whole number above zero"),
        (lambda: MultiHeadAttention(2, 3, dropout=2.0), "`dropout`"),
        (lambda: MultiHeadAttention(2, 3, sliding_window=0), "`sliding_window` is a whole number above zero"),
        (lambda: MultiHeadAttention(2, 3, output_shape=(3, 0)), "`output_shape` is a whole number above zero"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=1.5), "`attention_axes` is a whole number"),
        (lambda: MultiHeadAttention(2, 3, dropout=0.1, flash_attention=True), "knows no dropout"),
        (lambda: GroupQueryAttention(3, 4, 3), "`num_query_heads` is a multiple of `num_key_value_heads`"),
        (lambda: GroupQueryAttention(3, 4, 0), "`num_key_value_heads` is a whole number above zero"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=(1, 3)).build((2, 3, 5, 4), (2, 3, 5, 4)), "from 1 to 2"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=(1, -3)).build((2, 3, 5, 4), (2, 3, 5, 4)), "each once"),
        (lambda: MultiHeadAttention(2, 3).build((2, 4), (2, 4)), "(batch, time, features)"),
        (lambda: MultiHeadAttention(2, 3).build((2, 5, 4), (2, 3, 5, 4)), "all of one rank"),
        (lambda: MultiHeadAttention(2, 3).build((2, 5, 4), (2, 5, 4), (2, 6, 4)), "of one length"),
        (lambda: MultiHeadAttention(2, 3)(QUERY, VALUE[:1]), "of which the batch is one"),
        (lambda: MultiHeadAttention(2, 3)(QUERY, VALUE, value_mask=np.ones((2, 5))), "the mask of an input of shape"),
        (lambda: MultiHeadAttention(2, 3)(QUERY, VALUE, query_mask=np.ones(5)), "two at least"),
        (lambda: MultiHeadAttention(2, 3)(QUERY, VALUE, attention_mask=np.ones((2, 6, 5))), "shape (2, 5, 6)"),
        (lambda: MultiHeadAttention(2, 3)(QUERY, VALUE, attention_mask=np.ones((6,))), "shape (2, 5, 6)"),
        (lambda: MultiHeadAttention(2, 3, flash_attention=True)(QUERY, QUERY), "Leave `flash_attention` out"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make, said):
    with pytest.raises(ValueError, match=r"Attention|flash_attention") as error:
        make()
    assert said in str(error.value)


def test_a_call_without_the_value_says_so():
    with pytest.raises(TypeError, match=r"called without value: write `layer\(query, value\)`"):
        tv.layers.MultiHeadAttention(2, 3)(np.ones((2, 3, 4), "float32"))
