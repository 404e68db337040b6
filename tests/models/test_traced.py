"""Models that use `jax.numpy` directly: their graph is read from what JAX traces."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers, ops
from trivium.models.traced import JaxCode

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

HERE = "test_traced.py"


def data(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


class Mixed(tv.Model):
    """Layers, ops, a weight of its own, dropout, sizes that are not known, a loss."""

    def __init__(self):
        super().__init__(name="mixed")
        self.first, self.second = layers.Dense(4, name="first"), layers.Dense(2, name="second")
        self.drop = layers.Dropout(0.5, name="drop")
        self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")

    def call(self, x, training=False):
        h = jax.nn.relu(self.first(x)) * self.scale
        h = self.drop(h)
        h = jnp.where(h > 0.1, h, 0.0) + jnp.ones((x.shape[0], 1))
        h = ops.tanh(h)
        self.add_loss(jnp.mean(h) * 0.1)
        return self.second(h) / (1 + jnp.sum(h * h, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def mixed():
    model = Mixed()
    model.build((None, 3))
    return model


def test_layers_ops_and_lines_are_nodes(mixed):
    nodes = {node.name: node for node in mixed.graph().nodes}
    assert set(nodes) == {
        "first",
        "scale",
        "relu",
        "drop",
        "where",
        "tanh",
        "sum",
        "second",
        "mean",
    }
    assert nodes["first"].operation is mixed.first
    code = nodes["relu"].operation
    assert isinstance(code, JaxCode) and HERE in code.location
    assert [t.name for t in nodes["relu"].inputs] == ["first", "scale"]
    assert nodes["where"].output_tensors[0].shape == (None, 4)
    assert len(mixed.graph().losses) == 1


@pytest.mark.parametrize("batch", [1, 5])
def test_the_graph_computes_the_call_s_bits(mixed, batch):
    x = data(batch, 3)
    assert np.array_equal(mixed.graph().run(x), mixed(x))


def test_it_trains_as_its_twin_of_ops_does():
    class Twin(Mixed):
        def call(self, x, training=False):
            h = self.drop(ops.relu(self.first(x)) * self.scale)
            h = ops.tanh(ops.where(h > 0.1, h, 0.0) + ops.ones((1, 1)))
            self.add_loss(ops.mean(h) * 0.1)
            return self.second(h) / (1 + ops.sum(h * h, axis=1, keepdims=True))

    losses = []
    for cls in (Mixed, Twin):
        tv.utils.set_random_seed(1)
        model = cls()
        model.compile(tv.optimizers.SGD(0.1), "mse")
        losses.append(
            model.fit(data(20, 3), data(20, 2), epochs=3, batch_size=8, verbose=0).history["loss"]
        )
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_sub_graphs_summary_and_other_styles(mixed):
    inner = tv.Model(mixed.input, mixed.get_layer("first").output)
    assert inner(data(2, 3)).shape == (2, 4)
    lines = []
    mixed.summary(print_fn=lines.append)
    assert "relu" in lines[0] and "(None, 4)" in lines[0]
    for style in ("functional", "subclass"):
        assert tv.convert(mixed, style).fingerprint() == mixed.fingerprint()
    with pytest.raises(tv.StyleError, match=rf"{HERE}:\d+: this line uses JAX directly \(`relu`\)"):
        tv.source(mixed, "subclass")


def test_several_inputs_sizes_and_outputs():
    class Two(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4)

        def call(self, inputs):
            a, b = self.dense(inputs["a"]), self.dense(inputs["b"])
            scores = jnp.einsum("bie,bje->bij", a, b)
            return {"scores": scores, "best": jnp.argmax(scores, axis=-1)}

    model = Two()
    given = {"a": data(2, 5, 3), "b": data(2, 7, 3)}
    result = model(given)
    graph = model.graph()
    assert graph.outputs["scores"].shape == (None, 5, 7) and graph.outputs["best"].dtype == "int32"
    for key, value in graph.run(given).items():
        assert np.array_equal(value, result[key])
    # `jnp.argmax` and `jnp.einsum` for sizes that are not known, and for others than those seen first.
    open_ended = Two()
    open_ended.build({"a": (None, None, 3), "b": (None, None, 3)})
    again = open_ended.graph().run({"a": data(1, 2, 3), "b": data(1, 9, 3)})
    assert again["scores"].shape == (1, 2, 9)


def _branch(x):
    return x if jnp.sum(x) > 0 else -x


def _loop(x):
    while jnp.max(x) > 1:
        x = x / 2
    return x


def _assign(x):
    x = jnp.tanh(x)
    x[0] = 1
    return x


def _number(x):
    return x * float(jnp.sum(x))


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (_branch, "ops.where"),
        (_loop, "fixed count"),
        (_assign, "changed in place"),
        (_number, "ops.cond"),
    ],
)
def test_what_no_graph_can_hold_is_refused_with_the_line(code, remedy):
    class Refused(tv.Model):
        def call(self, x):
            return code(x)

    line = code.__code__.co_firstlineno
    for attempt in (lambda m: m(data(2, 3)), lambda m: m.build((None, 3))):
        with pytest.raises(tv.CaptureError, match=remedy) as caught:
            attempt(Refused())
        place = str(caught.value).partition(": ")[0]
        assert HERE in place and line < int(place.rpartition(":")[2]) <= line + 3


def test_code_that_does_something_else_for_other_sizes_says_so():
    class Sized(tv.Model):
        def call(self, x):
            return jnp.tanh(x) if x.shape[1] == 3 else jnp.sin(jnp.cos(x))

    model = Sized()
    model.build((None, None))
    assert model(data(2, 3)).shape == (2, 3)


def _unrolled(first):
    """A recurrent network by hand, whose first state `first` makes from the input."""

    class Unrolled(tv.Model):
        def __init__(self):
            super().__init__()
            self.into, self.on = layers.Dense(4), layers.Dense(4)

        def call(self, x):
            h = first(x)
            for step in range(3):
                h = ops.tanh(self.into(x[:, step]) + self.on(h))
            return h

    tv.utils.set_random_seed(0)
    return Unrolled()


@pytest.mark.parametrize(
    "first",
    [
        lambda x: ops.zeros((ops.shape(x)[0], 4)),
        lambda x: jnp.zeros((x.shape[0], 4)),
        lambda x: ops.tile(ops.zeros((1, 4)), (ops.shape(x)[0], 1)),
        lambda x: ops.reshape(jnp.zeros_like(x[:, :2, :2]), (x.shape[0], -1)),
        lambda x: ops.broadcast_to(jnp.zeros((4,)), (x.shape[0], 4)),
    ],
    ids=["ops.zeros", "jnp.zeros", "tile", "reshape", "broadcast_to"],
)
def test_a_size_that_is_not_known_may_be_a_setting(first):
    x, y = data(6, 3, 2), data(6, 4)
    results = []
    for make in (first, lambda x: ops.zeros_like(x[:, 0, :1]) * ops.zeros((4,))):
        model = _unrolled(make)
        model.compile("sgd", "mse")
        losses = model.fit(x, y, epochs=2, batch_size=4, verbose=0).history["loss"]
        results.append((losses, model.predict(x[:1], verbose=0)))
        converted = tv.convert(model, to="functional")
        np.testing.assert_allclose(
            converted.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6
        )
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5)
