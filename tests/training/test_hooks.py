"""Whatever a callback changes, in whatever hook, is what the next step begins with."""

import numpy as np
import pytest

import trivium as tv
from trivium.training.callbacks import Callback

X = np.ones((4, 1), "float32")


class Sum(tv.losses.Loss):
    """The sum of the outputs: of a model that gives its weight, the gradient is 1."""

    def call(self, y_true, y_pred):
        return tv.ops.sum(y_pred, axis=-1)


class Weight(tv.layers.Layer):
    """Gives its weight for each sample, and counts its steps in a variable that is not trained."""

    def build(self, input_shape):
        self.w = self.add_weight(shape=(), initializer="zeros", name="w")
        self.added = self.add_weight(shape=(), initializer="zeros", trainable=False, name="added")

    def call(self, inputs):
        return 0 * inputs + self.w + self.added


def make(eager=False, optimizer=None, **options):
    model = tv.Sequential([tv.Input((1,)), Weight()])
    model.compile(optimizer or tv.optimizers.SGD(0.1), Sum(), run_eagerly=eager, **options)
    return model


def value(model):
    return float(model.layers[0].w)


# What a callback can change; each makes the output of the next step 5 more, or the step 10 long.
def assign(model):
    model.layers[0].w.assign_add(5.0)


def set_weights(model):
    w, added = model.get_weights()
    model.set_weights([w, added + 5])


def set_layer_weights(model):
    layer = model.layers[0]
    layer.set_weights([layer.get_weights()[0] + 5, layer.get_weights()[1]])


def set_other_variable(model):
    model.layers[0].added.assign(model.layers[0].added + 5)


CHANGES = [assign, set_weights, set_layer_weights, set_other_variable]
MODES = [False, True]
TRAIN = ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_batch_begin"]
TEST = ["on_test_begin", "on_test_batch_begin"]
PREDICT = ["on_predict_begin", "on_predict_batch_begin"]


def once(hook, change):
    """A callback that changes the model the first time that one hook is called."""
    done = []

    def act(*args):
        if not done:
            done.append(hook)
            change(callback.model)

    callback = Callback()
    setattr(callback, hook, act)
    return callback


@pytest.fixture(scope="module")
def models():
    """One model for each mode, its values put back before each use: the cases share programs."""
    made = {eager: make(eager) for eager in MODES}

    def fresh(eager):
        model = made[eager]
        model.set_weights([np.zeros(()), np.zeros(())])
        model.optimizer.learning_rate = 0.1
        return model

    return fresh


