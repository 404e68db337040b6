"""Whole models in files: there and back, from and to the real Keras, compiled as they were, with the optimizer's state.

Of Keras's archives the parts are recorded, with what its model gives; of ours, what Keras gives that has loaded it, and
a hash of what it was asked about. If we write another file one day, its hash is another one, and Keras is to be asked
again.
"""

import io
import os

import jax
import numpy as np
import pytest
from archives import archive_of, digest, parts, saved
from oracle import recorded

import trivium as tv

# Keras's own `Variable.numpy` warns under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4)).astype("float32")
WORDS = RNG.integers(0, 9, size=(3, 4)).astype("int32")


def sequential(lib):
    layers = [lib.layers.Dense(5, activation="relu", name="hidden"), lib.layers.Dropout(0.5)]
    model = lib.Sequential([lib.Input((4,)), *layers, lib.layers.BatchNormalization()], name="net")
    model.compile("adam", "mse", metrics=["mae"])
    return model, X


def ops_in_the_graph(lib):
    x = lib.Input((4,), name="x")
    h = lib.layers.Dense(3, kernel_regularizer="l2", name="a")(x)
    h = lib.ops.concatenate([h * 2, lib.ops.sum(h, axis=-1, keepdims=True)], axis=-1)
    model = lib.Model(x, lib.layers.Dense(1, name="out")(h[:, :3] + 1.0), name="net")
    rate = lib.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    model.compile(lib.optimizers.SGD(rate, momentum=0.9, use_ema=True), lib.losses.Huber(0.5))
    return model, X


def shared_with_several_ends(lib):
    a, b = lib.Input((4,), name="a"), lib.Input((4,), name="b")
    shared = lib.layers.Dense(3, name="shared")
    both = lib.layers.concatenate([shared(a), shared(b)], name="both")
    ends = {"x": lib.layers.Dense(1, name="x")(both), "y": lib.layers.Dense(2, name="y")(shared(a))}
    model = lib.Model({"a": a, "b": b}, ends, name="net")
    model.compile(lib.optimizers.RMSprop(0.01, centered=True), {"x": "mse", "y": "mae"},
                  loss_weights={"x": 1.0, "y": 0.5})  # fmt: skip
    return model, {"a": X, "b": X[::-1].copy()}


def nested(lib):
    words = lib.Input((4,), dtype="int32", name="words")
    inner = lib.Sequential(
        [lib.layers.Embedding(9, 3, mask_zero=True), lib.layers.GlobalAveragePooling1D()],
        name="inner",
    )
    x = lib.Input((3,), name="x")
    outer = lib.Model(x, lib.layers.LayerNormalization(name="norm")(x), name="outer")
    y = outer(inner(words))
    model = lib.Model(words, lib.layers.Dense(2, activation="softmax", name="out")(y), name="net")
    model.compile(lib.optimizers.LossScaleOptimizer(lib.optimizers.AdamW(0.01)),
                  lib.losses.SparseCategoricalCrossentropy(), weighted_metrics=["accuracy"])  # fmt: skip
    return model, WORDS


def subclassed(lib):
    @lib.saving.register_keras_serializable("tests")
    class Net(lib.Model):
        def __init__(self, width, **kwargs):
            super().__init__(**kwargs)
            self.width = width
            self.blocks = [lib.layers.Dense(width, name=f"block_{i}") for i in range(2)]
            # In the order of the call: `swapped` has another one, in which the optimizers' lists differ.
            self.heads = {"a": lib.layers.Dense(1, name="a"), "b": lib.layers.Dense(1, name="b")}
            self.factor = self.add_weight(shape=(1,), name="factor")

        def get_config(self):
            return {"width": self.width, "name": self.name}

        def call(self, x):
            for block in self.blocks:
                x = lib.ops.tanh(block(x))
            return self.heads["a"](x) * self.factor + self.heads["b"](x)

    model = Net(3, name="net")
    model(X)
    model.compile("nadam", "mse")
    return model, X


