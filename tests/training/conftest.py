"""The real Keras beside ours: one program run in both libraries from the same weights."""

import contextlib
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from oracle import recorded

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
    """A model in both libraries, with the same weights; what the real Keras's does is recorded.

    Args:
        build: A function of a library that returns a model.
        compiling: The arguments of `compile`, or a function of a library that returns them. Keras's steps run as plain
            Python unless they say otherwise: that is the same arithmetic without a second of compiling each.
    """

    def __init__(self, build, compiling=None):
        self._build, self._compilings = build, []
        self._twin = SimpleNamespace(
            model=None, compiled=0
        )  # Keras's model, if something is recorded.
        self.model = made(trivium, build)
        self.copy_weights()
        if compiling is not None:
            self.compile(compiling)

    def copy_weights(self):
        self.model.set_weights(self._keras(lambda model, lib: model.get_weights()))

    def compile(self, compiling):
        self._compilings.append(compiling)
        self.model.compile(**arguments(trivium, compiling))

    def run(self, use):
        """Return what `use(model, library)` gives in Keras and in ours."""
        theirs = self._keras(lambda model, lib: plain(use(model, lib)))
        return [theirs, plain(use(self.model, trivium))]

    def agree(self, use):
        """Assert that `use(model, library)` gives the same in both; return what it gives in ours."""
        theirs, ours = self.run(use)
        assert_same(theirs, ours)
        return ours

    def _keras(self, use):
        build, compilings, twin = self._build, tuple(self._compilings), self._twin

        def compute(keras):
            with quiet(keras):
                if twin.model is None:
                    twin.model = made(keras, build)
                for compiling in compilings[twin.compiled :]:
                    twin.model.compile(**arguments(keras, compiling))
                twin.compiled = len(compilings)
                return use(twin.model, keras)

        return recorded(compute)


def made(library, build):
    with quiet(library):
        # Names that come by themselves count from the start in both.
        library.backend.clear_session()
        library.utils.set_random_seed(0)
        model = build(library)
        if not model.built:
            model.build((None, 4)) if library is trivium else model(Data.x[:1])
    return model


def arguments(library, compiling):
    """Return the arguments of `compile` for a library."""
    said = compiling(library) if callable(compiling) else compiling
    return ({} if library is trivium else {"run_eagerly": True}) | said


@pytest.fixture(scope="session")
def twins():
    """Make `Twins`."""
    return Twins


@pytest.fixture(scope="session")
def data():
    return Data
