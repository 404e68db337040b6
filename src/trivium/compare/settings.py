"""What a comparison is asked to do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from trivium.state.registry import suggest

__all__ = ["IMAGES", "SHOWN", "SMALLEST", "STYLES", "CompareError", "Settings"]

STYLES = ("sequential", "functional", "subclass")

IMAGES = 60_000  # of Fashion-MNIST's training set
VALIDATION = 5_000  # of these, from the end
SHOWN = 25  # samples and predictions in the report
SMALLEST = 30  # of which 28 train, so that there are samples to show


class CompareError(ValueError):
    """A comparison cannot be run as asked; the message says in one line what to change.

    Example:
        >>> try:
        ...     Settings(epochs=0)
        ... except CompareError as error:
        ...     print(error)
        epochs: wanted a whole number of at least 1, got 0
    """


@dataclass(frozen=True)
class Settings:
    """The options of a comparison.

    Args:
        epochs: Passes over the training images.
        batch_size: Images a step.
        limit: Use only the first of the 60,000 training images; one in twelve of them validates.
        seed: What `set_random_seed` gets before each style.
        out: The folder of the report; `None` writes none.
        styles: The styles to compare, of `sequential`, `functional`, `subclass`; all by default.
        module: A Python file with functions of these names that return a model each, instead of the
            article's.

    Raises:
        CompareError: A value cannot be used.

    Example:
        >>> Settings(limit=1200).split
        (1100, 100)
    """

    epochs: int = 30
    batch_size: int = 32
    limit: int = IMAGES
    seed: int = 42
    out: Path | None = Path("trivium-compare")
    styles: tuple[str, ...] = ()
    module: Path | None = None

    def __post_init__(self) -> None:
        for name, low in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("limit", SMALLEST)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < low:
                raise CompareError(
                    f"{name}: wanted a whole number of at least {low}, got {value!r}"
                )
        if self.limit > IMAGES:
            raise CompareError(
                f"limit: Fashion-MNIST has {IMAGES:,} training images, got {self.limit:,}"
            )
        for style in self.styles:
            if style not in STYLES:
                raise CompareError(f"style: {style!r} is none. {suggest(style, STYLES)}")
        if self.module is not None and not Path(self.module).is_file():
            raise CompareError(f"module: there is no file {str(self.module)!r}")
        if self.out is not None:
            _check_folder(Path(self.out))

    @property
    def split(self) -> tuple[int, int]:
        """How many images train and how many validate."""
        validation = self.limit * VALIDATION // IMAGES
        return self.limit - validation, validation


def _check_folder(out: Path) -> None:
    """See before the training that the report can be written after it."""
    standing = next(p for p in (out.absolute(), *out.absolute().parents) if p.exists())
    if not standing.is_dir():
        raise CompareError(f"out: {str(standing)!r} is a file; wanted a folder")
    if not os.access(standing, os.W_OK):
        raise CompareError(f"out: no permission to write into {str(standing)!r}")
