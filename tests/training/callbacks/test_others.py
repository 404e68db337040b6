"""What the callbacks say, and what they refuse."""

import os
import warnings
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from oracle import both

import trivium
from trivium.training.callbacks import (
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)

MONITORS = [
    EarlyStopping,
    ReduceLROnPlateau,
    lambda **kwargs: ModelCheckpoint("x.keras", save_best_only=True, **kwargs),
]


@pytest.mark.parametrize("make", MONITORS, ids=["stopping", "plateau", "checkpoint"])
def test_a_monitor_that_is_not_logged_warns_with_the_nearest_name(
    drive, make, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    logs = {"loss": 1.0, "val_loss": 1.0, "val_accuracy": 1.0}
    pattern = "monitors 'val_acuracy'.*Did you mean 'val_accuracy'.*loss, val_accuracy, val_loss"
    with pytest.warns(UserWarning, match=pattern):
        drive(make(monitor="val_acuracy"), [logs])


def test_a_monitor_without_validation_says_so(drive):
    with pytest.warns(UserWarning, match="no validation"):
        drive(EarlyStopping(), [{"loss": 1.0}])


def test_no_monitor_is_missed_while_early_stopping_warms_up(drive):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drive(EarlyStopping(start_from_epoch=2), [{"loss": 1.0}, {"loss": 1.0}])


def test_an_unknown_mode_warns_and_becomes_auto():
    with pytest.warns(UserWarning, match="mode='maximum'"):
        assert EarlyStopping(mode="maximum").mode == "auto"


@pytest.mark.parametrize(
    ("monitor", "better"),
    [("loss", 0.4), ("val_loss", 0.4), ("b_loss", 0.4), ("val_b_loss", 0.4), ("val_b_acc", 0.6)],
)
def test_auto_mode_knows_losses_and_nested_metrics(drive, fake_model, monitor, better):
    compiled = SimpleNamespace(
        name="compile_metrics", metrics=[SimpleNamespace(name="acc", _direction="up")]
    )
    callback = EarlyStopping(monitor=monitor, patience=2)
    drive(callback, [{monitor: 0.5}, {monitor: better}], fake_model(metrics=[compiled]))
    assert callback.best_epoch == 1


def test_auto_mode_asks_where_nothing_tells(drive):
    with pytest.raises(ValueError, match=r"'perplexity'.*mode='min'.*mode='max'"):
        drive(EarlyStopping(monitor="perplexity"), [{"perplexity": 1.0}, {"perplexity": 1.0}])


def test_a_nan_is_beaten_by_any_number(drive):
    nan = float("nan")
    callback = EarlyStopping(patience=2)
    _, seen = drive(callback, [{"val_loss": v} for v in (nan, 5.0, nan, nan)])
    assert (callback.best, callback.best_epoch, len(seen)) == (5.0, 1, 4)


def test_early_stopping_says_what_it_did(drive, capsys):
    callback = EarlyStopping(patience=1, verbose=1, restore_best_weights=True)
    drive(callback, [{"val_loss": v} for v in (3.0, 2.0, 2.5)])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 3: early stopping.",
        "Restored the weights of the best epoch: 2.",
    ]


def test_schedules_say_what_they_set(drive, capsys):
    drive(LearningRateScheduler(lambda epoch: 0.25, verbose=1), [{"loss": 1.0}])
    drive(ReduceLROnPlateau(patience=1, verbose=1), [{"val_loss": 1.0}] * 2)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: LearningRateScheduler sets the learning rate to 0.25.",
        "Epoch 2: ReduceLROnPlateau lowers the learning rate to 0.1.",
    ]


@pytest.mark.parametrize("rate", [1, np.float32(0.5), jnp.float32(0.5)])
def test_a_schedule_may_return_any_number(drive, rate):
    model, _ = drive(LearningRateScheduler(lambda epoch: rate), [{"loss": 1.0}])
    assert type(model.optimizer.learning_rate) is float
    assert model.optimizer.learning_rate == float(rate)


@pytest.mark.parametrize("answer", [None, "fast", [0.1, 0.2]])
def test_a_schedule_that_returns_no_number_changes_nothing(drive, fake_model, answer):
    model = fake_model(learning_rate=0.125)
    with pytest.raises(ValueError, match="one number"):
        drive(LearningRateScheduler(lambda epoch: answer), [{"loss": 1.0}], model)
    assert model.optimizer.learning_rate == 0.125


