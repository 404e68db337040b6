"""The progress line, on a terminal, in a notebook and in a file."""

import io
import re
import sys
import types

import numpy as np
import pytest
from oracle import recorded

from trivium.training.callbacks import (
    CallbackList,
    EarlyStopping,
    ReduceLROnPlateau,
    console,
    progress_line,
)
from trivium.training.callbacks.console import say

ESCAPES = re.compile("\x1b\\[[0-9;]*m")


class Clock:
    def __init__(self):
        self.now = 100.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress_line, "time", clock)
    return clock


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True

    def clear(self):
        self.seek(0)
        self.truncate()


@pytest.fixture
def open_terminal(monkeypatch):
    """Return a function, for the test itself to call, that puts a terminal in stdout's place."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")

    def place():
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        return terminal

    return place


def run_epoch(callbacks, clock, epoch=0, steps=(600, 1200, 1719), seconds=0.3, end=None):
    callbacks.on_epoch_begin(epoch)
    for step in steps:
        clock.now += seconds
        callbacks.on_chunk_end("train", step, {"accuracy": 0.8512, "loss": 0.4211})
    end = {"accuracy": 0.8512, "loss": 0.4211} if end is None else end
    callbacks.on_epoch_end(epoch, end)


def lines_seen(text):
    """Return each state that a terminal's lines went through, without colors."""
    return [ESCAPES.sub("", part).rstrip() for part in re.split("[\r\n]", text) if part]


def test_a_terminal_shows_keras_s_line(open_terminal, clock):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=30, steps=1719)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock, epoch=2, end={"accuracy": 0.9, "loss": 0.4, "val_loss": 5e-4})
    results = "accuracy: 0.8512 - loss: 0.4211"
    assert lines_seen(terminal.getvalue()) == [
        "Epoch 3/30",
        f" 600/1719 ━━━━━━━━━━━━━━━━━━━━ 0s 500us/step - {results}",
        f"1200/1719 ━━━━━━━━━━━━━━━━━━━━ 0s 500us/step - {results}",
        f"1719/1719 ━━━━━━━━━━━━━━━━━━━━ 0s 536us/step - {results}",
        "1719/1719 ━━━━━━━━━━━━━━━━━━━━ 1s 536us/step - "
        "accuracy: 0.9000 - loss: 0.4000 - val_loss: 5.0000e-04",
    ]
    assert terminal.getvalue().endswith("\n") and terminal.getvalue().count("\n") == 2


def test_the_colored_line_is_keras_s_to_the_byte(open_terminal, clock):
    def line(keras):
        terminal = open_terminal()
        keras.utils.Progbar(1719).update(600, [("loss", 0.5), ("mae", 1e-5)])
        return times.sub("", terminal.getvalue())

    times = re.compile(r"\S+\x1b\[0m \S+/step")  # the two clocks differ
    theirs = recorded(line)
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=1719)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_chunk_end("train", 600, {"loss": 0.5, "mae": 1e-5})
    ours = terminal.getvalue()
    assert times.sub("", ours) == theirs
    assert "\x1b[32m━━━━━━\x1b[0m\x1b[37m━" in ours


def test_time_left_counts_from_the_end_of_the_first_chunk(open_terminal, clock):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=1000)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    clock.now += 50.0  # compiling
    callbacks.on_chunk_end("train", 100, {})
    clock.now += 10.0
    callbacks.on_chunk_end("train", 200, {})
    assert lines_seen(terminal.getvalue())[-1].endswith(" 1:20 100ms/step")


def test_the_line_is_redrawn_at_most_twenty_times_a_second(open_terminal, clock):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=1000)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock, steps=range(1, 1001), seconds=0.001)
    assert 18 <= terminal.getvalue().count("\r") <= 24


def test_an_epoch_cut_short_shows_where_it_stopped(open_terminal, clock):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=1719)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock, steps=(600,))
    assert lines_seen(terminal.getvalue())[-1].startswith(" 600/1719 ━")


