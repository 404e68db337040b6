"""Wrong settings and wrong inputs of all layers: each error says where, what came, what was wanted."""

from __future__ import annotations

import re

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L

VECTOR, SEQUENCE, IMAGE = np.ones((2, 5)), np.ones((2, 5, 4)), np.ones((2, 6, 5, 4))
OTHER = np.ones((2, 4))

# The layer's arguments, and words of the error.
SETTINGS = [
    (lambda: L.Dense(10, activaton="relu"), "Dense has no argument 'activaton'. Did you mean 'activation'?"),
    (lambda: L.Dense(10, activation="rleu"), "Unknown activation 'rleu'. Did you mean 'relu'"),
    (lambda: L.Dense(10, kernel_regularizer="l2l1"), "Unknown regularizer 'l2l1'. Did you mean"),
    (lambda: L.Dense(10, kernel_initializer="glorot"), "Did you mean 'glorot_normal' or 'glorot_uniform'?"),
    (lambda: L.Dense(10, kernel_constraint=5), "Cannot read 5 as a constraint"),
    (lambda: L.Dense(10, dtype="float31"), "Unknown dtype 'float31'. Did you mean 'float32'"),
    (lambda: L.Dense(10, name=5), "Dense: `name` is a string; got 5."),
    (lambda: L.Dense(10, name="a/b"), "Dense: `name` is a text of 1 to 1,000 characters without '/'"),
    (lambda: L.Dense(), "units"),
    *(
        (lambda units=units: L.Dense(units), f"Dense: `units` is a whole number above zero; got {units!r}.")
        for units in ("10", 0, -1, 2.5, True, None)
    ),
    (lambda: L.Conv2D(3, (3, 3, 3)), "Conv2D: `kernel_size` is a whole number of at least 1, or 2 of them"),
    (lambda: L.Conv2D(3, 0), "got 0"),
    (lambda: L.Conv1D(3, 2.0), "got 2.0"),
    (lambda: L.Conv2D(3, 3, padding="smae"), "`padding` is one of 'valid', 'same'; got 'smae'. Did you mean 'same'?"),
    (lambda: L.Conv2D(3, 3, padding="causal"), "got 'causal'"),
    (lambda: L.Conv2D(3, 3, data_format="channels_lst"), "Did you mean 'channels_last'"),
    (lambda: L.Conv2D(3, 3, strides=2, dilation_rate=2), "`strides` and `dilation_rate` cannot both be above 1"),
    (lambda: L.Conv2D(3, 3, groups=2), "`filters` is a multiple of `groups`; got filters=3, groups=2."),
    (lambda: L.MaxPooling2D(0), "MaxPooling2D: `pool_size` is a whole number of at least 1"),
    (lambda: L.AveragePooling1D(2, strides=(1, 2)), "AveragePooling1D: `strides`"),
    (lambda: L.Embedding(0, 3), "Embedding: `input_dim` is a whole number above zero; got 0."),
    (lambda: L.Embedding(5, 3, weights=OTHER), "has shape (5, 3); got an array of shape (2, 4)"),
    (lambda: L.Dropout(1.5), "Dropout: `rate` is a number from 0 to 1; got 1.5."),
    (lambda: L.Dropout("a"), "Dropout: `rate` is a number from 0 to 1; got 'a'."),
    (lambda: L.Dropout(0.5, seed="x"), "A seed is a whole number of at least 0, or None; got 'x'."),
    *(
        (lambda shape=shape: L.Dropout(0.5, shape), f"above zero, and None for the input's own sizes; got {shape!r}.")
        for shape in (5, (0, 1), (2.0,), (True, 1), (-1, None), "ab")
    ),
    (lambda: L.AlphaDropout(0.5, (0,)), "AlphaDropout: `noise_shape` is a tuple of whole numbers above zero"),
    (lambda: L.ActivityRegularization(l1=-1), "ActivityRegularization: `l1` is a number of at least zero; got -1."),
    (lambda: L.SpatialDropout2D(-0.1), "SpatialDropout2D: `rate`"),
    (lambda: L.GaussianDropout(1), "`rate` is below 1"),
    (lambda: L.GaussianNoise(-1), "GaussianNoise: `stddev` is a number of at least zero; got -1."),
    (lambda: L.AlphaDropout(1), "AlphaDropout: `rate` is below 1"),
    (lambda: L.Reshape(5), "`target_shape` is a tuple of whole numbers, such as (3, 4); got 5."),
    (lambda: L.Reshape((2.5, 2)), "got (2.5, 2)"),
    (lambda: L.Reshape((-1, -1)), "of which one may be -1; got (-1, -1)."),
    (lambda: L.Permute((0, 1)), "Permute: `dims` has each of the axes from 1 to the last once (0 is the batch"),
    (lambda: L.Permute(2), "got 2."),
    (lambda: L.Permute((1, 1)), "got (1, 1)."),
    (lambda: L.Permute("ab"), "got 'ab'."),
    *(
        (lambda make=make, key=key: make(**{key: "zeros"}), f": `{key}` is True or False; got 'zeros'.")
        for make, key in (
            (lambda **k: L.Dense(2, **k), "use_bias"),
            (lambda **k: L.Conv2D(2, 2, **k), "use_bias"),
            (lambda **k: L.Embedding(2, 2, **k), "mask_zero"),
            (lambda **k: L.Dot(1, **k), "normalize"),
            (L.GlobalMaxPooling2D, "keepdims"),
            (L.BatchNormalization, "scale"),
            (L.BatchNormalization, "renorm"),
            (L.GroupNormalization, "center"),
            (L.Normalization, "invert"),
        )
    ),
    (lambda: L.PReLU(shared_axes="a"), "PReLU: `shared_axes` is an axis or a list of axes; got 'a'."),
    (lambda: L.PReLU(shared_axes=1.5), "PReLU: `shared_axes` is an axis or a list of axes; got 1.5."),
    (lambda: L.Concatenate(axis="a"), "Concatenate: `axis` is the number of an axis; got 'a'."),
    (lambda: L.Dot(axes="a"), "Dot: `axes` is an axis, or a pair of axes"),
    (lambda: L.Dot(axes=1.5), "got 1.5."),
    (lambda: L.Normalization(axis="a"), "Normalization: `axis` is an axis or a list of axes; got 'a'."),
    (lambda: L.Normalization(axis=(1, 1)), "Normalization: `axis` names each axis once"),
    (lambda: L.LeakyReLU(negative_slope=True), "LeakyReLU: `negative_slope` is a number of at least zero; got True."),
    (lambda: L.Dropout(True), "Dropout: `rate` is a number from 0 to 1; got True."),
    (lambda: L.Dropout(float("nan")), "Dropout: `rate` is a number from 0 to 1; got nan."),
    (lambda: L.GaussianNoise(float("nan")), "GaussianNoise: `stddev` is a number of at least zero; got nan."),
    (lambda: L.ZeroPadding1D((1, 2, 3)), "ZeroPadding1D: `padding` is a whole number of at least 0"),
    (lambda: L.ZeroPadding2D(True), "got True."),
    (lambda: L.ZeroPadding2D(((1, 2), 1.5)), "got ((1, 2), 1.5)."),
    (lambda: L.Cropping1D((1, -1)), "got (1, -1)."),
    (lambda: L.UpSampling1D((2, 2)), "UpSampling1D: `size`"),
    (lambda: L.MaxPooling1D(2, data_format="channels"), "MaxPooling1D: `data_format` is one of"),
    (lambda: L.MaxPooling1D(None), "MaxPooling1D: `pool_size` is a whole number of at least 1"),
    (lambda: L.Conv2D(-3, 3), "Conv2D: `filters` is a whole number above zero; got -3."),
    (lambda: L.Conv2D(3, 3, strides=0), "Conv2D: `strides` is a whole number of at least 1"),
    (lambda: L.Conv2D(3, 3, groups=0), "Conv2D: `groups` is a whole number above zero; got 0."),
    (lambda: L.Conv2D(3, 3, dilation_rate=-1), "Conv2D: `dilation_rate`"),
    (lambda: L.Conv2DTranspose(-3, 3), "Conv2DTranspose: `filters` is a whole number above zero; got -3."),
    (lambda: L.Conv1DTranspose(3, 3, padding="causal"), "`padding` is one of 'valid', 'same'; got 'causal'"),
    (lambda: L.Conv1DTranspose(3, 3, 2, dilation_rate=2), "`strides` and `dilation_rate` cannot both be above 1"),
    (lambda: L.Conv2DTranspose(3, 3, 2, output_padding=(1, 2)), "smaller than the stride on each axis"),
    (lambda: L.Conv2DTranspose(3, 3, 2, output_padding=-1), "`output_padding` is a whole number of at least 0"),
    (lambda: L.Conv3DTranspose(3, 3, 1, "valid", "channels_lst"), "Did you mean 'channels_last'"),
    (lambda: L.Conv2DTranspose(4, 3, groups=2), "Conv2DTranspose has no argument 'groups'"),
    (lambda: L.DepthwiseConv1D(3, depth_multiplier=0), "DepthwiseConv1D: `depth_multiplier` is a whole number above"),
    (lambda: L.SeparableConv2D(3, 3, depth_multiplier=1.5), "SeparableConv2D: `depth_multiplier`"),
    (lambda: L.SeparableConv1D(0, 3), "SeparableConv1D: `filters` is a whole number above zero; got 0."),
    (lambda: L.AdaptiveMaxPooling2D((2, 3, 4)), "`output_size` is a whole number of at least 1, or 2 of them"),
    (lambda: L.AdaptiveAveragePooling1D(0), "AdaptiveAveragePooling1D: `output_size`"),
    (lambda: L.Conv2D(3, 3, padding=None), "`padding` is one of 'valid', 'same'; got None."),
    (lambda: L.RepeatVector(0), "RepeatVector: `n` is a whole number above zero"),
    (lambda: L.Cropping2D(-1), "Cropping2D: `cropping` is a whole number of at least 0"),
    (lambda: L.ZeroPadding2D((1, 2, 3)), "ZeroPadding2D: `padding`"),
    (lambda: L.ZeroPadding3D("a"), "got 'a'"),
    (lambda: L.UpSampling2D(0), "UpSampling2D: `size`"),
    (lambda: L.UpSampling2D(interpolation="biliner"), "Did you mean 'bilinear'?"),
    (lambda: L.Dot(axes=0), "Dot: `axes` is an axis, or a pair of axes, behind the batch's; got 0."),
    (lambda: L.Dot(axes=(1, 2, 3)), "got (1, 2, 3)"),
    (lambda: L.BatchNormalization(axis="a"), "BatchNormalization: `axis` is the number of an axis; got 'a'."),
    (lambda: L.BatchNormalization(synchronized=True), "`synchronized=True` is not needed"),
    (lambda: L.BatchNormalization(renorm_clipping={"rmn": 1}), "'rmin', 'rmax' and 'dmax'; got ['rmn']."),
    (lambda: L.LayerNormalization(axis="a"), "LayerNormalization: `axis` is an axis or a list of axes; got 'a'."),
    (lambda: L.LayerNormalization(axis=[-1, -1]), "LayerNormalization: `axis` names each axis once; got [-1, -1]."),
    (lambda: L.LayerNormalization(axis=True), "LayerNormalization: `axis` is an axis or a list of axes; got True."),
    (lambda: L.LayerNormalization(epsilon=-1), "LayerNormalization: `epsilon` is a number of at least zero; got -1."),
    (lambda: L.LayerNormalization(center="zeros"), "LayerNormalization: `center` is True or False; got 'zeros'."),
    (lambda: L.BatchNormalization(momentum=1.5), "BatchNormalization: `momentum` is a number from 0 to 1; got 1.5."),
    (lambda: L.BatchNormalization(momentum="a"), "BatchNormalization: `momentum` is a number from 0 to 1; got 'a'."),
    (lambda: L.BatchNormalization(epsilon=None), "BatchNormalization: `epsilon` is a number of at least zero"),
    (lambda: L.RMSNormalization(axis=(1, 1)), "RMSNormalization: `axis` names each axis once; got (1, 1)."),
    (lambda: L.UnitNormalization(axis=[0, 0]), "UnitNormalization: `axis` names each axis once"),
    (lambda: L.Softmax(axis="a"), "Softmax: `axis` is an axis or a list of axes; got 'a'."),
    (lambda: L.Softmax(axis=[1, 1]), "Softmax: `axis` names each axis once; got [1, 1]."),
    (lambda: L.GroupNormalization(groups=-2), "GroupNormalization: `groups`"),
    (lambda: L.GroupNormalization(axis=[1]), "GroupNormalization: `axis`"),
    (lambda: L.UnitNormalization(axis=[]), "UnitNormalization: `axis`"),
    (lambda: L.Normalization(mean=1), "`mean` and `variance` are given both"),
    (lambda: L.Normalization(mean=[1, 2], variance=[1]), "got shapes (2,) and (1,)"),
    (lambda: L.Normalization(mean=[[1.0]], variance=[[1.0]]), "with at most 1 dimensions for axis=-1"),
    (lambda: L.Normalization(mean="a", variance="b"), "Normalization: `mean` is a number or an array of numbers"),
    (lambda: L.Rescaling("a"), "Rescaling: `scale` is a number or an array of numbers; got 'a'."),
    (lambda: L.ReLU(max_value=-1), "ReLU: `max_value` is a number of at least zero; got -1."),
    (lambda: L.ReLU(negative_slope=None), "ReLU: `negative_slope`"),
    (lambda: L.LeakyReLU(-0.1), "LeakyReLU: `negative_slope`"),
    (lambda: L.ELU(alpha="a"), "ELU: `alpha` is a number; got 'a'."),
    (lambda: L.Masking("a"), "Masking: `mask_value` is a number; got 'a'."),
    (lambda: L.Activation("rlu"), "Unknown activation 'rlu'. Did you mean 'relu'"),
    (lambda: L.Lambda("a"), "Lambda: `function` is a function of an array; got 'a'."),
    (lambda: tv.Input(), "one of the two; got shape=None, batch_shape=None."),
    (lambda: tv.Input((3,), batch_shape=(1, 3)), "one of the two"),
    (lambda: tv.Input(batch_shape=(1, 3), batch_size=1), "has the batch size already; got batch_shape=(1, 3)"),
    (lambda: tv.Input(tensor=VECTOR), "`input_tensor` is a symbolic tensor"),
    (lambda: tv.Input(3), "`shape` is a tuple of sizes: write (3,)"),
    (lambda: tv.Input((-1,)), "negative size"),
    (lambda: tv.Input((2.5,)), "`shape` has whole numbers"),
    (lambda: tv.Input((3,), dtype="float3"), "Unknown dtype 'float3'"),
    (lambda: L.deserialize({"class_name": "Dnse", "config": {}}), "Unknown layer 'Dnse'. Did you mean 'Dense'?"),
    (lambda: L.deserialize({}), "'class_name' and 'config'"),
    (lambda: L.Dense.from_config({"unit": 3}), "Dense cannot be made from the config {'unit': 3}"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "words"), SETTINGS, ids=[words[:60] for _, words in SETTINGS])
