"""Models: building, calling, looking inside, cutting, cloning."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import ops


def two_inputs():
    a, b = tv.Input((4,), name="a"), tv.Input((6,), name="b")
    left = tv.layers.Dense(3, name="left", activation="relu")(a)
    right = tv.layers.Dense(3, name="right")(b)
    joined = tv.layers.concatenate([left, right], name="joined")
    return tv.Model(
        {"a": a, "b": b},
        {
            "main": tv.layers.Dense(2, name="main")(joined),
            "side": tv.layers.Dense(1, name="side")(right),
        },
        name="two",
    )


def test_nested_inputs_and_outputs():
    model = two_inputs()
    out = model({"a": np.ones((5, 4)), "b": np.ones((5, 6))})
    assert {k: v.shape for k, v in out.items()} == {"main": (5, 2), "side": (5, 1)}
    assert model.input_shape == {"a": (None, 4), "b": (None, 6)}
    by_list = model([np.ones((5, 4)), np.ones((5, 6))])
    assert np.array_equal(out["main"], by_list["main"])


def test_shared_layers_share_their_weights():
    shared = tv.layers.Dense(3, name="shared")
    a, b = tv.Input((4,)), tv.Input((4,))
    model = tv.Model([a, b], tv.layers.subtract([shared(a), shared(b)]))
    assert len(model.weights) == 2
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    np.testing.assert_allclose(model([x, x]), np.zeros((2, 3)), atol=1e-6)


def test_models_are_layers():
    inner = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3)], name="inner")
    x = tv.Input((4,))
    outer = tv.Model(x, tv.layers.Dense(2)(inner(x)), name="outer")
    assert [layer.name for layer in outer.layers if layer.name == "inner"] == ["inner"]
    assert outer.count_params() == 15 + 8
    assert outer(np.ones((2, 4))).shape == (2, 2)


def test_subgraphs_are_cut_out_of_a_model():
    model = two_inputs()
    part = tv.Model(model.get_layer("left").input, model.get_layer("left").output)
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    kernel, bias = model.get_layer("left").get_weights()
    np.testing.assert_allclose(part(x), np.maximum(x @ kernel + bias, 0), rtol=1e-5)
    assert part.get_layer("left") is model.get_layer("left")
    features = tv.Model(model.input, model.get_layer("joined").output)
    assert features.output_shape == (None, 6)
    tail = tv.Model(model.get_layer("joined").output, model.output["main"])
    assert tail(np.ones((2, 6))).shape == (2, 2)


def test_a_subclass_given_a_graph():
    class Counted(tv.Model):
        def extra(self):
            return len(self.layers)

    x = tv.Input((4,))
    model = Counted(x, tv.layers.Dense(2)(x))
    assert isinstance(model, Counted) and model.output_shape == (None, 2) and model.extra() == 2
    assert model(np.ones((3, 4))).shape == (3, 2)
    named = Counted(inputs=x, outputs=tv.layers.Dense(2)(x), name="named")
    assert named.name == "named"


def test_sequential_add_and_pop():
    model = tv.Sequential(name="stack")
    model.add(tv.Input((4,)))
    model.add(tv.layers.Dense(3, name="one"))
    model.add(tv.layers.Dense(2, name="two"))
    assert model.output_shape == (None, 2)
    top = model.pop()
    assert top.name == "two" and model.output_shape == (None, 3)
    model.add(tv.layers.Dense(5))
    assert model(np.ones((1, 4))).shape == (1, 5)
    assert next(layer.name for layer in model.layers) == "one"


def test_sequential_is_built_on_first_data():
    model = tv.Sequential([tv.layers.Dense(3), tv.layers.Dense(2)])
    assert not model.built and model.weights == []
    model(np.ones((5, 4)))
    assert model.built and model.input_shape == (None, 4) and model.count_params() == 23


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: tv.Sequential([tv.Input((2,)), tv.Input((2,))]), ValueError, "one input"),
        (lambda: tv.Sequential([tv.layers.Dense]), TypeError, r"Dense\(\.\.\.\)"),
        (
            lambda: tv.Sequential([tv.layers.Dense(2, name="x"), tv.layers.Dense(2, name="x")]),
            ValueError,
            "'x'",
        ),
        (lambda: tv.Sequential().pop(), TypeError, "no layers"),
        (
            lambda: tv.Sequential([tv.layers.Dense(2)]).count_params(),
            ValueError,
            "not built|no weights yet",
        ),
        (
            lambda: tv.Sequential([tv.layers.Dense(2)])([np.ones((2, 3)), np.ones((2, 3))]),
            ValueError,
            "one input",
        ),
        (
            lambda: tv.Sequential([tv.Input((3,)), tv.layers.Dense(2)])(np.ones((2, 4))),
            ValueError,
            r"\(2, 4\)",
        ),
        (lambda: two_inputs()({"a": np.ones((2, 4))}), ValueError, "'b'"),
        (lambda: two_inputs()([np.ones((2, 4))]), ValueError, "2 input"),
        (lambda: two_inputs().get_layer("lefft"), ValueError, "Did you mean 'left'"),
        (lambda: two_inputs().get_layer(index=99), ValueError, "no index 99"),
        (lambda: tv.Model()(np.ones((2, 2))), NotImplementedError, "call"),
        (lambda: tv.layers.Dense(3, activaton="relu"), TypeError, "activation"),
        (lambda: tv.layers.Dense(3, activation="rleu"), ValueError, "relu"),
        (lambda: tv.layers.Dense(-3), ValueError, "units"),
    ],
)
def test_misuse_is_explained(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_a_disconnected_model_is_refused():
    a, b = tv.Input((2,), name="left"), tv.Input((2,), name="right")
    with pytest.raises(tv.DisconnectedGraphError, match="'right'"):
        tv.Model(a, tv.layers.add([a, b]))


def test_a_failed_add_leaves_the_stack():
    model = tv.Sequential([tv.Input((4,)), tv.layers.Flatten()])
    model.add(tv.layers.Dense(3, name="fits"))
    with pytest.raises(ValueError, match="fits"):
        model.add(tv.layers.Dense(3, name="fits"))
    assert len(model.layers) == 2 and model.output_shape == (None, 3)
    model.add(tv.layers.Dense(2))
    assert model.output_shape == (None, 2)


def test_failed_first_data_leaves_the_model_unbuilt():
    model = tv.Sequential([tv.layers.Dense(3), tv.layers.Reshape((7,))])
    with pytest.raises(ValueError):
        model(np.ones((2, 4)))
    assert not model.built and not model.layers[0].built
    other = tv.Sequential(model.layers[:1])
    assert other(np.ones((2, 9))).shape == (2, 3)


class Branch(tv.Model):
    def call(self, x):
        return x if x[0, 0] > 0 else -x


def test_python_branches_on_values_are_refused_with_the_line():
    with pytest.raises(tv.CaptureError, match=r"test_models\.py:\d+.*ops\.where"):
        Branch()(np.ones((2, 2)))


class Direct(tv.Model):
    """Uses jax.numpy itself."""

    def __init__(self):
        super().__init__()
        self.dense = tv.layers.Dense(3, name="dense")

    def call(self, x):
        return jnp.tanh(self.dense(x))


def test_a_model_that_uses_jax_directly_works():
    model = Direct()
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    assert model(x).shape == (20, 3)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros((20, 3)), verbose=0)
    lines = []
    model.summary(print_fn=lines.append)
    assert "(None, 3)" in lines[0] and "dense" in lines[0]
    assert [node.name for node in model.graph().nodes] == ["dense", "tanh"]


class Weighted(tv.Model):
    """Has a weight of its own and adds a loss in its call."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(1,), initializer="ones", name="scale")
        self.dense = tv.layers.Dense(2)

    def call(self, x):
        y = self.dense(x) * ops.exp(self.scale)
        self.add_loss(0.1 * ops.mean(ops.square(y)))
        return y


