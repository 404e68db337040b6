"""`run_eagerly=True`: the user's own lines run, each step, in every style."""

import numpy as np
import pytest

import trivium as tv

X, Y = np.ones((12, 4), "float32"), np.ones((12, 1), "float32")


class Counting(tv.Model):
    """Counts its calls and keeps the last mean it saw, in plain Python."""

    def __init__(self):
        super().__init__()
        self.dense = tv.layers.Dense(1)
        self.calls = 0
        self.modes = []

    def call(self, inputs, training=False):
        self.calls += 1
        self.modes.append(training)
        return self.dense(inputs)


def alone(inner):
    return inner


def in_functional(inner):
    x = tv.Input((4,))
    return tv.Model(x, inner(x))


def in_sequential(inner):
    return tv.Sequential([tv.layers.Dense(4), inner])


def in_subclass(inner):
    class Outer(tv.Model):
        def __init__(self):
            super().__init__()
            self.inner = inner

        def call(self, inputs):
            return self.inner(inputs)

    return Outer()


@pytest.mark.parametrize("around", [alone, in_functional, in_sequential, in_subclass])
def test_each_step_runs_the_call(around):
    inner = Counting()
    model = around(inner)
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, Y, batch_size=4, verbose=0)
    assert inner.calls >= 3
    assert inner.modes[-3:] == [True] * 3
    for use, steps in ((model.evaluate, 3), (model.predict, 3)):
        before = inner.calls
        use(*(X, Y) if steps and use == model.evaluate else (X,), batch_size=4, verbose=0)
        assert inner.calls >= before + steps
        assert inner.modes[-1] is False


def test_compiled_steps_replay_what_was_traced():
    model = Counting()
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=4, verbose=0)
    before = model.calls
    model.fit(X, Y, batch_size=4, epochs=5, verbose=0)
    assert model.calls == before


def test_an_eager_step_that_fails_leaves_no_mark():
    class Failing(Counting):
        def call(self, inputs, training=False):
            if training and self.calls > 2:
                raise RuntimeError("no more")
            return super().call(inputs)

    model = Failing()
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X, Y, batch_size=4, verbose=0)
    assert not model._steps_eagerly


class Looking(tv.Model):
    def __init__(self, see):
        super().__init__()
        self.dense = tv.layers.Dense(1, kernel_initializer="ones")
        self.see = see

    def call(self, inputs):
        outputs = self.dense(inputs)
        print("mean", self.see(outputs.mean()) > 3)
        return -outputs if float(inputs[0, 0]) > 0 else outputs


def test_values_can_be_printed_and_branched_on(capsys):
    model = Looking(lambda x: float(tv.ops.stop_gradient(x)))
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X[:4], Y[:4], verbose=0)
    assert "mean True" in capsys.readouterr().out
    model.layers[0].set_weights([np.ones((4, 1)), np.zeros(1)])
    assert model.predict(X[:2], verbose=0).tolist() == [[-4.0], [-4.0]]


def test_what_gradients_hide_is_said_at_its_line():
    model = Looking(float)
    model.compile("sgd", "mse", run_eagerly=True)
    assert model.predict(X[:2], verbose=0).tolist() == [[-4.0], [-4.0]]
    with pytest.raises(tv.CaptureError, match=r"test_eager\.py:\d+: .*ops\.stop_gradient"):
        model.fit(X[:4], Y[:4], verbose=0)


def test_plain_python_comes_close():
    """Steps as plain Python, with draws, running averages and an optimizer's state, and as one program."""
    generator = np.random.default_rng(5)
    x, y = generator.normal(size=(20, 4)).astype("float32"), generator.integers(0, 3, 20)
    models = []
    for eagerly in (False, True):
        tv.utils.set_random_seed(3)
        model = tv.Sequential(
            [
                tv.Input((4,)),
                tv.layers.BatchNormalization(),
                tv.layers.Dropout(0.3),
                tv.layers.Dense(3, activation="softmax"),
            ]
        )
        model.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eagerly
        )
        model.fit(x, y, batch_size=5, verbose=0, validation_split=0.25)
        models.append(model)
    compiled, plain = models
    for name, values in plain.history.history.items():
        np.testing.assert_allclose(values, compiled.history.history[name], rtol=1e-4, err_msg=name)
    for ours, theirs in zip(plain.get_weights(), compiled.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_code_that_branches_on_values_trains_as_plain_python():
    class Branching(tv.Model):
        def __init__(self):
            super().__init__()
            self.dense = tv.layers.Dense(1)

        def call(self, x):
            y = self.dense(x)
            return y if y[0, 0] > 0 else 2 * y

    x = np.random.default_rng(5).normal(size=(43, 4)).astype("float32")
    model = Branching()
    model.compile(tv.optimizers.SGD(0.1), "mse", metrics=["mae"], run_eagerly=True)
    history = model.fit(x, x[:, :1], epochs=5, verbose=0, shuffle=False).history
    assert history["loss"][-1] < history["loss"][0] and len(history["mae"]) == 5
    assert model.predict(x, verbose=0).shape == (43, 1)
