"""Executables: what XLA made of lowered programs, kept within bounds.

They are known by the hash of their lowered text. That is why three writings of one network compile once, and it needs
no list of what may differ: if the text is the same, so is the program.
"""

from __future__ import annotations

import collections
import ctypes
import gc
import sys
import threading
import weakref
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax

from trivium.graph import digest
from trivium.state.fused_outputs import compile_fused
from trivium.state.looks import Look
from trivium.state.names import clear_names

__all__ = ["Programs", "clear_programs", "clear_session", "compile_count", "executable", "failed"]

# How many executables are kept that no model uses any more: a model made anew, as in a search or a cross-validation,
# finds its programs here. A small model's takes some megabytes, which is why they are few.
_KEPT = 16
# How many programs one model keeps: one for each shape of batches, and for each state of what is trained.
_PER_MODEL = 96

# XLA compiles without Python, which meanwhile traces the next program or runs the one that is ready. One at a time:
# programs are asked for in the order in which they are needed, and XLA uses several cores for each.
_compiler = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trivium-compiler")
_lock = threading.Lock()
# All that somebody holds: a model through its programs, or the list of the latest.
_known: weakref.WeakValueDictionary[str, Future[Any]] = weakref.WeakValueDictionary()
_latest: collections.OrderedDict[str, Future[Any]] = collections.OrderedDict()
_compiled = 0


def compile_count() -> int:
    """Return how many programs this process has compiled.

    Example:
        >>> compile_count() >= 0
        True
    """
    return _compiled


def executable(lowered: Any, fused: bool = False) -> Future[Any]:
    """Start to compile a lowered program, unless one with the same text is there.

    Args:
        lowered: A `jax.stages.Lowered`.
        fused: Whether several outputs are to be computed in one loop where they can.

    Returns:
        A future with the `jax.stages.Compiled`.
    """
    global _compiled
    key = digest(lowered.as_text(), (lowered.in_tree, fused) if fused else lowered.in_tree)
    with _lock:
        work = _known.get(key)
        if work is None or failed(work):
            work = _known[key] = _compiler.submit(
                compile_fused if fused else type(lowered).compile, lowered
            )
            _compiled += 1
            # While the program runs already.
            _compiler.submit(_give_back)
        _latest[key] = work
        _latest.move_to_end(key)
        while len(_latest) > _KEPT:
            _latest.popitem(last=False)
    return work


def _give_back() -> None:
    """Give the system the memory that compiling took and left: glibc keeps some dozens of megabytes for later."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))


def failed(work: Future[Any]) -> bool:
    """Say whether XLA could not compile a program, for want of memory say; another try may succeed."""
    return work.done() and work.exception() is not None


class Programs:
    """A model's programs, the least recently used of which make room for new ones.

    Example:
        >>> programs = Programs()
        >>> programs["a"] = 1
        >>> programs.get("a"), programs.get("b")
        (1, None)
    """

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[Hashable, Any] = collections.OrderedDict()
        # What was found out about the model, which goes when the programs go.
        self.look: Look | None = None
        _all.add(self)

    def get(self, key: Hashable) -> Any:
        """Return the program known by a key, or `None`."""
        program = self._kept.get(key)
        if program is not None:
            self._kept.move_to_end(key)
        return program

    def __setitem__(self, key: Hashable, program: Any) -> None:
        self._kept[key] = program
        if len(self._kept) > _PER_MODEL:
            self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self.look = None

    def __reduce__(self) -> Any:
        # A copy or a pickle of a model begins without programs.
        return Programs, ()


# Every model's, to clear them; weakly, so that none is kept for being in the list.
_all: weakref.WeakSet[Programs] = weakref.WeakSet()


def clear_programs() -> None:
    """Forget every program and executable, those of models in use too: they compile again when they are needed.

    Example:
        >>> clear_programs()
    """
    for programs in list(_all):
        programs.clear()
    with _lock:
        _latest.clear()


def clear_session(free_memory: bool = True) -> None:
    """Start the automatic names anew, so that the next `Dense` is `dense` again, and forget compiled programs.

    Models in use go on as before; what they run next compiles again, and so does what you compiled with `jax.jit`.

    Args:
        free_memory: Whether to look now for objects that nothing needs any more, rather than when Python next does; JAX
            forgets with them what it traced and compiled, which it otherwise keeps for every shape that it ever saw.

    Example:
        >>> clear_session()
    """
    clear_names()
    clear_programs()
    if free_memory:
        jax.clear_caches()
        gc.collect()