def own_layers(lib):
    """A layer with a config of its own around another one, and one that keeps its state in its own way."""

    @lib.saving.register_keras_serializable("tests")
    class Around(lib.layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

        def build(self, input_shape):
            if not self.inner.built:
                self.inner.build(input_shape)
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, x):
            return self.inner(x) * self.scale

        def get_config(self):
            inner = lib.saving.serialize_keras_object(self.inner)
            return {**super().get_config(), "inner": inner}

        @classmethod
        def from_config(cls, config):
            inner = lib.saving.deserialize_keras_object(config.pop("inner"))
            return cls(inner=inner, **config)

    @lib.saving.register_keras_serializable("tests")
    class Halved(lib.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=input_shape[-1:], initializer="ones", name="w")

        def call(self, x):
            return x * self.w

        def save_own_variables(self, store):
            store["half"] = np.asarray(self.w) / 2

        def load_own_variables(self, store):
            self.w.assign(np.asarray(store["half"]) * 2)

    layers = [Around(lib.layers.Dense(3, name="inner"), name="around"), Halved(name="halved")]
    return lib.Sequential([lib.Input((4,)), *layers], name="net"), X


def low_rank(lib):
    """Factors beside kernels: Keras writes the kernel with their product in it."""
    layers = [
        lib.layers.Dense(3, name="dense", lora_rank=2, lora_alpha=3),
        lib.layers.EinsumDense("ab,bc->ac", 6, bias_axes="c", name="einsum", lora_rank=1),
        lib.layers.Reshape((3, 2)),
        lib.layers.Conv1D(2, 2, name="conv", lora_rank=1),
    ]
    model = lib.Sequential([lib.Input((4,)), *layers], name="net")
    model.compile("adam", "mse")
    return model, X


MODELS = [sequential, ops_in_the_graph, shared_with_several_ends, nested, subclassed, own_layers]
MODELS.append(low_rank)
EACH = pytest.mark.parametrize("build", MODELS, ids=lambda f: f.__name__)


def filled(lib, build):
    """Return a model with weights and an optimizer's state that follow from a seed, and what to call it on."""
    lib.backend.clear_session()
    model, x = build(lib)
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    if getattr(model, "optimizer", None) is not None:
        model.optimizer.build(model.trainable_variables)
        for i, variable in enumerate(model.optimizer.variables):
            if len(variable.shape):
                variable.assign(rng.uniform(0.5, 1.5, variable.shape))
            elif str(variable.dtype) == "int32":
                variable.assign(i + 3)
    return model, x


def state(model, x):
    """Return what a model says of itself: its outputs, and its optimizer's variables."""
    optimizer = getattr(model, "optimizer", None)
    kept = [] if optimizer is None else [np.asarray(v) for v in optimizer.variables]
    return {"outputs": [np.asarray(y) for y in jax.tree_util.tree_leaves(model(x))], "state": kept}


def written_by_keras(keras, build):
    model, x = filled(keras, build)
    return {**parts(saved(model)), **state(model, x)}


def loaded_by_keras(keras, build):
    import tempfile

    ours, x = filled(tv, build)
    file = saved(ours)
    build(keras)  # Its classes are registered then.
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/m.keras", "wb") as whole:
            whole.write(file)
        return {"file": digest(file), **state(keras.saving.load_model(f"{folder}/m.keras"), x)}


