"""Weight files: there and back in every style, from and to the real Keras, and hostile ones turned away."""

import os
import tempfile
import warnings

import h5py
import numpy as np
import pytest
from archives import datasets, write_datasets
from fixed_plans import fixed_plans
from oracle import recorded

import trivium as tv
from trivium.saving import hdf5
from trivium.saving.weights import read_weights, variable_places, write_weights

X = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")


def sequential(library=tv):
    return library.Sequential(
        [
            library.Input((4,)),
            library.layers.Dense(5, activation="relu", name="hidden"),
            library.layers.BatchNormalization(name="norm"),
            library.layers.Dense(2, name="out"),
        ],
        name="net",
    )


def functional(library=tv):
    x = library.Input((4,))
    y = library.layers.Dense(5, activation="relu")(x)
    y = library.layers.BatchNormalization()(y)
    return library.Model(x, library.layers.Dense(2)(y))


def subclass_of(library):
    class Net(library.Model):
        """Written last layer first, with lists and dicts, some before and some behind `layers` in the alphabet."""

        def __init__(self):
            super().__init__()
            self.top = library.layers.Dense(2)
            self.blocks = [{"norm": library.layers.BatchNormalization()}, library.layers.Dense(5)]
            self.again = self.blocks[1]

        def call(self, x):
            return self.top(self.blocks[0]["norm"](library.ops.relu(self.blocks[1](x))))

    return Net


def subclass(library=tv):
    model = subclass_of(library)()
    model(X)
    return model


STYLES = [sequential, functional, subclass]


def randomize(model, seed=1):
    generator = np.random.default_rng(seed)
    model.set_weights([generator.uniform(0.5, 1.5, w.shape) for w in model.weights])


def assert_same_weights(one, other):
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=a.path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


@pytest.fixture
def saved(path):
    """A file of a random sequential model."""
    model = sequential()
    randomize(model)
    model.save_weights(path)
    return path


# --- there and back


@pytest.mark.parametrize("target", STYLES)
@pytest.mark.parametrize("source", STYLES)
def test_a_network_takes_the_file_of_its_twin_in_any_style(source, target, path):
    one, other = source(), target()
    randomize(one)
    one.save_weights(path)
    other.load_weights(path)
    assert other.weights_sha256() == one.weights_sha256()
    assert np.array_equal(one(X), other(X))


def test_a_layer_has_a_file_too(path):
    one, other = tv.layers.Dense(3), tv.layers.Dense(3)
    one(X), other(X)
    tv.saving.save_weights(one, str(path))
    tv.saving.load_weights(other, str(path))
    assert_same_weights(one, other)
    with h5py.File(path) as file:
        assert sorted(file["vars"]) == ["0", "1"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "mixed_bfloat16"])
def test_half_types_come_back_to_the_bit(dtype, path):
    def build(library):
        layer = library.layers.Dense(3, dtype=dtype)
        return library.Sequential([library.Input((4,)), layer])

    theirs = recorded(lambda keras: exchanged(keras, build))
    one, other = build(tv), build(tv)
    randomize(one)
    one.save_weights(path)
    assert forms(path) == theirs["file"], OTHER_FILE
    other.load_weights(path)
    for a, b, c in zip(one.weights, other.weights, theirs["loaded"], strict=True):
        assert a.dtype == b.dtype == str(c.dtype)
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
        np.testing.assert_array_equal(np.asarray(a, "float32"), np.asarray(c, "float32"))
    write_datasets(path, theirs["written"])
    other.load_weights(path)
    randomize(one, seed=2)
    assert_same_weights(other, one)


