"""The same hooks, called with the same logs, on our callbacks and on real Keras's."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from oracle import both, recorded

import trivium as tv
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


def test_early_stopping_stops_and_restores_where_keras_does(drive):
    def outcomes(library):
        for rng, epochs in random_runs(0, 300):
            arguments = {
                "patience": rng.choice([0, 1, 2, 4]),
                "min_delta": rng.choice([0, 0.05, -0.1]),
                "mode": rng.choice(["auto", "min", "max"]),
                "baseline": rng.choice([None, None, 0.3, 0.7]),
                "restore_best_weights": rng.choice([False, True]),
                "start_from_epoch": rng.choice([0, 0, 3, 40]),
            }
            callback = library.callbacks.EarlyStopping(**arguments)
            yield stopping_outcome(callback, drive, epochs), arguments

    theirs = recorded(lambda keras: [outcome for outcome, _ in outcomes(keras)])
    for (outcome, arguments), wanted in zip(outcomes(tv), theirs, strict=True):
        assert outcome == wanted, arguments
    assert len({outcome[0] for outcome in theirs}) > 5  # the runs ended at many different epochs


def test_early_stopping_begins_anew_with_each_fit(drive):
    first = [{"val_loss": v} for v in (0.1, 0.2, 0.3)]
    second = [{"val_loss": v} for v in (0.9, 0.8, 0.85, 0.7, 0.75)]

    def outcome(library):
        callback = library.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
        drive(callback, first)
        return stopping_outcome(callback, drive, second)

    mine, theirs = both(outcome)
    assert mine == theirs
    assert mine[0] == 5


def test_reduce_lr_on_plateau_sets_the_rates_that_keras_sets(drive):
    def runs(library):
        for rng, epochs in random_runs(1, 300):
            arguments = {
                "factor": rng.choice([0.1, 0.5]),
                "patience": rng.choice([0, 1, 2, 3]),
                "mode": rng.choice(["auto", "min", "max"]),
                "min_delta": rng.choice([1e-4, 0.1]),
                "cooldown": rng.choice([0, 1, 3]),
                "min_lr": rng.choice([0.0, 0.05]),
            }
            callback = library.callbacks.ReduceLROnPlateau(**arguments)
            model, seen = drive(callback, epochs)
            rates = [logs["learning_rate"] for logs in seen] + [model.optimizer.learning_rate]
            rates = [float(rate) for rate in rates]
            yield (rates, callback.wait, callback.cooldown_counter, callback.best), arguments

    theirs = recorded(lambda keras: [run for run, _ in runs(keras)])
    for (run, arguments), wanted in zip(runs(tv), theirs, strict=True):
        assert run == wanted, arguments
    assert len({rates[-1] for rates, *_ in theirs}) > 5


@pytest.mark.parametrize(
    "schedule",
    [lambda epoch: 0.5**epoch, lambda epoch, lr: lr * 0.9, lambda epoch, lr=3.0: lr + epoch],
    ids=["epoch", "epoch and rate", "rate with a default"],
)
def test_learning_rate_scheduler_sets_and_logs_the_rates_that_keras_sets(drive, schedule):
    def result(library):
        callback = library.callbacks.LearningRateScheduler(schedule)
        model, seen = drive(callback, [{"loss": 1.0}] * 4)
        logs = [{name: float(value) for name, value in logs.items()} for logs in seen]
        return float(model.optimizer.learning_rate), logs

    mine, theirs = both(result)
    assert mine == theirs
    assert len({logs["learning_rate"] for logs in mine[1]}) > 1


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
def test_csv_logger_writes_the_file_that_keras_writes(drive, tmp_path, name, same_object):
    fits, arguments = CSV_RUNS[name]

    def content(library):
        path = tmp_path / f"{library.__name__}.csv"
        callback = library.callbacks.CSVLogger(str(path), **arguments)
        for epochs in fits:
            drive(callback, epochs)
            if not same_object:
                callback = library.callbacks.CSVLogger(str(path), **arguments)
        return path.read_bytes().replace(b"\r\n", b"\n")

    mine, theirs = both(content)
    assert mine == theirs
    assert mine.startswith(b"epoch")


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
    drive, tmp_path, name, arguments, batches
):
    def saved(library):
        for _, epochs in random_runs(2, 5, epochs=8):
            callback = library.callbacks.ModelCheckpoint(str(tmp_path / name), **arguments)
            files = drive(callback, epochs, batches=batches)[0].saved
            yield [(kind, str(Path(path).relative_to(tmp_path))) for kind, path in files]

    mine, theirs = both(lambda library: list(saved(library)))
    assert mine == theirs
    assert all(mine) or "save_best_only" in arguments


def test_early_stopping_tells_directions_as_keras_does(drive, fake_model):
    from trivium.training.callbacks.monitor import _DIRECTIONS

    def directions(keras):
        metrics = keras.metrics.MeanAbsoluteError(name="mae"), keras.metrics.AUC(name="auc")
        return [metric._direction for metric in metrics]

    theirs = recorded(directions)
    assert theirs[0] in _DIRECTIONS and directions(tv) == theirs
    mae, auc = (
        SimpleNamespace(name=n, _direction=d) for n, d in zip(("mae", "auc"), theirs, strict=True)
    )
    model = fake_model(metrics=[mae, auc])
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
def test_arguments_and_defaults_are_keras_s(name):
    import inspect

    def arguments(cls):
        parameters = inspect.signature(cls).parameters.values()
        return [(p.name, p.default) for p in parameters if p.kind is not p.VAR_KEYWORD]

    mine, theirs = both(lambda library: arguments(getattr(library.callbacks, name)))
    assert mine == theirs


def test_callback_has_every_hook_of_keras_with_its_signature():
    import inspect

    def arguments(cls, hook):
        return [
            (p.name, p.default) for p in inspect.signature(getattr(cls, hook)).parameters.values()
        ]

    def signatures(keras):
        cls = keras.callbacks.Callback
        hooks = sorted(name for name in vars(cls) if name.startswith(("on_", "set_")))
        return {hook: arguments(cls, hook) for hook in hooks}

    theirs = recorded(signatures)
    assert len(theirs) == 18
    assert {hook: arguments(ours.Callback, hook) for hook in theirs} == theirs
