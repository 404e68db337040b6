"""Searches that are killed, and searches that several processes share."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from table import Table, table

from trivium.tuning import owners
from trivium.tuning.errors import FatalRuntimeError

SCRIPT = Path(__file__).with_name("table.py")
PATIENCE = 120


@contextlib.contextmanager
def process(directory: Path, *words: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    paths = os.pathsep.join(filter(None, [*sys.path, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    run = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(directory), *words], env=environment, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


def wait_for(happened: Any, run: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() < end, "the other process does nothing"
        time.sleep(0.02)


def pids(tuner: Table) -> list[int]:
    store = tuner.oracle.store
    return [store.of(record, "owner")["pid"] for record in store.trials()]


def test_a_search_that_is_killed_goes_on(tmp_path: Path) -> None:
    with process(tmp_path, HANGS_IN="0002") as run:
        wait_for((tmp_path / "hangs").exists, run)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    tuner = table(tmp_path)
    before = tuner.oracle.trials
    assert [t.status for t in before.values()] == ["COMPLETED"] * 2 + ["RUNNING"]
    tuner.search(verbose=0)
    after = tuner.oracle.trials
    assert [t.status for t in after.values()] == ["COMPLETED"] * 12
    for number, trial in before.items():
        assert after[number].hyperparameters.values == trial.hyperparameters.values
    assert [pid == os.getpid() for pid in pids(tuner)] == [False] * 2 + [True] * 10
    assert len({repr(t.hyperparameters.values) for t in after.values()}) == 12


def shared(directory: Path, *storage: str) -> None:
    """Let two processes share a search, and see that nothing is lost or done twice."""
    tuner = table(directory, *storage)
    with process(directory, *storage) as run:
        wait_for(lambda: len(tuner.oracle.trials) > 0, run)
        tuner.search(verbose=0)
        trials = list(tuner.oracle.trials.values())
        assert run.wait(PATIENCE) == 0, run.communicate()[1]
    assert [t.status for t in trials] == ["COMPLETED"] * 12
    assert len({repr(t.hyperparameters.values) for t in trials}) == 12
    assert set(pids(tuner)) == {run.pid, os.getpid()}
    # There is nothing left to do, for whoever asks.
    tuner.search(verbose=0)
    assert len(tuner.oracle.trials) == 12


def test_two_processes_share_a_search_on_sqlite(tmp_path: Path) -> None:
    shared(tmp_path)


def test_two_processes_share_a_search_on_postgresql(tmp_path: Path, postgresql: str) -> None:
    shared(tmp_path, postgresql)
    wrong = postgresql.replace("tester", "nobody-known")
    with pytest.raises(
        FatalRuntimeError, match=r'cannot be used: .*role "nobody-known" does not exist'
    ):
        table(tmp_path / "other", wrong)


def test_a_trial_that_kills_its_process_ends_at_last(tmp_path: Path, monkeypatch: Any) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    tuner = table(tmp_path)
    store = tuner.oracle.store
    store.create(tuner.oracle.hyperparameters.space, {"a": 1, "b": 1})
    for _ in range(3):
        store.record(0, owner=store.owner.config() | {"pid": dead.pid, "token": "another"})
        trial = tuner.oracle.create_trial()
    assert trial.trial_id == "0001"
    assert tuner.oracle.get_trial("0000").status == "FAILED"
    assert "ended without a word, 3 times" in tuner.oracle.get_trial("0000").reason


def test_a_process_on_another_machine_is_dead_when_it_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuner = table(tmp_path)
    store = tuner.oracle.store
    store.create(tuner.oracle.hyperparameters.space, {"a": 1, "b": 1})
    store.record(
        0, owner=store.owner.config() | {"machine": "far away", "token": "another"}, beat=1
    )
    assert tuner.oracle.create_trial().trial_id == "0001"  # It may live.
    monkeypatch.setattr(owners, "SILENCE", -1.0)
    store.record(0, beat=2)
    assert tuner.oracle.create_trial().trial_id == "0002"  # It does.
    assert tuner.oracle.create_trial().trial_id == "0000"
    # Should it come back, it is told nothing, and what it found counts no more.
    mine = tuner.oracle.get_trial("0000")
    store.record(0, owner=store.owner.config() | {"token": "a third"})
    mine.status = "COMPLETED"
    assert tuner.oracle.end_trial(mine) is False
    assert tuner.oracle.get_trial("0000").status == "RUNNING"


@pytest.fixture
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of the test's own, on loopback, in a folder of its own."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # The server refuses to be root's.
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    folder = tempfile.mkdtemp(prefix="pg-")
    if user:
        shutil.chown(folder, "nobody", "nogroup")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": folder, **user}
    made = [initdb, "-D", f"{folder}/data", "-U", "tester", "-A", "trust", "-E", "UTF8", "-N"]
    subprocess.run(made, check=True, stderr=subprocess.STDOUT, **quiet)
    server = subprocess.Popen(
        [str(Path(initdb).with_name("postgres")), "-D", f"{folder}/data", "-h", "127.0.0.1", "-p", str(port),
         "-k", folder, "-F", "-c", "log_min_messages=panic"], stderr=subprocess.DEVNULL, **quiet,
    )  # fmt: skip
    try:
        ready = [
            str(Path(initdb).with_name("pg_isready")),
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-q",
        ]
        end = time.monotonic() + PATIENCE
        while subprocess.run(ready, check=False).returncode:
            assert server.poll() is None and time.monotonic() < end, "PostgreSQL does not start"
            time.sleep(0.05)
        yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # its fast way to end
        server.wait(PATIENCE)
        shutil.rmtree(folder)
