"""The real Keras beside ours: one program run in both libraries from the same weights."""

import contextlib
import warnings

import numpy as np
import pytest

import trivium


class Data:
    """Twenty samples, so that batches of eight leave a partial one."""

    generator = np.random.default_rng(0)
    x = generator.normal(size=(20, 4)).astype("float32")
    one = generator.normal(size=(20, 1)).astype("float32")
    two = generator.normal(size=(20, 2)).astype("float32")
    labels = generator.integers(0, 3, 20)
    onehot = np.eye(3, dtype="float32")[labels]
    yes_no = (generator.random((20, 1)) > 0.5).astype("int32")
    weight = generator.random(20).astype("float32")


def plain(value):
    """Return results as nested lists and dicts of NumPy arrays, keys in order."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if isinstance(value, str) or value is None else np.asarray(value)


def assert_same(theirs, ours, place=""):
    """Compare nested results: the same structure, keys and shapes, and the numbers within float tolerance."""
    if isinstance(theirs, dict):
        assert list(theirs) == list(ours), place
        for key in theirs:
            assert_same(theirs[key], ours[key], f"{place}[{key!r}]")
    elif isinstance(theirs, list):
        assert len(theirs) == len(ours), (place, theirs, ours)
        for i, (a, b) in enumerate(zip(theirs, ours, strict=True)):
            assert_same(a, b, f"{place}[{i}]")
    elif isinstance(theirs, str) or theirs is None:
        assert theirs == ours, place
    else:
        assert theirs.shape == ours.shape, place
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=place)


@contextlib.contextmanager
def quiet(library):
    """Let Keras warn of what it likes; ours may not."""
    with warnings.catch_warnings():
        if library is not trivium:
            warnings.simplefilter("ignore")
        yield


class Twins:
    """A model in both libraries, with the same weights.

    Args:
        keras: The real Keras.
        build: A function of a library that returns a model.
        compiling: The arguments of `compile`, or a function of a library that returns them. Keras's steps run as plain
            Python unless they say otherwise: that is the same arithmetic without a second of compiling each.
    """

    def __init__(self, keras, build, compiling=None):
        self.libraries = (keras, trivium)
        self.models = []
        for library in self.libraries:
            with quiet(library):
                # Names that come by themselves count from the start in both.
                library.backend.clear_session()
                library.utils.set_random_seed(0)
                model = build(library)
                if not model.built:
                    model.build((None, 4)) if library is trivium else model(Data.x[:1])
            self.models.append(model)
        self.copy_weights()
        if compiling is not None:
            self.compile(compiling)

    def copy_weights(self):
        with quiet(self.libraries[0]):
            self.models[1].set_weights(self.models[0].get_weights())

    def compile(self, compiling):
        for library, model in zip(self.libraries, self.models, strict=True):
            with quiet(library):
                said = compiling(library) if callable(compiling) else compiling
                model.compile(**({"run_eagerly": True} if library is not trivium else {}) | said)

    def run(self, use):
        """Return what `use(model, library)` gives in Keras and in ours."""
        results = []
        for library, model in zip(self.libraries, self.models, strict=True):
            with quiet(library):
                results.append(plain(use(model, library)))
        return results

    def agree(self, use):
        """Assert that `use(model, library)` gives the same in both; return what it gives in ours."""
        theirs, ours = self.run(use)
        assert_same(theirs, ours)
        return ours


@pytest.fixture(scope="session")
def keras():
    with quiet(None):
        import keras
    return keras


@pytest.fixture(scope="session")
def twins(keras):
    """Make `Twins`."""
    return lambda build, compiling=None: Twins(keras, build, compiling)


@pytest.fixture(scope="session")
def data():
    return Data
