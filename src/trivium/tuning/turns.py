"""One process at a time: who decides on the next trial has the turn, and a process that dies gives it back.

The lock is the database's own, so it reaches as far as the database does: on PostgreSQL an advisory lock of a
connection, on SQLite an exclusive transaction on a second file beside the first, since the first one is written to
meanwhile. Both end with the process that holds them.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivium.tuning.errors import FatalRuntimeError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["Turns"]

# Nobody needs a turn for as long as this; who waits longer is told.
_PATIENCE = 600.0


class Turns:
    """The turns of the processes that share one search.

    Args:
        url: SQLAlchemy's URL of the database.
        name: The search's name in it.

    Example:
        >>> from sqlalchemy import make_url
        >>> turns = Turns(make_url("sqlite://"), "search")  # in memory: there is no other process
        >>> with turns.turn(), turns.turn():
        ...     pass
    """

    def __init__(self, url: URL, name: str) -> None:
        self._url, self._name = url, name
        self._mine = threading.RLock()
        self._depth = 0
        self._engine: Any = None

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Have the turn while the `with` block lasts; one inside another is the same."""
        with self._mine:
            self._depth += 1
            try:
                with self._held() if self._depth == 1 else contextlib.nullcontext():
                    yield
            finally:
                self._depth -= 1

    def _held(self) -> contextlib.AbstractContextManager[None]:
        if self._url.get_backend_name() == "postgresql":
            return self._advisory()
        path = self._url.database
        return self._beside(Path(path)) if path and path != ":memory:" else contextlib.nullcontext()

    @contextlib.contextmanager
    def _beside(self, path: Path) -> Iterator[None]:
        connection = sqlite3.connect(
            path.with_name(path.name + "-turn"), timeout=_PATIENCE, isolation_level=None
        )
        try:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise FatalRuntimeError(
                    f"Another process has held the turn on {path} for {_PATIENCE:.0f} seconds ({error}). Does it hang?"
                ) from error
            yield
        finally:
            connection.close()

    @contextlib.contextmanager
    def _advisory(self) -> Iterator[None]:
        from sqlalchemy import create_engine, text
        from sqlalchemy.pool import NullPool

        if self._engine is None:
            self._engine = create_engine(self._url, poolclass=NullPool)
        # PostgreSQL's locks are known by numbers.
        key = zlib.crc32(f"trivium {self._name}".encode())
        with self._engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            yield