def test_weights_of_other_dtypes_are_cast_but_never_cut(path):
    wide, narrow = (
        tv.Sequential([tv.Input((4,)), tv.layers.Dense(3, dtype=d)])
        for d in ("float32", "bfloat16")
    )
    wide.save_weights(path)
    narrow.load_weights(path)
    assert narrow.weights[0].dtype == "bfloat16"

    class Count(tv.Layer):
        def build(self, shape):
            self.count = self.add_weight((3,), "zeros", dtype="int32", trainable=False)

        def call(self, x):
            return x

    layer = Count()
    layer(X)
    with h5py.File(path, "w") as file:
        file["vars/0"] = np.array([0.5, 1.5, 2.5])
    with pytest.raises(
        ValueError, match=r"'/vars/0' holds values of the type float64.*wants int32"
    ):
        tv.saving.load_weights(layer, path)


def test_a_file_tells_people_what_is_in_it(saved):
    with h5py.File(saved) as file:
        found = {
            name: (int(d.attrs["position"]), d.attrs["path"].decode())
            for name, d in ((n, file[n]) for n in variable_places(sequential()))
        }
    assert found["layers/dense/vars/0"] == (0, "net/hidden/kernel")
    assert found["layers/batch_normalization/vars/3"] == (5, "net/norm/moving_variance")
    assert found["layers/dense_1/vars/1"] == (7, "net/out/bias")


def test_a_file_in_a_file(path):
    """An archive keeps its weights in a file of its own, which may be in memory."""
    import io

    one, other, buffer = sequential(), functional(), io.BytesIO()
    randomize(one)
    with h5py.File(buffer, "w") as file:
        write_weights(one, file)
    with h5py.File(buffer, "r") as file:
        read_weights(other, hdf5.datasets(file, "the archive"), "the archive")
    assert_same_weights(one, other)


# --- the real Keras


OTHER_FILE = "This is another file than Keras was asked about: record anew."


def forms(path):
    """Return what Keras may go by in a file: its datasets with their dtypes and shapes."""
    found = datasets(path).items()
    return {k: (dtype, value.shape, said.get("dtype")) for k, (value, dtype, said) in found}


def exchanged(keras, build, x=None):
    """Return what Keras makes of a file of ours, and the file that it writes."""
    ours, theirs = build(tv), build(keras)
    randomize(ours)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/m.weights.h5"
        ours.save_weights(path)
        theirs.load_weights(path)
        loaded = {"file": forms(path), "loaded": [np.asarray(w) for w in theirs.weights]}
        outputs = [] if x is None else [theirs(x)]
        randomize(theirs, seed=2)
        theirs.save_weights(path)
        outputs += [] if x is None else [theirs(x)]
        return {**loaded, "written": datasets(path), "outputs": outputs}


def assert_exchanged(mine, theirs, path):
    """Our file is what Keras read, weight by weight, and we read what Keras wrote."""
    randomize(mine)
    mine.save_weights(path)
    assert forms(path) == theirs["file"], OTHER_FILE
    for a, b in zip(mine.weights, theirs["loaded"], strict=True):
        np.testing.assert_array_equal(np.asarray(a), b, err_msg=a.path)
    before = mine.weights_sha256()
    randomize(mine, seed=2)
    wanted = mine.weights_sha256()
    write_datasets(path, theirs["written"])
    randomize(mine)
    mine.load_weights(path)
    assert mine.weights_sha256() == wanted != before


