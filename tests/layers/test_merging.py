"""Merging layers: their functions, broadcasting, masks."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers as L
from trivium.state.masks import get_mask, set_mask

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 2, 3, 4)).astype("float32")
COMBINE = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "average": lambda a, b: (a + b) / 2,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


@pytest.mark.parametrize("name", COMBINE)
def test_functions(name):
    np.testing.assert_allclose(getattr(L, name)([A, B]), COMBINE[name](A, B), rtol=1e-6)
    y = getattr(L, name)([tv.Input((3, 4)), tv.Input((3, 4))], name="here")
    assert y.shape == (None, 3, 4) and y.node.operation.name == "here"


def test_concatenate_and_dot():
    assert np.array_equal(L.concatenate([A, B], axis=1), np.concatenate([A, B], 1))
    np.testing.assert_allclose(
        L.dot([A, B], axes=2), np.einsum("bik,bjk->bij", A, B), rtol=1e-4, atol=1e-5
    )
    cosines = np.diagonal(np.asarray(L.dot([A, A], axes=-1, normalize=True)), axis1=1, axis2=2)
    np.testing.assert_allclose(cosines, 1, rtol=1e-5)


@st.composite
def broadcasting(draw):
    """Two shapes behind the batch that broadcast, the shorter one counted from the batch's side in Keras's way."""
    full = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    cut = draw(st.integers(0, len(full) - 1))
    shapes = [tuple(full), tuple(n if draw(st.booleans()) else 1 for n in full[cut:])]
    return shapes if draw(st.booleans()) else shapes[::-1]


@hypothesis.settings(deadline=None, max_examples=25)
@hypothesis.given(broadcasting(), st.sampled_from(sorted(COMBINE)))
def test_shapes_broadcast_behind_the_batch(shapes, name):
    xs = [RNG.normal(size=(2, *s)).astype("float32") for s in shapes]
    rank = max(map(len, shapes))
    full = [x.reshape(2, *(1,) * (rank - len(s)), *s) for x, s in zip(xs, shapes, strict=True)]
    wanted = COMBINE[name](*full)
    np.testing.assert_allclose(getattr(L, name)(xs), wanted, rtol=1e-6)
    symbolic = getattr(L, name)([tv.Input(s) for s in shapes])
    assert symbolic.shape == (None, *wanted.shape[1:])


STEPS = [
    np.array([[True, True, False], [False, True, False]]),
    np.array([[True, False, False]] * 2),
]


@pytest.mark.parametrize(
    "masks", [STEPS, [STEPS[0], None], [None, STEPS[1]]], ids=["both", "first", "second"]
)
@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        *((name.capitalize(), {}) for name in COMBINE),
        ("Concatenate", {"axis": 1}),
        ("Concatenate", {"axis": 2}),
        ("Dot", {"axes": 2}),
    ],
)
def test_masks_of_some_or_all_inputs(name, kwargs, masks):
    def merged(library, put, get):
        xs = [library.layers.Identity()(x) for x in (A, B)]
        for x, mask in zip(xs, masks, strict=True):
            if mask is not None:
                put(x, np.asarray(mask))
        y = getattr(library.layers, name)(**kwargs)(xs)
        return y, get(y)

    def of_keras(keras):
        from keras.src.backend import get_keras_mask, set_keras_mask

        return merged(keras, set_keras_mask, get_keras_mask)

    theirs, their_mask = recorded(of_keras)
    ours, mask = merged(tv, set_mask, get_mask)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
    assert (mask is None) == (their_mask is None)
    assert mask is None or np.array_equal(mask, their_mask)


@pytest.mark.parametrize("masks", [[None, None], [STEPS[0], None], [None, STEPS[1]], STEPS, None])
@pytest.mark.parametrize(
    ("name", "kwargs"),
    [
        *((name.capitalize(), {}) for name in COMBINE),
        *(("Concatenate", {"axis": axis}) for axis in (0, 1, -1)),
        ("Dot", {"axes": 2}),
    ],
)
def test_the_mask_of_masks(name, kwargs, masks):
    ours, theirs = both(
        lambda library: getattr(library.layers, name)(**kwargs).compute_mask([A, B], mask=masks)
    )
    assert (ours is None) == (theirs is None)
    assert ours is None or np.array_equal(ours, theirs)


@pytest.mark.parametrize("masks", [STEPS[0], STEPS[:1], [*STEPS, None]])
@pytest.mark.parametrize("name", ["Add", "Multiply", "Concatenate"])
def test_masks_come_one_for_each_input(name, masks):
    with pytest.raises(
        ValueError, match=r"here' .* a list with a mask, or None, for each of its 2 inputs"
    ):
        getattr(L, name)(name="here").compute_mask([A, B], masks)


def test_whole_numbers_have_extremes_too():
    xs = [np.array([[[1, 5]]], "int32"), np.array([[[3, 4]]], "int32")]
    masks = [np.array([[False]]), np.array([[True]])]
    for layer in (L.Maximum(), L.Minimum()):
        assert layer(xs, mask=masks).tolist() == [[[3, 4]]]
        assert layer(xs, mask=masks).dtype == "int32"


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "bool"])
def test_the_mean_of_whole_numbers_does_not_wrap_around(dtype):
    large = np.full((1, 2), 1 if dtype == "bool" else np.iinfo(dtype).max, dtype)
    inputs = tv.Input((2,), dtype=dtype)
    model = tv.Model(inputs, L.Average()([inputs, inputs]))
    wanted = large.astype("float32")
    np.testing.assert_allclose(L.average([large, large]), wanted)
    np.testing.assert_allclose(model.predict(large, verbose=0), wanted)


@pytest.mark.parametrize("name", COMBINE)
def test_an_array_in_the_graph_goes_with_each_sample(name):
    x, one = tv.Input((4,)), np.arange(4, dtype="float32")[None]
    data = RNG.normal(size=(5, 4)).astype("float32")
    for inputs, wanted in (([x, one], (data, one)), ([tv.ops.array(one), x], (one, data))):
        model = tv.Model(x, getattr(L, name)(inputs))
        assert model.output_shape == (None, 4)
        for n in (5, 1, 3):
            found = model.predict(data[:n], verbose=0)
            parts = [part[:n] for part in wanted]
            np.testing.assert_allclose(found, COMBINE[name](*parts), rtol=1e-6)


@pytest.mark.parametrize("name", ["Multiply", "Maximum"])
def test_masks_of_one_sample_go_with_each(name):
    layer, (many, one) = getattr(L, name)(), STEPS
    found, wanted = (
        layer([A, second], mask=[many, mask])
        for second, mask in ((B[:1], one[:1]), (B[[0, 0]], one))
    )
    assert np.array_equal(found, wanted)
    assert np.array_equal(layer.compute_mask([A, B[:1]], [many, one[:1]]), many | one)


def test_sizes_that_are_not_known_yet_are_believed():
    for sizes in ([(None, 4), (3, 4)], [(3, 4), (None, 4)], [(None, 4), (1, 4), (3, 1)]):
        assert L.Add()([tv.Input(s) for s in sizes]).shape == (None, 3, 4)
    assert L.Concatenate(axis=1)([tv.Input((None, 4)), tv.Input((3, 4))]).shape == (None, None, 4)
