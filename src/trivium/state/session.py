"""The session: what is remembered from call to call (the global seed, the names given out, the settings).

A process starts with one session, which every thread reads. A thread other than the main one that sets a seed or a
setting gets a session of its own, a copy of the process's, so that what it sets disturbs nobody: four threads that
each set a seed and build a model build the same one, as four programs would.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["Session", "enter_session", "own_session", "session"]

# Positions of two settings of the seed, in whatever thread, are not of one count.
_generations = itertools.count(1)


def _limit(variable: str) -> int | None:
    """Return the number that an environment variable holds, if it is set."""
    text = os.environ.get(variable)
    return int(text) if text else None


@dataclass
class Session:
    """What one thread, or the process, remembers between calls.

    Args:
        seed: The global seed; `None` until it is set or first needed.
        generation: A number of its own for each setting of the seed, so that positions of two settings never mix.
        position: The next free position of the global seed.
        names: How often each prefix has been given out as an automatic name.
        floatx: The default float type.
        epsilon: The small number that keeps divisions and logarithms finite.
        policy: The dtype policy of new layers; `None` for the default float type's.
        image_data_format: Where new layers have their channels.
        flash_attention: Whether attention may take a fused kernel where there is one.
        block_folding: Whether equal blocks of a model become a loop in compiled steps; `None`: where it is worth it.
        lowering: The forms that are set for kinds of operations, as sorted pairs; others are chosen by the device.
        interactive_logging: Whether progress is shown on standard output, rather than logged.
        max_epochs: The most epochs of any `fit`; `None` for no limit.
        max_steps: The most steps of any epoch, evaluation or prediction.

    Example:
        >>> session().floatx
        'float32'
    """

    seed: int | None = None
    generation: int = 0
    position: int = 0
    names: Counter[str] = field(default_factory=Counter)
    floatx: str = "float32"
    epsilon: float = 1e-7
    policy: Any = None
    image_data_format: str = "channels_last"
    flash_attention: bool = True
    block_folding: bool | None = None
    lowering: tuple[tuple[str, str], ...] = ()
    interactive_logging: bool = True
    max_epochs: int | None = field(default_factory=lambda: _limit("KERAS_MAX_EPOCHS"))
    max_steps: int | None = field(default_factory=lambda: _limit("KERAS_MAX_STEPS_PER_EPOCH"))

    def reseed(self, seed: int) -> None:
        """Begin a new count of positions from a seed."""
        self.seed, self.position, self.generation = seed, 0, next(_generations)


class _Local(threading.local):
    session: Session | None = None


_process = Session()
_local = _Local()


def session() -> Session:
    """Return the session to read from: the thread's own if it has one, else the process's."""
    return _local.session or _process


def own_session() -> Session:
    """Return the session to write settings to: the process's in the main thread, else the thread's own.

    Example:
        >>> own_session() is session()
        True
    """
    if _local.session is None and threading.current_thread() is not threading.main_thread():
        # Names go on from the process's, so that two threads that do the same call things the same.
        _local.session = replace(_process, names=Counter(_process.names))
    return session()


def enter_session(other: Session) -> None:
    """Let this thread read the seeds and settings that the thread which started it read.

    Args:
        other: The session of that thread.

    Example:
        >>> enter_session(session())
    """
    if other is not _process:
        _local.session = other