@pytest.mark.parametrize("style", STYLES)
def test_files_go_to_keras_and_back(style, path):
    theirs = recorded(lambda keras: exchanged(keras, style, X))
    mine = style()
    randomize(mine)
    mine.save_weights(path)
    assert forms(path) == theirs["file"], OTHER_FILE
    np.testing.assert_allclose(mine(X), theirs["outputs"][0], rtol=1e-5, atol=1e-6)
    write_datasets(path, theirs["written"])
    mine.load_weights(path)
    np.testing.assert_allclose(mine(X), theirs["outputs"][1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("plan", fixed_plans())
def test_random_models_go_to_keras_and_back(plan, path):
    mine, _ = plan.build("net")
    if mine.weights:
        theirs = recorded(
            lambda keras: exchanged(keras, lambda library: plan.build("net", library=library)[0])
        )
        assert_exchanged(mine, theirs, path)
    else:
        with pytest.raises(ValueError, match="no weights to save"):
            mine.save_weights(path)


def test_the_optimizer_in_a_file_of_keras_is_left_alone(path):
    def trained(keras):
        model = sequential(keras)
        randomize(model)
        model.compile("adam", "mse")
        model.fit(X, np.ones((3, 2)), verbose=0)
        with tempfile.TemporaryDirectory() as folder:
            model.save_weights(f"{folder}/m.weights.h5")
            written = datasets(f"{folder}/m.weights.h5")
        return written, [np.asarray(w) for w in model.weights]

    written, weights = recorded(trained)
    write_datasets(path, written)
    with h5py.File(path) as file:
        assert "optimizer" in file
    mine = sequential()
    mine.load_weights(path)
    for a, b in zip(mine.weights, weights, strict=True):
        np.testing.assert_array_equal(np.asarray(a), b, err_msg=a.path)


# --- what does not fit


def other_model(**options):
    return tv.Sequential([tv.Input((4,)), tv.layers.Dense(**options)])


@pytest.mark.parametrize("by", ["position", "place"])
@pytest.mark.parametrize(
    ("build", "by_position", "by_place"),
    [
        (
            lambda: other_model(units=5),
            "holds 8 weights; 'sequential.*' has 2",
            "holds 6 weights that .* does not have",
        ),
        (
            lambda: tv.Sequential([tv.Input((4,)), *map(tv.layers.Dense, (5, 2, 5, 5))]),
            r"'net/norm/gamma' has shape \(5,\); '.*/kernel' has \(5, 2\)",
            r"no weight for '.*dense.*/kernel': there is no dataset 'layers/dense_2/vars/0'. Did you mean",
        ),
        (
            lambda: sequential_of(units=6),
            r"'net/hidden/kernel' has shape \(4, 5\); '.*/kernel' has \(4, 6\)",
            r"'/layers/dense/vars/0' has shape \(4, 5\); '.*/kernel' has \(4, 6\)",
        ),
    ],
)
def test_another_model_is_told_and_left_alone(build, by_position, by_place, by, saved):
    if by == "place":
        forget_attributes(saved)
    model = build()
    before = model.weights_sha256()
    with pytest.raises(ValueError, match=by_position if by == "position" else by_place):
        model.load_weights(saved)
    assert model.weights_sha256() == before


def sequential_of(units):
    layers = [tv.layers.Dense(units), tv.layers.BatchNormalization(), tv.layers.Dense(2)]
    return tv.Sequential([tv.Input((4,)), *layers])


def forget_attributes(path):
    """Leave what Keras would have written."""

    def forget(name, thing):
        for key in list(thing.attrs):
            del thing.attrs[key]

    with h5py.File(path, "a") as file:
        file.visititems(forget)


def test_what_fits_can_be_taken_alone(saved):
    model = sequential_of(units=5)
    model.pop()
    model.add(tv.layers.Dense(3, name="new"))
    model.add(tv.layers.Dense(2, name="newer"))
    before = model.get_layer("new").get_weights()
    with pytest.warns(UserWarning, match=r"stay as they are: \['.*new/kernel'.*'.*newer/bias'\]"):
        model.load_weights(saved, skip_mismatch=True)
    source = sequential()
    source.load_weights(saved)
    np.testing.assert_array_equal(model.layers[0].kernel, source.layers[0].kernel)
    np.testing.assert_array_equal(model.get_layer("new").kernel, before[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sequential().load_weights(saved, skip_mismatch=True)


def test_misuse_is_explained(saved, tmp_path):
    model = sequential()
    with pytest.raises(ValueError, match=r"ends in one of '.weights.h5'.*got 'model.h5'"):
        model.save_weights("model.h5")
    with pytest.raises(FileNotFoundError, match="no weight file"):
        model.load_weights(tmp_path / "none.weights.h5")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save_weights(saved, overwrite=False)
    fresh = tv.Sequential([tv.layers.Dense(2)])
    with pytest.raises(ValueError, match="no weights to save: call it on data"):
        fresh.save_weights(saved)
    with pytest.raises(ValueError, match=r"is not built.*call it on data"):
        fresh.load_weights(saved)
    text = tmp_path / "text.weights.h5"
    text.write_text("weights")
    with pytest.raises(ValueError, match=r"text.weights.h5 is no HDF5 file, or a damaged one"):
        model.load_weights(text)


def test_a_weight_that_no_attribute_leads_to_is_not_lost_in_silence(path):
    elsewhere = tv.Variable([1.0], name="elsewhere")

    class Hidden(tv.Layer):
        def build(self, shape):
            self.inner = tv.layers.Dense(2)
            self.inner.build(shape)

        @property
        def weights(self):
            return [*super().weights, elsewhere]

        def call(self, x):
            return self.inner(x)

    layer = Hidden()
    layer(X)
    with pytest.raises(ValueError, match=r"\['elsewhere'\] of 'hidden.*' cannot be saved"):
        tv.saving.save_weights(layer, path)


def test_a_failure_leaves_the_old_file_and_no_other(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("trivium.saving.weights.write_dataset", fail)
    with pytest.raises(OSError, match="disk full"):
        sequential().save_weights(saved)
    assert saved.read_bytes() == before and os.listdir(saved.parent) == [saved.name]


def test_folders_are_made_and_the_file_is_everybodys_to_read(tmp_path):
    path = tmp_path / "a" / "b" / "m.weights.h5"
    sequential().save_weights(path)
    plain = tmp_path / "plain"
    plain.touch()
    assert path.stat().st_mode == plain.stat().st_mode


# --- hostile files


KERNEL = "layers/dense/vars/0"


def replaced(path, make):
    """Put something else in the place of a weight."""
    with h5py.File(path, "a") as file:
        old = file[KERNEL]
        value, attributes = old[()], dict(old.attrs)
        del file[KERNEL]
        make(file, value)
        if isinstance(file.get(KERNEL, getlink=True), h5py.HardLink):
            file[KERNEL].attrs.update(attributes)


def secret(path):
    """Another file with a dataset that would fit."""
    other = path.with_name("secret.h5")
    with h5py.File(other, "w") as file:
        file["data"] = np.full((4, 5), 7.0, "float32")
        file["group/0"] = np.full((4, 5), 7.0, "float32")
        file["group/1"] = np.full(5, 7.0, "float32")
    return other


def external_link(file, value, other):
    file[KERNEL] = h5py.ExternalLink(str(other), "data")


def external_group(file, value, other):
    del file["layers/dense/vars"]
    file["layers/dense/vars"] = h5py.ExternalLink(str(other), "group")


def soft_link(file, value, other):
    file["elsewhere"] = value
    file[KERNEL] = h5py.SoftLink("/elsewhere")


def soft_group(file, value, other):
    file.move("layers", "elsewhere")
    file["elsewhere/dense/vars/0"] = value
    file["layers"] = h5py.SoftLink("/elsewhere")


def virtual_dataset(file, value, other):
    layout = h5py.VirtualLayout(shape=(4, 5), dtype="float32")
    layout[:] = h5py.VirtualSource(str(other), "data", shape=(4, 5))
    file.create_virtual_dataset(KERNEL, layout)


def external_storage(file, value, other):
    raw = other.with_name("raw.bin")
    raw.write_bytes(b"\x00\x00\xe0\x40" * 20)
    file.create_dataset(KERNEL, (4, 5), "float32", external=[(str(raw), 0, h5py.h5f.UNLIMITED)])


def group_in_its_place(file, value, other):
    file.create_group(KERNEL)["0"] = value


def huge_shape(file, value, other):
    file.create_dataset(KERNEL, (1 << 20, 1 << 20), "float32", chunks=(1024, 1024))


def huge_elements(file, value, other):
    file.create_dataset(KERNEL, (4, 5), f"V{1 << 28}", chunks=(1, 1))


def texts(file, value, other):
    file.create_dataset(KERNEL, (4, 5), h5py.string_dtype())


def records(file, value, other):
    file.create_dataset(KERNEL, (4, 5), np.dtype([("a", "f4"), ("b", "f4")]))


def complex_numbers(file, value, other):
    file[KERNEL] = value + 1j


def nothing(file, value, other):
    file[KERNEL] = h5py.Empty("f")


def false_half(file, value, other):
    file[KERNEL] = value
    file[KERNEL].attrs["dtype"] = "bfloat16"
    del file["layers/dense/vars/1"]


def group_within_itself(file, value, other):
    file[KERNEL] = value
    file["layers/again"] = file["layers"]


def many_ways(file, value, other):
    """Thirty groups with two links each to the next: a thousand million ways to the last."""
    file[KERNEL] = value
    group = file.create_group("maze")
    for _ in range(30):
        group["a"] = group["b"] = inner = file.create_group(None)
        group = inner


HOSTILE = [
    external_link, external_group, soft_link, soft_group, virtual_dataset, external_storage, group_in_its_place,
    huge_shape, huge_elements, texts, records, complex_numbers, nothing, false_half, group_within_itself, many_ways,
]  # fmt: skip


@pytest.mark.parametrize("written_by_keras", [False, True])
@pytest.mark.parametrize("make", HOSTILE, ids=lambda f: f.__name__)
def test_hostile_files_bounce_and_change_nothing(make, written_by_keras, saved):
    replaced(saved, lambda file, value: make(file, value, secret(saved)))
    if written_by_keras:
        forget_attributes(saved)
    model = sequential()
    before = model.weights_sha256()
    with pytest.raises(ValueError) as caught:
        model.load_weights(saved)
    assert saved.name in str(caught.value)
    assert model.weights_sha256() == before
    links = (
        external_link,
        external_group,
        soft_link,
        soft_group,
        virtual_dataset,
        external_storage,
    )
    assert ("not read" in str(caught.value)) == (make in (*links, group_within_itself, many_ways))


@pytest.mark.parametrize(
    "position", [-1, 0, 8, 1 << 62, 1.5, "0", [0, 1], None], ids=lambda p: f"position={p}"
)
def test_a_position_that_makes_no_order_is_no_position(position, saved):
    """The file is then read as one of Keras's, by the names of its datasets."""
    with h5py.File(saved, "a") as file:
        attributes = file["layers/dense_1/vars/1"].attrs
        del attributes["position"]
        if position is not None:
            attributes["position"] = position
    model, original = sequential(), sequential()
    randomize(original)
    model.load_weights(saved)
    assert_same_weights(model, original)


def test_a_damaged_file_changes_nothing(saved):
    data = saved.read_bytes()
    model = sequential()
    before = model.weights_sha256()
    for end in (10, 100, len(data) // 2, len(data) - 1):
        saved.write_bytes(data[:end])
        with pytest.raises(ValueError, match="no HDF5 file, or a damaged one"):
            model.load_weights(saved)
    compressed = saved.with_name("packed.weights.h5")
    with h5py.File(compressed, "w") as file:
        for place, variable in variable_places(model).items():
            packed = {"chunks": variable.shape, "compression": "gzip", "fletcher32": True}
            file.create_dataset(place, data=np.ones(variable.shape), **packed)
        offset = file[KERNEL].id.get_chunk_info(0).byte_offset
    sequential().load_weights(compressed)
    damaged = bytearray(compressed.read_bytes())
    damaged[offset + 4] ^= 0xFF
    compressed.write_bytes(damaged)
    with pytest.raises(ValueError, match=r"'/layers/dense/vars/0' cannot be read"):
        model.load_weights(compressed)
    assert model.weights_sha256() == before
