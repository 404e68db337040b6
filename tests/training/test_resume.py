"""A run that was killed, and started again by the same program, ends with the bits of one that was not."""

import dataclasses
import io
import os
import random
import signal
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import pytest
from compiling import quick_environment

import trivium as tv
from trivium.saving.zipped_arrays import members_of, read_arrays
from trivium.saving.zips import write_zip
from trivium.training.run_state import Place, RunState, RunStateError

X = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")


class Killed(BaseException):
    """The end of a process, as far as one process can show it."""


class Kill(tv.callbacks.Callback):
    """Ends the run after so many chunks."""

    def __init__(self, after=None):
        self.after = after

    def get_state(self):
        return {}

    def on_chunk_end(self, mode, step, logs=None):
        if self.after is not None:
            self.after -= 1
            if self.after < 0:
                raise Killed


class Shuffled(tv.utils.PyDataset):
    """A dataset with an order and a noise of its own."""

    def __init__(self, noise):
        super().__init__()
        self.order, self.noise = np.arange(60), noise

    def __len__(self):
        return 6

    def __getitem__(self, index):
        rows = self.order[10 * index : 10 * index + 10]
        drawn = np.random.normal(size=(10, 4)).astype("float32") if self.noise else 0
        return X[rows] + drawn, Y[rows]

    def on_epoch_end(self):
        np.random.shuffle(self.order)


class Iterable:
    """What begins anew for each epoch, in an order drawn each time."""

    def __iter__(self):
        for rows in np.split(np.random.permutation(60), 6):
            yield X[rows], Y[rows]


def generator():
    own = np.random.default_rng(5)
    while True:
        rows = own.integers(0, 60, 10)
        yield X[rows] + np.random.normal(size=(10, 4)).astype("float32"), Y[rows]


def rows():
    return tv.data.Dataset.from_tensor_slices((X, Y))


def noisy(rng, x, y):
    return np.asarray(x) + rng.normal(size=4).astype("float32"), y


def drawn(x, y):
    return np.asarray(x) + np.random.normal(size=x.shape).astype("float32"), y


DATA = {
    "arrays": lambda: {"x": X, "y": Y, "batch_size": 11},
    "a part of the arrays": lambda: {"x": X, "y": Y, "batch_size": 10, "steps_per_epoch": 3},
    "a generator": lambda: {"x": generator(), "steps_per_epoch": 6},
    "an iterable": lambda: {"x": Iterable()},
    "a part of an iterable": lambda: {"x": Iterable(), "steps_per_epoch": 3},
    "a PyDataset": lambda: {"x": Shuffled(False)},
    "a PyDataset that draws": lambda: {"x": Shuffled(True)},
    "rows of a pipeline": lambda: {"x": rows().shuffle(60).batch(10)},
    "a pipeline with workers": lambda: {
        "x": rows().shuffle(20).random_map(noisy, num_parallel_calls=3).batch(10)
    },
    "a part of a pipeline": lambda: {
        "x": rows().random_map(noisy, num_parallel_calls=2).shuffle(20).batch(10).repeat(),
        "steps_per_epoch": 4,
    },
    "a part of a pipeline that draws": lambda: {
        "x": rows().batch(10).map(drawn).repeat(),
        "steps_per_epoch": 4,
    },
}


class Counting(tv.callbacks.Callback):
    """A callback that stands between any two batches and counts."""

    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, logs["loss"]))


