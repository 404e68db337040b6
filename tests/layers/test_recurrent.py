"""Recurrent layers: against a loop in NumPy, the real Keras, and themselves in other forms."""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import recorded

import trivium as tv
from trivium import layers, ops
from trivium.layers import rnn as rnn_file
from trivium.ops import control
from trivium.ops.lowering.scanning import chunk_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype("float32")
MASKS = {
    "none": None,
    "end": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool),
    "front": np.array([[0, 0, 1, 1, 1], [0, 1, 1, 1, 1], [1, 1, 1, 1, 1]], bool),
    "any": np.array([[1, 0, 1, 1, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]], bool),
}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def simple_step(x, states, w, u, b):
    h = np.tanh(x @ w + b + states[0] @ u)
    return h, [h]


def lstm_step(x, states, w, u, b):
    i, f, c, o = np.split(x @ w + b + states[0] @ u, 4, axis=-1)
    memory = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(c)
    h = sigmoid(o) * np.tanh(memory)
    return h, [h, memory]


def gru_step(x, states, w, u, b):
    (h,) = states
    (xz, xr, xn), (hz, hr, hn) = np.split(x @ w + b[0], 3, -1), np.split(h @ u + b[1], 3, -1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)
    h = z * h + (1 - z) * np.tanh(xn + r * hn)
    return h, [h]


STEPS = {"SimpleRNN": (simple_step, 1), "LSTM": (lstm_step, 2), "GRU": (gru_step, 1)}


def walked(name, weights, x, mask, backwards=False, zeros=False):
    """Return the outputs of all steps and the last states, by a loop over samples and steps."""
    step, count = STEPS[name]
    outputs, last = [], []
    for sample in range(len(x)):
        states = [np.zeros(weights[1].shape[0])] * count
        output, row = np.zeros(weights[1].shape[0]), []
        for t in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
            keeps = mask is None or mask[sample, t]
            if keeps:
                output, states = step(x[sample, t].astype("float64"), states, *weights)
            row.append(np.zeros_like(output) if zeros and not keeps else output)
        outputs.append(row)
        last.append(states)
    return np.array(outputs), [np.array(s) for s in zip(*last, strict=True)]


def filled(layer, x=X):
    """Build a layer and give it weights of ordinary sizes."""
    layer.build(x.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) * 0.5 for w in layer.weights])
    return layer


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", STEPS)
def test_a_loop_in_numpy(name, mask):
    """All options at once, since each costs a program: forward with repeats, backward with zeros."""
    keep = MASKS[mask]
    for backwards, zeros in ((False, False), (True, True)):
        layer = filled(
            getattr(layers, name)(
                3,
                return_sequences=True,
                return_state=True,
                go_backwards=backwards,
                zero_output_for_mask=zeros,
            )
        )
        wanted, states = walked(name, layer.get_weights(), X, keep, backwards, zeros)
        outputs, *last = layer(X, mask=keep)
        np.testing.assert_allclose(outputs, wanted, atol=1e-5)
        np.testing.assert_allclose(last, states, atol=1e-5)


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("unroll", [False, True])
def test_the_last_output_is_that_of_the_sequence(name, unroll):
    layer = filled(getattr(layers, name)(3, unroll=unroll))
    wanted, _ = walked(name, layer.get_weights(), X, MASKS["any"])
    np.testing.assert_allclose(layer(X, mask=MASKS["any"]), wanted[:, -1], atol=1e-5)


def gradients(library, name, kwargs):
    """Return the outputs and all gradients with ordinary weights, a mask, and first states."""
    layer = getattr(library.layers, name)(3, return_sequences=True, **kwargs)
    layer.build(X.shape)
    rng = np.random.default_rng(1)
    values = [(rng.normal(size=w.shape) * 0.5).astype("float32") for w in layer.weights]
    layer.set_weights(values)
    first = [jnp.asarray(rng.normal(size=(3, 3)).astype("float32"))] * STEPS[name][1]

    def loss(weights, x, first):
        mapping = list(zip(layer.trainable_variables, weights, strict=True))
        with library.StatelessScope(mapping):
            y = layer(x, mask=jnp.asarray(MASKS["any"]), initial_state=first)
        return jnp.sum(y * jnp.cos(jnp.arange(y.size)).reshape(y.shape)), y

    grad = jax.value_and_grad(loss, (0, 1, 2), has_aux=True)
    return grad([jnp.asarray(v) for v in values], jnp.asarray(X), first)


