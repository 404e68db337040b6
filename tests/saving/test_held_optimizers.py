"""Optimizers that a model holds as attributes, as a GAN does: in files of ours and of Keras, there and back."""

import contextlib
import io
import tempfile

import numpy as np
import pytest
from archives import archive_of, digest, parts, saved
from oracle import recorded

import trivium as tv
from trivium.saving.places import optimizers_of

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
EARLY = pytest.mark.parametrize("early", [True, False])


def gan(lib, early):
    """Two networks, one of which calls its layers in another order than it lists them, with an optimizer for each.

    Early ones are built with the model, so that a file has a place for their state whoever wrote it.
    """

    @lib.saving.register_keras_serializable("tests")
    class Side(lib.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.last, self.first = lib.layers.Dense(4, name="last"), lib.layers.Dense(4, name="b")

        def call(self, x):
            return self.last(self.first(x))

    @lib.saving.register_keras_serializable("tests")
    class Gan(lib.Model):
        def __init__(self, early=False, **kwargs):
            super().__init__(**kwargs)
            self.g, self.d, self.early = Side(name="g"), lib.layers.Dense(1, name="d"), early
            self.g_opt = lib.optimizers.Adam(0.1)
            self.more = [{"d": lib.optimizers.SGD(0.1, momentum=0.5)}]

        def get_config(self):
            return {**super().get_config(), "early": self.early}

        def build(self, shape):
            self.g(X[:1])
            self.d.build(shape)
            self.built = True
            if self.early:
                self.prepare()

        def call(self, x):
            return self.d(self.g(x))

        def sides(self):
            return (self.g_opt, self.g), (self.more[0]["d"], self.d)

        def prepare(self):
            for optimizer, side in self.sides():
                optimizer.build(side.trainable_variables)

        def step(self):
            for optimizer, side in self.sides():
                # Gradients that tell weights apart by what they are, in whichever order they come.
                optimizer.apply_gradients(
                    [(np.abs(np.asarray(w) - 0.7), w) for w in side.trainable_variables]
                )

    model = Gan(early)
    model.build((None, 4))
    return model


def filled(lib, early):
    lib.backend.clear_session()
    model = gan(lib, early)
    rng = np.random.default_rng(1)
    for layer in (model.g.first, model.g.last, model.d):
        layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.weights])
    model.prepare()
    model.step()
    return model


def after(model):
    model.prepare()
    model.step()
    return {"y": np.asarray(model(X)), "steps": int(np.asarray(model.g_opt.iterations))}


def written_by_keras(keras, early):
    model = filled(keras, early)
    return {**parts(saved(model)), **after(model)}


def loaded_by_keras(keras, early):
    file = saved(filled(tv, early))
    gan(keras, early)
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/m.keras", "wb") as whole:
            whole.write(file)
        return {"file": digest(file), **after(keras.saving.load_model(f"{folder}/m.keras"))}


@EARLY
def test_a_file_of_keras_goes_on(early):
    theirs = recorded(lambda keras: written_by_keras(keras, early))
    mine = filled(tv, early)
    file = archive_of(theirs["config"], theirs["weights"], theirs["names"])
    # Such a file does not say for which weights an optimizer was built.
    anew = contextlib.nullcontext() if early else pytest.warns(UserWarning, match="starts anew")
    with anew:
        model = tv.models.load_model(file)
    assert optimizers_of(model).keys() == optimizers_of(mine).keys()
    found = after(model)
    assert found["steps"] == (theirs["steps"] if early else 1)
    if early:
        np.testing.assert_allclose(found["y"], theirs["y"], rtol=1e-5)


def test_our_file_goes_on_in_keras():
    theirs = recorded(lambda keras: loaded_by_keras(keras, True))
    model = filled(tv, True)
    assert digest(saved(model)) == theirs["file"], (
        "This is another file than Keras was asked about."
    )
    found = after(model)
    np.testing.assert_allclose(found["y"], theirs["y"], rtol=1e-5)
    assert found["steps"] == theirs["steps"] == 2


@EARLY
def test_a_loaded_model_goes_on_with_the_same_bits(early):
    model = filled(tv, early)
    other = tv.models.load_model(io.BytesIO(saved(model)))
    assert after(model)["y"].tobytes() == after(other)["y"].tobytes()
    assert model.g_opt.iterations.numpy() == other.g_opt.iterations.numpy() == 2


def test_weights_alone_come_without_them(tmp_path):
    theirs = recorded(lambda keras: written_by_keras(keras, True))
    file = archive_of(theirs["config"], theirs["weights"], theirs["names"])
    (tmp_path / "m.keras").write_bytes(file.getvalue())
    model = gan(tv, True)
    model.load_weights(tmp_path / "m.keras")
    assert model.g_opt.iterations.numpy() == 0
    assert tv.saving.KerasFileEditor(tmp_path / "m.keras").compare(model)["status"] == "success"
    np.testing.assert_array_equal(model.d.bias, theirs["weights"]["d/vars/1"])


def test_a_model_that_is_compiled_within_another_and_one_optimizer_in_two_places(tmp_path):
    inner = tv.Sequential([tv.Input((4,)), tv.layers.Dense(4)])
    inner.compile("adam", "mse")
    inner.optimizer.build(inner.trainable_variables)
    model = tv.Sequential([inner, tv.layers.Dense(1)])
    model.also = tv.optimizers.SGD(momentum=0.5)
    model.compile(model.also, "mse")
    model.train_on_batch(X, X[:, :1])
    assert list(optimizers_of(model)) == ["layers/sequential/optimizer", "also"]
    model.save(tmp_path / "m.keras")
    other = tv.models.load_model(tmp_path / "m.keras")
    for one in (model, other):
        one.train_on_batch(X, X[:, :1])
    assert model.weights_sha256() == other.weights_sha256()


def test_a_report_counts_what_is_the_models_alone(tmp_path):
    model = filled(tv, True)
    model.save(tmp_path / "m.keras")
    assert tv.saving.inspect_file(tmp_path / "m.keras").parameters == model.count_params()


def test_a_compile_of_ones_own_leaves_no_optimizer_without_its_state(tmp_path):
    @tv.saving.register_keras_serializable("tests")
    class Own(tv.Sequential):
        def compile(self, other, **kwargs):
            super().compile("adam", "mse", **kwargs)
            self.other = tv.optimizers.get(other)

        def get_compile_config(self):
            return {"other": tv.saving.serialize_keras_object(self.other)}

        def compile_from_config(self, config):
            self.compile(tv.saving.deserialize_keras_object(config["other"]))

    model = Own([tv.Input((4,)), tv.layers.Dense(1)])
    model.compile("sgd")
    model.train_on_batch(X, X[:, :1])
    model.save(tmp_path / "m.keras")
    other = tv.models.load_model(tmp_path / "m.keras")
    assert type(other.other) is tv.optimizers.SGD
    for one in (model, other):
        one.train_on_batch(X, X[:, :1])
    assert model.weights_sha256() == other.weights_sha256()


def test_without_optimizers_a_file_has_none_of_them():
    model, file = filled(tv, True), io.BytesIO()
    model.save(file, include_optimizer=False)
    assert not [k for k in parts(file.getvalue())["weights"] if "opt" in k or "sgd" in k]
