"""Layers and functions that a model's own `call` makes: each call makes them anew, and the model has one of each."""

import numpy as np
import pytest

import trivium as tv
from trivium import layers, ops
from trivium.styles import StyleError, advise, convert, diff, source

STYLES = ("functional", "subclass")
X = np.linspace(-1, 1, 24, dtype="float32").reshape(6, 4)
SHARED = layers.Activation("tanh")


def subclass(call, *, takes_training=False, **made):
    """Return a built model whose `call` is a function of the model and its input."""

    class Made(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4)
            for key, layer in made.items():
                setattr(self, key, layer)

        if takes_training:

            def call(self, inputs, training=False):
                return call(self, inputs, training)

        else:

            def call(self, inputs):
                return call(self, inputs)

    model = Made()
    model.build((None, 4))
    return model


WRITTEN = {
    "concatenate": lambda m, x: layers.concatenate([m.dense(x), x]),
    "add": lambda m, x: layers.add([m.dense(x), x]),
    "ReLU": lambda m, x: layers.ReLU()(m.dense(x)),
    "Flatten": lambda m, x: m.dense(layers.Flatten()(x)),
    "Reshape": lambda m, x: layers.Reshape((2, 2))(m.dense(x)),
    "Dropout": lambda m, x: layers.Dropout(0.5)(m.dense(x)),
    "two Dropouts alike": lambda m, x: layers.Dropout(0.5)(m.dense(layers.Dropout(0.5)(x))),
    "named and seeded": lambda m, x: layers.GaussianNoise(0.5, seed=3, name="noise")(m.dense(x)),
    "always dropping": lambda m, x: layers.Dropout(0.5)(m.dense(x), training=True),
    "never dropping": lambda m, x: layers.Dropout(0.5)(m.dense(x), training=False),
    "a stack": lambda m, x: tv.Sequential([layers.ReLU(), layers.Dropout(0.5)])(m.dense(x)),
    "one twice": lambda m, x: (r := layers.ReLU())(m.dense(r(x))),
    "of the module": lambda m, x: SHARED(m.dense(SHARED(x))),
    "other settings": lambda m, x: layers.LeakyReLU(0.1)(layers.LeakyReLU(0.5)(m.dense(x))),
}  # fmt: skip
RECORDED = {
    "Lambda": lambda m, x: layers.Lambda(lambda t: t * 2.0)(m.dense(x)),
    "cond": lambda m, x: ops.cond(ops.sum(x) > 0, lambda: x * 2.0, lambda: x - 1.0),
    "a layer in a branch": lambda m, x: ops.cond(ops.sum(x) > 0, lambda: m.dense(x), lambda: x),
    "a layer in a loop": lambda m, x: ops.fori_loop(0, 3, lambda i, y: m.dense(y), x),
    "a dropout made in a loop": lambda m, x: ops.fori_loop(0, 3, lambda i, y: layers.Dropout(0.5)(y), m.dense(x)),
    "scan": lambda m, x: ops.scan(lambda s, v: (s + v, s * v), x[:, 0] * 0.0, ops.transpose(x))[1],
    "vectorized_map": lambda m, x: ops.vectorized_map(lambda t: ops.tanh(t) + 1.0, m.dense(x)),
    "a loop over the weights": lambda m, x: ops.fori_loop(0, 3, lambda i, y: y + x, m.dense(x)),
}  # fmt: skip


def trained(model, seed=7):
    """Train three steps from a seed, and return the weights, with the model as it was before."""
    before = [v.numpy() for v in model.variables]
    model.compile(tv.optimizers.SGD(0.5), "mse")
    model.fit(X, model.predict(X, verbose=0) * 0, batch_size=2, epochs=1, shuffle=False, verbose=0)
    after = [w.numpy() for w in model.weights]
    for variable, value in zip(model.variables, before, strict=True):
        variable.assign(value)
    return after


