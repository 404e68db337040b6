"""The chain rule at work: gradients by walking the paths are those of automatic differentiation."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_graphs import models

import trivium as tv
from trivium import layers, losses, ops
from trivium.styles.explain import explain
from trivium.styles.explain.objective import Objective
from trivium.styles.explain.paths import Paths
from trivium.styles.explain.tape import Tape

RNG = np.random.default_rng(7)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def targets_like(model, inputs):
    return jax.tree_util.tree_map(lambda t: np.ones(t.shape, "float32"), model(inputs))


@settings(max_examples=8, deadline=None)
@given(models(), st.booleans(), st.booleans())
def test_every_graphs_gradients_are_the_sums_over_its_paths(example, expand_nested, training):
    model, x = example.model, example.inputs
    page = explain(model, expand_nested=expand_nested)
    check = page.check(x)
    assert check.ok and check.target == "the sum of the outputs", str(check)
    model.compile(loss="mse")
    y = targets_like(model, x)
    for limit in (0, 1000):
        check = page.check(x, y, training=training, max_visits=limit)
        assert check.ok and check.target == "the loss", str(check)
        assert not (check.walked and limit == 0 and check.steps)
        # What is left is rounding of the last bits.
        largest = max((row.largest for row in check.rows), default=0.0)
        assert check.max_difference <= 1e-5 * max(1.0, largest)


@settings(max_examples=30, deadline=None)
@given(models(max_steps=6))
def test_counted_paths_are_those_that_can_be_walked(example):
    tape = Tape(example.model, expand_nested=True)
    paths = Paths(tape, tape.outputs)
    for weight in tape.weights:
        walked = paths.of(weight)
        assert paths.count(weight) == len(walked) == len({(p.start, p.slots) for p in walked})
        for path in walked:
            for before, after in itertools.pairwise(path.slots):
                assert before in after.step.inputs
            assert path.slots[-1] in tape.outputs and path.slots[0].step is path.start


def two_paths():
    x = tv.Input((3,))
    a = layers.Dense(3, activation="tanh", name="a")(x)
    b = layers.Dense(3, activation="sigmoid", name="b")(a)
    model = tv.Model(x, layers.Dense(2, name="c")(layers.Multiply()([a, b])))
    model.compile(loss="mse")
    return model


def test_the_report():
    model = two_paths()
    check = explain(model).check(normal(5, 3), normal(5, 2))
    assert check.ok and check.walked and check.target == "the loss"
    assert [(row.weight, row.symbol, row.paths) for row in check.rows] == [
        ("a/kernel", "W₁", 2), ("a/bias", "b₁", 2), ("b/kernel", "W₂", 1), ("b/bias", "b₂", 1),
        ("c/kernel", "W₄", 1), ("c/bias", "b₄", 1),
    ]  # fmt: skip
    assert check["a/kernel"].shape == (3, 3) and check["a/kernel"].largest > 0
    assert check.max_difference == max(row.difference for row in check.rows) < 1e-6
    text = str(check)
    assert "each path walked for itself" in text and "W₁  a/kernel" in text and "agree" in text
    assert "<td>yes</td>" in check._repr_html_() and "ok=True" in repr(check)
    with pytest.raises(KeyError, match="Did you mean 'a/kernel'"):
        check["a/kernal"]
    sums = explain(model).check(normal(5, 3), normal(5, 2), max_visits=3)
    assert "sums added up at each step" in str(sums) and sums.steps == 4


def test_walking_goes_back_once_for_each_path_and_step():
    model = two_paths()
    check = explain(model).check(normal(5, 3), normal(5, 2))
    tape = Tape(model)
    assert check.steps == Paths(tape, tape.outputs).visits == 1 + 1 + 1 + 2


@pytest.mark.parametrize("max_visits", [0, 1000])
def test_what_is_wrong_is_found(monkeypatch, max_visits):
    """If one step's derivative were another, or a path were left out, the check would say so."""
    model, x, y = two_paths(), normal(5, 3), normal(5, 2)
    right = Objective.whole
    monkeypatch.setattr(
        Objective, "whole",
        lambda self, values: right(self, values) + 1e-3 * jnp.sum(values[id(model.layers[1].kernel)]),
    )  # fmt: skip
    check = explain(model).check(x, y, max_visits=max_visits)
    assert not check.ok and not check["a/kernel"].ok and check["b/kernel"].ok
    assert check.max_difference == pytest.approx(1e-3, rel=1e-2)
    assert "DO NOT AGREE" in str(check) and "NO" in str(check)


def test_a_gradient_that_a_user_made_wrong_is_seen_as_it_is():
    @ops.custom_gradient
    def halved(x):
        return x * 1.0, lambda upstream: upstream * 0.5

    class Odd(layers.Layer):
        def call(self, inputs):
            return halved(inputs)

    model = tv.Sequential([tv.Input((3,)), layers.Dense(3, name="a"), Odd(), layers.Dense(1)])
    model.compile(loss="mse")
    assert explain(model).check(normal(4, 3), normal(4, 1)).ok


