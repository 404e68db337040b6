"""Write a model's program, in any style.

MODEL is a file and a name in it, `my_models.py:build`: a function that returns a model, a model, or a model class. A
class needs `--input-shape`, as does a model that is not built.
"""

from __future__ import annotations

import argparse
import sys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options."""
    parser.add_argument("model", metavar="MODEL", help="FILE.py:NAME")
    parser.add_argument(
        "--style",
        choices=("sequential", "functional", "subclass"),
        help="the style; by default the simplest that can hold the model",
    )
    parser.add_argument(
        "--input-shape",
        metavar="SIZES",
        help="the shape of one sample, for a model that is not built: 28,28",
    )


def run(args: argparse.Namespace) -> int:
    """Print the program; return 1 where it cannot be written."""
    from trivium.styles import StyleError, source
    from trivium.styles.load import LoadError, load_model

    try:
        model = load_model(args.model, args.input_shape)
        print(source(model, args.style), end="")
    except LoadError as error:
        print(f"trivium source: error: {error}", file=sys.stderr)
        return 2
    except (StyleError, ValueError, RuntimeError) as error:
        print(f"trivium source: {error}", file=sys.stderr)
        return 1
    return 0