def test_wrong_settings(make, words):
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        make()


# A layer, its input, and words of the error. The layer's name is always among them.
INPUTS = [
    (L.Dense(3), np.ones(5), "wants at least 2 dimensions of its input; got shape (5,)"),
    (L.Dense(3), tv.Input((None,)), "the weight 'kernel' cannot have the shape (None, 3)"),
    (L.Conv2D(3, 3), SEQUENCE, "wants 4 dimensions of its input; got shape (2, 5, 4)"),
    (L.Conv2D(3, 3, data_format="channels_first"), tv.Input((None, 5, 5)), "known number of channels"),
    (L.Conv2D(3, 3, groups=3), IMAGE, "groups=3"),
    (L.Conv2D(4, 9), IMAGE, "a window of (9, 9) cells"),
    (L.Conv2DTranspose(3, 3), tv.Input((5, 5, None)), "known number of channels"),
    (L.DepthwiseConv1D(9), SEQUENCE, "a window of (9,) cells"),
    (L.SeparableConv2D(3, 3), SEQUENCE, "wants 4 dimensions of its input; got shape (2, 5, 4)"),
    (L.AdaptiveMaxPooling2D(2), SEQUENCE, "wants 4 dimensions"),
    (L.MaxPooling2D(9), IMAGE, "a window of (9, 9) cells"),
    (L.GlobalMaxPooling2D(), SEQUENCE, "wants 4 dimensions"),
    (L.Dropout(0.5, noise_shape=(2,)), VECTOR, "for each of the input's 2 axes; got noise_shape=(2,), input of"),
    (L.Dropout(0.5, noise_shape=(None, 3)), VECTOR, "got noise_shape=(None, 3), input of shape (2, 5)"),
    (L.Dropout(0.0, noise_shape=(None, 3)), VECTOR, "got noise_shape=(None, 3), input of shape (2, 5)"),
    (L.AlphaDropout(0.5, noise_shape=(1, 1, 1)), VECTOR, "got noise_shape=(1, 1, 1), input of shape (2, 5)"),
    (L.AlphaDropout(0.5, noise_shape=(None, 3)), tv.Input((5,)), "got noise_shape=(None, 3), input of shape (None, 5)"),
    (L.SpatialDropout2D(0.5), SEQUENCE, "wants 4 dimensions"),
    (L.Reshape((7,)), VECTOR, "cannot give the 5 numbers of a sample of shape (5,) the shape (7,)"),
    (L.Reshape((-1, 3)), VECTOR, "cannot give the 5 numbers"),
    (L.Permute((2, 1)), VECTOR, "wants 3 dimensions"),
    (L.RepeatVector(2), SEQUENCE, "wants 2 dimensions"),
    (L.Cropping1D(3), SEQUENCE, "would cut 3 + 3 of the 5 cells on axis 1"),
    (L.ZeroPadding2D(), SEQUENCE, "wants 4 dimensions"),
    (L.UpSampling2D(), SEQUENCE, "wants 4 dimensions"),
    (L.Add(), VECTOR, "is called on a list of inputs, like `layer([a, b])`; got one of shape (2, 5)"),
    (L.Add(), [], "got []"),
    (L.Add(), [VECTOR, np.ones((3, 5))], "wants one batch size; got inputs of shapes (2, 5), (3, 5)"),
    (L.Add(), [VECTOR, OTHER], "wants shapes that are equal, or broadcast, behind the batch"),
    (L.Subtract(), [VECTOR] * 3, "wants exactly 2 inputs"),
    (L.Concatenate(), [VECTOR, SEQUENCE], "inputs of one number of dimensions that have an axis -1"),
    (L.Concatenate(axis=5), [VECTOR, VECTOR], "have an axis 5"),
    (L.Concatenate(axis=0), [VECTOR, OTHER], "equal on every axis but 0"),
    (L.Dot(axes=1), [VECTOR, OTHER], "equal sizes on the axes 1 and 1"),
    (L.Dot(axes=5), [VECTOR, VECTOR], "have the axes 5"),
    (L.Dot(axes=1), [VECTOR] * 3, "exactly 2 inputs"),
    (L.BatchNormalization(axis=5), VECTOR, "normalizes axis 5"),
    (L.LayerNormalization(axis=9), VECTOR, "normalizes over axis 9"),
    (L.LayerNormalization(), tv.Input((None,)), "the weight 'gamma' cannot have the shape (None,)"),
    (L.GroupNormalization(3), IMAGE, "splits the channels into 3 groups"),
    (L.GroupNormalization(2, axis=0), IMAGE, "is the batch"),
    (L.RMSNormalization(axis=7), VECTOR, "normalizes over axis 7"),
    (L.UnitNormalization(axis=7), VECTOR, "normalizes over axis 7"),
    (L.LayerNormalization(axis=[1, -1]), VECTOR, "names an axis of an input with 2 dimensions twice"),
    (L.UnitNormalization(axis=[1, -1]), VECTOR, "names an axis of an input with 2 dimensions twice"),
    (L.Normalization(axis=7), VECTOR, "has means along the axes (7,)"),
    (L.Normalization(), tv.Input((None,)), "needs to know the input's sizes on the axes (-1,)"),
    (L.Normalization(mean=[1, 2], variance=[1, 2]), VECTOR, "do not fit the input's sizes (5,)"),
    (L.PReLU(shared_axes=[0]), VECTOR, "`shared_axes` are axes from 1 to 1"),
    (L.Softmax(axis=4), VECTOR, "axis 4 is out of bounds"),
    (tv.Input((3,)).node.operation, VECTOR, "is where data comes in; it cannot be called"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "inputs", "words"), INPUTS, ids=[f"{type(i[0]).__name__}-{i[2][:40]}" for i in INPUTS]
)
def test_wrong_inputs(layer, inputs, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        layer(inputs, training=True)
    said = "\n".join([str(caught.value), *caught.value.__notes__])
    assert words in said
    assert f"{layer.name!r} ({type(layer).__name__})" in said
    assert not layer.weights


def test_an_error_inside_a_model_names_the_path():
    class Model(tv.Model):
        def __init__(self):
            super().__init__(name="model")
            self.first, self.second = L.Dense(3, name="first"), L.Dense(3, name="second")

        def call(self, inputs):
            return self.second(self.second(self.first(inputs))[:, :2])

    message = r"Layer 'model/second' \(Dense\) wants size 3 on axis -1 of its input; got shape \(None, 2\)"
    with pytest.raises(ValueError, match=message):
        Model()(VECTOR)


def test_weights_before_building():
    layer = L.Dense(3, name="early")
    with pytest.raises(
        AttributeError, match=r"'early' \(Dense\) has no attribute 'kernel'\. It is not"
    ):
        _ = layer.kernel
    with pytest.raises(ValueError, match="'early' has no weights yet"):
        layer.count_params()
    with pytest.raises(ValueError, match=r"'early' has 0 weights; got 1 arrays\. It is not"):
        layer.set_weights([VECTOR])
    assert layer.get_weights() == []
    layer(VECTOR)
    with pytest.raises(AttributeError, match="no attribute 'kernal'"):
        _ = layer.kernal


def test_a_variable_in_the_place_of_an_array_is_told_of():
    class Product(L.Layer):
        def build(self, shape):
            self.kernel = self.add_weight((shape[-1], 2))

        def call(self, x):
            return jnp.dot(x, self.kernel)

    for called in (lambda: Product()(np.ones((2, 3))), lambda: Product()(tv.Input((3,)))):
        with pytest.raises(ValueError, match="__jax_array__") as caught:
            called()
        assert "In layer 'product" in caught.value.__notes__[-2]
        assert "self.kernel.value" in caught.value.__notes__[-1]