def assert_same(ours, theirs):
    for key in ("outputs", "state"):
        for a, b in zip(ours[key], theirs[key], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@EACH
def test_a_file_of_keras_is_the_model(build):
    theirs = recorded(lambda keras: written_by_keras(keras, build))
    _, x = build(tv)
    model = tv.models.load_model(archive_of(theirs["config"], theirs["weights"], theirs["names"]))
    assert_same(state(model, x), theirs)


@EACH
def test_our_file_is_the_model_in_keras(build):
    theirs = recorded(lambda keras: loaded_by_keras(keras, build))
    model, x = filled(tv, build)
    assert digest(saved(model)) == theirs["file"], (
        "This is another file than Keras was asked about: record anew."
    )
    assert_same(state(model, x), theirs)


def swapped(lib):
    """Layers of one shape that are called in another order than they were assigned in: Keras lists them as assigned."""

    @lib.saving.register_keras_serializable("tests")
    class Swapped(lib.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.last, self.first = lib.layers.Dense(4, name="last"), lib.layers.Dense(4, name="b")

        def call(self, x):
            return self.last(self.first(x))

    model = Swapped()
    model(X)
    model.compile("adam", "mse")
    return model, X


def stepped(model, x):
    model.train_on_batch(x, np.ones_like(x))
    return {"next": np.asarray(model(x))}


def swapped_by_keras(keras):
    model, x = filled(keras, swapped)
    return {**parts(saved(model)), **stepped(model, x)}


def swapped_in_keras(keras):
    import tempfile

    file = saved(filled(tv, swapped)[0])
    swapped(keras)
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/m.keras", "wb") as whole:
            whole.write(file)
        return {"file": digest(file), **stepped(keras.saving.load_model(f"{folder}/m.keras"), X)}


def test_the_optimizer_goes_on_where_keras_lists_the_weights_otherwise():
    theirs = recorded(lambda keras: swapped_by_keras(keras))
    model, x = filled(tv, swapped)
    loaded = tv.models.load_model(archive_of(theirs["config"], theirs["weights"], theirs["names"]))
    np.testing.assert_allclose(stepped(loaded, x)["next"], theirs["next"], rtol=1e-5)
    file = saved(model)
    theirs = recorded(lambda keras: swapped_in_keras(keras), case="ours")
    assert digest(file) == theirs["file"], "This is another file than Keras was asked about."
    again = tv.models.load_model(io.BytesIO(file))
    for one in (again, model):
        np.testing.assert_allclose(stepped(one, x)["next"], theirs["next"], rtol=1e-5)


@EACH
@pytest.mark.parametrize("zipped", [True, False])
def test_there_and_back(build, zipped, tmp_path):
    model, x = filled(tv, build)
    path = tmp_path / ("m.keras" if zipped else "m")
    model.save(path, zipped=zipped)
    other = tv.models.load_model(path)
    mine, theirs = state(model, x), state(other, x)
    for key in mine:
        assert all(map(np.array_equal, mine[key], theirs[key]))
    assert other.weights_sha256() == model.weights_sha256()
    assert other.get_config() == model.get_config()
    assert other.get_compile_config() == model.get_compile_config()
    assert type(other) is type(model) and other.name == model.name
    assert os.listdir(tmp_path) == [path.name]


def test_a_loaded_model_trains_on_with_the_same_bits(tmp_path):
    tv.utils.set_random_seed(3)
    model, _ = sequential(tv)
    x, y = np.tile(X, (4, 1)), np.ones((12, 5), "float32")
    model.fit(x, y, batch_size=4, verbose=0)
    model.save(tmp_path / "m.keras")
    other = tv.models.load_model(tmp_path / "m.keras")
    assert other.optimizer.iterations.numpy() == 3
    histories = [m.fit(x, y, batch_size=4, epochs=2, verbose=0).history for m in (model, other)]
    assert histories[0] == histories[1]
    assert model.weights_sha256() == other.weights_sha256()


def test_compile_false_leaves_the_compiling_to_the_caller(tmp_path):
    model, _ = filled(tv, sequential)
    model.save(tmp_path / "m.keras")
    other = tv.models.load_model(tmp_path / "m.keras", compile=False)
    assert not other.compiled and other.weights_sha256() == model.weights_sha256()


def test_custom_objects_are_known_to_the_call_alone(tmp_path):
    class Twice(tv.layers.Layer):
        def call(self, x):
            return 2 * x

    model = tv.Sequential([tv.Input((4,)), Twice(name="twice")])
    model.save(tmp_path / "m.keras")
    other = tv.models.load_model(tmp_path / "m.keras", custom_objects={"Twice": Twice})
    np.testing.assert_array_equal(other(X), 2 * X)
    with pytest.warns(UserWarning, match=r"m.keras: .*'Twice'.*register_keras"):
        other = tv.models.load_model(tmp_path / "m.keras")
    assert not any(isinstance(layer, Twice) for layer in other.layers)


def test_assets_are_files_of_a_layers_own(tmp_path):
    @tv.saving.register_keras_serializable("tests")
    class Vocabulary(tv.layers.Layer):
        words = ()

        def call(self, x):
            return x

        def save_assets(self, folder):
            with open(os.path.join(folder, "words.txt"), "w") as file:
                file.write("\n".join(self.words))

        def load_assets(self, folder):
            with open(os.path.join(folder, "words.txt")) as file:
                self.words = tuple(file.read().split("\n"))

    layer = Vocabulary(name="vocabulary")
    layer.words = ("a", "b")
    model = tv.Sequential([tv.Input((4,)), layer])
    for path, zipped in ((tmp_path / "m.keras", True), (tmp_path / "m", False)):
        model.save(path, zipped=zipped)
        assert tv.models.load_model(path).layers[0].words == ("a", "b")


def test_misuse_is_explained(tmp_path):
    model, _ = sequential(tv)
    with pytest.raises(
        ValueError, match=r"ends in '.keras', or '.h5' in the older form; got 'model.h6'"
    ):
        model.save("model.h6")
    with pytest.raises(FileNotFoundError, match=r"no model none\.keras"):
        tv.models.load_model("none.keras")
    model.save(tmp_path / "m.keras")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(tmp_path / "m.keras", overwrite=False)
    with pytest.raises(tv.saving.ModelFileError, match=r"no `\.keras` archive"):
        tv.models.load_model(io.BytesIO(b"PK and nothing more"))


def test_a_model_that_was_compiled_and_never_trained(tmp_path):
    model, _ = sequential(tv)
    model.optimizer.learning_rate = 0.25
    model.save(tmp_path / "m.keras")
    other = tv.models.load_model(tmp_path / "m.keras")
    assert other.optimizer.learning_rate.numpy() == 0.25


def test_a_file_that_is_open_for_writing_alone_gets_the_model(tmp_path):
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(2)])
    with (tmp_path / "model.keras").open("wb") as file:
        file.write(b"")
        model.save(file)
    again = tv.models.load_model(tmp_path / "model.keras")
    assert again.weights_sha256() == model.weights_sha256()