def test_an_unknown_number_of_steps_is_learned_from_the_first_epoch(open_terminal, clock):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose="auto", epochs=2, steps=None)
    callbacks.on_train_begin()
    for epoch in range(2):
        run_epoch(callbacks, clock, epoch, steps=(3, 5), seconds=1.0, end={"loss": 1.0})
    results = "accuracy: 0.8512 - loss: 0.4211"
    seen = lines_seen(terminal.getvalue())
    assert seen[1:4] == [
        f"3/Unknown 1s 333ms/step - {results}",
        f"5/Unknown 2s 500ms/step - {results}",
        "5/5 ━━━━━━━━━━━━━━━━━━━━ 2s 500ms/step - loss: 1.0000",
    ]
    assert seen[5] == f"3/5 ━━━━━━━━━━━━━━━━━━━━ 0s 333ms/step - {results}"


def test_one_epoch_has_no_header(open_terminal, clock):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=5)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock, steps=(5,))
    assert "Epoch" not in terminal.getvalue()


@pytest.mark.parametrize("columns", [30, 60, 80])
def test_a_narrow_terminal_never_wraps_while_the_line_is_open(
    open_terminal, clock, monkeypatch, columns
):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=1719)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock)
    *open_lines, last = lines_seen(terminal.getvalue())
    assert all(len(line) < columns for line in open_lines)
    assert "1200/1719" in open_lines[1]
    assert last.endswith("loss: 0.4211")


def test_a_shorter_line_leaves_nothing_of_a_longer_one(open_terminal):
    terminal = open_terminal()
    console.draw("a long line", 11)
    console.draw("short", 5)
    console.end_line()
    assert terminal.getvalue() == "\ra long line\rshort      \n"


def test_messages_wipe_the_open_line_and_stand_above_it(open_terminal, clock, fake_model):
    terminal = open_terminal()
    callbacks = CallbackList(
        [
            ReduceLROnPlateau("loss", patience=1, verbose=1),
            EarlyStopping("loss", patience=1, verbose=1),
        ],
        add_progbar=True,
        model=fake_model(),
        verbose=1,
        epochs=2,
        steps=1719,
    )
    callbacks.on_train_begin()
    for epoch in range(2):
        run_epoch(callbacks, clock, epoch)
    callbacks.on_train_end({})
    seen = [line for line in lines_seen(terminal.getvalue()) if line]
    assert seen[-3] == "Epoch 2: ReduceLROnPlateau lowers the learning rate to 0.1."
    assert seen[-2].endswith("loss: 0.4211 - learning_rate: 1.0000")
    assert seen[-1] == "Epoch 2: early stopping."
    message = terminal.getvalue().index("Epoch 2: ReduceLROnPlateau")
    assert terminal.getvalue()[message - 20 : message] == " " * 19 + "\r"


def test_a_line_left_open_on_another_stream_is_none_of_ours(open_terminal, monkeypatch):
    open_terminal()
    console.draw("left open", 9)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    say("text")
    assert sys.stdout.getvalue() == "text\n"


@pytest.mark.parametrize("verbose", [1, 2, "auto"])
def test_a_file_gets_one_plain_line_an_epoch(capsys, clock, verbose):
    callbacks = CallbackList(add_progbar=True, verbose=verbose, epochs=2, steps=1719)
    callbacks.on_train_begin()
    for epoch in range(2):
        run_epoch(callbacks, clock, epoch)
    line = "1719/1719 - 1s - 536us/step - accuracy: 0.8512 - loss: 0.4211"
    assert capsys.readouterr().out.splitlines() == ["Epoch 1/2", line, "Epoch 2/2", line]


def test_verbose_2_is_plain_on_a_terminal_too(open_terminal, clock):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=2, epochs=1, steps=1719)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock)
    assert "\r" not in terminal.getvalue() and "\x1b" not in terminal.getvalue()


def test_validation_inside_of_fit_shows_no_line_of_its_own(capsys, clock):
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=10)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    clock.now += 1.0
    callbacks.on_chunk_end("train", 10, {"loss": 1.0})
    callbacks.on_test_begin()
    clock.now += 5.0
    callbacks.on_chunk_end("test", 4, {"loss": 9.0})
    callbacks.on_test_end({"loss": 9.0})
    callbacks.on_epoch_end(0, {"loss": 1.0, "val_loss": 9.0})
    callbacks.on_train_end({})
    assert capsys.readouterr().out == "10/10 - 6s - 100ms/step - loss: 1.0000 - val_loss: 9.0000\n"