@pytest.mark.parametrize("build", ["sequential", "functional", "subclass"])
def test_each_style(build):
    def stack():
        return [
            layers.Dense(4, activation="relu", name="a"), layers.BatchNormalization(name="n"),
            layers.Dropout(0.5, seed=3, name="d"), layers.Dense(3, activation="softmax", name="b"),
        ]  # fmt: skip

    class Net(tv.Model):
        def __init__(self):
            super().__init__()
            self.parts = stack()

        def call(self, inputs, training=None):
            for layer in self.parts:
                inputs = layer(inputs)
            return inputs

    if build == "subclass":
        model = Net()
        model.build((None, 5))
    elif build == "sequential":
        model = tv.Sequential([tv.Input((5,)), *stack()])
    else:
        x = h = tv.Input((5,))
        for layer in stack():
            h = layer(h)
        model = tv.Model(x, h)
    model.compile(loss="sparse_categorical_crossentropy")
    for training in (False, True):
        check = explain(model, training=training).check(normal(6, 5), RNG.integers(0, 3, 6))
        assert check.ok, str(check)
        assert [r.weight for r in check.rows][:2] == ["a/kernel", "a/bias"]


def test_in_training_both_sides_draw_the_same_numbers():
    drop = layers.Dropout(0.5)
    x = tv.Input((40,))
    model = tv.Model(
        x, layers.Dense(1)(drop(layers.Dense(40)(drop(x))))
    )  # two draws of one generator
    model.compile(loss="mse")
    before = [v.numpy() for v in model.variables]
    data = normal(4, 40), normal(4, 1)
    check = explain(model, training=True).check(*data)
    assert check.ok, str(check)
    assert check.rows[0].largest != explain(model).check(*data).rows[0].largest
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)  # Looking changes nothing.