@pytest.mark.parametrize("eager", MODES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("hook", [*TRAIN, "on_train_batch_end", "on_batch_end", "on_epoch_end"])
def test_training_goes_on_from_what_was_assigned(hook, change, eager, models):
    model = models(eager)
    history = model.fit(
        X, X, batch_size=2, epochs=2, verbose=0, callbacks=[once(hook, change)]
    ).history
    # Four steps of 0.1 each; and the five more are never written back over.
    assert value(model) + float(model.layers[0].added) == pytest.approx(5 - 0.4)
    before = {"on_train_batch_end": 1, "on_batch_end": 1, "on_epoch_end": 2}.get(hook, 0)
    outputs = [5 * (step >= before) - 0.1 * step for step in range(4)]
    losses = [sum(outputs[:2]) / 2, sum(outputs[2:]) / 2]
    assert history["loss"] == pytest.approx(losses)


@pytest.mark.parametrize("eager", MODES)
@pytest.mark.parametrize("hook", [*TRAIN, "on_train_batch_end", "on_batch_end", "on_epoch_end"])
def test_another_learning_rate(hook, eager, models):
    model = models(eager)

    def faster(model):
        model.optimizer.learning_rate = 1.0

    model.fit(X, X, batch_size=2, epochs=2, verbose=0, callbacks=[once(hook, faster)])
    before = {"on_train_batch_end": 1, "on_batch_end": 1, "on_epoch_end": 2}.get(hook, 0)
    assert value(model) == pytest.approx(-0.1 * before - (4 - before))


@pytest.mark.parametrize("eager", MODES)
def test_a_rate_for_each_step(eager, models):
    class Steps(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.optimizer.learning_rate = float(batch)

    model = models(eager)
    model.fit(X, X, batch_size=1, verbose=0, callbacks=[Steps()])
    assert value(model) == -6


@pytest.mark.parametrize("eager", MODES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("hook", TEST)
def test_evaluating_what_was_assigned(hook, change, eager, models):
    model = models(eager)
    assert model.evaluate(X, X, verbose=0, batch_size=2, callbacks=[once(hook, change)]) == 5
    assert value(model) + float(model.layers[0].added) == 5


@pytest.mark.parametrize("eager", MODES)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("hook", PREDICT)
def test_predicting_from_what_was_assigned(hook, change, eager, models):
    model = models(eager)
    outputs = model.predict(X, verbose=0, batch_size=2, callbacks=[once(hook, change)])
    assert outputs.ravel().tolist() == [5] * 4
    assert value(model) + float(model.layers[0].added) == 5


@pytest.mark.parametrize("eager", MODES)
@pytest.mark.parametrize("edge", ["on_test_{}", "on_test_batch_{}"])
def test_averaged_weights_for_validation_only(edge, eager, models):
    class Swap(Callback):
        def swap(self, *args):
            self.kept, before = self.model.get_weights(), self.kept
            self.model.set_weights(before)

    swap = Swap()
    swap.kept = [np.float32(7), np.float32(0)]
    setattr(swap, edge.format("begin"), swap.swap)
    setattr(swap, edge.format("end"), swap.swap)
    model = models(eager)
    history = model.fit(
        X, X, batch_size=4, epochs=2, verbose=0, validation_data=(X, X), callbacks=[swap]
    ).history
    assert history["val_loss"] == [7, 7]
    assert value(model) == pytest.approx(-0.2)


@pytest.mark.parametrize("eager", MODES)
def test_a_metric_that_a_callback_resets(eager, models):
    class Forget(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.reset_metrics()

    history = models(eager).fit(X, X, batch_size=2, epochs=1, verbose=0, callbacks=[Forget()])
    assert history.history["loss"] == pytest.approx([-0.1])


@pytest.mark.parametrize("eager", MODES)
@pytest.mark.parametrize("hook", TRAIN[1:])
def test_an_optimizers_setting_and_its_schedule(hook, eager):
    def clip(model):
        model.optimizer.clipvalue = 0.5

    def schedule(model):
        model.optimizer.learning_rate = tv.optimizers.schedules.ExponentialDecay(1.0, 1, 0.5)

    model = make(eager)
    model.fit(X, X, batch_size=2, epochs=2, verbose=0, callbacks=[once(hook, clip)])
    assert value(model) == pytest.approx(-0.2)
    model.optimizer.clipvalue = None
    model.fit(X, X, batch_size=2, epochs=1, verbose=0, callbacks=[once(hook, schedule)])
    assert value(model) == pytest.approx(-0.2 - 0.5**4 - 0.5**5)


def test_compiling_anew_between_epochs():
    def unfreeze(model):
        model.layers[0].trainable = True
        model.compile(tv.optimizers.SGD(1.0), Sum())

    model = tv.Sequential([tv.Input((1,)), Weight(), tv.layers.Dense(1, kernel_initializer="ones")])
    model.layers[0].trainable = False
    model.compile(tv.optimizers.SGD(0.1), Sum())
    model.fit(X, X, epochs=2, verbose=0, callbacks=[once("on_epoch_end", unfreeze)])
    assert value(model) == pytest.approx(-1.0)


def test_freezing_without_compiling_is_said():
    def freeze(model):
        model.layers[0].trainable = False

    model = tv.Sequential([tv.Input((1,)), Weight(), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="added or frozen since"):
        model.fit(X, X, epochs=2, verbose=0, callbacks=[once("on_epoch_end", freeze)])


@pytest.mark.parametrize("eager", MODES)
@pytest.mark.parametrize("hook", [*TRAIN, "on_train_batch_end", "on_batch_end"])
def test_stopping(hook, eager, models):
    """A stop ends training after the step that is next, or that is going on, as in Keras."""

    def stop(model):
        model.stop_training = True

    model = models(eager)
    history = model.fit(X, X, batch_size=1, epochs=3, verbose=0, callbacks=[once(hook, stop)])
    assert len(history.epoch) == 1
    assert value(model) == pytest.approx(-0.1)


def test_a_stop_before_a_later_epoch_comes_after_its_first_step(models):
    class Late(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    model = models(False)
    history = model.fit(
        np.ones((9, 1)), np.ones((9, 1)), batch_size=1, epochs=5, verbose=0, callbacks=[Late()]
    )
    assert len(history.epoch) == 3
    assert value(model) == pytest.approx(-0.1 * (9 + 9 + 1))


def test_a_hook_sees_what_the_steps_before_it_made(models):
    seen = []

    class Look(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append((value(self.model), int(self.model.optimizer.iterations) % 4))

        def on_chunk_end(self, mode, step, logs=None):
            seen.append(value(self.model))

    model = models(False)
    start = int(model.optimizer.iterations) % 4 if model.optimizer.built else 0
    model.fit(X, X, batch_size=2, verbose=0, callbacks=[Look()])
    assert seen == [
        (0, start), pytest.approx(-0.1), (pytest.approx(-0.1), (start + 1) % 4), pytest.approx(-0.2)
    ]  # fmt: skip


def test_stopping_an_evaluation_and_a_prediction(models):
    """What is done by then counts, the other passes go on, and the next call begins anew."""

    class Stop(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating, self.seen = batch == 1, batch

    model, x, stop = models(False), np.ones((9, 1), "float32"), Stop()
    assert model.predict(x, batch_size=2, verbose=0, callbacks=[stop]).shape == (4, 1)
    model.evaluate(x, x, batch_size=2, verbose=0, callbacks=[stop])
    assert stop.seen == 1
    model.fit(
        x, x, validation_data=(x, x), validation_batch_size=2, epochs=2, verbose=0, callbacks=[stop]
    )
    assert stop.seen == 1 and not model.stop_training
    assert model.predict(x, batch_size=2, verbose=0).shape == (9, 1)
