"""The one line of the terminal that is rewritten in place, and what may be printed around it."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import sys
from typing import Any

from trivium.state.session import session

__all__ = [
    "console_width",
    "draw",
    "end_line",
    "has_color",
    "in_notebook",
    "is_interactive",
    "say",
    "supports",
]

# The stream whose last line has no end yet, and how many characters that line has.
_open: tuple[Any, int] = (None, 0)

# In a notebook the line is an output of its own, with a name by which it is replaced.
_numbers = itertools.count(1)
_output: str | None = None


def in_notebook() -> bool:
    """Say whether standard output is a notebook's.

    Example:
        >>> in_notebook()
        False
    """
    return type(sys.stdout).__module__.startswith("ipykernel")


def is_interactive() -> bool:
    """Say whether standard output shows a line rewritten in place: a terminal or a notebook.

    Example:
        >>> import contextlib, io
        >>> with contextlib.redirect_stdout(io.StringIO()):
        ...     answer = is_interactive()
        >>> answer
        False
    """
    out = sys.stdout
    if not session().interactive_logging:
        return False
    if in_notebook():
        return True
    return bool(getattr(out, "isatty", lambda: False)())


def has_color() -> bool:
    """Say whether standard output shows colors; the variable `NO_COLOR` turns them off.

    Reference:
        https://no-color.org
    """
    return is_interactive() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def supports(text: str) -> bool:
    """Say whether standard output's encoding has all characters of `text`."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def console_width() -> int:
    """Return how many characters a line may have; plenty where nothing says, as in a notebook."""
    return shutil.get_terminal_size((10_000, 24)).columns - 1


def draw(text: str, length: int) -> None:
    """Put `text` in the place of the line that is open, and leave it open.

    Args:
        text: The line, colors included.
        length: How many characters of it one sees.
    """
    global _open
    if in_notebook():
        _replace(text)
        return
    print(f"\r{text}{' ' * (_open_length() - length)}", end="", flush=True)
    _open = (sys.stdout, length)


def _replace(text: str) -> None:
    """Put `text` into the notebook in the place of the line that is open.

    Not by a carriage return: all that was drawn would stay in a saved notebook.
    """
    global _output
    from IPython.display import display, update_display

    line = {"text/plain": text}
    if _output is None:
        _output = f"trivium-line-{os.getpid()}-{next(_numbers)}"
        display(line, raw=True, display_id=_output)
    else:
        update_display(line, raw=True, display_id=_output)


def end_line() -> None:
    """End the line that is open."""
    global _open, _output
    if _output is not None:
        _output = None
        return
    print(flush=True)
    _open = (None, 0)


def say(text: str) -> None:
    """Print a line of its own, or log it where that is set; an open line is wiped for it, to be drawn again below.

    Args:
        text: What to print.

    Example:
        >>> say("Epoch 3: the learning rate is now 0.01.")
        Epoch 3: the learning rate is now 0.01.
    """
    global _open
    if not session().interactive_logging:
        logging.getLogger("trivium").info("%s", text)
        return
    length = _open_length()
    wipe = f"\r{' ' * length}\r" if length else ""
    _open = (None, 0)
    print(f"{wipe}{text}", flush=True)


def _open_length() -> int:
    stream, length = _open
    return length if stream is sys.stdout else 0
