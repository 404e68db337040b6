"""A stream that fails in its midst: what came before is trained on, whoever looks on, and the error is its own."""

import numpy as np
import pytest

import trivium as tv

COUNT = 3
DRAW = np.random.default_rng(0)
BATCHES = [(DRAW.random((2, 4), "float32"), DRAW.random((2, 1), "float32")) for _ in range(COUNT)]


class BrokenError(Exception):
    pass


BROKEN = BrokenError("the disk is gone")


def generator():
    yield from BATCHES
    raise BROKEN


def no_batch():
    yield from BATCHES
    yield (*BATCHES[0], *BATCHES[1])


def text():
    yield from BATCHES
    yield np.array([["a"] * 4] * 2), np.ones((2, 1))


def dataset():
    rows = tv.data.Dataset.from_tensor_slices(np.arange(COUNT + 1))

    def batch(number):
        if number == COUNT:
            raise BROKEN
        return BATCHES[int(number)]

    return rows.map(lambda n: tv.ops.cast(n, "int32")).map(batch)


class Sequence(tv.utils.PyDataset):
    def __len__(self):
        return COUNT + 1

    def __getitem__(self, index):
        if index == COUNT:
            raise BROKEN
        return BATCHES[index]


def model(**compiled):
    made = tv.Sequential([tv.Input((4,)), tv.layers.Dense(1, kernel_initializer="ones")])
    made.compile(tv.optimizers.SGD(0.01, momentum=0.9), "mse", **compiled)
    return made


class Hooks(tv.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        pass


@pytest.fixture(scope="module")
def trained():
    made = model()
    made.fit(iter(BATCHES), verbose=0)
    return made.get_weights()


@pytest.mark.parametrize("hooks", [[], [Hooks()]], ids=["without hooks", "with hooks"])
@pytest.mark.parametrize("stream", [generator, dataset, Sequence, no_batch, text])
def test_what_came_before_is_trained_on(stream, hooks, trained):
    made = model()
    own = stream not in (no_batch, text)
    with pytest.raises(BrokenError if own else ValueError) as told:
        made.fit(stream(), verbose=0, callbacks=hooks, shuffle=False)
    if own:
        assert told.value is BROKEN
    assert int(made.optimizer.iterations) == COUNT
    for ours, wanted in zip(made.get_weights(), trained, strict=True):
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("settings", [{"steps_per_execution": 2}, {"run_eagerly": True}])
def test_so_it_is_for_any_chunk(settings):
    made = model(**settings)
    with pytest.raises(BrokenError):
        made.fit(generator(), verbose=0, callbacks=[Hooks()])
    assert int(made.optimizer.iterations) == COUNT


def test_an_error_before_the_first_step_leaves_the_model_as_it_was():
    made = tv.Sequential([tv.layers.Dense(1)])
    made.compile("sgd", "mse")
    with pytest.raises(BrokenError):
        made.fit(iter(generator_of_none, None), verbose=0)
    assert not made.built


def generator_of_none():
    raise BROKEN
