"""The same hooks, called with the same logs, on our callbacks and on real Keras's."""

import random

import pytest

from trivium.training import callbacks as ours


def random_runs(seed, count, epochs=14):
    """Yield sequences of results that halt, jump and repeat."""
    rng = random.Random(seed)
    for _ in range(count):
        values = [rng.choice([0.2, 0.5, 0.55, 0.6, 0.9, rng.random()]) for _ in range(epochs)]
        yield rng, [{"loss": 1.0, "val_loss": value} for value in values]


def stopping_outcome(callback, drive, epochs):
    model, seen = drive(callback, epochs)
    return (
        len(seen),
        model.stop_training,
        model.weights,
        callback.best,
        callback.best_epoch,
        callback.stopped_epoch,
        callback.wait,
    )


def test_early_stopping_stops_and_restores_where_keras_does(oracle, drive):
    stopped = set()
    for rng, epochs in random_runs(0, 300):
        arguments = {
            "patience": rng.choice([0, 1, 2, 4]),
            "min_delta": rng.choice([0, 0.05, -0.1]),
            "mode": rng.choice(["auto", "min", "max"]),
            "baseline": rng.choice([None, None, 0.3, 0.7]),
            "restore_best_weights": rng.choice([False, True]),
            "start_from_epoch": rng.choice([0, 0, 3, 40]),
        }
        outcome = stopping_outcome(ours.EarlyStopping(**arguments), drive, epochs)
        assert outcome == stopping_outcome(oracle.EarlyStopping(**arguments), drive, epochs), (
            arguments
        )
        stopped.add(outcome[0])
    assert len(stopped) > 5  # the runs ended at many different epochs


def test_early_stopping_begins_anew_with_each_fit(oracle, drive):
    first = [{"val_loss": v} for v in (0.1, 0.2, 0.3)]
    second = [{"val_loss": v} for v in (0.9, 0.8, 0.85, 0.7, 0.75)]
    outcomes = []
    for library in (ours, oracle):
        callback = library.EarlyStopping(patience=2, restore_best_weights=True)
        drive(callback, first)
        outcomes.append(stopping_outcome(callback, drive, second))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == 5


def test_reduce_lr_on_plateau_sets_the_rates_that_keras_sets(oracle, drive):
    final = set()
    for rng, epochs in random_runs(1, 300):
        arguments = {
            "factor": rng.choice([0.1, 0.5]),
            "patience": rng.choice([0, 1, 2, 3]),
            "mode": rng.choice(["auto", "min", "max"]),
            "min_delta": rng.choice([1e-4, 0.1]),
            "cooldown": rng.choice([0, 1, 3]),
            "min_lr": rng.choice([0.0, 0.05]),
        }
        runs = []
        for library in (ours, oracle):
            callback = library.ReduceLROnPlateau(**arguments)
            model, seen = drive(callback, epochs)
            rates = [logs["learning_rate"] for logs in seen] + [model.optimizer.learning_rate]
            runs.append((rates, callback.wait, callback.cooldown_counter, callback.best))
        assert runs[0] == runs[1], arguments
        final.add(runs[0][0][-1])
    assert len(final) > 5


@pytest.mark.parametrize(
    "schedule",
    [lambda epoch: 0.5**epoch, lambda epoch, lr: lr * 0.9, lambda epoch, lr=3.0: lr + epoch],
    ids=["epoch", "epoch and rate", "rate with a default"],
)
def test_learning_rate_scheduler_sets_and_logs_the_rates_that_keras_sets(oracle, drive, schedule):
    results = []
    for library in (ours, oracle):
        model, seen = drive(library.LearningRateScheduler(schedule), [{"loss": 1.0}] * 4)
        results.append((model.optimizer.learning_rate, seen))
    assert results[0] == results[1]
    assert len({logs["learning_rate"] for logs in results[0][1]}) > 1


CSV_RUNS = {
    "plain": ([[{"loss": 0.1, "val_loss": 1 / 3}, {"loss": 1e-9, "val_loss": 2.0}]], {}),
    "validation comes later": ([[{"loss": 1.0}, {"loss": 1.0, "val_loss": 2.0}]], {}),
    "names go and come": ([[{"b": 1.0, "a": 2.0}, {"a": 3.0}, {"a": 1.0, "b": 2.0, "c": 4.0}]], {}),
    "separator": ([[{"loss": 1.0, "note": "a;b"}]], {"separator": ";"}),
    "lists": ([[{"loss": [1.0, 2.0], "val_loss": 1.0}]], {}),
    "overwritten": ([[{"loss": 1.0}], [{"loss": 2.0}]], {}),
    "appended": ([[{"loss": 1.0}], [{"loss": 2.0}]], {"append": True}),
    "no results": ([[{}, {}]], {}),
}