@pytest.mark.parametrize("kind", [*WRITTEN, *RECORDED])
def test_a_model_that_makes_layers_in_call_converts(kind):
    model = subclass((WRITTEN | RECORDED)[kind])
    print_, outputs = model.fingerprint(), model(X)
    for style in STYLES:
        made = convert(model, style)
        assert made.fingerprint() == print_
        assert len(made.variables) == len(model.variables)
        if kind != "always dropping":
            assert np.array_equal(made(X), outputs)
    assert not diff(model, model) and not diff(model, convert(model, "functional"))


@pytest.mark.parametrize("kind", WRITTEN)
def test_its_program_is_written(kind):
    model = subclass(WRITTEN[kind])
    for style in STYLES:
        space = {}
        exec(source(model, style), space)
        assert space["model"].fingerprint() == model.fingerprint()
    assert str(advise(model))


@pytest.mark.parametrize("kind", ["Dropout", "two Dropouts alike", "always dropping", "a stack"])
def test_random_layers_made_in_call_train_as_the_converted_model_does(kind):
    model = subclass(WRITTEN[kind])
    wanted = trained(model)
    for style in STYLES:
        made = trained(convert(model, style))
        assert all(np.array_equal(a, b) for a, b in zip(wanted, made, strict=True))


@pytest.mark.parametrize("compiled", [True, False])
def test_a_dropout_made_in_call_draws_afresh_at_each_step(compiled):
    class Keeping(tv.losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(y_pred)

    class Ones(tv.Model):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight((64,), "zeros", name="scale")

        def call(self, inputs):
            return layers.Dropout(0.5)(inputs + self.scale)

    model = Ones()
    model.compile(tv.optimizers.SGD(64.0), Keeping(), run_eagerly=not compiled)
    ones = np.ones((4, 64), "float32")
    model.fit(ones, ones, batch_size=1, epochs=1, verbose=0)
    # The gradient of each weight is 0 or 2 a step: 0, 2, 4, 6 or 8 in all if the masks differ, 0 or 8 if not.
    assert len(np.unique(model.scale.numpy())) > 2


def test_one_dropout_of_the_model_s_own_and_one_made_in_call_keep_their_states_apart():
    model = subclass(lambda m, x: layers.Dropout(0.5)(m.drop(m.dense(x))), drop=layers.Dropout(0.5))
    assert len(model.variables) == 4 and len(model.weights) == 2
    assert model.layers == [model.dense, model.drop]


def test_weights_made_in_call_are_refused_by_name():
    model = subclass(lambda m, x: layers.Dense(3)(m.dense(x)))
    for ask in (lambda: convert(model, "functional"), lambda: source(model)):
        with pytest.raises(StyleError, match=r"makes the layer 'dense_\d+' \(Dense\) in its own"):
            ask()


def test_what_really_differs_between_the_modes_is_refused():
    def constants(m, x, training):
        table = np.zeros((4, 2000), "float32")
        table[1, 1000] = 5.0 if training else 7.0  # in the middle, which no repr shows
        return ops.matmul(x, table)

    differing = {
        "constants": (constants, "both call 'matmul'"),
        "settings": (lambda m, x, t: layers.LeakyReLU(0.1 if t else 0.5)(x), "inference alone calls"),
        "functions": (lambda m, x, t: ops.vectorized_map(lambda v: v * (2.0 if t else 3.0), x), "both"),
        "wiring": (lambda m, x, t: ops.subtract(*((x, m.dense(x)) if t else (m.dense(x), x))), "both"),
        "calls": (lambda m, x, t: ops.tanh(x) if t else ops.relu(x), "inference alone calls 'relu'"),
        "outputs": (lambda m, x, t: [x + 1.0] if t else (x + 1.0,), "both call 'add'"),
    }  # fmt: skip
    for call, message in differing.values():
        model = subclass(call, takes_training=True)
        with pytest.raises(StyleError, match="takes one way in training.*" + message):
            convert(model, "functional")


def test_what_acts_in_training_only_may_be_left_out_of_inference():
    def call(m, x, training):
        if training:
            x = layers.GaussianNoise(0.5)(m.drop(x))
        return m.dense(x)

    model = subclass(call, takes_training=True, drop=layers.Dropout(0.5))
    for style in STYLES:
        assert convert(model, style).fingerprint() == model.fingerprint()
