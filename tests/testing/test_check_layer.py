"""`check_layer` passes layers that keep the contract, and says of each that breaks it what is wrong."""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L
from trivium import ops
from trivium.testing import LayerCheckError, check_layer

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
SEQUENCE = np.random.default_rng(1).normal(size=(4, 5, 3)).astype("float32")


class Plain(tv.Layer):
    """A layer as it should be: the others below break it in one way each."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")

    def call(self, inputs):
        return ops.tanh(inputs @ self.kernel)


class WeightsInCall(Plain):
    def build(self, input_shape):
        pass

    def call(self, inputs):
        if not hasattr(self, "kernel"):
            self.kernel = self.add_weight((3, self.units), name="kernel")
        return inputs @ self.kernel


class WeightsInEachCall(Plain):
    def call(self, inputs):
        return inputs @ self.kernel + self.add_weight((self.units,), name="more")


class KnowsTheBatch(Plain):
    def build(self, input_shape):
        super().build(input_shape)
        self.offset = self.add_weight((input_shape[0] or 1, self.units), "zeros", name="offset")

    def call(self, inputs):
        return super().call(inputs) + self.offset


class LiesAboutItsShape(Plain):
    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units + 1)


class Counts(Plain):
    def __init__(self, units=3, **kwargs):
        super().__init__(units, **kwargs)
        self.seen = []

    def call(self, inputs):
        self.seen.append(len(self.seen))
        return super().call(inputs)


class NumPy(Plain):
    def call(self, inputs):
        return jnp.asarray(np.tanh(np.asarray(inputs @ self.kernel)))


class Decides(Plain):
    def call(self, inputs):
        return inputs @ self.kernel if ops.sum(inputs) > 0 else inputs * 0


class ConfigWithout(Plain):
    def get_config(self):
        config = super().get_config()
        del config["units"]
        return config


class ConfigWithAnother(Plain):
    def __init__(self, units=3, scale=2.0, **kwargs):
        super().__init__(units, **kwargs)
        self.scale = scale

    def call(self, inputs):
        return self.scale * super().call(inputs)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "scale": 1.0}


class Chance(Plain):
    def call(self, inputs):
        return super().call(inputs) + np.random.normal()


class ChanceInInference(Plain):
    def __init__(self, units=3, **kwargs):
        super().__init__(units, **kwargs)
        self.generator = tv.random.SeedGenerator(1)

    def call(self, inputs):
        return super().call(inputs) + tv.random.normal((), seed=self.generator)


class MixesTheBatch(Plain):
    def call(self, inputs):
        return super().call(inputs - ops.mean(inputs, axis=0))


class NeverUsed(Plain):
    def build(self, input_shape):
        super().build(input_shape)
        self.bias = self.add_weight((self.units,), "zeros", name="bias")


class RootOfZero(Plain):
    def call(self, inputs):
        return super().call(inputs) + ops.sqrt(jnp.maximum(0.0, ops.sum(0 * self.kernel)))


class NotANumber(Plain):
    def call(self, inputs):
        return super().call(inputs) / ops.sum(0 * inputs)


class WideConstant(Plain):
    def call(self, inputs):
        return super().call(inputs) * jnp.asarray([1.0, 2.0, 3.0], "float32")


class ForgetsToReturn(Plain):
    def call(self, inputs):
        super().call(inputs)


class Clock(Plain):
    def call(self, inputs):
        # Less than a second, of which a float32 has all digits that matter.
        return super().call(inputs) * (1 + time.perf_counter_ns() % 10**9 / 10**9)


class WrongMask(Plain):
    def __init__(self, units=3, **kwargs):
        super().__init__(units, **kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return super().call(inputs)[:, 1:]


class FailsInTraining(Plain):
    def call(self, inputs, training=False):
        return super().call(inputs) + (self.nothing if training else 0)


class NoLocks(Plain):
    def __init__(self, units=3, **kwargs):
        super().__init__(units, **kwargs)
        self.file = open(__file__)  # noqa: SIM115 (what the test is about)

    def __del__(self):
        getattr(self, "file", None) and self.file.close()


class OneKey(Plain):
    def call(self, inputs):
        return super().call(inputs) * 1.0

    def get_config(self):
        return {**super().get_config(), "units": self.units, "color": "red"}


# A layer, and the check that finds something with words of what it says. What follows from it may be found, too.
BROKEN = [
    (WeightsInCall, "building", "`build` does not make 'kernel'; only calling the layer does."),
    (WeightsInEachCall, "building", "Each call makes new variables: the second one made 'more'."),
    (KnowsTheBatch, "building", "The weights' shapes depend on the size of the batch"),
    (LiesAboutItsShape, "shapes", "`compute_output_shape` says (4, 4); the outputs have (4, 3)."),
    (Counts, "side effects", "`call` changes the attribute `seen`."),
    (NumPy, "compiling", "hands a tensor to NumPy"),
    (Decides, "compiling", "Python decides something by a tensor's numbers"),
    (ConfigWithout, "config", "The config lacks `units`, which `__init__` takes."),
    (ConfigWithAnother, "config", "computes something else, with the same weights: they differ by up to"),
    (Chance, "determinism", "Two calls in inference on the same input, with the same weights, give different results."),
    (ChanceInInference, "determinism", "the layer changes its state, or draws, there too."),
    (MixesTheBatch, "batch", "an example's result depends on the other examples of its batch"),
    (NeverUsed, "gradients", "`call` never uses 'bias', which are trained."),
    (RootOfZero, "gradients", "The gradients of 'kernel' have NaN or infinity in them."),
    (NotANumber, "call", "The outputs have NaN or infinity in them (training=False)."),
    (WideConstant, "half precision", "The outputs are float32 and not bfloat16."),
    (ForgetsToReturn, "call", "`call` returns nothing."),
    (Clock, "determinism", "give different results."),
    (WrongMask, "masks", "The outputs have shape (4, 4, 3), and their mask (4, 5)."),
    (FailsInTraining, "call", "Calling the layer fails: AttributeError: 'FailsInTraining' object has no attribute"),
    (NoLocks, "call", "Calling the layer fails: TypeError: cannot pickle"),
    (OneKey, "config", "The layer cannot be made anew from its config: TypeError"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "check", "words"), BROKEN, ids=[k.__name__ for k, _, _ in BROKEN])
def test_what_is_wrong_is_said(kind, check, words):
    inputs = SEQUENCE if kind is WrongMask else X
    with pytest.raises(LayerCheckError) as caught:
        check_layer(kind(name="mine"), inputs, only=[check])
    report = caught.value.report
    (said,) = [f for f in report.findings if f.check == check]
    assert words in f"{said.problem} {said.advice}"
    assert str(caught.value).startswith(f"Layer 'mine' ({kind.__name__}): ")


def test_one_report_has_all_findings_and_what_could_not_be_tried():
    class Bad(OneKey):
        def call(self, inputs):
            self.last = ops.sum(inputs)
            return super().call(inputs) - ops.mean(inputs, axis=0)

    layer = Bad(name="mine")
    report = check_layer(layer, X, raises=False)
    assert [f.check for f in report.findings] == ["side effects", "batch", "config"]
    assert report.skipped == ("half precision",)
    assert str(report).startswith(
        "Layer 'mine' (Bad): 3 problems found by 14 checks.\n1. [side effects]"
    )
    assert "Not checked because of these: half precision." in str(report)
    assert not layer.built  # Copies are tried.


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (Plain(), X),
        (L.Conv1DTranspose(2, 3, strides=2), SEQUENCE),
        (L.BatchNormalization(), SEQUENCE),
        (L.Dropout(0.5), X),
        (L.Embedding(5, 2, mask_zero=True), np.array([[1, 2, 0]] * 3)),
        (L.Add(), [X, X + 1]),
        (L.SpectralNormalization(L.Dense(2)), X),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, tv.Layer) else "",
)
def test_layers_that_keep_the_contract_pass(layer, inputs):
    report = check_layer(layer, inputs)
    assert not report.findings and not report.skipped and len(report.checks) == 15


def test_what_is_no_layer_and_unknown_checks():
    with pytest.raises(TypeError, match="`layer` is a layer; got"):
        check_layer(jax.nn.relu, X)
    with pytest.raises(ValueError, match="there is no check 'shape'; there are: call, building"):
        check_layer(Plain(), X, only=["shape"])
    with pytest.raises(ValueError, match="with the batch as their first axis"):
        check_layer(Plain(), 3.0)


class Unnamed(tv.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        self.shift = self.add_weight(shape=(input_shape[-1],))

    def call(self, inputs):
        return inputs * self.scale + self.shift


def test_weights_without_a_name_are_the_same_in_another_layer_of_the_class():
    check_layer(Unnamed(), np.ones((3, 2), "float32"), only=["building"])  # Else it raises.
