"""A page of mathematics: sections of lines, written as plain text, LaTeX, Markdown or HTML."""

from __future__ import annotations

import dataclasses
import io
import shutil
from collections.abc import Sequence
from html import escape
from typing import Any

from trivium.styles.explain.notation import words
from trivium.styles.explain.plain import to_text, width

__all__ = ["Line", "Page", "Section", "printed", "to_html", "to_latex", "to_markdown", "to_plain"]

# Formulas longer than this do not push the columns of the others to the right.
_WIDE = 64


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of a section.

    Args:
        left: What stands before the first relation sign, in LaTeX.
        right: That sign and the rest.
        space: The set that it lies in.
        label: What it is called.
        note: What it takes words to say.
        symbol: What the label is called in formulas.
    """

    left: str
    right: str = ""
    space: str = ""
    label: str = ""
    note: str = ""
    symbol: str = ""

    @property
    def member(self) -> str:
        """That it lies in the set."""
        return rf"\in {self.space}" if self.space else ""

    @property
    def latex(self) -> str:
        """The line as one formula, without the words."""
        return " ".join(part for part in (self.left, self.right, self.member) if part)

    @property
    def said(self) -> str:
        """The words of the line."""
        return "; ".join(part for part in (self.label, self.note) if part)


@dataclasses.dataclass
class Section:
    """Lines under a title.

    Args:
        title: The title.
        lines: The lines.
        words: Sentences under the lines.
    """

    title: str
    lines: list[Line] = dataclasses.field(default_factory=list)
    words: list[str] = dataclasses.field(default_factory=list)

    def add(self, *args: str, **kwargs: str) -> None:
        """Add a line, given as for `Line`."""
        self.lines.append(Line(*args, **kwargs))


def to_plain(sections: Sequence[Section]) -> str:
    """Return sections as plain text in Unicode.

    Example:
        >>> print(to_plain([Section("One", [Line("y", "= x^{2}", label="square")])]))
        One
          y = x²   square
    """
    return "\n\n".join(_plain_section(section) for section in sections)


def _plain_section(section: Section) -> str:
    cells = [
        (
            to_text(x.left),
            to_text(x.right),
            to_text(x.member),
            f"{to_text(x.symbol)}  {x.label}".strip(),
            x.note,
        )
        for x in section.lines
    ]
    indent = max((width(c[0]) for c in cells if width(c[0]) <= _WIDE), default=0)
    rows = [
        (_pad(left, indent) + (" " + right if right else ""), *rest) for left, right, *rest in cells
    ]
    columns = [
        max((width(r[i]) for r in rows if width(r[i]) <= _WIDE), default=0) for i in range(3)
    ]
    used = [any(row[i] for row in rows) for i in range(3)]
    lines = [section.title] if section.title else []
    for row in rows:
        padded = [_pad(row[i], columns[i]) for i in range(3) if used[i]]
        lines.append(("  " + "   ".join([*padded, row[3]])).rstrip())
    return "\n".join([*lines, *(f"  {sentence}" for sentence in section.words)])


def _pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def printed(page: Any) -> str:
    """Return what rich prints, as text as wide as the terminal.

    Args:
        page: Anything that rich can print.

    Example:
        >>> from rich.table import Table
        >>> printed(Table("a", box=None, padding=0))
        'a'
    """
    from rich.console import Console

    stream = io.StringIO()
    columns = min(max(shutil.get_terminal_size((120, 24)).columns, 80), 160)
    Console(file=stream, width=columns, highlight=False).print(page)
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines())


def to_latex(sections: Sequence[Section]) -> str:
    r"""Return sections as one aligned block, for `$$…$$`.

    Example:
        >>> to_latex([Section("", [Line("y", "= x^{2}")])])
        '\\begin{aligned}\ny &= x^{2}\n\\end{aligned}'
    """
    rows: list[str] = []
    for section in sections:
        if section.title:
            rows.append(rf"&\textbf{{{section.title}}}")
        rows += [_aligned(line) for line in section.lines]
        rows += [f"&{words(sentence)}" for sentence in section.words]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _aligned(line: Line) -> str:
    parts = [f"{line.left} &{line.right}" if line.right else f"&{line.left}", line.member]
    if line.said:
        parts.append(
            rf"&& {line.symbol} \quad {words(line.said)}"
            if line.symbol
            else f"&& {words(line.said)}"
        )
    return " ".join(part for part in parts if part)


def to_markdown(sections: Sequence[Section]) -> str:
    """Return sections as Markdown with formulas between dollar signs.

    Example:
        >>> print(to_markdown([Section("One", [Line("y", "= x^{2}", label="square")])]))
        **One**
        <BLANKLINE>
        - $y = x^{2}$ — square
    """
    blocks = []
    for section in sections:
        lines = [f"**{section.title}**\n"] if section.title else []
        for line in section.lines:
            symbol = f"${line.symbol}$ " if line.symbol else ""
            lines.append(f"- ${line.latex}$" + (f" — {symbol}{line.said}" if line.said else ""))
        blocks.append("\n".join([*lines, *(f"\n{sentence}" for sentence in section.words)]))
    return "\n\n".join(blocks)


def to_html(sections: Sequence[Section]) -> str:
    """Return sections as tables with formulas between dollar signs, which notebooks set.

    Example:
        >>> to_html([Section("One", [Line("y", "= x")])]).count("<tr>")
        1
    """
    parts = []
    for section in sections:
        rows = "".join(map(_html_row, section.lines))
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in section.words)
        title = f"<h4>{escape(section.title)}</h4>" if section.title else ""
        parts.append(f'{title}<table class="trivium-explanation">{rows}</table>{said}')
    return _STYLE + "".join(parts)


_STYLE = (
    "<style>.trivium-explanation td {text-align: left !important; padding: 0.1em 0.8em}"
    ".trivium-explanation td:nth-child(n+4) {color: #666}</style>"
)


def _html_row(line: Line) -> str:
    formula = " ".join(part for part in (line.left, line.right) if part)
    cells = [f"${escape(part)}$" if part else "" for part in (formula, line.member, line.symbol)]
    cells += [escape(line.label), escape(line.note)]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


class Page:
    """Something that is shown as a page of mathematics."""

    sections: list[Section]

    @property
    def text(self) -> str:
        """The page as plain text, in Unicode."""
        return to_plain(self.sections)

    @property
    def latex(self) -> str:
        """The page as one aligned block of LaTeX, without dollar signs."""
        return to_latex(self.sections)

    def __str__(self) -> str:
        return self.text

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex}\n$$"

    def _repr_markdown_(self) -> str:
        return to_markdown(self.sections)

    def _repr_html_(self) -> str:
        return to_html(self.sections)
