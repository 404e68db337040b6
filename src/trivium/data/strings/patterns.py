r"""Regular expressions as RE2 writes them, for Python's `re`.

The two differ in little that texts are prepared with: classes such as `[[:punct:]]` and `\pL`, `$` and `\z` for the
very end, `\s` without the vertical tab, letters of `\w` and `\b` in ASCII alone.

References:
    https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import functools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator

from trivium.data.checks import DataError

__all__ = ["compiled", "replacement"]

_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": r"0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)|\\(?P<category>[pP](?:\{\^?\w+\}|\w))|\\(?P<escape>.)|\[:(?P<posix>\^?\w+):\]|(?P<other>.)",
    re.DOTALL,
)


# A pipeline asks for each text. Python keeps what it compiled, too, but only under its own writing of a pattern.
@functools.lru_cache(256)
def compiled(pattern: str) -> re.Pattern[str]:
    r"""Return a regular expression, written as for RE2, as Python's.

    Args:
        pattern: The expression.

    Raises:
        DataError: It is none.

    Example:
        >>> compiled(r"[[:punct:]]+|\pL$").sub("_", "a, b!?c")
        'a_ b__'
    """
    lines = re.match(r"\(\?[a-zA-Z]*m", pattern) is not None
    try:
        return re.compile("".join(_translated(pattern, lines)), re.ASCII)
    except re.error as error:
        raise DataError(f"The pattern {pattern!r} is no regular expression: {error}.") from None


def _translated(pattern: str, lines: bool) -> Iterator[str]:
    inside = False  # square brackets
    first = False  # right behind the opening one, where `]` stands for itself
    for token in _TOKEN.finditer(pattern):
        now_first, first = first, False
        if (quoted := token["quoted"]) is not None:
            yield re.escape(quoted)
        elif (category := token["category"]) is not None:
            yield _category(category, inside)
        elif (escape := token["escape"]) is not None:
            yield _escaped(escape, inside)
        elif (posix := token["posix"]) is not None and inside:
            yield _posix(posix)
        elif not inside:
            other = token["other"] or "[" + re.escape(token.group()[1:])
            inside = first = other == "["
            yield r"\Z" if other == "$" and not lines else other
        else:
            other = token["other"]
            first = now_first and other == "^"
            inside = other != "]" or now_first
            # What Python would warn of, since it may mean something there one day.
            yield "\\" + other if other in "[&~|" or (other == "]" and now_first) else other


def _escaped(letter: str, inside: bool) -> str:
    if letter == "z":
        return r"\Z"
    if letter == "C":
        return "(?s:.)"
    if letter == "s":
        return r"\t\n\f\r " if inside else r"[\t\n\f\r ]"
    if letter == "S" and not inside:
        return r"[^\t\n\f\r ]"
    return "\\" + letter


def _posix(name: str) -> str:
    without = name.startswith("^")
    if (members := _POSIX.get(name.lstrip("^"))) is None:
        raise DataError(f"The class [:{name}:] is none of {', '.join(_POSIX)}.")
    if not without:
        return members
    others = re.compile(f"[^{members}]")
    return (
        "".join(re.escape(chr(c)) for c in range(128) if others.match(chr(c))) + "\x80-\U0010ffff"
    )


def _category(text: str, inside: bool) -> str:
    name = text[1:].strip("{}")
    negated = (text[0] == "P") != name.startswith("^")
    members = _members(name.lstrip("^"), negated)
    return members if inside else f"[{members}]"


# It goes through all of Unicode, and there are some 30 categories.
@functools.lru_cache(32)
def _members(name: str, negated: bool) -> str:
    """Return the characters of a general category of Unicode, as the inside of a class."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)).startswith(name) == negated:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    if not ranges:
        raise DataError(
            f"\\p{{{name}}} is no general category of Unicode, such as L, Lu, N or P; scripts are not known here."
        )
    return "".join(f"\\U{a:08x}-\\U{b:08x}" for a, b in ranges)


def replacement(rewrite: str) -> Callable[[], Callable[[re.Match[str]], str]]:
    r"""Return what makes a function that gives a match's replacement, anew for each string.

    Args:
        rewrite: The text, with `\0` for the match, `\1` to `\9` for groups and `\\` for a backslash.

    Raises:
        DataError: Something else stands behind a backslash.

    Example:
        >>> compiled("(a)(b)").sub(replacement(r"\2\1")(), "ab")
        'ba'
    """
    parts = re.split(r"\\(.?)", rewrite, flags=re.DOTALL)
    for mark in parts[1::2]:
        if mark != "\\" and not mark.isdigit():
            raise DataError(
                f"`rewrite` {rewrite!r}: behind a backslash stands a digit or another one."
            )

    def anew() -> Callable[[re.Match[str]], str]:
        end = -1

        def put(match: re.Match[str]) -> str:
            nonlocal end
            if match.start() == match.end() == end:
                return ""  # For RE2 nothing at all, right behind a match, is none.
            end = match.end()
            marks = [m if m == "\\" else match[int(m)] or "" for m in parts[1::2]]
            return "".join(a + b for a, b in zip(parts[::2], [*marks, ""], strict=True))

        return put

    return anew
