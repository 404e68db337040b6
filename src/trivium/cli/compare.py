"""Train one network written three ways and see whether the results agree to the last bit.

Without arguments: a network of three Dense layers on Fashion-MNIST, written as Sequential,
Functional and subclassed model, 30 epochs of SGD each. A table appears here, and in a folder a
report with the sources, the curves and the predictions. The exit status is 0 when all styles are
identical, 1 when they are not, and 2 when the request makes no sense.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trivium.compare import CompareError, Settings, compare
from trivium.compare.settings import IMAGES, SMALLEST, STYLES

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  trivium compare
  trivium compare --epochs 3 --limit 12000 --out quick-look
  trivium compare --style sequential functional
  trivium compare --module mine.py    # its functions named like the styles return a model each
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `trivium compare`.

    Args:
        parser: The verb's parser.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["--epochs", "3"]).epochs
        3
    """
    default = Settings(out=None)
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add(
        "--epochs",
        type=int,
        metavar="N",
        default=default.epochs,
        help="passes over the images (%(default)s)",
    )
    add(
        "--batch-size",
        type=int,
        metavar="N",
        default=default.batch_size,
        help="images a step (%(default)s)",
    )
    add(
        "--limit",
        type=int,
        metavar="N",
        default=default.limit,
        help=f"only the first N training images, {SMALLEST} to {IMAGES}; one in twelve validates",
    )
    add("--seed", type=int, metavar="N", default=default.seed, help="the random seed (%(default)s)")
    add(
        "--style",
        nargs="+",
        metavar="STYLE",
        default=[],
        help=f"only these styles, of {', '.join(STYLES)}",
    )
    add(
        "--module",
        type=Path,
        metavar="FILE",
        help="compare your own models: functions of the styles' names that return a model each",
    )
    add(
        "--out",
        type=Path,
        metavar="FOLDER",
        default=Settings.out,
        help="the folder of the report (%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Compare as asked.

    Args:
        args: What the options say.

    Returns:
        0 when the styles are identical, 1 when they are not, 2 when the request makes no sense.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> import contextlib, io
        >>> with contextlib.redirect_stderr(io.StringIO()) as said:
        ...     status = run(parser.parse_args(["--epochs", "0"]))
        >>> status, said.getvalue()
        (2, 'trivium compare: error: epochs: wanted a whole number of at least 1, got 0\\n')
    """
    from rich.console import Console

    try:
        settings = Settings(
            epochs=args.epochs,
            batch_size=args.batch_size,
            limit=args.limit,
            seed=args.seed,
            out=args.out,
            styles=tuple(args.style),
            module=args.module,
        )
        comparison = compare(settings, Console())
    except CompareError as error:
        print(f"trivium compare: error: {error}", file=sys.stderr)
        return 2
    return 0 if comparison.identical else 1