def test_constants_of_a_call_that_is_read_again_for_a_step():
    """`compile` drops what was read before; the step's own trace reads the code anew."""

    class Shifted(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = tv.layers.Dense(2, kernel_initializer="zeros")

        def call(self, x):
            return self.dense(x) + ops.ones((1, 2))

    model, x = Shifted(), np.ones((3, 4), "float32")
    assert model(x).shape == (3, 2)
    model.compile("sgd", "mse")
    history = model.fit(x, np.zeros((3, 2)), verbose=0)
    assert history.history["loss"] == [1.0]
    (constant,) = [a for a in model.graph(training=True).nodes[-1].args if isinstance(a, jax.Array)]
    np.testing.assert_array_equal(constant, [[1, 1]])  # Nothing that only the trace knows.


def test_own_weights_and_losses_are_in_the_graph():
    model = Weighted()
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    y = model(x)
    assert len(model.losses) == 1
    np.testing.assert_allclose(model.losses[0], 0.1 * np.mean(np.square(y)), rtol=1e-5)
    graph = model.graph()
    assert len(graph.losses) == 1 and "scale" in [n.name for n in graph.nodes]
    model.compile("sgd", "mse")
    before = model.scale.numpy()
    model.fit(x, np.zeros((16, 2)), verbose=0)
    assert not np.array_equal(before, model.scale.numpy())
    loss = model.evaluate(x, np.zeros((16, 2)), verbose=0)
    want = 1.1 * np.mean(np.square(model(x)))
    np.testing.assert_allclose(loss, want, rtol=1e-4)


@pytest.mark.parametrize("style", ["sequential", "functional", "subclass"])
def test_summary_says_the_same_in_every_style(style):
    def build():
        layers = [
            tv.layers.Flatten(name="flat"),
            tv.layers.Dense(5, name="hidden"),
            tv.layers.Dense(2, name="out"),
        ]
        if style == "sequential":
            return tv.Sequential([tv.Input((2, 3)), *layers])
        if style == "functional":
            x = y = tv.Input((2, 3))
            for layer in layers:
                y = layer(y)
            return tv.Model(x, y)

        class Written(tv.Model):
            def __init__(self):
                super().__init__()
                self.stack = layers

            def call(self, x):
                for layer in self.stack:
                    x = layer(x)
                return x

        model = Written()
        model.build((None, 2, 3))
        return model

    lines = []
    build().summary(print_fn=lines.append)
    text = lines[0]
    for words in (
        "flat",
        "(None, 6)",
        "hidden",
        "(None, 5)",
        "35",
        "out",
        "(None, 2)",
        "12",
        "Total params: 47",
    ):
        assert words in text


def test_clones_have_weights_of_their_own():
    for model in (two_inputs(), tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])):
        clone = tv.models.clone_model(model)
        assert type(clone) is type(model) and clone.fingerprint() == model.fingerprint()
        assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}
        clone.set_weights(model.get_weights())
        assert clone.weights_sha256() == model.weights_sha256()


