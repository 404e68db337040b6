"""The averaged weights in the place of the trained ones: when, for how long, and as in Keras."""

import copy
import pickle

import numpy as np
import pytest
from oracle import both

import trivium as tv

X = np.linspace(-1, 1, 16, dtype="float32")[:, None]
Y = 3 * X + 1


def trained(lib, swap_on_epoch):
    """Return what is tested and what is seen at the end of each epoch, and the weights after `fit`."""
    model = lib.Sequential([lib.Input((1,)), lib.layers.Dense(1, kernel_initializer="ones")])
    model.compile(lib.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.8), "mse")
    seen = []
    look = lib.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append([w.copy() for w in model.get_weights()])
    )
    swap = lib.callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch)
    history = model.fit(
        X, Y, batch_size=8, epochs=3, shuffle=False, validation_data=(X, Y), verbose=0,
        callbacks=[swap, look],
    )  # fmt: skip
    return history.history, seen, model.get_weights()


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own.
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_what_is_tested_saved_and_left_is_keras_s(swap_on_epoch):
    ours, theirs = both(lambda lib: trained(lib, swap_on_epoch))
    for mine, known in zip(_leaves(ours), _leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, known, rtol=1e-5)


def _leaves(tree):
    if isinstance(tree, dict):
        tree = [tree[key] for key in sorted(tree)]
    return [x for t in tree for x in _leaves(t)] if isinstance(tree, list | tuple) else [tree]


def make(optimizer=None):
    model = tv.Sequential([tv.Input((1,)), tv.layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizer or tv.optimizers.SGD(0.3, use_ema=True, ema_momentum=0.8), "mse")
    return model


def test_training_is_as_without_the_callback_and_ends_with_the_averages_even_when_stopped():
    weights = []
    for callbacks in ([], [tv.callbacks.SwapEMAWeights(True)]):
        model = make()
        stop = tv.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, model=model: setattr(
                model, "stop_training", epoch == 1
            )
        )
        model.fit(X, Y, epochs=5, verbose=0, validation_data=(X, Y), callbacks=[*callbacks, stop])
        weights.append(model.get_weights())
        [(_, average), _] = model.optimizer.averages
        assert np.array_equal(weights[-1][0], average.numpy())
    assert all(map(np.array_equal, *weights))


def test_predictions_and_evaluations_use_the_averages_and_give_the_weights_back():
    model = make()
    model.fit(X, Y, epochs=2, verbose=0)
    for variable in model.trainable_variables:
        variable.assign(variable.value + 1.0)
    before = model.get_weights()
    swap = tv.callbacks.SwapEMAWeights()
    [(_, kernel), (_, bias)] = model.optimizer.averages
    expected = X * kernel.numpy() + bias.numpy()
    got = model.predict(X, verbose=0, callbacks=[swap])
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    loss = model.evaluate(X, Y, verbose=0, callbacks=[swap])
    assert loss == pytest.approx(np.mean((expected - Y) ** 2), rel=1e-5)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_before_the_first_step_there_is_no_average_to_swap():
    model = make()
    model.optimizer.build(model.trainable_variables)
    loss = model.evaluate(X, Y, verbose=0, callbacks=[tv.callbacks.SwapEMAWeights()])
    assert loss == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_an_interrupted_evaluation_is_made_good_by_the_next_fit():
    model, swap = make(), tv.callbacks.SwapEMAWeights()

    def interrupt(batch, logs):
        raise KeyboardInterrupt

    model.fit(X, Y, verbose=0)
    for variable in model.trainable_variables:
        variable.assign(variable.value + 1.0)
    before = model.get_weights()
    with pytest.raises(KeyboardInterrupt):
        stop = tv.callbacks.LambdaCallback(on_test_batch_begin=interrupt)
        model.evaluate(X, Y, verbose=0, callbacks=[swap, stop])
    assert not np.array_equal(before[0], model.get_weights()[0])
    again = pickle.loads(pickle.dumps(swap._trained))
    assert all(map(np.array_equal, again, before))
    seen = []
    look = tv.callbacks.LambdaCallback(on_epoch_begin=lambda *_: seen.append(model.get_weights()))
    model.fit(X, Y, verbose=0, callbacks=[swap, look])
    assert all(map(np.array_equal, before, seen[0]))


def test_averages_inside_of_other_optimizers_are_found():
    keeping = tv.optimizers.SGD(0.3, use_ema=True)
    plain = tv.optimizers.SGD(0.3)
    several = tv.optimizers.MultiOptimizer(tv.optimizers.OptimizerMap(plain, {".*kernel": keeping}))
    for optimizer in (several, tv.optimizers.LossScaleOptimizer(copy.deepcopy(keeping))):
        model = make(optimizer)
        model.fit(X, Y, verbose=0, callbacks=[tv.callbacks.SwapEMAWeights(True)])
        inner = keeping if optimizer is several else optimizer.inner_optimizer
        assert np.array_equal(model.get_weights()[0], inner.averages[0][1].numpy())


@pytest.mark.parametrize("optimizer", ["sgd", None])
def test_an_optimizer_without_averages_is_refused(optimizer):
    model = make("sgd")
    if optimizer is None:
        model.compile(None, "mse")
    with pytest.raises(ValueError, match="use_ema=True"):
        model.evaluate(X, Y, verbose=0, callbacks=[tv.callbacks.SwapEMAWeights()])
