"""What a pass keeps: programs within bounds, the state once, and nobody's arrays but its own."""

import gc
import weakref
from collections import Counter

import jax
import numpy as np
import pytest
from jax.extend import core

import trivium as tv
from trivium.training import executables, feed, row_steps
from trivium.training.executables import Programs, compile_count

pytestmark = pytest.mark.optimized  # Memory, of the code that users get.

X, Y = np.ones((6, 3), "float32"), np.ones((6, 1), "float32")
# Large enough for its memory to be reused.
WIDE = 1 << 14


def is_ours(thing):
    return type(thing).__module__.partition(".")[0] == "trivium"


def make(units=2, optimizer="sgd"):
    model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(units), tv.layers.Dense(1)])
    model.compile(optimizer, "mse")
    return model


def kernel(model):
    return model.layers[0].kernel


def addresses(model):
    every = [*model.variables, *model.optimizer.variables]
    return {v.path: v.peek().unsafe_buffer_pointer() for v in every if v.size >= WIDE}


def test_the_state_is_written_in_its_place():
    model = make(WIDE, "adam")
    model.fit(X, Y, batch_size=3, verbose=0)
    before = addresses(model)
    assert len(before) == 3 * 3  # a kernel, a bias and a kernel, each with Adam's two averages
    model.fit(X, Y, batch_size=3, verbose=0)
    model.train_on_batch(X[:3], Y[:3])
    after = addresses(model)
    assert after == before or set(after.values()) == set(before.values())


def test_what_others_hold_stays_whole():
    model = make(WIDE, tv.optimizers.SGD(0.1))
    model.fit(X, Y, verbose=0)
    held, view, copies = kernel(model).value, np.asarray(kernel(model)), model.get_weights()
    kept = np.array(view)
    # An array given as a weight, the same one twice, and one that is the data too.
    given = jax.numpy.ones((3, WIDE))
    kernel(model).assign(given)
    shared = jax.numpy.zeros((WIDE,))
    model.layers[0].bias.assign(shared)
    model.optimizer.build(model.trainable_variables)
    model.fit(X, Y, epochs=2, verbose=0)
    model.fit(X, Y, epochs=2, verbose=0)
    for array in (held, given, shared):
        assert not array.is_deleted()
    np.testing.assert_array_equal(np.asarray(held), kept)
    np.testing.assert_array_equal(view, kept)
    np.testing.assert_array_equal(copies[0], kept)
    assert np.asarray(given).min() == 1 and np.asarray(shared).max() == 0
    assert np.abs(np.asarray(kernel(model)) - 1).max() > 0


def test_one_array_in_two_variables():
    model = tv.Sequential([tv.Input((128,)), tv.layers.Dense(128), tv.layers.Dense(128)])
    model.compile(tv.optimizers.SGD(0.1), "mse")
    one = jax.numpy.eye(128)
    for layer in model.layers:
        layer.kernel.assign(one)
    x = np.asarray(one)
    model.fit(one, 2 * x, verbose=0)
    assert not one.is_deleted()
    first, second = (np.asarray(layer.kernel) for layer in model.layers)
    assert np.abs(first - x).max() > 0 and np.abs(second - x).max() > 0


def test_the_best_weights_come_back():
    model = make(WIDE, tv.optimizers.SGD(-0.01))  # It gets worse with every epoch.
    stopping = tv.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    model.fit(X, 9 * Y, epochs=1, verbose=0)
    model.fit(X, 9 * Y, epochs=5, verbose=0, callbacks=[stopping])
    np.testing.assert_array_equal(model.get_weights()[0], stopping.best_weights[0])


def test_an_interrupt_leaves_a_model_that_goes_on(monkeypatch):
    import signal

    from trivium.training.engine import Program

    model = make(WIDE)
    model.fit(X, Y, verbose=0)
    run = Program.__call__

    def interrupted(self, *args):
        result = run(self, *args)
        signal.raise_signal(
            signal.SIGINT
        )  # The memory is given away, the new arrays are not there yet.
        return result

    # A shell's background processes ignore the signal, and so would the tests in one.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Program, "__call__", interrupted)
            with pytest.raises(KeyboardInterrupt):
                model.fit(X, Y, verbose=0)
    finally:
        signal.signal(signal.SIGINT, before)
    assert int(model.optimizer.iterations) == 2
    model.fit(X, Y, verbose=0)


