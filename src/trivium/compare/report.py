"""The report: one page that needs nothing but itself, and its figures as PNG files."""

from __future__ import annotations

from html import escape
from importlib import resources
from pathlib import Path
from string import Template

from trivium.compare.figures import (
    curve_figures,
    curve_picture,
    grid_captions,
    grid_figure,
    image_pictures,
)
from trivium.compare.programs import changed_lines
from trivium.compare.result import Comparison, Result
from trivium.compare.settings import SHOWN
from trivium.compare.words import conclusions, headline, names, table, together, verdict

__all__ = ["write_report"]


def write_report(comparison: Comparison, folder: str | Path) -> Path:
    """Write `index.html` and the figures as PNG files into a folder.

    Args:
        comparison: The results.
        folder: Where to write; made if need be.

    Returns:
        The path of the page.

    Example:
        >>> import tempfile
        >>> from trivium.compare import Comparison, Result, Settings
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_report(Comparison(Settings(), [Result("subclass")]), folder).name
        'index.html'
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    curves = curve_figures(comparison)
    pictures = {f"curve-{metric}.png": figure for metric, figure in curves.items()}
    if len(comparison.samples):
        pictures["samples.png"] = grid_figure(comparison)
    for title, result in _predictors(comparison):
        pictures[f"predictions{title and '-' + result.style}.png"] = grid_figure(comparison, result)
    for name, figure in pictures.items():
        figure.savefig(folder / name, dpi=100)
    page = Template(resources.files(__package__).joinpath("page.html").read_text("utf-8"))
    shown = comparison.results[0].style if len(comparison.results) == 1 else together(comparison)
    html = page.substitute(
        title=f"Trivium compare: {escape(shown)}",
        headline=escape(headline(comparison)),
        setting=escape(_setting(comparison)),
        notes="".join(f'<p class="no">{escape(note)}</p>' for note in comparison.notes),
        tiles="".join(_tile(*tile) for tile in _tiles(comparison)),
        shown=len(comparison.samples[:SHOWN]),
        samples=_grid(comparison),
        legend=_legend(comparison),
        sources=_sources(comparison),
        curve_note=escape(_curve_note(comparison)),
        curves="".join(_curve(metric, curve_picture(f)) for metric, f in curves.items()),
        tested=len(comparison.test_samples[:SHOWN]),
        predictions="".join(
            (f"<h3>{escape(title)}</h3>" if title else "") + _grid(comparison, result)
            for title, result in _predictors(comparison)
        ),
        table=_table(comparison),
        conclusions="".join(f"<li>{escape(text)}</li>" for text in conclusions(comparison)),
        footer=escape(" · ".join(f"{k} {v}" for k, v in comparison.versions.items())),
    )
    path = folder / "index.html"
    path.write_text(html, encoding="utf-8")
    return path


def _predictors(comparison: Comparison) -> list[tuple[str, Result]]:
    """Return whose predictions to show, with a title where there are several."""
    if not len(comparison.test_samples):
        return []
    groups = comparison.groups
    return [(names(group) if len(groups) > 1 else "", group[0]) for group in groups]


def _setting(comparison: Comparison) -> str:
    settings = comparison.settings
    train, validation = settings.split
    epochs = f"{settings.epochs} epoch" + ("" if settings.epochs == 1 else "s")
    return (
        f"{names(comparison.results).capitalize()}: trained on {train:,} images of Fashion-MNIST "
        f"for {epochs} at batch size {settings.batch_size} from seed {settings.seed}, with "
        f"{validation:,} images for validation and {len(comparison.test_labels):,} for the test."
    )


def _tiles(comparison: Comparison) -> list[tuple[str, str, str]]:
    results = comparison.results
    found = verdict(comparison)
    seconds = sum(r.seconds for r in results)
    accuracies = [a for r in results if (a := r.accuracy("test")) is not None]
    return [
        ("identical", found, found),
        ("test accuracy", _span([f"{a:.4f}" for a in accuracies]), ""),
        ("parameters", _span([f"{r.parameters:,}" for r in results]), ""),
        ("programs compiled", str(sum(r.compilations for r in results)), ""),
        ("training time", f"{seconds:.1f} s", ""),
    ]


def _span(values: list[str]) -> str:
    ends = sorted(set(values))
    return "–".join(dict.fromkeys([ends[0], ends[-1]])) if ends else "—"


def _tile(label: str, value: str, kind: str) -> str:
    return f'<div><dt>{escape(label)}</dt><dd class="{escape(kind)}">{escape(value)}</dd></div>'


def _grid(comparison: Comparison, result: Result | None = None) -> str:
    images = comparison.samples if result is None else comparison.test_samples
    cells = []
    for uri, (text, right) in zip(
        image_pictures(images[:SHOWN]), grid_captions(comparison, result), strict=True
    ):
        kind = {None: "", True: "right", False: "wrong"}[right]
        cells.append(
            f'<figure><img alt="" src="{uri}">'
            f'<figcaption class="{kind}">{escape(text)}</figcaption></figure>'
        )
    return f'<div class="grid">{"".join(cells)}</div>'


def _legend(comparison: Comparison) -> str:
    if len(comparison.results) == 1:
        return "The source as it ran."
    others = "the other does not have" if len(comparison.results) == 2 else "not all of them have"
    return (
        f'The sources as they ran. <span class="legend">Marked</span> are the lines that {others}.'
    )


def _sources(comparison: Comparison) -> str:
    from pygments import highlight  # type: ignore[import-untyped]
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
    from pygments.lexers import PythonLexer  # type: ignore[import-untyped]

    sources = [result.source for result in comparison.results]
    flags = (
        changed_lines(sources)
        if len(sources) > 1
        else [[False] * len(s.splitlines()) for s in sources]
    )
    cards = []
    for result, changed in zip(comparison.results, flags, strict=True):
        html = highlight(result.source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
        lines = zip(html.splitlines(), result.source.splitlines(), changed, strict=False)
        rows = "".join(_row(*line) for line in lines)
        cards.append(
            f'<article class="card"><h3>{escape(result.style)}</h3>'
            f'<pre tabindex="0"><code>{rows}</code></pre></article>'
        )
    return "".join(cards)


def _row(html: str, text: str, changed: bool) -> str:
    """Return a line of source; broken, it goes on a little further in than it began."""
    tag, indent = "mark" if changed else "span", len(text) - len(text.lstrip())
    return f'<{tag} class="row" style="--in:{indent}ch">{html}</{tag}>'


def _curve_note(comparison: Comparison) -> str:
    if len(comparison.results) == 1:
        return "Each metric over the epochs, in training and in validation."
    if comparison.identical:
        return f"One line for {together(comparison)}: their values are the same to the last bit."
    return "Each metric over the epochs, in training and in validation, for each result."


def _curve(metric: str, uri: str) -> str:
    alt = f"{metric} over the epochs, in training and in validation"
    return f'<div class="card"><img alt="{escape(alt)}" src="{uri}"></div>'


def _table(comparison: Comparison) -> str:
    heads = "".join(f'<th scope="col">{escape(r.style)}</th>' for r in comparison.results)
    rows = []
    for label, cells in table(comparison):
        kind = ' class="hash"' if label in ("fingerprint", "weights SHA-256") else ""
        columns = "".join(f"<td{kind}>{escape(cell)}</td>" for cell in cells)
        rows.append(f'<tr><th scope="row">{escape(label)}</th>{columns}</tr>')
    found = verdict(comparison)
    rows.append(
        f'<tr><th scope="row">identical</th><td colspan="{len(comparison.results)}">'
        f'<b class="{found}">{found}</b></td></tr>'
    )
    return f"<table><thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
