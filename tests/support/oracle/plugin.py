"""pytest's side of the oracle: its options, which test asks, a sample of the tests, and the report."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from oracle.definition import TESTS
from oracle.record import ORACLE

_RAN: Counter[str] = Counter()
_COLLECTED: Counter[str] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("oracle", "values of the real Keras")
    group.addoption(
        "--oracle", choices=("read", "record", "check"), default="read",
        help="read what is recorded (the default), record it anew and say what changed, or fail where Keras differs",
    )  # fmt: skip
    group.addoption(
        "--oracle-sample", metavar="NUMBER:SEED",
        help="run only so many of the tests that ask the oracle, drawn by the seed (a commit, a date)",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    ORACLE.mode = config.getoption("--oracle")
    if ORACLE.mode == "record" and (
        hasattr(config, "workerinput") or config.getoption("numprocesses", 0)
    ):
        raise pytest.UsageError("--oracle=record writes files, which one process does: add -n0.")


def asks(item: pytest.Item) -> bool:
    """Say whether a test may ask the oracle: something is recorded for its file."""
    return bool(ORACLE.values(_file(item)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _COLLECTED.update(_file(item) for item in items)
    sample = config.getoption("--oracle-sample")
    if sample:
        number, _, seed = sample.partition(":")
        asking = sorted((item for item in items if asks(item)), key=lambda item: item.nodeid)
        chosen = set(random.Random(seed).sample(asking, min(int(number), len(asking))))
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = [item for item in items if item in chosen]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    ORACLE.start(item)


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    if call.when == "call" and (
        call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception)
    ):
        _RAN[_file(item)] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    ORACLE.start(None)
    if ORACLE.mode == "record":
        config = session.config
        part = (
            config.option.keyword or config.option.markexpr or any("::" in a for a in config.args)
        )
        ORACLE.write({f: not part and _RAN[f] == n for f, n in _COLLECTED.items()})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ORACLE.mode == "record":
        terminalreporter.section("oracle: what changed")
        for change in ORACLE.changes or ["nothing"]:
            terminalreporter.line(change)


def _file(item: pytest.Item) -> str:
    path = Path(item.path)
    inside = path.is_relative_to(TESTS)
    return path.relative_to(TESTS).with_suffix("").as_posix() if inside else str(path)
