"""EinsumDense beyond the contract: sizes that are the input's, biases along some axes, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import both

import trivium as tv
from trivium.layers import Dense, EinsumDense

BIASES = [
    ("abc,cde->abde", (None, 3, 8), "d"),
    ("abc,cde->abde", (5, 3, 8), "bd"),
    ("abc,cde->abde", (None, 3, 8), "de"),
    ("abc,cde->abde", (None, 3, 8), "ed"),
    ("...bc,cd->...bd", (None, 3), "d"),
    ("ab...,bc->ac...", 3, "c"),
]


@pytest.mark.parametrize(("equation", "output_shape", "bias_axes"), BIASES)
def test_shapes_of_the_weights_are_those_of_keras(equation, output_shape, bias_axes):
    def shapes(library):
        layer = library.layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
        layer.build((2, 5, 4))
        return [tuple(w.shape) for w in layer.weights]

    ours, theirs = both(shapes)
    assert ours == theirs


def test_sizes_that_are_the_inputs_may_be_unknown():
    x = tv.Input((None, 4))
    assert EinsumDense("abc,cd->abd", (None, 3))(x).shape == (None, None, 3)
    assert EinsumDense("abc,cd->abd", (None, 3))(tv.Input((5, 4))).shape == (None, 5, 3)


def test_it_is_a_dense_layer_where_the_equation_says_so():
    x = np.random.default_rng(0).normal(size=(2, 5, 4)).astype("float32")
    dense, ours = Dense(3, "tanh"), EinsumDense("...a,ab->...b", 3, "tanh", bias_axes="b")
    dense(x), ours(x)
    ours.set_weights(dense.get_weights())
    np.testing.assert_allclose(ours(x), dense(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("equation", "output_shape", "options", "said"),
    [
        ("ab->ac", 3, {}, "has the form"),
        ("ab, bc -> ac", 3, {}, "has the form"),
        ("a...b,bc->a...c", 3, {}, "has the form"),
        ("...ab,bc->ac...", 3, {}, "has the form"),
        (3, 3, {}, "has the form"),
        ("ab,bcd->ac", 3, {}, "kernel's axis 'd' is no axis of the input or the output"),
        ("ab,bc->acd", (3, 4), {}, "output's axis 'd' is no axis of the input or the kernel"),
        ("ab,bb->ab", 3, {}, "axis of the kernel twice"),
        ("ab,bc->acc", (3, 3), {}, "axis of the output twice"),
        ("ab,bc->ac", (7, 3), {}, "`output_shape` has 1 sizes"),
        ("...x,xy->...y", (5, 3), {}, "`output_shape` has 1 sizes"),
        ("ab,bc->ac", None, {}, "`output_shape` is a size"),
        ("ab,bc->ac", 0, {}, "`output_shape` is a size"),
        ("ab,bc->ac", (2.5,), {}, "`output_shape` is a size"),
        ("ab,bc->ac", (None,), {}, "must have its size"),
        ("ab,bc->ac", 3, {"bias_axes": "b"}, "`bias_axes` has letters of the output's axes, 'ac'"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_the_layer_is_made(
    equation, output_shape, options, said
):
    with pytest.raises(ValueError, match="EinsumDense") as error:
        EinsumDense(equation, output_shape, **options)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("equation", "output_shape", "shape", "said"),
    [
        ("ab,bc->ac", 3, (2, 5, 6), "wants 2 dimensions of its input"),
        ("abc...,bd->ad...", 3, (2, 5), "wants at least 3 dimensions"),
        ("abc,cd->abd", (7, 3), (2, 5, 4), "axis 'b' of 'abc,cd->abd' has size 7"),
        ("abc,cd->abd", (None, 3), (2, 5, None), "every size must be known"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_when_it_is_built(equation, output_shape, shape, said):
    layer = EinsumDense(equation, output_shape, name="e")
    with pytest.raises(ValueError, match="Layer 'e'") as error:
        layer.build(shape)
    assert said in str(error.value)


def test_other_sizes_are_refused_once_it_is_built():
    layer = EinsumDense("abc,cd->abd", (None, 3))
    layer.build((None, None, 4))
    assert layer(np.ones((1, 9, 4))).shape == (1, 9, 3)
    with pytest.raises(ValueError, match="size 4 on axis 2"):
        layer(np.ones((1, 9, 5)))