def test_a_step_that_fails_in_python_leaves_the_state():
    class Failing(tv.layers.Layer):
        fails = False

        def call(self, inputs):
            def look(x):
                if self.fails:
                    raise ZeroDivisionError("mine")
                return np.asarray(x)

            spec = jax.ShapeDtypeStruct(inputs.shape, inputs.dtype)
            return jax.pure_callback(look, spec, jax.lax.stop_gradient(inputs)) + inputs

    layer = Failing()
    model = tv.Sequential([layer, tv.layers.Dense(WIDE), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    before = model.get_weights()
    layer.fails = True
    with pytest.raises(Exception, match="mine"):
        model.fit(X, Y, verbose=0)
    layer.fails = False
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    model.fit(X, Y, verbose=0)


def test_prediction_changes_and_copies_nothing():
    model = make()
    model.predict(X, verbose=0)
    held = [v.peek() for v in model.variables]
    model.predict(X, verbose=0)
    assert all(v.peek() is array for v, array in zip(model.variables, held, strict=True))


@pytest.mark.parametrize("what", ["fit", "evaluate", "predict"])
def test_data_leaves_the_device_without_a_look_for_garbage(what, monkeypatch):
    alive, most = weakref.WeakValueDictionary(), []

    def noted(bring):
        def brought(array, *rest):
            laid = bring(array, *rest)
            if laid.nbytes > 1 << 18:
                alive[len(most)] = laid
                most.append(len(alive))
            return laid

        return brought

    for name in ("to_device", "laid"):
        monkeypatch.setattr(feed, name, noted(getattr(feed, name)))
    monkeypatch.setattr(feed, "_BLOCK_BYTES", 5 << 17)
    monkeypatch.setattr(row_steps, "_MOST", 32)
    x = np.ones((10 * 32, 1 << 10), "float32")  # Three blocks.
    y = x[:, :1]
    model = tv.Sequential([tv.Input(x.shape[1:]), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    gc.collect()
    gc.disable()
    try:
        if what == "fit":
            model.fit(x, y, epochs=3, verbose=0, validation_data=(x, y))
        else:
            getattr(model, what)(*(x, y)[: 1 + (what == "evaluate")], verbose=0)
        assert not alive
    finally:
        gc.enable()
    # A validation's blocks stay from its second time on, beside the data; other blocks go before the next one comes.
    assert (len(most), max(most)) == ((1 + 2 * 3, 4) if what == "fit" else (3, 1))


def test_models_that_are_gone_leave_a_few_executables(monkeypatch):
    monkeypatch.setattr(executables, "_KEPT", 3)
    for units in range(executables._KEPT + 3):
        model = make(20 + units)
        model.train_on_batch(X, Y)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
    assert len(executables._latest) == executables._KEPT
    mine = {id(work) for work in executables._latest.values()}
    assert {id(work) for work in executables._known.values()} >= mine
    alive = sum(len(programs) for programs in executables._all)
    assert len(executables._known) <= executables._KEPT + alive


def test_a_model_keeps_its_latest_programs(monkeypatch):
    monkeypatch.setattr(executables, "_PER_MODEL", 2)
    programs = Programs()
    programs["a"], programs["b"] = 1, 2
    assert programs.get("a") == 1
    programs["c"] = 3
    assert (programs.get("a"), programs.get("b"), programs.get("c")) == (1, None, 3)


def test_clear_session_forgets_programs_and_models_go_on():
    model = make(5)
    before = model.predict(X, verbose=0)
    tv.backend.clear_session()
    assert len(executables._latest) == 0
    compiled = compile_count()
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    assert compile_count() == compiled + 1


def test_models_that_are_gone_leave_nothing_behind_once_the_session_is_cleared():
    """Nothing of ours even before that, and not in JAX's memory either, which has every shape's programs."""

    def left(*units):
        for number in units:
            make(number).fit(X, Y, verbose=0)
        gc.collect()
        ours = Counter(map(type, filter(is_ours, gc.get_objects())))
        tv.backend.clear_session()
        return ours, sum(isinstance(thing, core.Jaxpr) for thing in gc.get_objects())

    (ours, traced), (still_ours, still_traced) = left(7), left(8, 9, 10)
    assert not still_ours - ours
    assert still_traced <= traced