def test_an_error_inside_of_a_schedule_is_not_hidden(drive):
    def broken(epoch, rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        drive(LearningRateScheduler(broken), [{"loss": 1.0}])


@pytest.mark.parametrize(
    "callback", [LearningRateScheduler(lambda epoch: 0.1), ReduceLROnPlateau("loss")]
)
def test_an_optimizer_without_a_learning_rate_is_named(drive, fake_model, callback):
    model = fake_model()
    model.optimizer = "adamish"
    with pytest.raises(ValueError, match="adamish"):
        drive(callback, [{"loss": 1.0}], model)


def test_a_rate_at_its_float32_minimum_is_left_alone(drive, fake_model, capsys):
    model = fake_model(learning_rate=np.float32(0.05))
    drive(ReduceLROnPlateau(patience=1, min_lr=0.05, verbose=1), [{"val_loss": 1.0}] * 4, model)
    assert model.optimizer.learning_rate == np.float32(0.05)
    assert capsys.readouterr().out == ""


def test_plateau_refuses_to_raise_the_rate():
    with pytest.raises(ValueError, match=r"below 1; got 1\.0"):
        ReduceLROnPlateau(factor=1.0)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"filepath": "model"}, r"\.keras"),
        ({"filepath": "model.weights.h5"}, r"\.keras or \.h5"),
        ({"filepath": "model.h5", "save_weights_only": True}, r"\.weights\.h5"),
        ({"filepath": "model.keras", "save_freq": "batch"}, "'batch'"),
        ({"filepath": "model.keras", "save_freq": 0}, "save_freq"),
    ],
)
def test_checkpoint_refuses_wrong_arguments(arguments, match):
    with pytest.raises(ValueError, match=match):
        ModelCheckpoint(**arguments)


def test_checkpoint_needs_a_model_that_can_save_itself():
    model = SimpleNamespace(save_weights=print)
    with pytest.raises(TypeError, match=r"model\.save\b.*SimpleNamespace.*save_weights_only=True"):
        ModelCheckpoint("x.keras").set_model(model)
    ModelCheckpoint("x.weights.h5", save_weights_only=True).set_model(model)


def test_checkpoint_names_what_it_cannot_fill_in(drive, tmp_path):
    callback = ModelCheckpoint(tmp_path / "{val_los:.2f}.keras")
    with pytest.raises(KeyError, match=r"no 'val_los'.*epoch, val_loss"):
        drive(callback, [{"val_loss": 1.0}])


def test_checkpoint_does_not_write_over_a_folder_and_makes_missing_ones(drive, tmp_path):
    (tmp_path / "taken.keras").mkdir()
    with pytest.raises(OSError, match=r"taken\.keras"):
        drive(ModelCheckpoint(tmp_path / "taken.keras"), [{"loss": 1.0}])
    drive(ModelCheckpoint(tmp_path / "new" / "deep" / "{epoch}.keras"), [{"loss": 1.0}])
    assert os.path.isdir(tmp_path / "new" / "deep")


def test_checkpoint_compares_from_the_first_batch_on(fake_model):
    callback = ModelCheckpoint("{batch}.keras", "loss", save_best_only=True, save_freq=1)
    model = fake_model()
    callback.set_model(model)
    callback.on_epoch_begin(0)
    for batch, loss in enumerate([3.0, 4.0, 2.0, 2.0]):
        callback.on_train_batch_end(batch, {"loss": loss})
    assert model.saved == [("model", "1.keras"), ("model", "3.keras")]


def test_checkpoint_says_what_it_does(drive, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drive(
        ModelCheckpoint("{epoch}.keras", save_best_only=True, verbose=1),
        [{"val_loss": v} for v in (3.0, 4.0, 2.0)],
    )
    drive(ModelCheckpoint("last.keras", verbose=1), [{"loss": 1.0}])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: val_loss improved to 3.00000, saved the model to 1.keras",
        "Epoch 2: val_loss did not improve from 3.00000",
        "Epoch 3: val_loss improved from 3.00000 to 2.00000, saved the model to 3.keras",
        "Epoch 1: saved the model to last.keras",
    ]


