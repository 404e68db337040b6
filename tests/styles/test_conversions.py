"""Any model into any style: the fingerprint, the outputs, a step of training and the written source stay the same."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import sampled_from
from random_graphs import models

import trivium as tv
from trivium import layers, ops
from trivium.graph import Graph
from trivium.styles import StyleError, convert, graph_of, source
from trivium.styles.obstacles import sequential_obstacle

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.

STYLES = ("sequential", "functional", "subclass")
leaves = jax.tree_util.tree_leaves


def assert_same_bits(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert np.array_equal(a, b, equal_nan=True) and a.dtype == b.dtype


def written(model, style):
    """Return the model that the source makes, with the weights of the one that it was written from."""
    space = {}
    exec(source(model, style), space)
    made = space["model"]
    made.set_weights(model.get_weights())
    return made


def possible(make, model, style):
    """Return the model in a style, or `None` where the style cannot hold it, which only a stack may say."""
    try:
        return make(model, style)
    except StyleError as error:
        assert style == "sequential" and "cannot be a Sequential model" in str(error)
        return None


def one_step(model, inputs, batch=3):
    """Train one step on all outputs, return the weights after it, and put the state back."""
    before = [v.numpy() for v in model.variables]
    model.compile(tv.optimizers.SGD(0.1), "mse")
    shapes = jax.tree_util.tree_map(lambda t: t.shape, model(inputs))
    targets = jax.tree_util.tree_map(
        lambda s: np.ones(s, "float32"), shapes, is_leaf=lambda s: isinstance(s, tuple)
    )
    model.train_on_batch(inputs, targets)
    after = [v.numpy() for v in model.variables]
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    return after


@settings(max_examples=10, deadline=None)
@given(models())
def test_conversions_keep_fingerprint_and_bits(example):
    model = example.model
    outputs, print_ = model(example.inputs), model.fingerprint()
    direct = {style: possible(convert, model, style) for style in STYLES}
    for made in direct.values():
        if made is None:
            continue
        assert made.fingerprint() == print_
        assert_same_bits(made(example.inputs), outputs)
        assert [id(w) for w in made.weights] == [id(w) for w in model.weights]
        # And on from there into the others.
        for other in STYLES:
            again = possible(convert, made, other)
            assert (again is None) == (direct[other] is None)
            if again is not None:
                assert again.fingerprint() == print_


@settings(max_examples=10, deadline=None)
@given(models())
def test_the_written_source_makes_the_same_model(example):
    model = example.model
    outputs, print_ = model(example.inputs), model.fingerprint()
    for style in STYLES:
        made = possible(written, model, style)
        if made is not None:
            assert made.fingerprint() == print_
            assert_same_bits(made(example.inputs), outputs)
            # What was written reads back as the same program.
            assert source(made, style) == source(model, style)


@settings(max_examples=8, deadline=None)
@given(models(max_steps=5))
def test_one_training_step_is_the_same_to_the_bit(example):
    model = example.model
    if not model.trainable_variables:
        return
    wanted = one_step(model, example.inputs)
    for style in STYLES:
        made = possible(convert, model, style)
        if made is not None:
            assert_same_bits(one_step(made, example.inputs), wanted)
        made = possible(written, model, style)
        if made is not None:
            # Random states are no weights; they stand where the other model's stand.
            for mine, other in zip(made.variables, model.variables, strict=True):
                mine.assign(other.numpy())
            assert_same_bits(one_step(made, example.inputs), wanted)


class Article(tv.Model):
    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.dense1 = layers.Dense(300, activation="relu")
        self.dense2 = layers.Dense(100, activation="relu")
        self.dense3 = layers.Dense(10, activation="softmax")

    def call(self, inputs):
        x = self.flatten(inputs)
        x = self.dense1(x)
        x = self.dense2(x)
        return self.dense3(x)


def article(style):
    if style == "sequential":
        return tv.Sequential([
            layers.Flatten(input_shape=[28, 28]),
            layers.Dense(300, activation="relu"),
            layers.Dense(100, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ])  # fmt: skip
    if style == "functional":
        inputs = tv.Input(shape=(28, 28))
        x = layers.Flatten()(inputs)
        x = layers.Dense(300, activation="relu")(x)
        x = layers.Dense(100, activation="relu")(x)
        return tv.Model(inputs, layers.Dense(10, activation="softmax")(x))
    model = Article()
    model.build((None, 28, 28))
    return model


ARTICLE = {
    "sequential": """\
