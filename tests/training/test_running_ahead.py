"""A hook that does not look leaves the device at work, and none sees another step than its own."""

import signal

import jax
import numpy as np
import pytest

import trivium as tv
from trivium.training.callbacks import Callback

RNG = np.random.default_rng(0)
X, Y = RNG.random((12, 300), "float32"), RNG.random((12, 1), "float32")


def make(**options):
    tv.utils.set_random_seed(1)
    # The first kernel is large enough for its memory to be written over.
    model = tv.Sequential([tv.Input((300,)), tv.layers.Dense(100), tv.layers.Dense(1)])
    model.compile(tv.optimizers.SGD(1e-3, momentum=0.9), "mse", **options)
    return model


def by_hand(act=lambda model, step: None, steps=6):
    """Return what each step's end has of weights and losses, one step at a time."""
    model, seen = make(), []
    for i in range(steps):
        loss = model.train_on_batch(X[2 * i : 2 * i + 2], Y[2 * i : 2 * i + 2])
        seen.append((loss, model.get_weights()))
        act(model, i)
    return seen, model.get_weights()


def arrays(model, callback, **options):
    model.fit(X, Y, batch_size=2, shuffle=False, verbose=0, callbacks=[callback], **options)


def one_buffer(model, callback, **options):
    """A stream that fills the same memory again and again."""
    x, y = np.empty((2, 300), "float32"), np.empty((2, 1), "float32")

    def batches():
        for i in range(0, 12, 2):
            x[...], y[...] = X[i : i + 2], Y[i : i + 2]
            yield x, y

    model.fit(batches(), verbose=0, callbacks=[callback], **options)


def smaller_steps(model, i):
    model.optimizer.learning_rate = 1e-3 / (i + 1)


def another_weight(model, i):
    if i == 2:
        model.layers[1].kernel.assign(0.5 * model.layers[1].kernel.value)


def look_about(model, i):
    if i % 2:
        model.evaluate(X, Y, verbose=0)
        model.predict(X[:1], verbose=0)


def freeze(model, i):
    if i == 3:
        model.layers[0].trainable = False
        model.compile(tv.optimizers.SGD(1e-2), "mse")


ACTS = [smaller_steps, another_weight, look_about, freeze]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("run", [arrays, one_buffer])
def test_hooks_that_do_not_look_change_nothing(run):
    class Counts(Callback):
        logs = ()

        def on_train_batch_end(self, batch, logs=None):
            self.logs = (*self.logs, logs)

    callback, model = Counts(), make()
    run(model, callback)
    seen, weights = by_hand()
    assert same(model.get_weights(), weights)
    # Logs that are kept and read at the end are those of their steps: means over the epoch so far.
    means = np.cumsum([loss for loss, _ in seen]) / np.arange(1, 7)
    assert [logs["loss"] for logs in callback.logs] == pytest.approx(means.tolist())


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("run", [arrays, one_buffer])
def test_hooks_see_their_own_step_and_the_next_begins_with_what_they_leave(run, act):
    found = []

    class Acts(Callback):
        def on_train_batch_end(self, batch, logs=None):
            found.append(self.model.get_weights())
            act(self.model, batch)

    model = make()
    run(model, Acts())
    seen, weights = by_hand(act)
    assert all(same(mine, theirs) for mine, (_, theirs) in zip(found, seen, strict=True))
    assert same(model.get_weights(), weights)


def test_a_stop_and_an_error_come_after_their_step(tmp_path):
    class Ends(Callback):
        def __init__(self, stop):
            self.stop = stop

        def on_train_batch_end(self, batch, logs=None):
            if batch == 2 and self.stop:
                self.model.save_weights(tmp_path / "a.weights.h5")
                self.model.stop_training = True
            elif batch == 2:
                raise LookupError("enough")

    _, weights = by_hand(steps=3)
    stopped, failed = make(), make()
    arrays(stopped, Ends(True), epochs=3)
    with pytest.raises(LookupError):
        arrays(failed, Ends(False))
    loaded = make()
    loaded.load_weights(tmp_path / "a.weights.h5")
    assert all(same(m.get_weights(), weights) for m in (stopped, failed, loaded))
    assert int(failed.optimizer.iterations) == 3


def test_executions_of_several_steps():
    losses = []

    class Looks(Callback):
        def on_train_batch_end(self, batch, logs=None):
            losses.append((batch, logs["loss"]))

    model = make(steps_per_execution=2)
    arrays(model, Looks())
    seen, weights = by_hand()
    assert same(model.get_weights(), weights)
    means = np.cumsum([loss for loss, _ in seen]) / np.arange(1, 7)
    assert losses == [(i, pytest.approx(means[i])) for i in (1, 3, 5)]


def test_a_step_that_fails_while_a_hook_runs_is_said(monkeypatch):
    waited, really = [], jax.block_until_ready

    def wait(result):
        waited.append(result)
        if len(waited) == 3:
            raise RuntimeError("the device is out of memory")
        return really(result)

    model = make()
    before = model.get_weights()
    monkeypatch.setattr(jax, "block_until_ready", wait)
    with pytest.raises(RuntimeError, match="out of memory") as caught:
        arrays(model, tv.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None))
    monkeypatch.undo()
    # The large kernel's memory has been written over, which is said; all else is as it was before the step.
    assert "kernel" in caught.value.__notes__[0]
    assert int(model.optimizer.iterations) == 2
    model.layers[0].kernel.assign(before[0])
    model.evaluate(X, Y, verbose=0)


def test_interrupts_between_steps_go_to_whoever_listens():
    heard = []

    class Listens(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                signal.raise_signal(signal.SIGINT)
            if batch == 2:
                signal.signal(signal.SIGINT, later)
            if batch == 3:
                signal.raise_signal(signal.SIGINT)

    def earlier(number, frame):
        heard.append("earlier")

    def later(number, frame):
        heard.append("later")

    before = signal.signal(signal.SIGINT, earlier)
    try:
        arrays(make(), Listens())
        # Who sets a handler in a hook has it afterwards, as without us.
        assert signal.getsignal(signal.SIGINT) is later
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == ["earlier", "later"]


def test_a_stream_without_hooks_may_fill_the_same_memory_again():
    model = make()
    one_buffer(model, Callback())
    assert same(model.get_weights(), by_hand()[1])