def test_weights_go_to_a_file_and_back(tmp_path):
    model, other = two_inputs(), two_inputs()
    path = tmp_path / "m.weights.h5"
    model.save_weights(path)
    other.load_weights(path)
    assert other.weights_sha256() == model.weights_sha256()
    small = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
    before = small.weights_sha256()
    with pytest.raises(ValueError, match="holds"):
        small.load_weights(path)
    assert small.weights_sha256() == before


def test_a_call_that_branches_on_training_trains_what_it_says():
    class Branching(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = tv.layers.Dense(2)
            self.dropout = tv.layers.Dropout(0.5)

        def call(self, inputs, training=False):
            x = self.dense(inputs)
            return self.dropout(x, training=training) if training else x

    model = Branching()
    model.build((None, 3))
    names = [[node.name for node in model.graph(training).nodes] for training in (False, True)]
    assert names == [[model.dense.name], [model.dense.name, model.dropout.name]]
    x = np.ones((64, 3), "float32")
    assert (np.asarray(model(x, training=True)) == 0).any()
    assert not (np.asarray(model(x)) == 0).any()
    trained, _, _ = model.stateless_call(
        model.trainable_variables,
        model.non_trainable_variables,
        x,
        training=True,
        return_losses=True,
    )
    assert (np.asarray(trained) == 0).any()


def test_sub_graphs_are_cut_out_of_a_subclassed_model():
    class Net(tv.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = tv.layers.Dense(3, name="one"), tv.layers.Dense(2, name="two")

        def call(self, x):
            return self.two(self.one(x))

    model = Net()
    model.build((None, 4))
    x = np.ones((2, 4), "float32")
    inner = tv.Model(model.input, model.get_layer("one").output)
    assert np.array_equal(inner(x), model.one(x))
    rest = tv.Model(model.get_layer("two").input, model.output)
    assert np.array_equal(rest(inner(x)), model(x))


@pytest.mark.parametrize("library", ["ops", "jax"])
def test_own_weights_are_read_in_the_compute_dtype_eagerly_and_compiled(library):
    class Scaled(tv.Model):
        def __init__(self):
            super().__init__(dtype="mixed_bfloat16")
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

        def call(self, x):
            return (
                tv.ops.tanh(x) * self.scale if library == "ops" else jnp.tanh(x) * self.scale.value
            )

    model = Scaled()
    x = np.ones((2, 3), "float32")
    eager = model(x)
    pure, _ = model.stateless_call(model.trainable_variables, [], x)
    functional = tv.convert(model, "functional")(x)
    assert {str(y.dtype) for y in (eager, pure, functional)} == {"bfloat16"}
    assert np.array_equal(eager, pure) and np.array_equal(eager, functional)
    assert model.graph().output_tensors[0].dtype == "bfloat16"


def test_predict_moves_random_states_on():
    class Noise(tv.Layer):
        def __init__(self):
            super().__init__()
            self.seeds = tv.random.SeedGenerator(1)

        def call(self, x):
            return x + tv.random.normal(x.shape, seed=self.seeds)

    model = tv.Sequential([tv.Input((2,), batch_size=3), Noise()])
    one, two = (
        model.predict(np.zeros((3, 2), "float32"), verbose=0, batch_size=3) for _ in range(2)
    )
    assert not np.array_equal(one, two)


def test_a_build_of_ones_own_may_end_in_that_of_the_model():
    class Own(tv.Model):
        def build(self, input_shape):
            self.dense = tv.layers.Dense(2)
            super().build(input_shape)

        def call(self, x):
            return self.dense(x)

    built, called, trained = Own(), Own(), Own()
    built.build((None, 3))
    called(np.ones((4, 3)))
    trained.compile("sgd", "mse")
    trained.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    for model in (built, called, trained):
        assert model.built and model.output_shape == (None, 2)
        assert [w.shape for w in model.weights] == [(3, 2), (2,)]
