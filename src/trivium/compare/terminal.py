"""A comparison in the terminal: the bars while it runs, and the table after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trivium.compare.result import Comparison
from trivium.compare.words import conclusions, headline, table, verdict

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

__all__ = ["print_comparison", "progress_bars", "result_table"]

SHORT = 12  # hexadecimal digits of a hash


def progress_bars(console: Console) -> Progress:
    """Make the bars: one for each style, in steps of an epoch.

    Args:
        console: Where to show them.

    Example:
        >>> from rich.console import Console
        >>> bars = progress_bars(Console(quiet=True))
        >>> bars.add_task("functional", total=30, note="")
        0
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("epochs"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
        console=console,
        refresh_per_second=4,  # the processor belongs to the training
    )


def result_table(comparison: Comparison) -> Table:
    """Make the table of a comparison: a column for each style.

    Args:
        comparison: The results.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> result_table(Comparison(Settings(), [Result("subclass")])).row_count
        9
    """
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column("")
    for result in comparison.results:
        made.add_column(result.style, justify="right")
    for label, cells in table(comparison, SHORT):
        made.add_row(label, *cells)
    made.add_section()
    found = verdict(comparison)
    color = {"yes": "green", "no": "red"}.get(found, "")
    made.add_row("identical", f"[bold {color}]{found}[/]")
    return made


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the table and what follows from it.

    Args:
        comparison: The results.
        console: Where to print.

    Example:
        >>> from rich.console import Console
        >>> from trivium.compare import Comparison, Result, Settings
        >>> print_comparison(Comparison(Settings(), [Result("subclass")]), Console(quiet=True))
    """
    console.print(result_table(comparison))
    for line in (headline(comparison), *conclusions(comparison)):
        console.print(line, markup=False, highlight=False)
