"""`CategoryEncoding` and `Pipeline`: shapes of any rank, weights of counts, numbers out of range, layers in a row."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium import layers as L
from trivium.testing import check_layer

IDS = np.array([[0, 2, 2], [1, 1, 3]])


@pytest.mark.parametrize("inputs", [IDS, IDS[0], IDS.tolist()], ids=["rows", "one", "list"])
@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_vectors_are_those_of_keras(inputs, mode):
    ours, theirs = both(lambda lib: lib.layers.CategoryEncoding(4, mode)(inputs))
    np.testing.assert_array_equal(ours, theirs)


def test_counts_are_weighted_as_keras_does():
    weights = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 0.5]], "float32")
    ours, theirs = both(
        lambda lib: lib.layers.CategoryEncoding(4, "count")(IDS, count_weights=weights)
    )
    np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_the_last_axis_is_the_sample_whatever_the_rank(mode):
    layer = L.CategoryEncoding(4, mode)
    assert layer(3).tolist() == [0.0, 0.0, 0.0, 1.0]
    deep = np.stack([IDS, IDS[::-1]])
    np.testing.assert_array_equal(layer(deep), np.stack([layer(IDS), layer(IDS[::-1])]))
    assert layer(tv.Input((2, 3), dtype="int32")).shape[1:] == layer(deep).shape[1:]
    rows = tv.data.Dataset.from_tensor_slices(IDS).map(layer).batch(2)
    np.testing.assert_array_equal(next(iter(rows)), layer(IDS))


@pytest.mark.parametrize("wrong", [4, -1, 1.5, np.nan])
def test_a_number_out_of_range(wrong):
    with pytest.raises(
        ValueError, match=r"'kinds' \(CategoryEncoding\).*from 0 to 3; got " + str(wrong)
    ):
        L.CategoryEncoding(4, name="kinds")(np.array([[0, wrong]]))


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({}, "IntegerLookup"),
        ({"num_tokens": 0}, "above zero"),
        ({"num_tokens": 2, "output_mode": "int"}, "'one_hot', 'multi_hot', 'count'"),
        ({"num_tokens": 2, "sparse": True}, "dense"),
    ],
)
def test_settings_that_are_none(kwargs, words):
    with pytest.raises(ValueError, match=words):
        L.CategoryEncoding(**kwargs)
    with pytest.raises(ValueError, match="goes with output_mode='count'"):
        L.CategoryEncoding(4)(IDS, count_weights=np.ones((2, 3)))


def chain(library):
    layers = library.layers
    return layers.Pipeline([layers.Rescaling(2.0), layers.Dense(2), layers.Dropout(0.5)], name="p")


X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def test_a_pipeline_is_what_keras_has():
    def use(library):
        pipeline = chain(library)
        pipeline(X)
        weights = [np.full(w.shape, 0.5, "float32") for w in pipeline.get_weights()]
        pipeline.set_weights(weights)
        names = [layer.name for layer in library.layers.Pipeline([]).layers]
        return pipeline(X, training=False), len(pipeline.layers), names, len(weights)

    ours, theirs = both(use)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    assert ours[1:] == theirs[1:]


def test_a_pipeline_draws_where_it_is_called_alone_and_in_training():
    pipeline = chain(tv)
    assert (np.asarray(pipeline(X)) == 0).any() and not (
        np.asarray(pipeline(X, training=False)) == 0
    ).any()
    model = tv.Sequential([tv.Input((3,)), pipeline])
    np.testing.assert_allclose(model.predict(X, verbose=0), pipeline(X, training=False), rtol=1e-6)


def test_a_pipeline_is_a_layer_like_any_other(tmp_path):
    layer = L.Pipeline([L.Discretization([0.0, 1.0]), L.CategoryEncoding(3), L.Dense(2)])
    check_layer(layer, X, only=["building", "config", "half precision", "copies"])
    model = tv.Sequential([tv.Input((3,)), chain(tv)])
    model.save(tmp_path / "m.keras")
    other = tv.saving.load_model(tmp_path / "m.keras")
    assert [type(x) for x in other.layers[0].layers] == [L.Rescaling, L.Dense, L.Dropout]
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_masks_go_through_a_pipeline():
    pipeline = L.Pipeline([L.Identity(), L.LSTM(2)])
    masking, x = L.Masking(), np.array([[[1.0], [2.0], [0.0]]])
    np.testing.assert_allclose(pipeline(masking(x)), pipeline(x[:, :2]), rtol=1e-6)


def test_a_pipeline_is_of_layers():
    for wrong in (None, L.Identity(), [L.Identity, L.Identity()], ["dense"]):
        with pytest.raises(TypeError, match="a list of layers; got"):
            L.Pipeline(wrong)
