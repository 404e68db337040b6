"""Lines of Python: long ones are broken at their brackets, indented ones moved in."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["fold", "indent"]

WIDTH = 88
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def indent(lines: Iterable[str]) -> list[str]:
    """Move lines in by four spaces.

    Example:
        >>> indent(["a", "", "b"])
        ['    a', '', '    b']
    """
    return [f"    {line}" if line else "" for line in lines]


def fold(line: str, room: int = WIDTH) -> list[str]:
    """Break a line that is too long at its longest pair of brackets.

    Args:
        line: One logical line.
        room: How many characters fit.

    Example:
        >>> fold("f(alpha, beta)", 12)
        ['f(', '    alpha,', '    beta,', ')']
    """
    if len(line) <= room:
        return [line]
    groups = [g for g in _groups(line) if g[1] - g[0] > 1]
    if not groups:
        return [line]
    start, end = max(groups, key=lambda g: g[1] - g[0])
    body, parts = line[start + 1 : end], _split(line[start + 1 : end])
    comprehends = " for " in body and len(parts) == 1
    if len(body) <= room - 4 and (comprehends or len(parts) == 1):
        inner = [body if comprehends else f"{body},"]
    elif comprehends:
        head, _, tail = body.partition(" for ")
        inner = [*fold(head, room - 4), f"for {tail}"]
    else:
        inner = []
        for part in parts:
            *before, last = fold(part, room - 5)
            inner += [*before, f"{last},"]
    return [line[: start + 1], *indent(inner), line[end:]]


def _groups(line: str) -> list[tuple[int, int]]:
    """Return where the outermost brackets open and close."""
    groups, depth, start = [], 0, 0
    for place, char in _code(line):
        if char in _PAIRS:
            if depth == 0:
                start = place
            depth += 1
        elif char in _PAIRS.values():
            depth -= 1
            if depth == 0:
                groups.append((start, place))
    return groups


def _split(body: str) -> list[str]:
    """Split at the commas outside of brackets."""
    parts, depth, begin = [], 0, 0
    for place, char in _code(body):
        depth += (char in _PAIRS) - (char in _PAIRS.values())
        if char == "," and depth == 0:
            parts.append(body[begin:place].strip())
            begin = place + 1
    rest = body[begin:].strip()
    return [*parts, rest] if rest else parts


def _code(text: str) -> Iterable[tuple[int, str]]:
    """Yield the characters that are not inside of strings."""
    quote, escaped = "", False
    for place, char in enumerate(text):
        if quote:
            escaped = char == "\\" and not escaped
            if char == quote and not escaped and text[place - 1] != "\\":
                quote = ""
        elif char in "\"'":
            quote = char
        else:
            yield place, char