@pytest.mark.parametrize(("mode", "logs"), [("test", {"loss": 0.5}), ("predict", {})])
def test_evaluate_and_predict_show_a_line(open_terminal, clock, mode, logs):
    terminal = open_terminal()
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=313)
    getattr(callbacks, f"on_{mode}_begin")()
    for step in (100, 313):
        clock.now += 0.5
        callbacks.on_chunk_end(mode, step, logs)
    getattr(callbacks, f"on_{mode}_end")(logs)
    tail = " - loss: 0.5000" if logs else ""
    assert lines_seen(terminal.getvalue())[-1] == f"313/313 ━━━━━━━━━━━━━━━━━━━━ 1s 2ms/step{tail}"


def test_without_color_the_bar_s_two_parts_differ(open_terminal, clock, monkeypatch):
    terminal = open_terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=10)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock, steps=(5,))
    assert "\x1b" not in terminal.getvalue()
    assert " 5/10 ━━━━━━━━━━────────── " in terminal.getvalue()


def test_a_terminal_without_the_bar_s_characters_gets_plain_ones(clock, monkeypatch):
    class OldTerminal(io.TextIOWrapper):
        def isatty(self):
            return True

    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", OldTerminal(io.BytesIO(), encoding="ascii"))
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=10)
    callbacks.on_train_begin()
    run_epoch(callbacks, clock, steps=(5,))
    assert b" 5/10 ==========.......... " in sys.stdout.buffer.getvalue()


def test_a_notebook_counts_as_interactive(monkeypatch):
    notebook = types.new_class("OutStream", (io.StringIO,))
    notebook.__module__ = "ipykernel.iostream"
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not console.is_interactive()
    monkeypatch.setattr(sys, "stdout", notebook())
    assert console.is_interactive()


def test_a_notebook_keeps_the_last_state_of_the_line_alone(clock, monkeypatch):
    shown, drawn = {}, []

    def display(line, raw, display_id):
        shown[display_id] = line["text/plain"]
        drawn.append(display_id)

    page = types.SimpleNamespace(display=display, update_display=display)
    monkeypatch.setitem(sys.modules, "IPython.display", page)
    notebook = types.new_class("OutStream", (io.StringIO,))
    notebook.__module__ = "ipykernel.iostream"
    monkeypatch.setattr(sys, "stdout", notebook())
    callbacks = CallbackList(add_progbar=True, verbose=1, epochs=2, steps=10)
    callbacks.on_train_begin()
    for _ in range(2):
        run_epoch(callbacks, clock, steps=(5, 10))
    assert len(shown) == 2 and len(drawn) > 2
    assert all("10/10" in line for line in shown.values())
    assert "\r" not in sys.stdout.getvalue()


def test_numbers_and_times_read_as_keras_s(open_terminal, monkeypatch):
    values = [1e-5, 123456.789, 0.0, 1.0, float("nan"), 1e-3, 0.0011, -0.5, float("inf"), -1e-5]
    values.append(np.array([0.25, 0.5]))
    logs = {f"m{i}": value for i, value in enumerate(values)}
    totals = (4e-6, 5e-4, 0.0123, 0.5, 37.4, 59.9, 61, 3599, 3700, 90000)

    def line(keras, total):
        terminal = open_terminal()
        now = [1000.0]
        with monkeypatch.context() as patch:
            patch.setattr("time.time", lambda: now[0])
            bar = keras.utils.Progbar(10, interval=0)
            bar.update(1, [])
            now[0] += total
            terminal.clear()
            bar.update(2, list(logs.items()))
        return lines_seen(terminal.getvalue().replace("\x08", ""))[-1]

    theirs = recorded(lambda keras: [line(keras, total) for total in totals])
    for total, text in zip(totals, theirs, strict=True):
        left, tail = progress_line.format_duration(total * 8), progress_line.format_step_time(total)
        assert text.endswith(f" {left} " + " - ".join([tail, *progress_line.format_logs(logs)]))
