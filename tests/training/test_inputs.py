"""Data in every form that `fit`, `evaluate` and `predict` take, against the same numbers in arrays, bit for bit."""

import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv

pandas = pytest.importorskip("pandas")

generator = np.random.default_rng(6)
X = generator.normal(size=(20, 3)).astype("float32")
Y = generator.normal(size=(20, 1)).astype("float32")
WEIGHT = generator.random(20).astype("float32")
SIZE = 6


def make():
    tv.utils.set_random_seed(4)
    x = tv.Input((3,), name="features")
    h = tv.layers.Dense(4, activation="tanh")(x)
    model = tv.Model(x, tv.layers.Dense(1, name="target")(tv.layers.Dropout(0.2)(h)))
    model.compile("adam", "mse", metrics=["mae"], weighted_metrics=["mse"])
    return model


def batches(*arrays, epochs=1):
    for _ in range(epochs):
        for i in range(0, len(arrays[0]), SIZE):
            yield tuple(a[i : i + SIZE] for a in arrays)


class Loader:
    """What other libraries' data loaders look like: to be iterated again for each epoch."""

    def __init__(self, *arrays):
        self.arrays = arrays

    def __iter__(self):
        return batches(*self.arrays)


class Lists(Loader):
    """The same with each batch in a list."""

    def __iter__(self):
        return map(list, super().__iter__())