@pytest.mark.parametrize("name", CSV_RUNS)
@pytest.mark.parametrize("same_object", [False, True], ids=["new logger", "same logger"])
def test_csv_logger_writes_the_file_that_keras_writes(oracle, drive, tmp_path, name, same_object):
    fits, arguments = CSV_RUNS[name]
    contents = []
    for library in (ours, oracle):
        path = tmp_path / f"{library.__name__}.csv"
        callback = library.CSVLogger(str(path), **arguments)
        for epochs in fits:
            drive(callback, epochs)
            if not same_object:
                callback = library.CSVLogger(str(path), **arguments)
        contents.append(path.read_bytes().replace(b"\r\n", b"\n"))
    assert contents[0] == contents[1]
    assert contents[0].startswith(b"epoch")


def test_csv_logger_appends_to_a_file_without_a_second_header(drive, tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("")
    for value in (1.0, 2.0):
        drive(ours.CSVLogger(path, append=True), [{"loss": value, "val_loss": value}])
    assert path.read_text() == "epoch,loss,val_loss\n0,1.0,1.0\n0,2.0,2.0\n"


CHECKPOINTS = [
    ("{epoch:02d}-{val_loss:.2f}.keras", {}),
    ("{epoch}.keras", {"save_best_only": True}),
    ("best.keras", {"save_best_only": True, "mode": "max"}),
    ("best.keras", {"save_best_only": True, "initial_value_threshold": 0.4}),
    ("deep/{epoch}.weights.h5", {"save_weights_only": True}),
    ("{epoch}-{batch}.keras", {"save_freq": 3}),
    ("{epoch}-{batch}.keras", {"save_freq": 4, "save_best_only": True}),
    ("{epoch}-{batch}.keras", {"save_freq": 7, "monitor": "loss"}),
]


@pytest.mark.parametrize(("name", "arguments"), CHECKPOINTS)
@pytest.mark.parametrize(
    "batches", [range(5), (1, 3, 4), (0,)], ids=["1 a time", "2 a time", "one"]
)
def test_model_checkpoint_saves_the_files_that_keras_saves(
    oracle, drive, tmp_path, name, arguments, batches
):
    for _, epochs in random_runs(2, 5, epochs=8):
        saved = []
        for library in (ours, oracle):
            callback = library.ModelCheckpoint(str(tmp_path / name), **arguments)
            saved.append(drive(callback, epochs, batches=batches)[0].saved)
        assert saved[0] == saved[1]
        assert saved[0] or "save_best_only" in arguments


def test_early_stopping_tells_directions_as_keras_does(oracle, drive, fake_model):
    import keras

    from trivium.training.callbacks.monitor import _DIRECTIONS

    metric = keras.metrics.MeanAbsoluteError(name="mae")
    assert metric._direction in _DIRECTIONS
    model = fake_model(metrics=[metric, keras.metrics.AUC(name="auc")])
    for monitor, stops_after in (("val_mae", 2), ("auc", 3), ("out_auc", 3)):
        callback = ours.EarlyStopping(monitor=monitor)
        model.stop_training = False
        _, seen = drive(callback, [{monitor: v} for v in (0.5, 0.6, 0.4)], model)
        assert len(seen) == stops_after


@pytest.mark.parametrize(
    "name",
    [
        "EarlyStopping",
        "ModelCheckpoint",
        "LearningRateScheduler",
        "ReduceLROnPlateau",
        "LambdaCallback",
        "TerminateOnNaN",
        "CSVLogger",
        "History",
        "Callback",
        "CallbackList",
    ],
)
def test_arguments_and_defaults_are_keras_s(oracle, name):
    import inspect

    def arguments(cls):
        parameters = inspect.signature(cls).parameters.values()
        return [(p.name, p.default) for p in parameters if p.kind is not p.VAR_KEYWORD]

    assert arguments(getattr(ours, name)) == arguments(getattr(oracle, name))


def test_callback_has_every_hook_of_keras_with_its_signature(oracle):
    import inspect

    hooks = [name for name in vars(oracle.Callback) if name.startswith(("on_", "set_"))]
    assert len(hooks) == 18
    for hook in hooks:
        theirs = inspect.signature(getattr(oracle.Callback, hook)).parameters
        mine = inspect.signature(getattr(ours.Callback, hook)).parameters
        assert [(p.name, p.default) for p in theirs.values()] == [
            (p.name, p.default) for p in mine.values()
        ]