class Noisy(layers.Layer):
    """A layer with a state, chance, and a loss of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed = tv.random.SeedGenerator(3)

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), initializer="ones", name="scale")
        self.count = self.add_weight((), initializer="zeros", trainable=False, name="count")

    def call(self, inputs, training=False):
        self.add_loss(ops.mean(ops.square(inputs * self.scale)))
        if training:
            self.count.assign(self.count + 1.0)
            inputs = inputs + tv.random.normal(inputs.shape, seed=self.seed) * self.count
        return inputs * self.scale


def noisy():
    x = tv.Input((3,))
    layer = Noisy(name="noisy")
    h = layer(layer(layers.Dense(3, name="in", kernel_regularizer="l1")(x)))
    return tv.Model(x, layers.Dense(1, name="out", activity_regularizer="l2")(h)), (3,), (1,)


class Free(tv.Model):
    def __init__(self):
        super().__init__(name="free")
        self.dense = layers.Dense(4, name="dense", activity_regularizer="l1")
        self.factor = self.add_weight((4,), name="factor")

    def call(self, inputs):
        h = self.dense(inputs) * self.factor
        self.add_loss(ops.mean(ops.square(h)))
        return h[:, :2] @ ops.reshape(self.factor, (2, 2))


def free():
    model = Free()
    model.build((None, 3))
    return model, (3,), (2,)


def stopped():
    x = tv.Input((3,))
    frozen = layers.Dense(3, name="frozen", trainable=False)
    h = ops.stop_gradient(layers.Dense(3, name="stopped")(frozen(x)))
    return tv.Model(x, layers.Dense(1, name="out")(h)), (3,), (1,)


def nested_twice():
    inner = tv.Sequential(
        [
            tv.Input((4,)),
            layers.Dense(4, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
        ]
    )
    x = tv.Input((4,))
    return tv.Model(x, layers.Dense(1)(inner(inner(x)))), (4,), (1,)


def rounded():
    x = tv.Input((4,))
    h = layers.Dense(4, name="a")(x)
    return tv.Model(x, [h, ops.argmax(h, axis=-1)]), (4,), None


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("build", "expand_nested"),
    [(noisy, False), (free, False), (stopped, False), (nested_twice, False), (nested_twice, True)],
)
def test_losses_on_the_way_states_and_chance(build, training, expand_nested):
    model, x, y = build()
    model.compile(loss="mse")
    data = normal(6, *x), normal(6, *y)
    page = explain(model, training=training, expand_nested=expand_nested)
    for limit in (0, 1000):
        check = page.check(*data, max_visits=limit)
        assert check.ok, str(check)
    assert page.check(data[0]).ok  # the sum of the outputs, without the losses on the way


def test_no_gradient_where_none_flows():
    model, x, y = stopped()
    model.compile(loss="mse")
    check = explain(model).check(normal(4, *x), normal(4, *y))
    assert check["stopped/kernel"].largest == 0 and "frozen/kernel" not in {
        r.weight for r in check.rows
    }


def test_whole_numbers_carry_no_derivative():
    model, x, _ = rounded()
    check = explain(model).check(normal(4, *x))
    assert check.ok and check["a/kernel"].paths == 1


def test_masks_reach_the_loss():
    model = tv.Sequential(
        [
            tv.Input((5,), dtype="int32"),
            layers.Embedding(7, 3, mask_zero=True),
            layers.Dense(2, "tanh"),
            layers.Dense(1),
        ]
    )
    model.compile(loss="mse")
    words = RNG.integers(0, 3, (4, 5))
    y, weight = normal(4, 5, 1), RNG.random((4, 5)).astype("float32")
    page = explain(model)
    plain, weighed = page.check(words, y), page.check(words, y, sample_weight=weight)
    assert plain.ok and weighed.ok and plain.rows[0].largest != weighed.rows[0].largest > 0
    pooled = tv.Sequential([*model.layers[:2], layers.GlobalAveragePooling1D(), layers.Dense(1)])
    pooled.build((None, 5))
    pooled.compile(loss="mae")
    assert explain(pooled).check(words, normal(4, 1)).ok


def test_several_outputs_with_weighed_losses():
    a, b = tv.Input((3,), name="a"), tv.Input((3,), name="b")
    both = layers.Dense(4, activation="tanh", name="both")
    h = layers.Concatenate()([both(a), both(b)])
    model = tv.Model(
        {"a": a, "b": b},
        {"p": layers.Dense(1, name="p")(h), "q": layers.Dense(3, "softmax", name="q")(h)},
    )
    model.compile(
        loss={"p": "huber", "q": losses.CategoricalFocalCrossentropy()},
        loss_weights={"p": 0.3, "q": 2.0},
    )
    x = {"a": normal(5, 3), "b": normal(5, 3)}
    y = {"p": normal(5, 1), "q": np.eye(3, dtype="float32")[RNG.integers(0, 3, 5)]}
    check = explain(model).check(x, y)
    assert check.ok and check["both/kernel"].paths == 4
    model.compile(loss={"p": "mse", "q": None})
    check = explain(model).check(x, {"p": y["p"]})
    assert check.ok and check["both/kernel"].paths == 2 and check["q/kernel"].paths == 0


def test_a_loss_of_the_models_own():
    class Own(tv.Model):
        def __init__(self):
            super().__init__()
            self.d = layers.Dense(2, name="d", kernel_regularizer="l1")

        def call(self, inputs):
            return self.d(inputs)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return (
                ops.mean(ops.abs(y - y_pred) ** 3)
                + sum(self.losses)
                + 0.1 * ops.sum(self.d.bias**2)
            )

    model = Own()
    model.build((None, 3))
    model.compile()
    assert explain(model).check(normal(4, 3), normal(4, 2)).ok


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "float16"])
def test_half_precision(policy):
    x = tv.Input((4,))
    h = layers.Dense(8, activation="tanh", dtype=policy)(x)
    model = tv.Model(x, layers.Dense(1, dtype=policy)(h))
    model.compile(loss="mse")
    check = explain(model).check(normal(8, 4), normal(8, 1))
    assert check.ok and check.tolerance > 1e-2


def test_infinite_and_undefined_gradients_agree_with_each_other():
    model = tv.Sequential(
        [tv.Input((2,)), layers.Dense(2, name="a"), layers.Lambda(ops.sqrt), layers.Dense(1)]
    )
    model.layers[0].set_weights([np.zeros((2, 2)), np.zeros(2)])
    model.compile(loss="mse")
    check = explain(model).check(normal(3, 2), normal(3, 1))
    assert check.ok and not np.isfinite(check["a/bias"].largest)


def test_data_that_does_not_fit_is_refused():
    model = two_paths()
    with pytest.raises(ValueError, match="shape"):
        explain(model).check(normal(5, 4), normal(5, 2))
    classes = tv.Sequential([tv.Input((3,)), layers.Dense(3, "softmax")])
    classes.compile(loss="sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="5"):
        explain(classes).check(normal(2, 3), np.array([1, 5]))
    built = model._trainer.loss.built
    with pytest.raises(ValueError, match="y"):
        explain(model).check(normal(5, 3), {"nowhere": normal(5, 2)})
    assert model._trainer.loss.built == built


def test_a_convolutional_network():
    model = tv.Sequential(
        [
            tv.Input((4, 4, 1)), layers.Conv2D(2, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(), layers.Flatten(), layers.Dense(3, activation="softmax"),
        ]
    )  # fmt: skip
    model.compile(loss="sparse_categorical_crossentropy")
    assert explain(model).check(normal(4, 4, 4, 1), RNG.integers(0, 3, 4)).ok


def test_many_paths_are_added_up():
    x = h = tv.Input((4,))
    for _ in range(25):
        h = layers.Add()([h, layers.Dense(4, activation="tanh")(h)])
    model = tv.Model(x, layers.Dense(1)(h))
    model.compile(loss="mse")
    check = explain(model).check(normal(4, 4), normal(4, 1))
    assert check.ok and not check.walked and check.rows[0].paths == 2**24
    assert check.steps == 51  # each step once