class Dataset(tv.utils.PyDataset):
    def __init__(self, *arrays, **options):
        super().__init__(**options)
        self.arrays = arrays

    def __len__(self):
        return -(-len(self.arrays[0]) // SIZE)

    def __getitem__(self, index):
        return tuple(a[index * SIZE : (index + 1) * SIZE] for a in self.arrays)


@pytest.fixture(scope="module")
def weighted():
    return train(X, Y, sample_weight=WEIGHT)


@pytest.fixture(scope="module")
def unweighted():
    return train(X, Y)


def train(x, y=None, **options):
    model = make()
    if y is not None:
        options["batch_size"] = SIZE
    history = model.fit(x, y, epochs=3, shuffle=False, verbose=0, **options).history
    return model.weights_sha256(), history


FRAME = pandas.DataFrame(X, columns=["a", "b", "c"])
ARRAYS = {
    "JAX": (jnp.asarray(X), jnp.asarray(Y), jnp.asarray(WEIGHT)),
    "doubles": (X.astype("float64"), Y.astype("float64"), WEIGHT.astype("float64")),
    "lists of numbers": (X.tolist(), Y.tolist(), WEIGHT.tolist()),
    "a frame and a series": (FRAME, pandas.Series(Y[:, 0]), pandas.Series(WEIGHT)),
    "frames": (FRAME, pandas.DataFrame({"y": Y[:, 0]}), WEIGHT),
    "a list of one": ([X], [Y], [WEIGHT]),
    "by name": ({"features": X}, {"target": Y}, {"target": WEIGHT}),
    "targets without an axis": (X, Y[:, 0], WEIGHT),
    "not contiguous": (np.asfortranarray(X), Y, np.repeat(WEIGHT, 2)[::2]),
}


@pytest.mark.parametrize("form", ARRAYS)
def test_arrays_of_all_kinds(form, weighted):
    x, y, weight = ARRAYS[form]
    assert train(x, y, sample_weight=weight) == weighted


STREAMS = {
    "a generator": (lambda *a: batches(*a, epochs=3), {"steps_per_epoch": 4}),
    "an iterable": (Loader, {}),
    "a PyDataset": (Dataset, {}),
    "threads": (lambda *a: Dataset(*a, workers=2), {}),
    "batches in lists": (lambda *a: Lists(*a), {}),
}


@pytest.mark.parametrize("form", STREAMS)
def test_streams_of_all_kinds(form, unweighted, weighted):
    make_stream, options = STREAMS[form]
    assert train(make_stream(X, Y), **options) == unweighted
    assert train(make_stream(X, Y, WEIGHT), **options) == weighted


def test_class_weights_of_a_stream():
    labels = (Y > 0).astype("int32")
    weights = {0: 1.0, 1: 3.0}
    plain = train(X, labels, class_weight=weights)
    assert train(Dataset(X, labels), class_weight=weights) == plain


@pytest.mark.parametrize(
    "validation",
    [(X, Y), [X, Y], Loader(X, Y), Dataset(X, Y), (FRAME, Y)],
    ids=["a tuple", "a list", "an iterable", "a PyDataset", "a frame"],
)
def test_validation_data(validation, unweighted):
    sha, history = train(X, Y, validation_data=validation)
    assert sha == unweighted[0]
    model = make()
    model.fit(X, Y, epochs=3, shuffle=False, batch_size=SIZE, verbose=0)
    results = model.evaluate(X, Y, batch_size=SIZE, verbose=0, return_dict=True)
    assert {f"val_{k}": v for k, v in results.items()} == {
        k: v[-1] for k, v in history.items() if k.startswith("val_")
    }


@pytest.fixture(scope="module")
def model():
    return make()


@pytest.mark.parametrize("form", [*ARRAYS, *STREAMS])
def test_measuring_and_predicting(form, model):
    want = model.evaluate(X, Y, sample_weight=WEIGHT, batch_size=SIZE, verbose=0)
    predicted = model.predict(X, batch_size=SIZE, verbose=0)
    if form in ARRAYS:
        x, y, weight = ARRAYS[form]
        said = {"batch_size": SIZE, "verbose": 0}
        assert model.evaluate(x, y, sample_weight=weight, **said) == want
        np.testing.assert_array_equal(model.predict(x, **said), predicted)
    else:
        make_stream, _ = STREAMS[form]
        assert model.evaluate(make_stream(X, Y, WEIGHT), steps=4, verbose=0) == want
        outputs = model.predict(make_stream(X), steps=4, verbose=0)
        np.testing.assert_array_equal(outputs, predicted)


def test_predictions_are_the_users_own_to_change(model):
    outputs = model.predict(X, verbose=0)
    outputs[0] = 7.0
    assert (model.predict(X, verbose=0)[0] != 7.0).all()


def two_inputs():
    tv.utils.set_random_seed(5)
    a, b = tv.Input((3,), name="a"), tv.Input((1,), name="b", dtype="int32")
    table = tv.layers.Flatten()(tv.layers.Embedding(3, 2)(b))
    joined = tv.layers.concatenate([tv.layers.Dense(3)(a), table])
    model = tv.Model([a, b], tv.layers.Dense(1)(joined))
    model.compile("adam", "mse")
    return model


NUMBERS = generator.integers(0, 3, (20, 1))


@pytest.mark.parametrize(
    "x",
    [
        (X, NUMBERS),
        {"a": X, "b": NUMBERS},
        {"b": NUMBERS, "a": X},
        [FRAME, pandas.Series(NUMBERS[:, 0])],
        [jnp.asarray(X), NUMBERS.astype("int8")],
    ],
    ids=["a tuple", "a dict", "a dict the other way", "a frame and a series", "JAX and bytes"],
)
def test_many_inputs(x):
    shas = []
    for data in ([X, NUMBERS], x):
        model = two_inputs()
        model.fit(data, Y, batch_size=SIZE, epochs=2, verbose=0)
        shas.append(model.weights_sha256())
    assert shas[0] == shas[1]


def test_a_stream_whose_batches_change_their_length():
    """Each length is a program of its own; the bits are those of the batches one by one."""
    parts = [(X[i:j], Y[i:j]) for i, j in ((0, 6), (6, 8), (8, 14), (14, 20))]
    model, other = make(), make()
    model.fit(iter(parts), verbose=0)
    for x, y in parts:
        other.train_on_batch(x, y)
    assert model.weights_sha256() == other.weights_sha256()


@pytest.mark.parametrize("kind", [str, object])
def test_text_in_a_later_batch_of_a_stream_is_told_of(kind):
    def batches():
        for i in range(3):
            numbers = np.ones((4, 2))
            yield (numbers if i < 2 else numbers.astype(str).astype(kind)), np.ones((4, 1))

    model = tv.Sequential([tv.Input((2,)), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"fit: `x` holds text \('1.0' at \[0, 0\]\)"):
        model.fit(batches(), verbose=0)
    with pytest.raises(ValueError, match=r"predict: `x` holds text"):
        model.predict(x for x, _ in batches())