from trivium import Input, Sequential, layers

model = Sequential([
    Input(shape=(28, 28)),
    layers.Flatten(),
    layers.Dense(300, activation="relu"),
    layers.Dense(100, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
""",
    "functional": """\
from trivium import Input, Model, layers

inputs = Input(shape=(28, 28))
x = layers.Flatten()(inputs)
x = layers.Dense(300, activation="relu")(x)
x = layers.Dense(100, activation="relu")(x)
outputs = layers.Dense(10, activation="softmax")(x)
model = Model(inputs=inputs, outputs=outputs)
""",
    "subclass": """\
from trivium import Model, layers


class Article(Model):
    def __init__(self):
        super().__init__()
        self.flatten = layers.Flatten()
        self.dense_1 = layers.Dense(300, activation="relu")
        self.dense_2 = layers.Dense(100, activation="relu")
        self.dense_3 = layers.Dense(10, activation="softmax")

    def call(self, inputs):
        x = self.flatten(inputs)
        x = self.dense_1(x)
        x = self.dense_2(x)
        return self.dense_3(x)


model = Article()
model.build((None, 28, 28))
""",
}


@pytest.mark.parametrize("origin", STYLES)
@pytest.mark.parametrize("style", STYLES)
def test_the_article_s_programs_convert_into_each_other(origin, style):
    wanted = ARTICLE[style].replace("Article", "Article" if origin == "subclass" else "MyModel")
    assert source(article(origin), style) == wanted
    assert source(convert(article(origin), to=style), style) == wanted


def test_the_article_s_two_inputs():
    input1 = tv.Input(shape=(784,), name="input_1")
    input2 = tv.Input(shape=(784,), name="input_2")
    x1 = layers.Dense(64, activation="relu", name="dense_1")(input1)
    x2 = layers.Dense(64, activation="relu", name="dense_2")(input2)
    concat = layers.concatenate([x1, x2], name="concat")
    x = layers.Dense(32, activation="tanh", name="dense_3")(concat)
    outputs = layers.Dense(10, activation="softmax", name="output")(x)
    model = tv.Model(inputs=[input1, input2], outputs=outputs)
    assert (
        source(model)
        == """\
from trivium import Input, Model, layers

input_1 = Input(shape=(784,), name="input_1")
input_2 = Input(shape=(784,), name="input_2")
x = layers.Dense(64, activation="relu", name="dense_1")(input_1)
y = layers.Dense(64, activation="relu", name="dense_2")(input_2)
x = layers.concatenate([x, y], name="concat")
x = layers.Dense(32, activation="tanh", name="dense_3")(x)
outputs = layers.Dense(10, activation="softmax", name="output")(x)
model = Model(inputs=[input_1, input_2], outputs=outputs)
"""
    )


class Branching(tv.Model):
    """Leaves dropout out by itself, uses a weight of its own, a loop, a slice and a default argument."""

    def __init__(self):
        super().__init__()
        self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")
        self.blocks = [layers.Dense(4, activation="tanh") for _ in range(5)]
        self.drop = layers.Dropout(0.5)

    def call(self, inputs, factor=2.0, training=False):
        x = inputs * self.scale
        for block in self.blocks:
            x = block(x)
        if training:
            x = self.drop(x, training=training)
        return {"first": x[:, :2], "all": ops.tanh(x * factor)}


def test_a_class_of_all_sorts():
    model = Branching()
    model.build((None, 4))
    for style in ("functional", "subclass"):
        assert convert(model, style).fingerprint() == model.fingerprint()
        assert written(model, style).fingerprint() == model.fingerprint()
    assert 'for _ in range(5):\n    x = layers.Dense(4, activation="tanh")(x)' in source(
        model, "functional"
    )
    assert "for dense in self.dense_layers:" in source(model, "subclass")


@pytest.mark.parametrize("style", ["functional", "subclass"])
@pytest.mark.parametrize("between", [None, "relu"])
@pytest.mark.parametrize("times", range(2, 7))
def test_a_shared_layer_that_repeats_stays_one_layer(times, between, style):
    x = inputs = tv.Input((4,))
    dense = layers.Dense(4)
    for _ in range(times):
        x = dense(x)
        x = x if between is None else layers.Activation(between)(x)
    model = tv.Model(inputs, x)
    made = written(model, style)
    assert made.fingerprint() == model.fingerprint() and len(made.weights) == 2
    assert times < 5 or "for _ in range(" in source(model, style)


KEYS = {"a list of one": [1], "keys": {'a"b': 1, "it's": 1}, "numbers": {1: 1, 0: 1}}


@pytest.mark.parametrize("form", KEYS)
@pytest.mark.parametrize("style", ["functional", "subclass"])
def test_inputs_come_in_the_structure_that_was_declared(style, form):
    inputs = jax.tree_util.tree_map(lambda _: tv.Input((3,)), KEYS[form])
    x = leaves(inputs)[0]
    for _ in range(5):
        x = ops.tanh(x)
    model = tv.Model(inputs, {'"out"': x, "\\": leaves(inputs)[-1]})
    data = jax.tree_util.tree_map(lambda _: np.ones((2, 3), "float32"), inputs)
    for make in (convert, written):
        made = make(model, style)
        assert made.fingerprint() == model.fingerprint()
        assert_same_bits(made(data), model(data))


HOSTILE = [
    'a"b', "it's", '"""', "x\ny", "\\", "{i}", "class", "self", "inputs", "x", "np", "layers", "call", "öß", "模型",
    "__import__('os').abort()", '"); raise SystemExit(3)  #',
]  # fmt: skip


@settings(max_examples=6, deadline=None)
@given(models(max_steps=4), sampled_from(HOSTILE))
def test_names_are_text_and_never_code(example, prefix):
    model, _ = example.plan.build(prefix)
    for style in STYLES:
        for make in (convert, written):
            made = possible(make, model, style)
            assert made is None or made.fingerprint() == model.fingerprint()
            assert made is None or [w.name for w in made.weights] == [w.name for w in model.weights]


def test_masks_pass_by_themselves_and_are_not_written():
    words = tv.Input((7,), dtype="int32")
    x = layers.Embedding(10, 3, mask_zero=True)(words)
    model = tv.Model(words, layers.Dense(2)(layers.GlobalAveragePooling1D()(x)))
    for style in STYLES:
        assert "mask=" not in source(model, style).replace("mask_zero=", "")
        assert written(model, style).fingerprint() == model.fingerprint()
        assert convert(model, style).fingerprint() == model.fingerprint()


def test_losses_and_pinned_modes_are_kept():
    class Own(tv.Model):
        def __init__(self):
            super().__init__()
            self.norm = layers.BatchNormalization()
            self.drop = layers.Dropout(0.5)

        def call(self, inputs):
            x = self.drop(self.norm(inputs, training=False), training=True)
            self.add_loss(ops.mean(x))
            return x

    model = Own()
    model.build((None, 3))
    for make in (convert, written):
        assert make(model, "subclass").fingerprint() == model.fingerprint()
    assert convert(model, "functional").fingerprint() == model.fingerprint()
    with pytest.raises(StyleError, match="adds a loss in its own `call`"):
        source(model, "functional")


def test_blocks_that_count_up_become_a_loop_with_an_f_string():
    x = inputs = tv.Input((8,))
    for i in range(1, 5):
        x = layers.Dense(8, activation="relu", name=f"block_{i}_dense")(x)
        x = layers.BatchNormalization(name=f"block_{i}_norm")(x)
    model = tv.Model(inputs, x)
    text = source(model, "functional")
    assert (
        'for i in range(1, 5):\n    x = layers.Dense(8, activation="relu", name=f"block_{i}_dense")(x)'
        in text
    )
    paths = [
        [w.path.partition("/")[2] for w in m.weights] for m in (written(model, "functional"), model)
    ]
    assert paths[0] == paths[1]


def test_a_model_with_its_own_training_step_keeps_it():
    class Doubled(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1, kernel_initializer="ones")
            self.factor = 2.0

        def call(self, inputs):
            return self.dense(inputs)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return self.factor * super().compute_loss(x, y, y_pred, sample_weight, training)

    model = Doubled()
    model.build((None, 2))
    x, y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")
    for make in (convert, written):
        for style in STYLES:
            made = make(model, style)
            assert made.fingerprint() == model.fingerprint()
            made.compile(tv.optimizers.SGD(0.0), "mse")
            assert made.train_on_batch(x, y) == 8.0


REFUSED = {
    "two inputs": (lambda x, d: ([x, y := tv.Input((4,), name="y")], d(x) + y), "it has 2 inputs (`x`, `y`)"),
    "join": (lambda x, d: (x, layers.Add(name="add")([layers.Dense(4, name="other")(x), d(x)])),
             "`add` joins two branches: `other` and `dense`."),
    "residual": (lambda x, d: (x, (z := layers.Dense(4, name="first")(x)) + d(z)),
                 "`add` joins two branches: `first` and `dense`."),
    "operation": (lambda x, d: (x, ops.tanh(d(x))), "`tanh` is an operation, not a layer"),
    "argument": (lambda x, d: (x, layers.Dropout(0.5, name="drop")(d(x), training=True)),
                 "the layer `drop` is called with training=True"),
    "structure": (lambda x, d: (x, [d(x)]), "its outputs come as a list"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_no_stack_is_made_of_what_is_none(what):
    build, message = REFUSED[what]
    x = tv.Input((4,), name="x")
    model = tv.Model(*build(x, layers.Dense(4, name="dense")), name="net")
    for make in (convert, source):
        with pytest.raises(StyleError) as caught:
            make(model, "sequential")
        assert f"Model 'net' cannot be a Sequential model: {message}" in str(caught.value)


def test_a_layer_that_is_called_again_stands_in_the_stack_again():
    x = tv.Input((4,))
    shared = layers.Dense(4, "tanh", name="shared")
    model = tv.Model(x, layers.Dense(2)(shared(layers.Dense(4)(shared(x)))))
    for made in (convert(model, "sequential"), written(model, "sequential")):
        assert made.layers[0] is made.layers[2] and len(made.layers) == 4
        assert made.fingerprint() == model.fingerprint()
        for style in STYLES:
            assert written(made, style).fingerprint() == model.fingerprint()


def test_branches_that_part_and_never_join_are_named():
    x = tv.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")(x)
    model = tv.Model(x, [layers.Dense(1)(shared), layers.Dense(1)(shared)])
    graph = Graph(model.input, model.outputs[0])
    assert sequential_obstacle(graph) is None
    assert "it has 2 outputs" in str(sequential_obstacle(model.graph()))


def test_errors_name_the_remedy():
    model = article("sequential")
    with pytest.raises(ValueError, match=r"no style 'functonal'\. Did you mean 'functional'"):
        convert(model, "functonal")
    with pytest.raises(ValueError, match="not built"):
        convert(Article(), "functional")
    with pytest.raises(TypeError, match="A graph is a model's"):
        graph_of(3)
    nameless = tv.Sequential([tv.Input((2,)), layers.Lambda(lambda x: x, name="odd")])
    with pytest.raises(StyleError, match="odd"):
        source(nameless)

    class Two(tv.Model):
        def __init__(self):
            super().__init__()
            self.calm, self.busy = layers.Dense(2, name="calm"), layers.Dense(2, name="busy")

        def call(self, inputs, training=False):
            return self.busy(inputs) if training else self.calm(inputs)

    two = Two()
    two.build((None, 2))
    with pytest.raises(StyleError, match="inference alone calls 'calm', training alone 'busy'"):
        convert(two, "functional")


@pytest.mark.parametrize("style", ["functional", "subclass"])
def test_a_layer_inside_another_and_alone_is_not_written_twice(style):
    x, dense = tv.Input((3, 4)), tv.layers.Dense(4, name="both")
    model = tv.Model(x, tv.layers.TimeDistributed(dense, name="each")(dense(x)))
    assert convert(model, to=style).fingerprint() == model.fingerprint()
    with pytest.raises(StyleError, match="'both' stands in two places, 'both' and 'each'"):
        source(model, style=style)
