"""Callbacks that look at some batches only: the others run as chunks, and all are where they asked to be."""

import numpy as np
import pytest

import trivium as tv
from trivium.training.callbacks import Callback, CallbackList, ModelCheckpoint

X = np.ones((22, 1), "float32")


class Every(Callback):
    """Wants to see each multiple of some number of batches."""

    def __init__(self, every):
        self.every, self.seen, self.chunks = every, [], []

    def batches_ahead(self, mode, step):
        return self.every - step % self.every

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)

    def on_chunk_end(self, mode, step, logs=None):
        self.chunks.append(step)


def fit(callbacks, x=X, steps_per_execution=1, **options):
    model = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1, kernel_initializer="ones")])
    model.compile(tv.optimizers.SGD(0.01), "mse", steps_per_execution=steps_per_execution)
    arrays = {"y": x, "batch_size": 2} if isinstance(x, np.ndarray) else {}
    model.fit(x, verbose=0, callbacks=callbacks, shuffle=False, **arrays, **options)
    return model


@pytest.mark.parametrize(
    ("every", "execution", "ends"),
    [(4, 1, [4, 8, 11]), (1, 4, [4, 8, 11]), (5, 2, [6, 10, 11]), (100, 3, [11])],
)
def test_hooks_are_where_they_were_asked_for(every, execution, ends):
    callback = Every(every)
    fit([callback], steps_per_execution=execution)
    begins = [0, *ends[:-1]]
    assert callback.seen == [n for b, e in zip(begins, ends, strict=True) for n in (b, e - 1)]
    assert set(ends) <= set(callback.chunks) and callback.chunks[-1] == 11


def test_the_most_curious_one_decides_and_the_weights_stay_the_same():
    some, all_of_them = Every(4), Every(1)
    weights = fit([some, all_of_them]).get_weights()
    assert some.seen == all_of_them.seen == [n for n in range(11) for _ in range(2)]
    for callbacks in ([], [Every(4)]):
        assert all(map(np.array_equal, weights, fit(callbacks).get_weights()))
    assert CallbackList([some, all_of_them]).batches_ahead("train", 3) == 1


def test_streams_and_eager_steps_stop_there_too():
    def batches():
        while True:
            yield X[:2], X[:2]

    stream, eager = Every(4), Every(4)
    fit([stream], batches(), steps_per_epoch=11)
    model = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, X, batch_size=2, verbose=0, callbacks=[eager])
    assert stream.seen == eager.seen == [0, 3, 4, 7, 8, 10]


def test_a_checkpoint_saves_each_so_many_batches_over_the_epochs_and_runs_the_others_at_once(
    tmp_path,
):
    path = str(tmp_path / "{epoch}-{batch}.weights.h5")
    callback = ModelCheckpoint(path, save_weights_only=True, save_freq=4)
    fit([callback], epochs=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"{name}.weights.h5" for name in ("1-4", "1-8", "2-1", "2-5", "2-9")
    ]
    assert callback.batches_ahead("train", 11) == 2

    class Mine(ModelCheckpoint):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    assert Mine(path, save_weights_only=True, save_freq=4).batches_ahead("train", 0) == 1
