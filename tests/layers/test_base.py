"""What every layer does: keeping variables and layers, calling, building, freezing, losses, dtypes, configs."""

from __future__ import annotations

import contextlib
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both, recorded

import trivium as tv
from trivium import layers as L
from trivium.state.masks import get_mask, set_mask
from trivium.utils import custom_object_scope, register_keras_serializable

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")


def randomize(layer):
    """Give a layer of either library the same weights."""
    rng = np.random.default_rng(1)
    layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.weights])


@register_keras_serializable("tests")
class Scale(tv.Layer):
    """One factor for each feature."""

    def __init__(self, initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.initializer = initializer

    def build(self, input_shape):
        self.factor = self.add_weight(
            (input_shape[-1],),
            self.initializer,
            name="factor",
            regularizer="l2",
            constraint="non_neg",
        )
        self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "initializer": self.initializer}


# -- what belongs to a layer ----------------------------------------------------------------------------------------


def holding(**attributes):
    class Holder(tv.Layer):
        def __init__(self):
            super().__init__()
            vars(self).update(attributes)

        def call(self, inputs):
            for layer in self._flatten_layers(include_self=False, recursive=False):
                inputs = layer(inputs)
            return inputs

    return Holder()


@pytest.mark.parametrize(
    "hold",
    [
        lambda a, b: {"a": a, "b": b},
        lambda a, b: {"both": [a, b]},
        lambda a, b: {"both": (a, b)},
        lambda a, b: {"both": {"one": a, "two": b}},
        lambda a, b: {"deep": {"list": [(a,), {"x": [b]}]}},
        lambda a, b: {"a": a, "again": [a, b, a], "b": {"b": b}},
    ],
    ids=["attributes", "list", "tuple", "dict", "nested", "several times"],
)
def test_layers_are_found_wherever_they_are_kept(hold):
    a, b = L.Dense(5), L.Dense(2)
    holder = holding(**hold(a, b))
    y = holder(X)
    assert holder.weights == [a.kernel, a.bias, b.kernel, b.bias]
    assert holder.trainable_variables == holder.weights and holder.non_trainable_weights == []
    assert holder.count_params() == 30 + 12
    np.testing.assert_array_equal(y, b(a(X)))


def test_what_is_appended_or_taken_away_later_counts_from_then_on():
    holder = holding(stack=[L.Dense(5)])
    holder.stack.append(L.Dense(2))
    assert holder(X).shape == (4, 2) and len(holder.weights) == 4
    holder.stack.pop()
    assert holder(X).shape == (4, 5) and len(holder.weights) == 2
    holder.stack[0] = L.Dense(3)
    assert holder(X).shape == (4, 3) and holder.weights == holder.stack[0].weights


def test_layers_may_be_assigned_before_the_base_class_is_initialized():
    class Early(tv.Layer):
        def __init__(self):
            self.dense = L.Dense(2)
            super().__init__(name="early")

        def call(self, inputs):
            return self.dense(inputs)

    layer = Early()
    layer(X)
    assert len(layer.weights) == 2 and layer.dense.path == "early/" + layer.dense.name