def program(data, folder, kill=None, epochs=4, hooks=False, **settings):
    """Run a program from its beginning; return all that is left of it."""
    tv.utils.set_random_seed(3)
    model = tv.Sequential(
        [
            tv.Input((4,)),
            tv.layers.Dense(3, activation="tanh"),
            tv.layers.BatchNormalization(),
            tv.layers.Dropout(0.4),
            tv.layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(tv.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"], **settings)
    callbacks = [
        tv.callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        tv.callbacks.ReduceLROnPlateau(patience=1, factor=0.5, min_delta=0.01),
        tv.callbacks.CSVLogger(f"{folder}/log.csv"),
        *([Counting()] if hooks else []),
        Kill(kill),
    ]
    backup = tv.callbacks.BackupAndRestore(f"{folder}/run", save_freq=2, delete_checkpoint=False)
    try:
        history = model.fit(
            **DATA[data](), epochs=epochs, verbose=0, callbacks=callbacks, resume=backup,
            validation_data=(X[:20], Y[:20]),
        )  # fmt: skip
    finally:
        callbacks[2]._close()  # As the end of a process does.
    values = [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)]
    with open(f"{folder}/log.csv") as file:
        written = file.read()
    noted = callbacks[3].seen if hooks else None
    return [v.tobytes() for v in values], history.history, history.epoch, written, noted


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a program that nobody kills leaves, each run once."""
    found = {}

    def run(data, hooks=False):
        if (data, hooks) not in found:
            found[data, hooks] = program(data, tmp_path_factory.mktemp("whole"), hooks=hooks)
        return found[data, hooks]

    return run


@pytest.mark.parametrize("data", DATA)
def test_a_killed_run_goes_on_to_the_same_bits(data, tmp_path, whole):
    for kill in (1, 4):
        with pytest.raises(Killed):
            program(data, tmp_path, kill)
    assert program(data, tmp_path) == whole(data)
    # And once it has ended, it is not run again.
    assert program(data, tmp_path, kill=0) == whole(data)


def test_elements_that_have_been_used_are_not_made_again(tmp_path):
    made = []

    def note(x, y):
        x = np.asarray(x)  # Fails where it is traced.
        made.append(1)
        return x, y

    def run(kill=None):
        made.clear()
        data = rows().shuffle(60).map(note).batch(10)
        backup = tv.callbacks.BackupAndRestore(tmp_path, 1, delete_checkpoint=False)
        model = small()
        model.run_eagerly = True
        model.fit(data, epochs=2, verbose=0, callbacks=[Kill(kill)], resume=backup)

    with pytest.raises(Killed):
        run(10)  # Four steps into the second epoch.
    run()
    # The example that the model is built on, the one batch that tells whether batches may be left out, and what is new.
    assert len(made) == 10 + 10 + 20


def test_a_generator_that_draws_anew_in_each_process_is_warned_of(tmp_path):
    def run(seed, kill=None):
        draw = np.random.default_rng(seed)
        data = ((X[rows], Y[rows]) for rows in draw.integers(0, 60, (3, 10)))
        callbacks, folder = [Kill(kill)], tmp_path / "run"
        model = small()
        backup = tv.callbacks.BackupAndRestore(folder, 1, delete_checkpoint=False)
        model.fit(data, steps_per_epoch=3, verbose=0, callbacks=callbacks, resume=backup)

    with pytest.raises(Killed):
        run(1, 1)
    with pytest.warns(UserWarning, match="generator begins with another batch than in the run"):
        run(2)


def test_it_does_so_with_several_steps_an_execution(tmp_path, whole):
    for kill in (2, 5):
        with pytest.raises(Killed):
            program("arrays", tmp_path, kill, steps_per_execution=4)
    assert program("arrays", tmp_path, steps_per_execution=4) == whole("arrays")


def test_hooks_of_batches_are_called_for_each_step_once(tmp_path, whole):
    with pytest.raises(Killed):
        program("arrays", tmp_path, 9, hooks=True)
    ended = program("arrays", tmp_path, hooks=True)
    assert ended == whole("arrays", hooks=True)
    assert [batch for batch, _ in ended[4]] == [0, 1, 2, 3, 4, 5] * 4


def test_more_epochs_go_on_where_fewer_ended(tmp_path, whole):
    program("arrays", tmp_path, epochs=2)
    assert program("arrays", tmp_path) == whole("arrays")


def test_a_callback_does_not_hold_the_data_of_a_run_that_has_ended(tmp_path):
    history = small().fit(X, Y, verbose=0, resume=tmp_path)
    assert history.run is None


def small(units=1):
    tv.utils.set_random_seed(1)
    model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(units)])
    model.compile("sgd", "mse")
    return model


def test_it_does_so_with_steps_of_plain_python(tmp_path):
    def run(name, kill=None):
        model = small()
        model.run_eagerly = True
        backup = tv.callbacks.BackupAndRestore(tmp_path / name, 2, delete_checkpoint=False)
        callbacks = [Kill(kill)]
        model.fit(X, Y, epochs=2, verbose=0, batch_size=20, callbacks=callbacks, resume=backup)
        return model.get_weights()[0].tobytes()

    with pytest.raises(Killed):
        run("killed", 3)
    assert run("killed") == run("whole")


def test_a_run_of_another_model_or_program_is_refused(tmp_path):
    model = small()
    model.fit(X, Y, epochs=1, verbose=0, resume=tmp_path)
    before = model.get_weights()
    with pytest.raises(RunStateError, match="folder of its own"):
        model.fit(X, Y, epochs=2, verbose=0, resume=tmp_path)  # The second `fit` of the program.
    with pytest.raises(RunStateError, match=r"shape \(4, 2\).*another model"):
        small(units=2).fit(X, np.repeat(Y, 2, 1), epochs=2, verbose=0, resume=tmp_path)
    with pytest.raises(RunStateError, match="TerminateOnNaN"):
        callbacks = [tv.callbacks.TerminateOnNaN()]
        small().fit(X, Y, epochs=2, verbose=0, resume=tmp_path, callbacks=callbacks)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    with pytest.raises(TypeError, match="path of a folder"):
        model.fit(X, Y, verbose=0, resume=3)


def test_without_a_seed_the_seed_is_part_of_the_run(tmp_path):
    def run(epochs, seed):
        tv.utils.set_random_seed(seed)  # Another one in each process, as chance would have it.
        model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(3), tv.layers.Dropout(0.5)])
        model.compile("adam", "mse")
        model.fit(X, np.repeat(Y, 3, 1), epochs=epochs, verbose=0, resume=tmp_path / str(seed)[0])
        return model.get_weights()

    whole = run(3, 11)
    os.rename(tmp_path / "1", tmp_path / "done")
    run(1, 11)
    os.rename(tmp_path / "1", tmp_path / "2")
    assert all(np.array_equal(a, b) for a, b in zip(whole, run(3, 22), strict=True))


def test_the_folder_keeps_the_newest_the_best_and_some_on_the_way(tmp_path):
    model = small()
    backup = tv.callbacks.BackupAndRestore(
        tmp_path, delete_checkpoint=False, keep=1, keep_every=4, monitor="score", mode="max"
    )

    class Score(tv.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = [0.1, 0.9, 0.2, 0.3, 0.2, 0.1, 0.0, 0.0][epoch]

    model.fit(X, Y, epochs=7, verbose=0, callbacks=[Score(), backup])
    assert [int(f.name[6:11]) for f in sorted(tmp_path.iterdir())] == [2, 4, 7]
    backup = tv.callbacks.BackupAndRestore(tmp_path)
    small().fit(X, Y, epochs=8, verbose=0, callbacks=[Score(), backup])
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_a_model_and_a_run_that_goes_on(tmp_path, whole):
    class Stop(Kill):
        def on_chunk_end(self, mode, step, logs=None):
            self.after -= 1
            if self.after < 0:
                raise KeyboardInterrupt

    model = small()
    with pytest.raises(KeyboardInterrupt) as caught:
        model.fit(X, Y, epochs=3, verbose=0, callbacks=[Stop(2)])
    assert "resume=folder" in caught.value.__notes__[0]
    assert model.predict(X[:1], verbose=0).shape == (1, 1)
    with pytest.raises(KeyboardInterrupt) as caught:
        small().fit(X, Y, epochs=3, verbose=0, callbacks=[Stop(2)], resume=tmp_path)
    assert "Start the program again" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("hook", "place"),
    [
        ("on_train_batch_end", "epoch 1, after 2 of its steps"),
        ("on_epoch_end", "epoch 1, after 4 of its steps"),
        ("on_epoch_begin", "epoch 2, after 0 of its steps"),
    ],
)
def test_ctrl_c_in_a_hook_says_how_many_steps_are_done(hook, place):
    class Stop(tv.callbacks.Callback):
        def hear(self, number, logs=None):
            if number == 1 or hook == "on_epoch_end":
                raise KeyboardInterrupt

    stop = Stop()
    setattr(stop, hook, stop.hear)
    with pytest.raises(KeyboardInterrupt) as caught:
        small().fit(X[:16], Y[:16], 4, epochs=3, verbose=0, callbacks=[stop])
    assert place in caught.value.__notes__[0]


def test_a_damaged_newest_file_gives_way_to_the_one_before(tmp_path):
    full = small()
    full.fit(X, Y, epochs=3, verbose=0)
    small().fit(X, Y, epochs=2, verbose=0, resume=tmp_path)
    newest = sorted(tmp_path.iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[:-40])
    model = small()
    with pytest.warns(UserWarning, match="one before it"):
        model.fit(X, Y, epochs=3, verbose=0, resume=tmp_path)
    assert all(
        np.array_equal(a, b) for a, b in zip(full.get_weights(), model.get_weights(), strict=True)
    )
    for file in tmp_path.iterdir():
        file.write_bytes(b"")
    with (
        pytest.raises(RunStateError, match=r"epoch-0000.*remove the file"),
        pytest.warns(UserWarning),
    ):
        small().fit(X, Y, epochs=3, verbose=0, resume=tmp_path)


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    class Remove(tv.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.run.keepers[0].settle()  # What is being written would make the folder anew.
                for file in (tmp_path / "run").iterdir():
                    file.unlink()
                (tmp_path / "run").rmdir()
                (tmp_path / "run").write_text("in the way")

    with pytest.raises(OSError, match="run") as caught:
        small().fit(X, Y, epochs=4, verbose=0, callbacks=[Remove()], resume=tmp_path / "run")
    assert "could not be written" in str(caught.value)


def test_files_with_flipped_bytes_are_refused_and_nothing_else_happens(tmp_path):
    arrays = {"a": np.arange(6.0), "b": np.zeros((), "int32")}
    noted = [("Note", {"rng": np.random.default_rng(1), "best": float("inf")})]
    state = RunState(Place(2, 3, (1, 2)), 0, arrays, 7, 3, None, noted)
    state.write(tmp_path / "a.run")
    whole = (tmp_path / "a.run").read_bytes()
    again = RunState.read(tmp_path / "a.run")
    assert again.place == state.place and again.callbacks[0][1]["best"] == float("inf")
    assert again.callbacks[0][1]["rng"].integers(99) == np.random.default_rng(1).integers(99)
    chance = np.random.default_rng(0)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[chance.integers(len(whole))] ^= 1 << int(chance.integers(8))
        (tmp_path / "b.run").write_bytes(damaged)
        try:
            read = RunState.read(tmp_path / "b.run")
        except RunStateError:
            refused += 1
        else:  # A bit that says nothing, such as a file's date.
            assert read.place == state.place
            assert all(np.array_equal(read.variables[k], v) for k, v in arrays.items())
    assert refused > 250


def test_a_file_does_not_say_where_callbacks_write(tmp_path):
    def fit(epochs):
        small().fit(
            X, Y, epochs=epochs, verbose=0, callbacks=[
                tv.callbacks.ModelCheckpoint(tmp_path / "mine.keras"),
                tv.callbacks.BackupAndRestore(tmp_path / "run", delete_checkpoint=False),
            ],
        )  # fmt: skip

    fit(1)
    (file,) = (tmp_path / "run").iterdir()
    state = RunState.read(file)
    noted = dict(state.callbacks)
    noted["ModelCheckpoint"]["filepath"] = str(tmp_path / "theirs.keras")
    noted["BackupAndRestore"]["backup_dir"] = str(tmp_path / "theirs")
    state.write(file)
    fit(2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.keras", "run"]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "text"}, {"position": None}, {"began": -1}, {"callbacks": 3}, {"callbacks": [("Note", 3)]},
        {"randomness": (1, 2)}, {"place": Place(-1)}, {"place": Place(0, 1.5)}, {"place": Place(0, 0, (1,))},
        {"place": Place(logs=3)}, {"variables": {"a": "text"}}, {"held": {"a": 3}},
    ],
    ids=str,
)  # fmt: skip
def test_fields_that_no_run_has_are_refused(change, tmp_path):
    dataclasses.replace(RunState(Place(), 0, {}, 7, 3), **change).write(tmp_path / "a.run")
    before = random.getstate()
    with pytest.raises(RunStateError, match=r"a\.run"):
        RunState.read(tmp_path / "a.run")
    assert random.getstate() == before


def test_arrays_that_lie_on_one_another_are_refused():
    file = io.BytesIO()
    members, forms = members_of([np.zeros(100), np.zeros(100)])
    write_zip(file, members)
    with zipfile.ZipFile(file) as archive, pytest.raises(ValueError, match="array 1 of 800 bytes"):
        read_arrays(archive, forms, 1599)


def test_what_a_callback_says_of_itself_has_to_be_plain(tmp_path):
    class Odd(tv.callbacks.Callback):
        def get_state(self):
            return {"function": print}

    with pytest.raises(TypeError, match=r"Odd.get_state returned a .*builtin"):
        small().fit(X, Y, epochs=2, verbose=0, callbacks=[Odd()], resume=tmp_path)


SCRIPT = """
    import os, signal, sys, threading, time
    import numpy as np
    import trivium as tv

    def train(folder, executions, kills):
        tv.utils.set_random_seed(3)
        x = np.random.default_rng(0).normal(size=(14 * executions * 16, 4)).astype("float32")

        class Kill(tv.callbacks.Callback):
            began, waiting = 0, False

            def get_state(self):
                return {}

            def on_epoch_begin(self, epoch, logs=None):
                self.began = epoch * 14 * executions

            def on_chunk_end(self, mode, step, logs=None):
                # Steps are counted, and not chunks: how many steps are in one depends on how quick they are.
                if self.began + step >= kills * executions > 0 and not self.waiting:
                    self.waiting = True  # At some moment from now on: in a step, in a write, in between.
                    wait = np.random.SeedSequence().generate_state(1)[0] / 2**32 * 0.02
                    threading.Timer(wait, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()

            def on_train_end(self, logs=None):
                if self.waiting:
                    time.sleep(60)  # It is killed, however quick it was.

        model = tv.Sequential([tv.Input((4,)), tv.layers.Dense(32), tv.layers.Dropout(0.4), tv.layers.Dense(1)])
        model.compile("adam", "mse", steps_per_execution=executions)
        backup = tv.callbacks.BackupAndRestore(folder, save_freq=3, delete_checkpoint=False)
        model.fit(x, x[:, :1], batch_size=16, epochs=3, verbose=0, callbacks=[Kill()], resume=backup)
        print(*(w.tobytes().hex() for w in model.get_weights()))

    # Each run is a process of its own; what they import is imported once.
    executions, *runs = sys.argv[1:]
    for folder, kills in zip(runs[::2], runs[1::2]):
        run = os.fork()
        if run == 0:
            train(folder, int(executions), int(kills))
            sys.stdout.flush()
            os._exit(0)
        print("ended with", os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("executions", [1, 8])
def test_sigkill_at_any_moment_costs_nothing(executions, tmp_path):
    """A run has 3 * 14 * `executions` steps. `TRIVIUM_KILLS=30` kills as often."""
    chance = np.random.default_rng()
    kills = chance.integers(1, 40, int(os.environ.get("TRIVIUM_KILLS", "2")))
    runs = [("whole", 0), *(("killed", count) for count in kills), ("killed", 0)]
    arguments = [str(x) for folder, count in runs for x in (tmp_path / folder, count)]
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(executions), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=quick_environment())
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    ends = [line for line in lines if line.startswith("ended with")]
    assert ends[0] == ends[-1] == "ended with 0", done.stderr
    assert f"ended with {-signal.SIGKILL}" in ends
    assert lines[0] == lines[-2] and len(lines[0]) > 1000
