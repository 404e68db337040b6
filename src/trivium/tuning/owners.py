"""Who runs a trial, and whether that process is still there."""

from __future__ import annotations

import functools
import os
import platform
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any

__all__ = ["BEAT", "SILENCE", "Heartbeat", "Owner", "Watch"]

# Seconds between two signs of life of a process that runs a trial.
BEAT = 10.0
# After so many seconds without one, a process on another machine counts as dead: several beats, since a loaded machine
# or a slow network may swallow some.
SILENCE = 90.0


@functools.cache
def _machine() -> str:
    """Return what process numbers count on: this start of this machine, and within a container, the container."""
    parts = [platform.node()]
    for place, read in (
        ("/proc/sys/kernel/random/boot_id", _text),
        ("/proc/self/ns/pid", os.readlink),
    ):
        try:
            parts.append(read(place))
        except OSError:  # Another system than Linux.
            parts.append("")
    return "|".join(parts)


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read().strip()


def _began(pid: int) -> str:
    """Return when a process began, so that a later one with its number is not taken for it; "" where nobody says."""
    try:
        # The name, in brackets, may have blanks in it.
        return _text(f"/proc/{pid}/stat").rpartition(")")[2].split()[19]
    except (OSError, IndexError, UnicodeDecodeError):
        return ""


class Owner:
    """This process, as others can recognize it.

    Example:
        >>> Owner().alive(Owner().config())
        True
    """

    def __init__(self) -> None:
        # Two searches of one process are two owners.
        self.token = uuid.uuid4().hex

    def config(self) -> dict[str, Any]:
        """Return what the storage is told."""
        pid = os.getpid()
        return {
            "token": self.token,
            "host": platform.node(),
            "machine": _machine(),
            "pid": pid,
            "began": _began(pid),
        }

    def alive(self, other: Mapping[str, Any]) -> bool | None:
        """Say whether another owner's process runs; `None` where only its signs of life can tell.

        Args:
            other: What it told the storage.
        """
        if other["machine"] != _machine():
            return None
        pid = int(other["pid"])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # It runs, as another user.
        return _began(pid) == other["began"]


class Watch:
    """Tells by its own clock how long others have given no sign of life: clocks of two machines may differ.

    Example:
        >>> Watch().silent(3, 17)
        False
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[Any, float]] = {}

    def silent(self, number: int, beat: Any) -> bool:
        """Say whether a trial's beat has stood still for too long.

        Args:
            number: The trial's number.
            beat: What its owner counts up.
        """
        now = time.monotonic()
        last, since = self._seen.get(number, (None, now))
        if last != beat or number not in self._seen:
            self._seen[number] = (beat, now)
            return False
        return now - since > SILENCE


class Heartbeat:
    """Gives signs of life while the `with` block lasts.

    Args:
        beat: Called with a number that goes up; its errors are left for the next beat.
        every: Seconds between two of them.

    Example:
        >>> beats = []
        >>> with Heartbeat(beats.append, every=0.001):
        ...     time.sleep(0.05)
        >>> len(beats) > 0
        True
    """

    def __init__(self, beat: Any, every: float = BEAT) -> None:
        self._beat, self._every = beat, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="trivium-heartbeat")

    def _run(self) -> None:
        count = 0
        while not self._ended.wait(self._every):
            count += 1
            try:
                self._beat(count)
            except Exception:
                # The database may be away for a moment. If it stays away, the trial's end says so.
                continue

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._ended.set()
        self._thread.join()