def test_a_class_that_does_not_say_its_shapes_is_told_what_to_do():
    @tv.saving.register_keras_serializable("tests")
    class Shapeless(tv.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = tv.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

        def get_build_config(self):
            return None

    model, file = Shapeless(), io.BytesIO()
    model(X)
    model.save(file)
    with pytest.raises(
        tv.saving.ModelFileError, match=r"does not say for which shapes.*load_weights"
    ):
        tv.models.load_model(file)


def test_a_layer_that_says_how_it_was_built_is_built_so_within_a_model():
    @tv.saving.register_keras_serializable("tests")
    class Widened(tv.layers.Layer):
        def build(self, shape, width=2):
            self.kernel = self.add_weight((shape[-1], width), name="kernel")
            self.said = {"shape": shape, "width": width}

        def call(self, x):
            return x @ self.kernel

        def get_build_config(self):
            return self.said

        def build_from_config(self, config):
            self.build(tuple(config["shape"]), config["width"])

    layer, file = Widened(), io.BytesIO()
    layer.build((None, X.shape[-1]), 5)
    model = tv.Sequential([tv.Input(X.shape[1:]), layer, tv.layers.Dense(1)])
    model.save(file)
    np.testing.assert_array_equal(tv.models.load_model(file)(X), model(X))
