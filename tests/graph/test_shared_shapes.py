"""Equal calls of the library's layers share one shape inference, and only these: nobody can tell but by the time."""

import threading
from unittest import mock

import numpy as np
import pytest

import trivium as tv
from trivium import layers, ops
from trivium.graph import SymbolicTensor, infer, node, op, shared_shapes
from trivium.state.masks import get_mask


@pytest.fixture(autouse=True)
def traced(monkeypatch):
    """What was traced for its shapes, with nothing known beforehand."""
    monkeypatch.setattr(shared_shapes, "_known", {})
    spy = mock.Mock(wraps=infer.infer)
    monkeypatch.setattr(node, "infer", spy)
    return spy


def tensor(*shape, dtype="float32"):
    return SymbolicTensor((None, *shape), dtype)


def layers_in(traced):
    """Return how many calls of layers were traced; what makes masks is an op."""
    return sum(call.args[0].__qualname__.startswith("Called") for call in traced.call_args_list)


def described(outputs):
    """Return what can be told of symbolic tensors: sizes by which of them are one, dtypes, masks."""
    found, names = [], {}
    for x in outputs if isinstance(outputs, list | tuple) else [outputs]:
        dims = [d if isinstance(d, int) else names.setdefault(str(d), len(names)) for d in x.dims]
        mask = get_mask(x)
        found.append((dims, x.shape, x.dtype, None if mask is None else (mask.shape, mask.dtype)))
    return found


IMAGE, SEQUENCE, ROW = (9, 9, 3), (6, 4), (8,)
# Layers, and what they are called on: the shapes of tensors of floats, or a tensor.
TABLE = [
    (lambda: layers.Dense(3, activation="relu"), ROW),
    (lambda: layers.Dense(3, dtype="mixed_bfloat16"), ROW),
    (lambda: layers.EinsumDense("abc,cd->abd", (None, 2), bias_axes="d"), SEQUENCE),
    (lambda: layers.Embedding(5, 2, mask_zero=True), tensor(6, dtype="int32")),
    (lambda: layers.Conv2D(4, 3, strides=2, padding="same"), IMAGE),
    (lambda: layers.Conv2D(4, 3, strides=2), (None, None, 3)),
    (lambda: layers.Conv1D(4, 3, padding="causal"), (None, 4)),
    (lambda: layers.Conv2DTranspose(2, 3, strides=2), (None, None, 3)),
    (lambda: layers.SeparableConv2D(2, 3), IMAGE),
    (lambda: layers.MaxPooling2D(), (None, 8, 3)),
    (lambda: layers.GlobalAveragePooling1D(), (None, 4)),
    (lambda: layers.UpSampling2D(interpolation="bilinear"), IMAGE),
    (lambda: layers.BatchNormalization(), IMAGE),
    (lambda: layers.LayerNormalization(), SEQUENCE),
    (lambda: layers.Dropout(0.5), ROW),
    (lambda: layers.GaussianNoise(0.5), ROW),
    (lambda: layers.Flatten(), (None, 4)),
    (lambda: layers.Reshape((-1, 2)), SEQUENCE),
    (lambda: layers.Permute((2, 1)), (None, 4)),
    (lambda: layers.RepeatVector(3), ROW),
    (lambda: layers.ZeroPadding1D(2), (None, 4)),
    (lambda: layers.Masking(), SEQUENCE),
    (lambda: layers.Softmax(), ROW),
    (lambda: layers.PReLU(), ROW),
    (lambda: layers.Rescaling(2.0), IMAGE),
    (lambda: layers.Add(), [SEQUENCE, SEQUENCE]),
    (lambda: layers.Concatenate(axis=1), [(None, 4), (None, 4)]),
    (lambda: layers.Dot(axes=1), [ROW, ROW]),
    (lambda: layers.Attention(), [SEQUENCE, (5, 4)]),
    (lambda: layers.Normalization(mean=1.0, variance=2.0), ROW),
    (lambda: layers.Discretization(bin_boundaries=[0.0, 1.0]), ROW),
    (lambda: layers.CategoryEncoding(4), tensor(3, dtype="int32")),
    (lambda: layers.LSTM(3, return_sequences=True, return_state=True), SEQUENCE),
    (lambda: layers.RNN([layers.GRUCell(3, dropout=0.1), layers.LSTMCell(2)]), (None, 4)),
    (lambda: layers.Bidirectional(layers.SimpleRNN(3)), (None, 4)),
    (lambda: layers.TimeDistributed(layers.Dense(3)), (None, 4)),
]


