"""Programs to run, written as text or as files."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trivium.compat import RunError, run_script

# They are run by the tests, not imported by pytest.
collect_ignore_glob = ["programs/*", "tensorflow/programs/*"]


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Write a program and return its file."""

    def write(text: str, name: str = "program.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def run(program: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """Run a program and return its global names."""
    return lambda text, *arguments: run_script(program(text), arguments)


@pytest.fixture
def refusal(run: Callable[..., dict[str, Any]]) -> Callable[[str], str]:
    """Run a program that stops at what is not covered, and return the message."""

    def stopped(text: str) -> str:
        with pytest.raises(RunError) as raised:
            run(text)
        return str(raised.value)

    return stopped