@pytest.mark.parametrize(
    "name, kwargs",
    [("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False})],
    ids=str,
)
def test_gradients_are_those_of_keras(name, kwargs):
    theirs = recorded(lambda keras: gradients(keras, name, kwargs))
    ours = gradients(tv, name, kwargs)
    for a, b in zip(*map(jax.tree_util.tree_leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_stateful_is_one_long_sequence():
    long = filled(layers.LSTM(3, return_sequences=True))
    layer = filled(layers.LSTM(3, return_sequences=True, stateful=True))
    keep = MASKS["any"]
    wanted = long(X, mask=keep)
    for _ in range(2):
        parts = [layer(X[:, a:b], mask=keep[:, a:b]) for a, b in ((0, 2), (2, 3), (3, 5))]
        np.testing.assert_allclose(np.concatenate(parts, 1), wanted, atol=1e-6)
        layer.reset_states()
    assert not np.any(layer.states[0]) and len(layer.states) == 2
    assert [w.name for w in layer.weights] == ["kernel", "recurrent_kernel", "bias"]


def test_stateful_in_fit_and_predict():
    """The states are carried by the compiled steps: an epoch of two batches is one sequence twice as long."""
    x = np.concatenate([X[:, :3], X[:, 2:5]])
    model = tv.Sequential([tv.Input(batch_shape=(3, 3, 4)), layers.GRU(3, stateful=True)])
    layer = filled(model.layers[0], X[:, :3])
    wanted = walked("GRU", layer.get_weights(), np.concatenate([x[:3], x[3:]], 1), None)[0]
    got = model.predict(x, batch_size=3, verbose=0)
    np.testing.assert_allclose(got, np.concatenate([wanted[:, 2], wanted[:, 5]]), atol=1e-5)
    layer.reset_states()
    model.compile(tv.optimizers.SGD(0.0), "mse")
    model.fit(x, np.zeros((6, 3)), batch_size=3, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_allclose(layer.states[0], wanted[:, 5], atol=1e-5)
    with pytest.raises(ValueError, match="the state kept has the shapes"):
        layer(X[:2])


def test_stateful_in_a_subclass_and_in_every_style():
    """A model of one's own learns the batch's size from its first data."""

    class Own(tv.Model):
        def __init__(self):
            super().__init__()
            self.gru = layers.GRU(3, stateful=True, return_sequences=True)

        def call(self, x):
            return self.gru(x)

    own = Own()
    long = np.concatenate([own(X[:, :2]), own(X[:, 2:])], 1)
    whole = layers.GRU(3, return_sequences=True)
    whole.build(X.shape)
    whole.set_weights(own.get_weights())
    np.testing.assert_allclose(long, whole(X), atol=1e-6)
    for style in ("functional", "subclass"):
        other = tv.convert(own, to=style)
        assert other.fingerprint() == own.fingerprint()
        own.gru.reset_states()
        got = other.predict(X[:, :2], batch_size=3, verbose=0)
        np.testing.assert_allclose(got, whole(X)[:, :2], atol=1e-6)


def test_dropout_is_the_same_in_all_steps():
    """The factors are drawn once for a sequence; another call draws others."""
    layer = layers.SimpleRNN(
        64, activation=None, dropout=0.5, return_sequences=True, seed=1, kernel_initializer="identity",
        recurrent_initializer="zeros",
    )  # fmt: skip
    ones = np.ones((2, 5, 64))
    first, second = (np.asarray(layer(ones, training=True)) for _ in range(2))
    assert (first == first[:, :1]).all() and set(np.unique(first)) == {0, 2}
    assert (first[0] != first[1]).any() and (first != second).any()
    assert (np.asarray(layer(ones)) == 1).all()


def test_recurrent_dropout_is_the_same_in_all_steps():
    layer = layers.SimpleRNN(
        64, activation=None, recurrent_dropout=0.5, return_sequences=True, kernel_initializer="zeros",
        recurrent_initializer="identity",
    )  # fmt: skip
    first = np.ones((2, 64), "float32")
    y = np.asarray(layer(np.ones((2, 3, 64)), initial_state=first, training=True))
    assert (y[:, 2] == 4 * y[:, 0]).all() and set(np.unique(y[:, 0])) == {0, 2}


def test_dropout_inside_a_users_cell():
    """A cell of ours anywhere inside has one mask a sequence, a `Dropout` layer one a step; the loop carries both."""

    class Both(layers.Layer):
        state_size = 32

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = layers.SimpleRNNCell(
                32, None, dropout=0.5, kernel_initializer="identity", recurrent_initializer="zeros"
            )
            self.drop = layers.Dropout(0.5)

        def call(self, inputs, states):
            inner, _ = self.inner(inputs, states)
            return ops.concatenate([inner, self.drop(inputs)], -1), [states[0]]

    layer = layers.RNN(Both(), return_sequences=True)
    y = np.asarray(layer(np.ones((2, 6, 32)), training=True))
    assert (y[:, :1, :32] == y[:, :, :32]).all() and (y[:, :1, 32:] != y[:, :, 32:]).any()


class Attends(layers.Layer):
    """A cell made of layers, with nested states: a GRU, and attention to a memory that it carries along."""

    def __init__(self, units, slots, **kwargs):
        super().__init__(**kwargs)
        self.units, self.slots = units, slots
        self.inner = layers.GRUCell(units)
        self.query = layers.Dense(units)
        self.state_size = {"inner": [units], "memory": units * slots}
        self.output_size = 2 * units

    def call(self, inputs, states):
        memory = ops.reshape(states["memory"], (-1, self.slots, self.units))
        output, inner = self.inner(inputs, states["inner"])
        scores = ops.softmax(ops.einsum("bu,bsu->bs", self.query(output), memory))
        read = ops.einsum("bs,bsu->bu", scores, memory)
        memory = ops.concatenate([memory[:, 1:], output[:, None]], 1)
        after = {"memory": ops.reshape(memory, (-1, self.slots * self.units)), "inner": inner}
        return ops.concatenate([output, read], -1), after


def test_a_cell_made_of_layers_with_nested_states():
    layer = layers.RNN(Attends(3, 2), return_sequences=True, return_state=True)
    layer.build((None, 5, 4))
    assert len(layer.weights) == 5  # Also of the layers that nobody has called yet.
    outputs, states = layer(X, mask=MASKS["any"])
    assert outputs.shape == (3, 5, 6) and list(states) == ["inner", "memory"]
    assert [w.name for w in layer.weights] == [
        "kernel",
        "recurrent_kernel",
        "bias",
        "kernel",
        "bias",
    ]
    # By hand, where nothing is masked.
    cell, before = layer.cell, layer.get_initial_state(3)
    for t in range(5):
        one, before = cell(X[:, t], before)
    np.testing.assert_allclose(layer(X)[0][:, -1], one, atol=1e-6)
    x = tv.Input((5, 4))
    model = tv.Model(x, layers.RNN(Attends(3, 2))(x))
    before = model.get_weights()
    model.compile("adam", "mse")
    model.fit(X, np.ones((3, 6)), epochs=2, verbose=0)
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert len(layer.cell.weights) == 5 and layer.cell.query.path.endswith("attends/dense")


def test_states_from_another_layer():
    """An encoder's states begin a decoder, in a graph and in a class: one model."""

    def encoded(source, target, encode, decode):
        _, *states = encode(source)
        return decode(target, initial_state=states)

    def layers_of():
        return layers.LSTM(3, return_state=True), layers.LSTM(3, return_sequences=True)

    class Seq2Seq(tv.Model):
        def __init__(self):
            super().__init__()
            self.encode, self.decode = layers_of()

        def call(self, pair):
            return encoded(*pair, self.encode, self.decode)

    source, target = tv.Input((None, 4)), tv.Input((None, 4))
    graph = tv.Model([source, target], encoded(source, target, *layers_of()))
    own = Seq2Seq()
    own([tv.Input((None, 4)), tv.Input((None, 4))])
    assert graph.fingerprint() == own.fingerprint()
    own.set_weights(graph.get_weights())
    np.testing.assert_array_equal(own([X, X[:, :2]]), graph([X, X[:, :2]]))


def test_a_mask_reaches_the_loop_and_goes_on():
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    model = tv.Sequential(
        [
            layers.Embedding(5, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.GRU(2),
        ]
    )
    whole = model(ids)
    short = model(ids[:1, :2])
    np.testing.assert_allclose(whole[:1], short, atol=1e-6)


def in_chunks(steps, kept):
    return math.isqrt(steps)


@functools.cache
def memory(steps, chunked):
    """Return the bytes that the program of a gradient keeps at a time."""
    layer = filled(layers.LSTM(8), X)
    values = [w.value for w in layer.weights]

    def loss(weights, x):
        return jnp.sum(layer.stateless_call(weights, [], x)[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rnn_file, "chunk_of", in_chunks if chunked else lambda steps, kept: None)
        program = jax.jit(jax.grad(loss)).lower(values, jnp.zeros((3, steps, 4)))
    quickly = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    compiled = program.compile(compiler_options=quickly)
    return compiled.memory_analysis().temp_size_in_bytes


def test_long_sequences_need_little_memory():
    """Ten thousand steps need little more than the memory of a few hundred, and their input."""
    source = 10_000 * 3 * 4 * 4
    assert memory(10_000, True) < memory(400, False) + 2 * source
    assert memory(10_000, False) > 8 * memory(10_000, True)
    # Which is chosen for long ones by itself.
    assert chunk_of(10_000, 2**29) == 100 and chunk_of(100, 2**40) is None


def test_the_form_of_the_loop_changes_nothing(monkeypatch):
    """With all that JAX keeps, in chunks, as for long sequences, and with products before the loop, as elsewhere."""
    layer = filled(
        layers.GRU(
            3,
            return_sequences=True,
            go_backwards=True,
            dropout=0.3,
            recurrent_dropout=0.3,
            seed=1,
        )
    )
    values, state = ([w.value for w in vs] for vs in (layer.weights, layer.non_trainable_variables))

    def run(values, x):
        y, after = layer.stateless_call(values, state, x, mask=MASKS["any"], training=True)
        return jnp.sum(y * jnp.arange(y.size).reshape(y.shape)), (y, after)

    def tried():
        """Return the results and the program; a new function, since JAX remembers the programs of old ones."""
        both = jax.value_and_grad(lambda *given: run(*given), (0, 1), has_aux=True)
        return both(values, X), str(jax.make_jaxpr(lambda *given: run(*given))(values, X))

    with monkeypatch.context() as patch:
        patch.setattr(control, "thrifty", lambda step: step)
        plain, program = tried()
        patch.setattr(rnn_file, "chunk_of", in_chunks)
        chunked, forgets = tried()
    thrifty, _ = tried()
    monkeypatch.setattr(rnn_file, "early_products", lambda: True)
    early, before = tried()
    assert "remat" in forgets and "remat" not in program
    assert ["f32[5,3,9]" in text for text in (program, before)] == [False, True]
    for other in (thrifty, chunked, early):
        for a, b in zip(*map(jax.tree_util.tree_leaves, (other, plain)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_variable_is_a_sequence():
    layer = layers.SimpleRNN(3)
    np.testing.assert_array_equal(layer(tv.Variable(X)), layer(X))


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
def test_a_step_keeps_its_sums_and_states(kind, monkeypatch):
    """Nothing that cheap operations make of them; derivatives forward and of second order are the plain step's."""
    layer = filled(kind(3))
    values = [w.value for w in layer.weights]

    def loss(values):
        return jnp.sum(layer.stateless_call(values, [], X)[0] ** 2)

    def derivatives():
        again = lambda v: loss(v)  # noqa: E731  A new one, since JAX remembers programs of old ones.
        slope = jax.grad(again)
        twice = jax.jvp(lambda v: slope(v), (values,), (values,))
        kept = str(jax.make_jaxpr(jax.grad(lambda v: loss(v)))(values))
        return (*twice, jax.jvp(again, (values,), (values,))), kept.count("f32[5,3,")

    found, few = derivatives()
    monkeypatch.setattr(control, "thrifty", lambda step: step)
    plain, many = derivatives()
    assert few < many
    for a, b in zip(*map(jax.tree_util.tree_leaves, (found, plain)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: layers.LSTM(-1), ValueError, "LSTM: `units` is a whole number above zero; got -1"),
        (lambda: layers.GRU(3, dropout=2.0), ValueError, "GRU: `dropout` is a number from 0 to 1"),
        (lambda: layers.GRU(3, reset_after="yes"), TypeError, "GRU: `reset_after` is True or False"),
        (lambda: layers.LSTM(3, stateful=3), TypeError, "LSTM: `stateful` is True or False"),
        (lambda: layers.LSTM(3, unit=3), TypeError, "LSTM has no argument 'unit'"),
        (lambda: layers.RNN(layers.Dense(3)), ValueError, "has no `state_size`"),
        (lambda: layers.RNN(layers.LSTMCell), TypeError, "Make one of the class first"),
        (lambda: layers.RNN([]), ValueError, "`cells` is a list of cells; got none"),
        (lambda: layers.StackedRNNCells([3]), TypeError, "a cell is a layer"),
        (lambda: layers.LSTM(3)(X[0]), ValueError, "wants 3 dimensions"),
        (lambda: layers.LSTM(3)(X, initial_state=[X[:, 0, :3]]), ValueError, "initial_state has the shapes"),
        (lambda: layers.GRU(3)(X, mask=np.ones((3, 4), bool)), ValueError, r"shape \(3, 5\); got shape \(3, 4\)"),
        (lambda: layers.LSTM(3)(X, mask=np.ones(3, bool)), ValueError, r"got shape \(3,\)"),
        (lambda: layers.GRU(3)(X, initial_state=X[:, 0]), ValueError, r"got \[\(3, 4\)\]"),
        (lambda: layers.LSTM(3, stateful=True)(tv.Input((5, 4))), ValueError, "of one known size"),
        (lambda: layers.Bidirectional(layers.Dense(3)), TypeError, "takes a recurrent layer"),
        (lambda: layers.Bidirectional(layers.GRU(3), "add"), ValueError, "`merge_mode` is one of"),
        (lambda: layers.Bidirectional(layers.GRU(3), backward_layer=layers.GRU(3)), ValueError, "opposite values"),
        (lambda: layers.TimeDistributed(3), TypeError, "`layer` is a layer to put inside"),
        (lambda: layers.TimeDistributed(layers.Dense(3))(X[:, 0]), ValueError, r"\(batch, steps, \.\.\.\)"),
        (lambda: layers.ConvLSTM2D(2, 2, strides=2, dilation_rate=2), ValueError, "cannot both be above 1"),
        (lambda: layers.ConvLSTM1D(2, 2, padding="causal"), ValueError, "`padding` is one of"),
        (lambda: layers.ConvLSTM1D(2, 2)(tv.Input((5, None, 3))), ValueError, "every size of a step's input"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_when_the_layer_is_made_or_built(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    "after, returned",
    [
        (lambda x: [x], r"float32\(3, 4\)"),
        (lambda x: [x[:, :3], x], "float32"),
        (lambda x: [], r"\[\]"),
    ],
)
def test_a_cell_that_returns_other_states_is_named(after, returned):
    class Wrong(layers.Layer):
        state_size = 3

        def call(self, inputs, states):
            return inputs, after(inputs)

    with pytest.raises(ValueError, match=rf"'rnn/wrong' \(Wrong\) has the states .*{returned}"):
        layers.RNN(Wrong())(tv.Input((5, 4), batch_size=3))


def test_a_counter_among_the_states_stays_whole():
    class Counts(layers.Layer):
        state_size = 1
        add = 1

        def get_initial_state(self, batch_size=None):
            return [jnp.zeros((batch_size,), "int32")]

        def call(self, inputs, states):
            return inputs, [states[0] + self.add]

    layer = layers.RNN(Counts(), return_state=True)
    assert layer(X, mask=MASKS["any"])[1].tolist() == [3, 1, 0]
    layer.cell.add = 0.5
    with pytest.raises(ValueError, match="of the same sizes and kinds"):
        layer(X)