def test_variables_are_found_wherever_they_are_kept():
    class Keeper(tv.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [
                tv.Variable(jnp.ones(2), name="a"),
                {"b": tv.Variable(jnp.ones(3), name="b")},
            ]
            self.fixed = tv.Variable(jnp.ones(4), trainable=False, name="c")

    layer = Keeper()
    assert [v.name for v in layer.weights] == ["a", "b", "c"]
    assert [v.name for v in layer.trainable_weights] == ["a", "b"]


def blocks(library):
    """A layer with weights of its own of both kinds, and layers inside, in Trivium and in Keras."""

    class Block(library.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first = library.layers.Dense(5, name="first")
            self.rest = [
                library.layers.BatchNormalization(name="norm"),
                library.layers.Dense(2, name="last"),
            ]

        def build(self, input_shape):
            self.steps = self.add_weight(
                shape=(), initializer="zeros", trainable=False, name="steps"
            )
            self.factor = self.add_weight(
                shape=(input_shape[-1],), initializer="ones", name="factor"
            )
            self.built = True

        def call(self, inputs, training=False):
            x = self.first(inputs * self.factor)
            for layer in self.rest:
                x = layer(x)
            return x

    return Block


def test_the_order_of_weights_is_that_of_keras():
    def listed(layer):
        kinds = ("weights", "trainable_weights", "non_trainable_weights", "variables")
        return {kind: [(v.path, tuple(v.shape)) for v in getattr(layer, kind)] for kind in kinds}

    def of_keras(keras):
        layer = blocks(keras)(name="block")
        layer(X)
        randomize(layer)
        return listed(layer), layer(X, training=True)

    theirs, output = recorded(of_keras)
    ours = blocks(tv)(name="block")
    ours(X)
    assert listed(ours) == theirs
    randomize(ours)
    np.testing.assert_allclose(ours(X, training=True), output, rtol=1e-5, atol=1e-6)


def test_weights_follow_the_data_not_the_order_of_construction():
    a, b = L.Dense(2, name="a"), L.Dense(5, name="b")
    holder = holding(a=a, b=b)
    holder.call = lambda inputs: a(b(inputs))
    holder(X)
    assert holder.weights == [*b.weights, *a.weights]


def test_metrics_and_seeds_have_lists_of_their_own():
    class Counting(tv.Layer):
        def __init__(self):
            super().__init__()
            self.mean, self.dropout = tv.metrics.Mean(name="mean"), L.Dropout(0.5)

        def call(self, inputs):
            self.mean.update_state(inputs)
            return self.dropout(inputs)

    layer = Counting()
    layer(X)
    assert layer.weights == [] and len(layer.variables) == 1
    assert layer.metrics == [layer.mean] and len(layer.metrics_variables) == 2
    np.testing.assert_allclose(layer.mean.result(), X.mean(), rtol=1e-5)


# -- freezing -------------------------------------------------------------------------------------------------------


def test_freezing_reaches_everything_inside():
    layer = blocks(tv)()
    layer.trainable = False
    layer(X)
    assert (
        layer.trainable_weights == []
        and len(layer.non_trainable_weights) == len(layer.weights) == 10
    )
    layer.trainable = True
    assert len(layer.trainable_weights) == 7
    layer.rest[0].trainable = False
    assert len(layer.trainable_weights) == 5
    layer.first.kernel.trainable = False
    assert layer.first.trainable_weights == [layer.first.bias]
    layer.trainable = False
    layer.trainable = True  # A variable's own word stands.
    assert layer.first.trainable_weights == [layer.first.bias]


@pytest.mark.parametrize("frozen", [(), ("first",), ("whole",)])
def test_frozen_weights_do_not_change_in_training(frozen):
    def trained(library):
        block = blocks(library)(name="block")
        model = library.Sequential([library.Input((5,)), block])
        if "first" in frozen:
            block.first.trainable = False
        if "whole" in frozen:
            block.trainable = False
        model.compile(optimizer=library.optimizers.SGD(0.1), loss="mse")
        randomize(model)
        before = block.first.get_weights()
        model.fit(X, X[:, :2], batch_size=2, epochs=3, shuffle=False, verbose=0)
        kept = all(map(np.array_equal, before, block.first.get_weights()))
        return [np.asarray(w) for w in model.get_weights()], kept

    theirs, _ = recorded(trained)
    said = pytest.warns(UserWarning, match="no trainable weights")
    with said if "whole" in frozen else contextlib.nullcontext():
        ours, kept = trained(tv)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert kept == bool(frozen)


# -- losses, regularizers, constraints ------------------------------------------------------------------------------


def adding(library):
    class Adding(library.layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = library.layers.Dense(2, kernel_regularizer="l2", activity_regularizer="l2")

        def call(self, inputs):
            y = self.dense(inputs)
            self.add_loss(0.1 * library.ops.mean(y))
            return y

    return Adding()


def test_losses_are_those_of_the_last_call():
    def called(library):
        layer = adding(library)
        layer(X)
        randomize(layer)
        for _ in range(2):
            y = layer(X)
            yield layer, y, sorted(map(float, layer.losses))

    theirs = recorded(lambda keras: [losses for _, _, losses in called(keras)])
    ours = list(called(tv))
    for (_, _, losses), wanted in zip(ours, theirs, strict=True):
        assert len(losses) == 3
        np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    layer, y, _ = ours[-1]
    np.testing.assert_allclose(
        0.1 * y.mean(), [v for v in layer.losses if np.isclose(v, 0.1 * y.mean())]
    )


def test_losses_count_in_training():
    def trained(library):
        model = library.Sequential([library.Input((5,)), adding(library)])
        model.compile(optimizer=library.optimizers.SGD(0.1), loss="mse")
        randomize(model)
        history = model.fit(X, X[:, :2], batch_size=2, epochs=3, shuffle=False, verbose=0)
        return history.history["loss"], *map(np.asarray, model.get_weights())

    for a, b in zip(*both(trained), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_penalties_and_constraints_of_ones_own_weights_act():
    layer = Scale()
    model = tv.Sequential([tv.Input((5,)), layer])
    model.compile(optimizer=tv.optimizers.SGD(0.5), loss="mse")
    np.testing.assert_allclose(layer.losses, [0.01 * 5], rtol=1e-6)
    model.fit(X, -X, epochs=20, verbose=0)
    assert np.array_equal(layer.factor, np.zeros(5))  # -1 fits the data; the constraint stops at 0.
    layer.trainable = False
    assert layer.losses == []


def test_losses_from_outside_of_a_call():
    layer = L.Dense(2)
    layer.add_loss([jnp.asarray(1.0), jnp.asarray(2.0)])
    assert sum(layer.losses) == 3


# -- values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([np.ones((5, 2))], "has 2 weights; got 1 arrays"),
        (
            [np.ones((5, 2)), np.ones(3)],
            r"Weight 'dense/bias' has shape \(2,\); got an array of shape \(3,\)",
        ),
        ([np.ones((2, 5)), np.ones(2)], r"Weight 'dense/kernel' has shape \(5, 2\)"),
    ],
)
def test_values_that_do_not_fit_change_nothing(values, words):
    layer = L.Dense(2, name="dense")
    layer(X)
    before = layer.get_weights()
    with pytest.raises(ValueError, match=words):
        layer.set_weights(values)
    assert all(map(np.array_equal, before, layer.get_weights()))


def test_values_are_copies():
    layer = L.Dense(2)
    layer(X)
    kernel = layer.get_weights()[0]
    kernel[:] = 7
    assert not (np.asarray(layer.kernel) == 7).any()


# -- dtypes ---------------------------------------------------------------------------------------------------------


def test_what_a_mixed_policy_means():
    seen = {}

    class Looking(tv.Layer):
        def build(self, input_shape):
            self.cast = self.add_weight((5,), "ones", name="cast")
            self.kept = self.add_weight((5,), "ones", autocast=False, name="kept")
            self.whole = self.add_weight((5,), "ones", "int32", name="whole")

        def call(self, inputs):
            seen.update(
                x=inputs.dtype, cast=self.cast.dtype, kept=self.kept.dtype, whole=self.whole.dtype
            )
            return inputs * self.cast

    layer = Looking(dtype="mixed_bfloat16")
    assert layer(X).dtype == "bfloat16"
    assert seen == {"x": "bfloat16", "cast": "bfloat16", "kept": "float32", "whole": "int32"}
    assert [w.dtype for w in layer.weights] == ["float32", "float32", "int32"]
    assert (layer.compute_dtype, layer.variable_dtype, layer.dtype) == (
        "bfloat16",
        "float32",
        "float32",
    )
    assert layer(np.arange(5)).dtype == "bfloat16" and seen["x"] == "int32"

    whole = Looking(dtype="mixed_bfloat16", autocast=False)
    assert whole(X).dtype == "float32" and seen["cast"] == "float32"


def test_float64_data_becomes_the_default_float_type():
    seen = []
    layer = L.Lambda(lambda x: seen.append(x.dtype) or x)
    for x in (np.ones(3), [1.0, 2.0], np.float64(1)):
        layer(np.asarray(x))
    assert seen == ["float32"] * 3


def test_the_global_policy_is_for_layers_made_after_it():
    before = L.Dense(2)
    tv.config.set_dtype_policy("mixed_float16")
    try:
        after = L.Dense(2)
    finally:
        tv.config.set_dtype_policy(None)
    assert (before(X).dtype, after(X).dtype, L.Dense(2)(X).dtype) == (
        "float32",
        "float16",
        "float32",
    )
    assert L.Dense(2, dtype=tv.DTypePolicy("float16"))(X).dtype == "float16"


# -- building -------------------------------------------------------------------------------------------------------


def test_bad_input_leaves_a_layer_unbuilt():
    block = blocks(tv)(name="block")
    block.rest.append(L.Conv1D(3, 2))
    with pytest.raises(ValueError, match="wants 3 dimensions"):
        block(X)
    inner = block._flatten_layers()
    assert not any(layer.built for layer in inner) and block.weights == []
    block.rest.pop()
    assert block(X).shape == (4, 2) and all(layer.built for layer in inner[:4])


def test_a_name_in_an_error_stays_the_layer_s_name():
    layer = L.Conv1D(3, 2)
    with pytest.raises(ValueError) as caught:
        layer(X)
    assert repr(layer.name) in str(caught.value)


def test_building_by_hand():
    layer = Scale(name="scale")
    layer.build((None, 5))
    assert layer.built and layer.factor.shape == (5,) and layer.factor.path == "scale/factor"
    factor = layer.factor
    layer(X)
    assert layer.factor is factor


def test_building_for_several_arguments():
    class Two(tv.Layer):
        def build(self, left_shape, right_shape):
            self.shapes = left_shape, right_shape

        def call(self, left, right):
            return left @ right

    layer = Two()
    assert layer(X, right=np.ones((5, 3))).shape == (4, 3)
    assert layer.shapes == ((4, 5), (5, 3))


def test_building_for_nested_input():
    class Nested(tv.Layer):
        def build(self, input_shape):
            self.shape = input_shape

        def call(self, inputs):
            return inputs["a"] + inputs["b"][0]

    layer = Nested()
    assert layer({"a": X, "b": [X]}).shape == (4, 5)
    assert layer.shape == {"a": (4, 5), "b": [(4, 5)]}
    symbolic = layer({"a": tv.Input((5,)), "b": [tv.Input((5,))]})
    assert symbolic.shape == (None, 5)


# -- calling --------------------------------------------------------------------------------------------------------


def test_training_is_handed_down_unless_said_otherwise():
    seen = {}

    class Inner(tv.Layer):
        def call(self, inputs, training=None):
            seen[self.name] = training
            return inputs

    class Outer(tv.Layer):
        def __init__(self):
            super().__init__()
            self.heirs = [Inner(name="a"), Inner(name="b")]
            self.never, self.always = Inner(name="never"), Inner(name="always")

        def call(self, inputs):
            for layer in self.heirs:
                inputs = layer(inputs)
            return self.always(self.never(inputs, training=False), training=True)

    outer = Outer()
    for said, heard in (({}, False), ({"training": True}, True), ({"training": False}, False)):
        outer(X, **said)
        assert seen == {"a": heard, "b": heard, "never": False, "always": True}


def test_the_default_of_training_counts_where_nobody_says():
    class Eager(tv.Layer):
        def call(self, inputs, training=True):
            return inputs * 2 if training else inputs

    layer = Eager()
    assert np.array_equal(layer(X), 2 * X) and np.array_equal(layer(X, training=False), X)
    assert np.array_equal(layer(X, False), X)


def test_masks_go_to_the_arguments_that_are_called_after_their_tensors():
    class Attend(tv.Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            self.seen = query_mask, value_mask
            return query + value

    a, b = (jnp.ones((2, 3, 4)) for _ in range(2))
    one, two = jnp.ones((2, 3), bool), jnp.zeros((2, 3), bool)
    set_mask(a, one)
    set_mask(b, two)
    layer = Attend()
    with pytest.warns(UserWarning, match="does not pass masks on"):
        layer(a, b)
    assert layer.seen[0] is one and layer.seen[1] is two
    layer.supports_masking = True
    assert get_mask(layer(a, value=b)) is one
    layer(a, b, value_mask=one)
    assert layer.seen[1] is one


def test_a_layer_s_own_mask():
    class Shorter(tv.Layer):
        supports_masking = True

        def call(self, inputs):
            return inputs[:, ::2]

        def compute_mask(self, inputs, previous_mask):
            return None if previous_mask is None else previous_mask[:, ::2]

    x = L.Masking()(np.array([[[1.0], [2.0], [0.0], [4.0]]]))
    assert get_mask(Shorter()(x)).tolist() == [[True, False]]
    model = tv.Sequential([tv.Input((4, 1)), L.Masking(), Shorter(), L.GlobalAveragePooling1D()])
    assert model(np.array([[[1.0], [2.0], [0.0], [4.0]]])).tolist() == [[1.0]]


def test_other_arguments_and_results_pass_through():
    class Free(tv.Layer):
        def call(self, inputs, *more, factor=1, extra=None):
            return {"y": inputs * factor, "rest": [*more], "extra": extra}

    result = Free()(X, 2, np.ones(3), factor=3)
    assert np.array_equal(result["y"], 3 * X)
    assert (
        result["rest"][0] == 2
        and isinstance(result["rest"][1], jax.Array)
        and result["extra"] is None
    )


def test_a_layer_without_call_says_so():
    class Empty(tv.Layer):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty .* has no `call` method"):
        Empty()(X)


# -- pure functions -------------------------------------------------------------------------------------------------


def test_a_stateless_call_is_pure():
    layer = L.BatchNormalization()
    layer.build((None, 5))
    values = [
        [v.value for v in vs] for vs in (layer.trainable_variables, layer.non_trainable_variables)
    ]
    call = jax.jit(lambda *a: layer.stateless_call(*a, training=True))
    y, after = call(*values, X)
    assert np.array_equal(layer.moving_mean, np.zeros(5))
    np.testing.assert_allclose(y, layer(X, training=True), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after[0], layer.moving_mean, rtol=1e-5)
    with pytest.raises(ValueError, match="2 trainable variables; got 1 values"):
        layer.stateless_call(values[0][:1], values[1], X)
    with pytest.raises(ValueError, match="is not built"):
        L.Dense(2).stateless_call([], [], X)


# -- names and configs ----------------------------------------------------------------------------------------------


def test_names_are_counted_and_joined_to_paths():
    tv.backend.clear_session()
    assert [L.Dense(1).name, L.Dense(1).name, L.Conv2D(1, 1).name] == ["dense", "dense_1", "conv2d"]
    block = blocks(tv)(name="block")
    block(X)
    assert block.rest[1].kernel.path == "block/last/kernel"
    assert repr(block) == "<Block name=block, built=True>"


def test_a_config_of_ones_own():
    layer = Scale("zeros", name="scale", trainable=False, dtype="mixed_float16")
    config = json.loads(json.dumps(L.serialize(layer)))
    assert config["registered_name"] == "tests>Scale"
    again = L.deserialize(config)
    assert isinstance(again, Scale) and again.get_config() == layer.get_config()
    assert not again.trainable and again.compute_dtype == "float16"


def test_a_config_of_plain_arguments_comes_by_itself():
    class Power(tv.Layer):
        def __init__(self, exponent, offset=0.0, **kwargs):
            super().__init__(**kwargs)
            self.exponent, self.offset = exponent, offset

        def call(self, inputs):
            return inputs**self.exponent + self.offset

    layer = Power(2, offset=1.0, name="power")
    config = layer.get_config()
    assert config["exponent"] == 2 and config["offset"] == 1.0
    with custom_object_scope({"Power": Power}):
        again = L.deserialize(json.loads(json.dumps(L.serialize(layer))))
    assert np.array_equal(again(X), layer(X)) and again.name == "power"
    with pytest.raises(ValueError, match="Unknown layer 'Power'"):
        L.deserialize(json.loads(json.dumps(L.serialize(layer))))
    with pytest.raises(
        NotImplementedError, match=r"Power was made with exponent=.*a `get_config` method"
    ):
        Power(object()).get_config()


def test_input_and_output_of_a_graph():
    layer = L.Dense(2, name="dense")
    with pytest.raises(AttributeError, match="'dense' has not been called on symbolic tensors"):
        _ = layer.output
    x = tv.Input((5,))
    y = layer(x)
    assert layer.input is x and layer.output is y


def test_shapes_without_data():
    layer = blocks(tv)()
    assert layer.compute_output_shape((None, 5)) == (None, 2)
    assert layer.compute_output_spec(tv.Input((5,))).dtype == "float32"


def test_layers_that_are_built_from_the_start_stand_in_the_order_of_the_flow():
    """What they hold, the states of their random generators, has one order in all styles."""

    class Noisy(tv.Model):
        def __init__(self):
            super().__init__()
            self.last, self.first = tv.layers.Dropout(0.5), tv.layers.GaussianNoise(0.5)

        def call(self, inputs):
            return self.last(self.first(inputs))

    model = Noisy()
    assert model.last.built and model.first.count_params() == 0
    model(np.ones((2, 3)))
    wanted = [layer.seed_generator.state for layer in (model.first, model.last)]
    assert [v is w for v, w in zip(model.variables, wanted, strict=True)] == [True, True]


def test_a_subclass_of_a_layer_without_weights_may_build_some():
    class Scaled(tv.layers.ReLU):
        def build(self, input_shape):
            self.factor = self.add_weight((), "ones")

        def call(self, inputs):
            return super().call(inputs) * self.factor

    layer = Scaled()
    assert not layer.built
    assert layer(np.array([-1.0, 2.0])).tolist() == [0, 2] and len(layer.weights) == 1
