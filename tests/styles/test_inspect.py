"""Looking into a model: values, statistics, gradients, and what is conspicuous about them."""

import io

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import models

import trivium as tv
from trivium import initializers, layers, ops
from trivium.styles.inspect import inspect

RNG = np.random.default_rng(11)


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def kinds(inspection):
    return [finding.kind for finding in inspection.findings]


def small(**compiled):
    model = tv.Sequential(
        [
            tv.Input((4,)),
            layers.Dense(5, activation="relu", name="hidden"),
            layers.Dense(2, name="out"),
        ],
        name="small",
    )
    if compiled:
        model.compile(**compiled)
    return model


@settings(max_examples=3, deadline=None)
@given(models(max_steps=5))
def test_values_and_gradients_are_those_of_the_model(example):
    model, x = example.model, example.inputs
    seen = inspect(model, x)
    outputs = jax.tree_util.tree_leaves(model(x))
    found = {(row.shape, float(np.sum(row.output))): row for row in seen.rows}
    for output in outputs:
        assert any(
            shape == output.shape and np.isclose(total, np.sum(output), rtol=1e-4, atol=1e-4)
            for shape, total in found
        )

    def total(values):
        out, _ = model.stateless_call(values, [v.value for v in model.non_trainable_variables], x)
        return sum(jnp.sum(o) for o in jax.tree_util.tree_leaves(out))

    wanted = jax.grad(total)([v.value for v in model.trainable_variables])
    for row, gradient in zip(seen.weights, wanted, strict=True):
        np.testing.assert_allclose(row.gradients, gradient, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(row.gradient, np.linalg.norm(gradient), rtol=1e-3, atol=1e-4)


def test_rows_and_statistics():
    model, x, y = small(loss="mse", optimizer="sgd"), normal(6, 4), normal(6, 2)
    seen = inspect(model, x, y)
    assert [(row.name, row.kind, row.shape) for row in seen.rows] == [
        ("input", "input", (6, 4)), ("hidden", "Dense", (6, 5)), ("out", "Dense", (6, 2)),
    ]  # fmt: skip
    hidden = model.layers[0](x)
    row = seen["hidden"]
    np.testing.assert_allclose(row.output, hidden, rtol=1e-6)
    for name in ("mean", "std", "min", "max"):
        assert getattr(row, name) == pytest.approx(float(getattr(np, name)(hidden)), abs=1e-6)
    assert row.zeros == pytest.approx(float(np.mean(np.asarray(hidden) == 0)))
    assert (row.nans, row.infs, row.units, row.sources) == (0, 0, 5, ("input",))

    def loss(h):
        return jnp.mean((model.layers[1](h) - y) ** 2)

    np.testing.assert_allclose(row.gradients, jax.grad(loss)(hidden), rtol=1e-4, atol=1e-7)
    assert row.gradient == pytest.approx(float(np.linalg.norm(row.gradients)), rel=1e-5)
    assert seen.target == "the loss" and seen.value == pytest.approx(float(loss(hidden)), rel=1e-5)


def test_weights_and_the_optimizers_next_step():
    model, x, y = small(loss="mse", optimizer="adam"), normal(6, 4), normal(6, 2)
    first = inspect(model, x, y)
    kernel, value = first["hidden/kernel"], model.layers[0].kernel.numpy()
    assert (kernel.shape, kernel.layer, kernel.nans) == ((4, 5), "hidden", 0)
    assert kernel.norm == pytest.approx(float(np.linalg.norm(value)), rel=1e-5)
    assert kernel.ratio == pytest.approx(kernel.update / kernel.norm, rel=1e-5)
    assert first["hidden/bias"].ratio is None  # it is all zeros yet
    assert not model.optimizer.built
    for expected in (first, None):
        expected = expected or inspect(model, x, y)  # with the moments of the first step
        before = model.layers[0].kernel.numpy()
        model.train_on_batch(x, y)
        moved = np.linalg.norm(model.layers[0].kernel.numpy() - before)
        assert expected["hidden/kernel"].update == pytest.approx(float(moved), rel=1e-3)


def test_looking_changes_nothing():
    model = tv.Sequential(
        [tv.Input((4,)), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    before = [v.numpy() for v in model.variables]
    data = normal(6, 4), normal(6, 1)
    one, two = (inspect(model, *data, training=True) for _ in range(2))
    assert one.training and one.value == two.value and one.rows[2].zeros > 0
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
    assert not model.optimizer.built


@pytest.mark.parametrize(
    ("loss", "given", "target"),
    [
        (None, False, "the sum of the outputs"), (None, True, "the sum of the outputs"),
        ("mse", False, "the sum of the outputs"), ("mse", True, "the loss"),
    ],
)  # fmt: skip
def test_which_number_is_differentiated(loss, given, target):
    model = tv.Sequential([tv.Input((2,)), layers.Dense(1)])
    if loss is not None:
        model.compile("sgd", loss)
    seen = inspect(model, normal(3, 2), normal(3, 1) if given else None)
    assert seen.target == target and f"gradients of {target}" in str(seen)


class Net(tv.Model):
    """A model with ops, a shared layer, a model inside, several outputs."""

    def __init__(self):
        super().__init__(name="net")
        self.twice = layers.Dense(3, activation="relu", name="twice")
        self.inner = tv.Sequential([layers.Dense(3, name="deep")], name="inner")

    def call(self, inputs):
        h = self.inner(self.twice(self.twice(inputs)))
        return {"a": ops.split(h * 2.0, 3, axis=-1)[1], "b": ops.exp(h) + ops.exp(-h)}


def test_any_style_and_names():
    seen = inspect(Net(), normal(5, 3))
    assert [row.name for row in seen.rows] == [
        "input", "twice", "twice:2", "inner/deep", "multiply", "split", "split[1]", "split[2]",
        "exp", "negative", "exp_1", "add",
    ]  # fmt: skip
    assert seen["deep"] is seen["inner/deep"] and seen["inner/deep/kernel"].shape == (3, 3)
    assert seen["add"].sources == ("exp", "exp_1")
    closed = inspect(Net(), normal(5, 3), expand_nested=False)
    assert [row.name for row in closed.rows][3] == "inner"
    with pytest.raises(KeyError, match="Did you mean 'twice'"):
        seen["twise"]


def test_the_styles_show_the_same():
    class Sub(tv.Model):
        def __init__(self):
            super().__init__(name="small")
            self.first = layers.Dense(5, activation="relu", name="hidden")
            self.last = layers.Dense(2, name="out")

        def call(self, inputs):
            return self.last(self.first(inputs))

    one, other = small(), Sub()
    other.build((None, 4))
    other.set_weights(one.get_weights())
    x = normal(6, 4)
    assert str(inspect(one, x)) == str(inspect(other, x))


def test_whole_numbers_have_no_gradient():
    model = tv.Sequential(
        [
            tv.Input((3,), dtype="int32", name="words"),
            layers.Embedding(5, 2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    seen = inspect(model, RNG.integers(0, 5, (4, 3)))
    assert (
        seen.rows[0].gradient is None
        and seen.rows[0].dtype == "int32"
        and seen.rows[1].gradient > 0
    )


# -- shown ---------------------------------------------------------------------------------------------------------


def test_tables():
    from rich.console import Console

    model = small(loss="mse", optimizer="sgd")
    seen = inspect(model, normal(6, 4), normal(6, 2))
    text = str(seen)
    for part in (
        'Model "small" in inference',
        "hidden (Dense)",
        "6 × 5",
        "Zeros",
        "hidden/kernel",
        "Update / weight",
    ):
        assert part in text
    stream = io.StringIO()
    Console(file=stream, width=120).print(seen)
    assert "hidden (Dense)" in stream.getvalue()
    html = seen._repr_html_()
    assert html.count("<table>") == 2 and "<td>hidden (Dense)</td>" in html
    assert repr(seen).startswith("<Inspection of 'small': 3 values")
    assert "Update / weight" not in str(inspect(small(), normal(6, 4)))


def test_no_weights_no_table():
    model = tv.Sequential([tv.Input((2,)), layers.Flatten()])
    seen = inspect(model, normal(3, 2))
    assert seen.weights == [] and "Nothing conspicuous." in str(seen)
    assert seen._repr_html_().count("<table>") == 1


def test_the_picture():
    figure = inspect(small(loss="mse", optimizer="sgd"), normal(6, 4), normal(6, 2)).plot()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "input",
        "hidden",
        "out",
    ]
    assert "share of the weight's" in figure.axes[3].get_title()
    plt.close(figure)
    with pytest.warns(UserWarning, match="not finite"):  # the data's own check, as in training
        seen = inspect(small(), np.full((6, 4), np.nan, "float32"))
    figure = seen.plot()  # nothing finite to draw
    figure.canvas.draw()
    assert "gradient" in figure.axes[3].get_title()
    plt.close(figure)


# -- what is conspicuous -------------------------------------------------------------------------------------------


def test_dead_units():
    bias = initializers.Constant([-100.0, 100.0, -100.0])
    model = tv.Sequential(
        [
            tv.Input((4,)),
            layers.Dense(3, activation="relu", bias_initializer=bias, name="d"),
            layers.Dense(1),
        ]
    )
    seen = inspect(model, normal(6, 4))
    assert seen["d"].dead == 2 and kinds(seen) == ["dead"] and seen.findings[0].where == ("d",)
    assert str(seen.findings[0]).startswith("2 of 3 units of d (Dense) are dead: their output is 0")
    assert "2 of 3 dead" in str(seen)
    assert kinds(inspect(model, normal(6, 4), dead=0.7)) == []


@pytest.mark.parametrize(
    ("layer", "dead"),
    [
        (layers.ReLU(name="r"), 4), (layers.Activation("relu", name="r"), 4), (layers.ReLU(6.0, name="r"), None),
        (layers.LeakyReLU(name="r"), None), (layers.ELU(name="r"), None), (layers.Activation("relu6", name="r"), 4),
    ],
)  # fmt: skip
def test_what_can_be_dead(layer, dead):
    model = tv.Sequential([tv.Input((4,)), layer])
    assert inspect(model, -np.ones((3, 4), "float32"))["r"].dead == dead


def test_units_are_channels():
    x = np.stack([-np.ones((2, 5, 5)), np.ones((2, 5, 5)), -np.ones((2, 5, 5))], -1).astype(
        "float32"
    )
    assert inspect(tv.Sequential([tv.Input((5, 5, 3)), layers.ReLU(name="r")]), x)["r"].dead == 2
    first = tv.Sequential(
        [
            tv.Input((1, 4, 4)),
            layers.Conv2D(3, 1, activation="relu", data_format="channels_first", name="c"),
        ]
    )
    first.layers[0].set_weights([np.array([[[[1.0, -1.0, 0.0]]]]), np.zeros(3)])
    row = inspect(first, np.ones((2, 1, 4, 4), "float32"))["c"]
    assert (row.units, row.dead) == (3, 2)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturated_units(activation):
    kernel = initializers.Constant(np.diag([1e3, 0.01, -1e3]))
    layer = layers.Dense(3, activation=activation, kernel_initializer=kernel, name="s")
    model = tv.Sequential([tv.Input((3,)), layer])
    x = np.sign(normal(8, 3))
    seen = inspect(model, x)
    assert seen["s"].saturated == 2 and kinds(seen) == ["saturated"]
    assert "2 of 3 units of s (Dense) are saturated" in str(seen)
    assert kinds(inspect(model, x, saturated=0.9)) == []


def deep(activation, **options):
    tv.utils.set_random_seed(1)
    stack = [layers.Dense(4, activation=activation, name=f"d{i}", **options) for i in range(10)]
    model = tv.Sequential([tv.Input((4,)), *stack, layers.Dense(1, name="last")])
    model.compile("sgd", "mse")
    return model


def test_vanishing_gradients():
    model, x, y = deep("sigmoid"), normal(8, 4), normal(8, 1)
    seen = inspect(model, x, y)
    (finding,) = seen.findings
    assert finding.kind == "vanishing" and "d0" in finding.where and "d9" not in finding.where
    assert str(finding).startswith("The gradient vanishes on the way back: at the output of d0")
    share = seen["d0"].gradient / seen["d9"].gradient
    assert f"{share:.2g} times that before the last layer" in str(finding)
    assert kinds(inspect(model, x, y, vanishing=share / 2)) == []


def test_exploding_gradients():
    drawn = initializers.RandomNormal(stddev=20.0, seed=1)
    model, x, y = deep(None, kernel_initializer=drawn), normal(8, 4), normal(8, 1)
    seen = inspect(model, x, y)
    assert kinds(seen) == ["exploding", "large step"]
    assert "d0" in seen.findings[0].where and "d9" not in seen.findings[0].where
    assert "The gradient explodes on the way back: at the output of d0" in str(seen.findings[0])
    assert kinds(inspect(model, x, y, exploding=float("inf"), step=float("inf"))) == []


def test_a_large_step():
    model = small(loss="mse", optimizer=tv.optimizers.SGD(1e5))
    seen = inspect(model, normal(6, 4), normal(6, 2))
    assert "large step" in kinds(seen) and "hidden/kernel" in seen.findings[-1].where
    assert "A smaller learning rate" in str(seen.findings[-1])
    assert "large step" not in kinds(inspect(model, normal(6, 4), normal(6, 2), step=1e9))


def test_no_gradient_arrives():
    x = tv.Input((3,))
    model = tv.Model(x, layers.Dense(1, name="b")(ops.stop_gradient(layers.Dense(3, name="a")(x))))
    model.compile("sgd", "mse")
    seen = inspect(model, normal(4, 3), normal(4, 1))
    assert kinds(seen) == ["no gradient"] and seen.findings[0].where == ("a",)


def test_the_sum_of_a_softmax_has_no_gradient():
    model = tv.Sequential([tv.Input((4,)), layers.Dense(3, activation="softmax", name="p")])
    seen = inspect(model, normal(5, 4))
    assert kinds(seen) == ["no gradient"] and "add up to 1" in str(seen.findings[0])
    model.compile("sgd", "categorical_crossentropy")
    assert kinds(inspect(model, normal(5, 4), np.eye(3)[[0, 1, 2, 0, 1]])) == []


class Chain(tv.Model):
    def __init__(self, function):
        super().__init__(name="chain")
        self.function = function
        self.first, self.last = (
            layers.Dense(4, activation="relu", name="first"),
            layers.Dense(2, name="last"),
        )

    def call(self, inputs):
        return self.last(self.function(self.first(inputs)))


def test_where_numbers_that_are_none_come_up_first():
    seen = inspect(Chain(ops.log), normal(6, 3))
    finding = seen.findings[0]
    assert finding.kind == "nan" and finding.where == ("log",)
    assert "log (op) has" in str(
        finding
    ) and "what it was computed from is finite (first from 0 to" in str(finding)
    assert seen["log"].infs > 0 and seen["last"].nans + seen["last"].infs > 0
    assert [k for k in kinds(seen) if k.startswith("nan")] == ["nan"]


def test_data_or_weights_that_are_no_numbers():
    model, x = small(loss="mse", optimizer="sgd"), normal(6, 4)
    x[2, 1] = np.nan
    with pytest.warns(UserWarning, match="x"):
        finding = inspect(model, x, normal(6, 2)).findings[0]
    assert finding.kind == "nan" and str(finding).startswith(
        "The data itself is not finite: input (input) has 1 NaN"
    )
    kernel = model.layers[0].kernel.numpy()
    kernel[0, 0] = np.inf
    model.layers[0].kernel.assign(kernel)
    finding = inspect(model, normal(6, 4), normal(6, 2)).findings[0]
    assert finding.where == ("hidden",) and "its weight hidden/kernel has 1 number" in str(finding)


def test_where_the_gradient_stops_being_finite():
    seen = inspect(Chain(ops.sqrt), normal(6, 3))
    finding = seen.findings[0]
    assert finding.kind == "nan gradient" and finding.where == ("sqrt",)
    assert "all values are finite" in str(finding) and "first (Dense)" in str(finding)
    assert seen["sqrt"].gradient_nans == 0 < seen["first"].gradient_nans
    assert "not finite" in str(seen)


def test_statistics_of_nothing_finite():
    seen = inspect(
        tv.Sequential([tv.Input((2,)), layers.Lambda(lambda x: x * float("nan"), name="none")]),
        normal(3, 2),
    )
    row = seen["none"]
    assert row.nans == 6 and np.isnan([row.mean, row.std, row.min, row.max]).all()
    assert (
        "6 NaN" in str(seen) and " nan " not in str(seen).split("gradients of")[1].split("\n", 1)[1]
    )


# -- errors --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_looked_into():
    with pytest.raises(TypeError, match="Only a model can be looked into"):
        inspect(layers.Dense(2), normal(2, 2))
    with pytest.raises(ValueError, match="shape"):
        inspect(small(), normal(6, 5))

    class Direct(tv.Model):
        def call(self, inputs):
            if jnp.sum(inputs) > 0:
                return inputs
            return -inputs

    with pytest.raises(tv.CaptureError, match=r"test_inspect\.py"):
        inspect(Direct(), normal(2, 2))


def test_empty_outputs_and_scalars():
    x = tv.Input((4,))
    model = tv.Model(x, [x[:, 4:], ops.sum(layers.Dense(2)(x))])
    seen = inspect(model, normal(3, 4))
    assert seen.rows[1].shape == (3, 0) and np.isnan(seen.rows[1].mean)
    assert seen.rows[-1].shape == () and seen.rows[-1].units == 1