def told_of(layer):
    """Return what a call leaves on a layer, and on those inside it."""
    inside = layer._flatten_layers()
    order = sorted(inside, key=lambda x: x._build_index)
    parts = [(x.built, x._built_alone, order.index(x), x.path.count("/")) for x in inside]
    return parts, [(w.shape, w.dtype, w.initialized, w.path.count("/")) for w in layer.variables]


def inputs_of(given):
    if isinstance(given, list):
        return [tensor(*shape) for shape in given]
    return tensor(*given) if isinstance(given, tuple) else given


@pytest.mark.parametrize(("make", "given"), TABLE)
def test_an_equal_call_gives_the_same_untraced(make, given, traced, monkeypatch):
    first, second, alone = make(), make(), make()
    one = described(first(inputs_of(given)))
    assert layers_in(traced) == 1
    two = described(second(inputs_of(given)))
    assert layers_in(traced) == 1
    monkeypatch.setattr(shared_shapes, "_question", lambda *call: None)
    assert one == two == described(alone(inputs_of(given)))
    assert layers_in(traced) == 2
    assert told_of(second) == told_of(alone)


# What two calls of one layer, or of equal ones, differ in: each time the second is traced, too.
DIFFERENT = {
    "units": lambda: (layers.Dense(3)(tensor(8)), layers.Dense(4)(tensor(8))),
    "inputs": lambda: (layers.Dense(3)(tensor(8)), layers.Dense(3)(tensor(2, 8))),
    "dtype": lambda: (layers.ReLU()(tensor(8)), layers.ReLU(dtype="float16")(tensor(8))),
    "dtype of inputs": lambda: (
        layers.Embedding(5, 2)(tensor(6, dtype="int32")),
        layers.Embedding(5, 2)(tensor(6, dtype="int64")),
    ),
    "mode": lambda: (
        layers.Dropout(0.5)(tensor(8)),
        layers.Dropout(0.5)(tensor(8), training=True),
    ),
    "sizes that are one": lambda: (
        layers.Add()([x := tensor(None), x]),
        layers.Add()([tensor(None), tensor(None)]),
    ),
    "nesting": lambda: (
        layers.Add()([tensor(8), tensor(8)]),
        layers.Add()([tensor(8), tensor(8), tensor(8)]),
    ),
    "argument": lambda: (
        (layer := layers.ReversibleEmbedding(8, 8))(tensor(8, dtype="int32")),
        layer(tensor(8), reverse=True),
    ),
    "mask": lambda: (
        (layer := layers.Softmax())(tensor(8)),
        layer(tensor(8), mask=tensor(8, dtype="bool")),
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_is_not_equal_is_traced(what, traced):
    DIFFERENT[what]()
    assert traced.call_count == 2


def test_settings_that_ops_read_count(traced):
    before = tv.config.lowering()["convolution"]
    for form in ("product", "plain", "product"):
        tv.config.set_lowering(convolution=form)
        layers.Conv2D(2, 3)(tensor(8, 8, 3))
    tv.config.set_lowering(convolution=before)
    assert traced.call_count == 2


def test_a_layer_that_is_changed_asks_anew(traced):
    layer, x = layers.Dense(3), tensor(8)
    layer(x)
    layer.enable_lora(2)
    assert layer(x).shape == (None, 3) and traced.call_count == 2
    quantized = layers.Dense(3)
    quantized.build((None, 8))
    quantized.quantize("int8")
    assert quantized(x).dtype == "float32" and traced.call_count == 3
    layer.dtype_policy = "mixed_float16"
    assert layer(x).dtype == "float16" and traced.call_count == 4
    pool = layers.MaxPooling1D()
    pool(tensor(8, 3))
    pool.padding, pool.pool_size = "same", (3,)
    assert pool(tensor(8, 3)).shape == (None, 4, 3) and traced.call_count == 6


def test_a_policy_by_paths_is_that_of_the_path():
    policies = tv.dtype_policies.DTypePolicyMap("float32")
    policies["half"] = "float16"
    x = tensor(8)
    outputs = [layers.ReLU(name=name, dtype=policies)(x) for name in ("one", "half", "two")]
    assert [y.dtype for y in outputs] == ["float32", "float16", "float32"]


def test_sizes_that_nobody_can_tell_are_others_each_time():
    class Half(tv.Layer):
        def call(self, x):
            return x[:, : int(x.shape[1]) // 2]  # A number must be known here.

    a, b = Half()(tensor(None)), Half()(tensor(None))
    assert a.shape == b.shape == (None, None) and a.dims[1] != b.dims[1]
    # What is kept has its own symbols, in the order of the call.
    known, wanted = tensor(None, None, 3), tensor(None, None, 3)
    for x in (known, wanted):
        y = layers.ZeroPadding2D((1, 2))(x)
        assert y.dims == (x.dims[0], x.dims[1] + 2, x.dims[2] + 4, 3)


def test_layers_inside_count_and_what_a_first_call_does_to_them_is_done(traced):
    x = tensor(6, 4)
    attention = [layers.MultiHeadAttention(2, 3) for _ in range(2)]
    for layer in attention:
        assert layer(x, x).shape == (None, 6, 4)
    assert traced.call_count == 1
    attention[0].query_dense.enable_lora(1)
    attention[0](x, x)
    assert traced.call_count == 2
    # A layer that was called by itself gets its place with the first call by another.
    inner = [layers.Dense(4) for _ in range(3)]
    for layer in inner[1:]:
        layer(tensor(4))
    outer = [layers.TimeDistributed(layer) for layer in inner]
    for layer in outer:
        layer(x)
    assert not any(layer._built_alone for layer in inner)
    assert all(layer._parent() is not None for layer in inner)


def test_ops_of_the_library_share(traced):
    x, y = tensor(None, 4), tensor(None, 4)
    for a in (x, y):
        assert (a + 1.0).dims == a.dims
        assert ops.concatenate([a, a], axis=1).dims[1] == 2 * a.dims[1]
        assert a[:, 1:].dims[1] == ops.maximum(a, 0)[:, :-1].dims[1] == a.dims[1] - 1
    assert traced.call_count == 5
    # What is known of other tensors, and what can be looked at, is no such value.
    size = x.dims[1]
    one, two = x[:, : size - 1], y[:, : size - 1]
    assert one.dims[1] == size - 1 and two.dims != (y.dims[0], y.dims[1] - 1, 4)
    for values in ([1.0] * 4, [2.0] * 4):
        (x + np.array(values, "float32"), x + tv.Variable(values))
    assert traced.call_count == 11
    assert (x + 1).dtype == "float32" and (tensor(4, dtype="int32") + 1.5).dtype == "float32"

    @op
    def mine(a):
        ran.append(a)
        return a

    ran = []
    for _ in range(2):
        mine(x)
        layers.Activation(mine)(x)
    assert len(ran) == 4


class Counted(tv.Layer):
    calls = 0

    def call(self, x):
        Counted.calls += 1
        return 2 * x


def test_users_code_runs_in_each_call(traced, monkeypatch):
    for _ in range(2):
        Counted()(tensor(8))
        layers.Activation(lambda x: x + 1)(tensor(8))
        layers.Dense(3, activity_regularizer="l2")(tensor(8))
    assert Counted.calls == 2 and traced.call_count == 6
    x = tensor(8)
    layers.ReLU()(x)
    patched = layers.ReLU()
    patched.call = lambda inputs: inputs[:, :2]
    assert patched(x).shape == (None, 2)
    monkeypatch.setattr(layers.ReLU, "call", lambda self, inputs: inputs[:, :3])
    assert layers.ReLU()(x).shape == (None, 3)
    monkeypatch.undo()
    assert layers.ReLU()(x).shape == (None, 8)


def test_what_a_call_leaves_on_its_layer_is_left_each_time(traced):
    bins = [layers.Discretization(num_bins=3) for _ in range(2)]
    for layer in bins:
        layer.adapt(np.arange(9.0))
        assert layer(tensor(2)).shape == (None, 2)
    rows = layers.Normalization()
    rows.adapt(np.ones((4, 8)))
    assert rows(tensor(8)).shape == (None, 8)


def test_an_error_names_the_layer_that_raises_it():
    layers.Reshape((2, 4))(tensor(8))
    for name in ("one", "two"):
        with pytest.raises(ValueError, match=f"Layer '{name}' .Reshape. cannot") as caught:
            layers.Reshape((2, 3), name=name)(tensor(8))
        assert f"In layer '{name}' (Reshape), called on input of shape (None, 8)." in str(
            caught.value.__notes__
        )
    with pytest.raises(ValueError, match="'three'"):
        layers.Dense(3, name="three")(SymbolicTensor((8,)))


def block():
    x = tv.Input((4, 4, 2))
    y = layers.BatchNormalization()(layers.Conv2D(2, 3, padding="same")(x))
    return tv.Model(x, layers.Add()([x, layers.Dropout(0.1)(y)]))


def test_models_within_models_run_no_layer_that_is_known(monkeypatch):
    x = tv.Input((4, 4, 2))
    first = block()(x)
    runs = mock.Mock(side_effect=AssertionError("run"))
    monkeypatch.setattr(layers.Conv2D, "_run", runs, raising=False)
    inner = block()
    model = tv.Model(x, inner(first))
    assert model.output_shape == (None, 4, 4, 2) and not runs.called
    assert [w.path.split("/")[-3] for w in inner.weights] == [inner.name] * 6
    monkeypatch.undo()
    assert model(np.ones((3, 4, 4, 2), "float32")).shape == (3, 4, 4, 2)


def test_equal_models_within_a_model_are_traced_once(traced, monkeypatch):
    def around():
        x = tv.Input((4, 4, 2))
        return tv.Model(x, block()(x))

    def stack():
        x = y = tv.Input((4, 4, 2))
        for _ in range(3):
            y = block()(around()(y))
        return tv.Model(x, y)

    one, known = stack(), traced.call_count
    two = stack()
    # One of each: what is in a block, the block, and a model around it.
    assert traced.call_count == known == 6
    monkeypatch.setattr(shared_shapes, "_question", lambda *call: None)
    three = stack()
    assert told_in(one) == told_in(two) == told_in(three)
    assert one.fingerprint() == two.fingerprint() == three.fingerprint()


def told_in(model):
    """Return what calls leave on the layers of a model, but for those of its inputs."""
    called = [x for x in model._flatten_layers() if not isinstance(x, layers.InputLayer)]
    order = sorted(called, key=lambda x: x._build_index)
    places = [(type(x), x._built_alone, order.index(x), x.path.count("/")) for x in called]
    return places, [w.path.split("/")[-1] for w in model.weights]


def test_models_that_were_declared_for_other_inputs_are_not_equal(traced):
    def made(*shape, **options):
        x = tv.Input(shape, **options)
        return tv.Model(x, ops.relu(x))

    for _ in range(2):
        assert made(None, 2)(tensor(3, 2)).shape == made(3, 2)(tensor(3, 2)).shape == (None, 3, 2)
        assert made(3, 1, dtype="float16")(tensor(3)).dtype == "float16"
        assert made(3, 1)(tensor(3)).dtype == "float32"
        with pytest.raises(ValueError, match="has shape"):
            made(4, 2)(tensor(3, 2))

    def named(first, second):
        a, b = tv.Input((2,), name=first), tv.Input((3,), name=second)
        return tv.Model([a, b], [layers.ReLU()(a), layers.ReLU()(b)])

    given = {"a": tensor(2), "b": tensor(3)}
    assert [y.shape[1] for y in named("a", "b")(given)] == [2, 3]
    with pytest.raises(ValueError, match="'b'"):
        named("b", "a")(given)


def test_what_a_model_adds_to_the_loss_is_there_each_time():
    def made():
        x = tv.Input((2,))
        y = layers.Dense(2, kernel_initializer="ones", activity_regularizer="l1")(x)
        return tv.Model(x, y)

    x = tv.Input((2,))
    model = tv.Model(x, made()(made()(x)))
    model.compile("sgd", "mse")
    assert model.evaluate(np.ones((1, 2)), np.full((1, 2), 4.0), verbose=0) == pytest.approx(0.12)


@pytest.mark.parametrize("style", ["functional", "subclass"])
def test_programs_are_the_same(style, monkeypatch):
    """Masks, states, draws, losses and layers that are called twice, declared and captured."""

    def parts():
        twice = layers.Dense(4, activation="relu", kernel_regularizer="l2")
        return [
            layers.Embedding(7, 4, mask_zero=True),
            layers.Dropout(0.3),
            layers.GRU(4),
            *(twice, layers.BatchNormalization()),
            *(twice, layers.BatchNormalization()),
            layers.ActivityRegularization(0.1),
            layers.Dense(1),
        ]

    class Written(tv.Model):
        def __init__(self):
            super().__init__()
            self.parts = parts()

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return x

    def functional():
        x = y = tv.Input((5,), dtype="int32")
        for part in parts():
            y = part(y)
        return tv.Model(x, y)

    make = {"functional": functional, "subclass": Written}[style]
    found = []
    for sharing in (True, True, False):
        if not sharing:
            monkeypatch.setattr(shared_shapes, "_question", lambda *call: None)
        model = make()
        if style == "subclass":
            model.build((None, 5))
        found.append(model.fingerprint())
    assert len(set(found)) == 1


def test_threads_may_ask_at_once():
    results = []

    def build():
        x = tensor(8)
        for units in range(1, 30):
            x = layers.Dense(units)(x)
        results.append(x.shape)

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(None, 29)] * 4


def test_only_so_many_answers_are_kept(monkeypatch, traced):
    monkeypatch.setattr(shared_shapes, "_MOST", 3)
    for units in (1, 2, 3, 4, 4, 1):
        layers.Dense(units)(tensor(8))
    assert len(shared_shapes._known) == 3 and traced.call_count == 5
