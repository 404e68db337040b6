"""`.h5` files in the older form, as we write them: for the real Keras, recorded, and for us."""

import hashlib
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from oracle import recorded

import trivium as tv

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:An HDF5 file .* is the older form:UserWarning"),
]

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
L = tv.layers


def filled(model):
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    return model


def sequential():
    layers = [tv.Input((4,), name="x"), L.Dense(3, "relu", name="a"), L.Dense(2, name="b")]
    model = tv.Sequential(layers, name="net")
    loss = tv.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tv.optimizers.SGD(0.1, momentum=0.9), loss, metrics=["accuracy"])
    return model, np.array([0, 1, 1, 0, 1])


def functional():
    """A graph with a shared layer, ops, a model inside that is partly frozen, and two outputs."""
    tv.backend.clear_session()
    x = tv.Input((4,), name="x")
    shared = L.Dense(4, name="shared")
    h = tv.ops.relu(shared(L.BatchNormalization(name="norm")(shared(x)))) * 2 + 1
    frozen = L.Dense(4, name="frozen", trainable=False)
    inside = [
        tv.Input((4,), name="y"),
        frozen,
        L.BatchNormalization(name="deep"),
        L.Dense(4, name="end"),
    ]
    h = L.Add(name="sum")([tv.Sequential(inside, name="inner")(h), h])
    h = L.LayerNormalization(axis=[1, 2], name="both")(L.Reshape((2, 2), name="square")(h))
    h = L.Flatten(name="flat")(h)
    model = tv.Model(x, {k: L.Dense(1, name=k)(h) for k in ("p", "q")}, name="net")
    rate = tv.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    losses = {"p": tv.losses.MeanSquaredError(), "q": "mae"}
    model.compile(
        tv.optimizers.Adam(rate),
        losses,
        metrics={"p": [tv.metrics.MeanSquaredError()], "q": ["mae"]},
    )
    return model, {"p": X[:, :1], "q": X[:, 1:2]}


MODELS = {"sequential": sequential, "functional": functional}


def outputs(model):
    found = model.predict(X, verbose=0)
    return [np.asarray(y) for y in (found.values() if isinstance(found, dict) else [found])]


def contents(path):
    """Return what an HDF5 file holds: attributes as they are, and digests of arrays."""
    found = {}

    def keep(name, thing):
        found[name] = {k: np.asarray(v).astype(str).tolist() for k, v in thing.attrs.items()}
        if hasattr(thing, "shape"):
            found[name]["array"] = hashlib.sha256(np.asarray(thing[()]).tobytes()).hexdigest()

    with h5py.File(path) as file:
        keep("", file)
        file.visititems(keep)
    return found


def saved(name, path, trained=True, **options):
    """Save a model with given weights and a given state of its optimizer."""
    model, y = MODELS[name]()
    filled(model)
    if trained:
        model.optimizer.build(model.trainable_variables)
        for i, variable in enumerate(model.optimizer.variables):
            variable.assign(np.full(variable.shape, 3 + i / 64, variable.dtype))
    model.save(path, **options)
    return model, y


def read_by_keras(keras, name):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.h5")
        _, y = saved(name, path)
        model = keras.models.load_model(path)
        results = model.evaluate(X, y, verbose=0, return_dict=True)
        bare = keras.models.load_model(path, compile=False)
        saved(name, path, include_optimizer=False)
        return {
            "outputs": outputs(model),
            "evaluated": results,
            "iterations": int(model.optimizer.iterations),
            "compiled": [bare.compiled, keras.models.load_model(path).compiled],
            "file": contents(path),
        }


@pytest.mark.parametrize("name", MODELS)
def test_keras_reads_it_and_so_do_we(name, tmp_path):
    theirs = recorded(lambda keras: read_by_keras(keras, name))
    model, y = saved(name, tmp_path / "m.h5")
    again = tv.models.load_model(tmp_path / "m.h5")
    for a, b, c in zip(outputs(model), outputs(again), theirs["outputs"], strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-4, atol=1e-5)
    ours = again.evaluate(X, y, verbose=0, return_dict=True)
    # Keras makes `mean_absolute_error` of a metric that was called `mae`.
    assert list(ours.values()) == pytest.approx(list(theirs["evaluated"].values()), rel=1e-4)
    assert theirs["iterations"] == int(again.optimizer.iterations) == 3
    assert theirs["compiled"] == [False, False]
    for mine, other in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine, other)
    saved(name, tmp_path / "bare.h5", include_optimizer=False)
    assert contents(tmp_path / "bare.h5") == theirs["file"], "Another file than Keras was asked of."
    assert not tv.models.load_model(tmp_path / "bare.h5").compiled
    # Weights alone, into a model that is frozen where the other was not, and the other way around.
    twin, _ = MODELS[name]()
    twin.trainable = False
    twin.load_weights(tmp_path / "m.h5")
    assert twin.weights_sha256() == model.weights_sha256()


def test_training_goes_on(tmp_path):
    model, y = saved("sequential", tmp_path / "m.h5")
    again = tv.models.load_model(tmp_path / "m.h5")
    for one in (model, again):
        one.fit(X, y, epochs=2, shuffle=False, verbose=0)
    assert again.weights_sha256() == model.weights_sha256()


def test_one_that_was_not_trained_says_so_without_a_warning(tmp_path):
    saved("sequential", tmp_path / "m.h5", trained=False)
    assert int(tv.models.load_model(tmp_path / "m.h5").optimizer.iterations) == 0