def test_csv_logger_outside_of_fit_says_so(tmp_path):
    with pytest.raises(RuntimeError, match="during fit"):
        CSVLogger(tmp_path / "x.csv").on_epoch_end(0, {"loss": 1.0})
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("logs", "stops"),
    [
        ({"loss": float("nan")}, True),
        ({"loss": float("-inf")}, True),
        ({"loss": 1e30}, False),
        ({}, False),
    ],
)
def test_terminate_on_nan_stops_training_only(fake_model, logs, stops, capsys):
    for mode in ("test", "train"):
        guard = TerminateOnNaN()
        guard.set_model(fake_model())
        guard.on_chunk_end(mode, 12, logs)
        assert guard.model.stop_training == (stops and mode == "train")
    assert ("one of the batches 0 to 11" in capsys.readouterr().out) == stops


def test_terminate_on_nan_can_raise(fake_model):
    guard = TerminateOnNaN(raise_error=True)
    guard.set_model(fake_model())
    with pytest.raises(RuntimeError, match="inf since one of the batches 0 to 11"):
        guard.on_chunk_end("train", 12, {"loss": float("inf")})
    assert not guard.model.stop_training


def test_lambda_callback_refuses_a_hook_that_nobody_calls():
    with pytest.raises(TypeError, match="Did you mean 'on_test_end'"):
        LambdaCallback(on_test_ends=print)
    assert LambdaCallback(note=3).note == 3


def test_history_is_keras_s_and_survives_a_second_fit(drive):
    def filled(library):
        history = library.callbacks.History()
        drive(history, [{"loss": 1.0, "val_loss": 2.0}, {"loss": 0.5}])
        drive(history, [{"loss": 0.25}])
        return history.history, history.epoch, history.params

    ours, theirs = both(filled)
    assert ours == theirs


def test_history_plots_each_value_at_its_epoch(drive):
    import matplotlib.pyplot as plt

    history = History()
    drive(history, [{"loss": 3.0}, {"loss": 2.0, "val_loss": 2.5}, {"loss": 1.0}])
    drive(history, [{"loss": 0.5, "val_loss": 1.5}])
    training, validation = history.plot().axes[0].get_lines()
    assert list(training.get_xdata()) == [1, 2, 3, 4]
    assert list(validation.get_xdata()) == [2, 4]
    assert list(validation.get_ydata()) == [2.5, 1.5]
    plt.close("all")


@pytest.mark.parametrize(
    ("validation", "header"), [(None, "epoch,loss"), (2, "epoch,loss,val_loss")]
)
def test_csv_logger_has_columns_for_results_that_come(tmp_path, validation, header):
    x = np.ones((4, 1), "float32")
    model = trivium.Sequential([trivium.layers.Dense(1)])
    model.compile("sgd", "mse")
    given = {} if validation is None else {"validation_data": (x, x), "validation_freq": validation}
    model.fit(x, x, epochs=2, verbose=0, callbacks=[CSVLogger(tmp_path / "log.csv")], **given)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == header and len(lines) == 3
    assert all(line.count(",") == header.count(",") for line in lines)


@pytest.mark.parametrize(("hooks", "words"), [(True, "since batch 2"), (False, "batches? [0-9]+")])
def test_terminate_on_nan_names_the_batch(hooks, words):
    x = np.ones((8, 1), "float32")
    y = x.copy()
    y[5] = np.nan
    model = trivium.Sequential([trivium.layers.Dense(1)])
    model.compile("sgd", "mse")
    callbacks = [TerminateOnNaN(raise_error=True)]
    if hooks:
        callbacks.append(LambdaCallback(on_train_batch_end=lambda batch, logs: None))
    with pytest.warns(UserWarning, match="NaN"), pytest.raises(RuntimeError, match=words):
        model.fit(x, y, batch_size=2, shuffle=False, verbose=0, callbacks=callbacks)


def test_monitors_say_how_they_compare():
    assert EarlyStopping("val_loss").monitor_op is np.less
    assert EarlyStopping("auc", mode="max").monitor_op is np.greater
    waiting = EarlyStopping("something")
    waiting.set_model(SimpleNamespace(metrics=[]))
    assert waiting.monitor_op is None
