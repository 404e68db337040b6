"""What follows from a comparison: its table and its sentences, for terminal and report."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trivium.compare.result import Comparison, Result, first_difference

__all__ = ["conclusions", "headline", "names", "table", "together", "verdict"]


def together(comparison: Comparison) -> str:
    """Name the styles of a comparison as one speaks of them.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> together(Comparison(Settings(), [Result("sequential"), Result("subclass")]))
        'both styles'
    """
    return {1: "this style", 2: "both styles", 3: "all three styles"}[len(comparison.results)]


def names(results: list[Result]) -> str:
    """Name the styles of some results.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> names([Result("sequential"), Result("functional"), Result("subclass")])
        'sequential, functional and subclass'
    """
    *before, last = [r.style for r in results]
    return f"{', '.join(before)} and {last}" if before else last


def headline(comparison: Comparison) -> str:
    """Say in one sentence how the comparison ended.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> headline(Comparison(Settings(), [Result("sequential"), Result("subclass")]))
        'Both styles are the same network and train to the same bits.'
    """
    if len(comparison.results) == 1:
        return f"Only {names(comparison.results)} ran: there is nothing to compare it with."
    if comparison.identical:
        subject = together(comparison).capitalize()
        return f"{subject} are the same network and train to the same bits."
    groups = [names(group) for group in comparison.groups]
    if len(groups) == len(comparison.results):
        return f"Not identical: {' and '.join(groups)} give different results."
    return f"Not identical: {', but not '.join(groups)}, give the same result."


def verdict(comparison: Comparison) -> str:
    """Say whether the styles are identical: `yes`, `no`, or a dash when there is but one.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> verdict(Comparison(Settings(), [Result("subclass")]))
        '—'
    """
    if len(comparison.results) == 1:
        return "—"
    return "yes" if comparison.identical else "no"


def table(comparison: Comparison, digits: int | None = None) -> list[tuple[str, list[str]]]:
    """Return the table: what is compared, and its value in each style.

    Args:
        comparison: The results.
        digits: How much of each hash to give; by default all of it.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> table(Comparison(Settings(), [Result("subclass", parameters=1200)]))[0]
        ('parameters', ['1,200'])
    """
    rows: list[tuple[str, Callable[[Result], str]]] = [
        ("parameters", lambda r: f"{r.parameters:,}"),
        ("fingerprint", lambda r: r.fingerprint[:digits]),
        ("training time", lambda r: f"{r.seconds:.1f} s"),
        ("train accuracy", lambda r: _share(r.accuracy("train"))),
        ("validation accuracy", lambda r: _share(r.accuracy("validation"))),
        ("test accuracy", lambda r: _share(r.accuracy("test"))),
        ("weights SHA-256", lambda r: r.weights_sha256[:digits]),
        ("programs compiled", lambda r: str(r.compilations)),
    ]
    return [(label, [cell(result) for result in comparison.results]) for label, cell in rows]


def conclusions(comparison: Comparison) -> list[str]:
    """Say what follows from the results, sentence by sentence.

    Example:
        >>> from trivium.compare import Comparison, Result, Settings
        >>> conclusions(Comparison(Settings(), [Result("subclass", compilations=3)]))[-1]
        'Programs compiled: 3 by subclass.'
    """
    groups = comparison.groups
    return [
        *_agreement(comparison),
        *(
            s
            for group in groups
            for s in (*_quality(comparison, group), *_fitting(comparison, group))
        ),
        _compiling(comparison),
    ]


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.4f}"


def _agreement(comparison: Comparison) -> list[str]:
    first = comparison.results[0]
    if len(comparison.results) == 1:
        return []
    if not comparison.identical:
        others = [group[0] for group in comparison.groups[1:]]
        return [f"What differs first: {first_difference(first, other)}." for other in others]
    numbers = sum(len(v) for v in first.history.values())
    return [
        f"The way of writing leaves no trace: {together(comparison)} have the fingerprint "
        f"{first.fingerprint[:12]}, the same {numbers} numbers in their history "
        f"({len(first.history)} metrics over {comparison.settings.epochs} epochs, equal to the "
        f"last bit) and final weights with the SHA-256 {first.weights_sha256[:12]}."
    ]


def _of(comparison: Comparison, group: list[Result]) -> str:
    """Say whose result it is, where there are several."""
    return "" if len(group) == len(comparison.results) else f" of {names(group)}"


def _quality(comparison: Comparison, group: list[Result]) -> list[str]:
    """Say how good the predictions for the test images are, and what they get wrong."""
    truth, total = comparison.test_labels, len(comparison.test_labels)
    if not total:
        return []
    guesses = group[0].predictions.argmax(axis=-1)
    wrong = guesses != truth
    right = total - int(wrong.sum())
    text = (
        f"The test accuracy{_of(comparison, group)} is {right / total:.4f}, {right:,} of "
        f"{total:,} images it never saw."
    )
    if right < total:
        pairs = np.stack([truth[wrong], guesses[wrong]], axis=1)
        kinds, counts = np.unique(pairs, axis=0, return_counts=True)
        true, guess = (comparison.class_names[c] for c in kinds[counts.argmax()])
        text += f" The commonest mistake: {true} taken for {guess} ({counts.max():,} times)."
    return [text]


def _fitting(comparison: Comparison, group: list[Result]) -> list[str]:
    """Say whether validation was still improving when training ended."""
    losses = group[0].history.get("val_loss")
    if not losses or not np.isfinite(losses).all():
        return []
    best, last = int(np.argmin(losses)) + 1, len(losses)
    text = f"The validation loss{_of(comparison, group)} was lowest in epoch {best} of {last} "
    text += f"({min(losses):.4f})"
    text += ": more epochs may help." if best == last else f" and ended at {losses[-1]:.4f}."
    train, valid = group[0].accuracy("train"), group[0].accuracy("validation")
    if train is not None and valid is not None:
        text += f" Accuracy at the end is {train:.4f} in training and {valid:.4f} in validation."
    return [text]


def _compiling(comparison: Comparison) -> str:
    first, *others = comparison.results
    if others and first.compilations and not any(r.compilations for r in others):
        programs = f"{first.compilations} program" + ("" if first.compilations == 1 else "s")
        return (
            f"Compiling happened once: {first.style} compiled {programs}, and {names(others)} ran "
            "the same executables without compiling anything."
        )
    counts = ", ".join(f"{r.compilations} by {r.style}" for r in comparison.results)
    return f"Programs compiled: {counts}."