def test_long_lists_of_names_are_in_several_attributes(tmp_path):
    names = [f"{'a' * 900}{i}" for i in range(150)]
    layers = [L.Activation("linear", name=n) for n in names]
    model = filled(tv.Sequential([tv.Input((4,)), *layers, L.Dense(2, name="z")]))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        attributes = file["model_weights"].attrs
        parts = [attributes[f"layer_names{i}"] for i in range(3)]
        assert "layer_names3" not in attributes
        assert np.concatenate(parts).astype(str).tolist() == [*names, "z"]
    again = tv.models.load_model(tmp_path / "m.h5")
    assert again.weights_sha256() == model.weights_sha256()


@tv.saving.register_keras_serializable("test_legacy_writer")
class Twins(tv.layers.Layer):
    """Has two weights of one path, in half precision."""

    def build(self, shape):
        self.a, self.b = (self.add_weight((2,), name="w", dtype="bfloat16") for _ in range(2))

    def call(self, x):
        return x + tv.ops.cast(tv.ops.sum(self.a - self.b), x.dtype)


def test_weights_of_one_path_and_in_half_precision(tmp_path):
    model = filled(tv.Sequential([tv.Input((4,)), Twins(name="twins")]))
    model.save(tmp_path / "m.hdf5")
    again = tv.models.load_model(tmp_path / "m.hdf5")
    assert again.weights_sha256() == model.weights_sha256()
    assert again.layers[0].a.dtype == "bfloat16"


class Subclassed(tv.Model):
    def __init__(self):
        super().__init__(name="mine")
        self.scale = self.add_weight((4,), "ones", name="scale")
        self.dense = L.Dense(2, name="dense")

    def call(self, x):
        return self.dense(x * self.scale)


def lookup():
    layer = L.StringLookup(name="words")
    layer.adapt(np.array(["a", "b"]))
    x = tv.Input((1,), dtype="string")
    return tv.Model(x, layer(x))


def called(model):
    model(X)
    return model


REFUSED = {
    "subclassed": (lambda: called(Subclassed()), NotImplementedError, r"m\.h5 .*'mine'.*`call`.*\.keras"),
    "vocabulary": (lookup, ValueError, r"m\.h5 has no room .*vocabulary.*\.keras"),
    "lambda": (
        lambda: tv.Sequential([tv.Input((4,)), L.Lambda(lambda x: x)]), ValueError, "a config cannot hold"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_it_cannot_hold_is_refused_and_nothing_is_written(case, tmp_path):
    make, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words):
        make().save(tmp_path / "m.h5")
    assert not list(tmp_path.iterdir())


def test_writing_is_durable_and_warns(tmp_path, monkeypatch):
    model, _ = sequential()
    with pytest.warns(UserWarning, match=r"is the older form of a model; '\.keras'"):
        tv.saving.save_model(model, tmp_path / "m.h5")
    before = (tmp_path / "m.h5").read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(tmp_path / "m.h5", overwrite=False)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    with pytest.raises(OSError, match=r"m\.h5 could not be written.*unchanged"):
        model.save(tmp_path / "m.h5")
    assert [p.name for p in tmp_path.iterdir()] == ["m.h5"]
    assert (tmp_path / "m.h5").read_bytes() == before
    with pytest.raises(ValueError, match=r"got '.*m\.weights\.h5'"):
        model.save(tmp_path / "m.weights.h5")


def test_a_keras_file_without_the_optimizer(tmp_path):
    model, _ = saved("sequential", tmp_path / "m.keras", include_optimizer=False)
    again = tv.models.load_model(tmp_path / "m.keras")
    assert not again.compiled and again.weights_sha256() == model.weights_sha256()


def test_a_checkpoint_of_the_best_model(tmp_path):
    model, y = sequential()
    best = tv.callbacks.ModelCheckpoint(tmp_path / "best.h5", "loss", save_best_only=True)
    model.fit(X, y, verbose=0, callbacks=[best])
    assert tv.models.load_model(tmp_path / "best.h5").weights_sha256() == model.weights_sha256()


@pytest.mark.parametrize("style", ["subclassed", "functional"])
def test_weights_alone_as_keras_2_wrote_them(style, tmp_path):
    from trivium.compat.older import applied

    make = {"subclassed": lambda: called(Subclassed()), "functional": lambda: functional()[0]}[
        style
    ]
    model, other = filled(make()), make()
    path = tmp_path / "w.h5"
    with pytest.raises(ValueError, match=r"\.weights\.h5"):
        model.save_weights(path)
    with applied():
        model.save_weights(path, save_format="h5")
        tv.callbacks.ModelCheckpoint(path, save_weights_only=True)
        with pytest.raises(FileExistsError):
            model.save_weights(path, overwrite=False)
    for by_name in (False, True):
        other.set_weights([np.zeros(w.shape) for w in other.weights])
        other.load_weights(path, by_name=by_name)
        assert other.weights_sha256() == model.weights_sha256()
    with pytest.raises(ValueError, match=r"\.weights\.h5"):
        tv.callbacks.ModelCheckpoint(path, save_weights_only=True)


def test_objects_are_taken_for_what_their_place_says(tmp_path):
    """Files of Keras name a class without its module: `MeanSquaredError` is a loss, and a metric."""
    model, y = sequential()
    model.compile("sgd", tv.losses.MeanSquaredError(), metrics=[tv.metrics.MeanSquaredError()])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        said = json.loads(file.attrs["training_config"])
        for config in (said["loss"], *said["metrics"], said["optimizer_config"]):
            del config["module"], config["registered_name"]
        file.attrs["training_config"] = json.dumps(said)
    again = tv.models.load_model(tmp_path / "m.h5")
    results = again.evaluate(X, np.stack([y, y], 1), verbose=0, return_dict=True)
    assert results.keys() == {"loss", "mean_squared_error"}
