"""Say what is in a file of a model or of weights, without loading it.

Its layers, the shapes of what it stores, the classes and functions that it needs, and what is suspicious in it. The
exit status is 0 where nothing is, 1 where something is, 2 where there is no such file.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's options.

    Args:
        parser: The verb's parser.
    """
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a .keras, .weights.h5, .weights.json, .safetensors, .h5, exported or .run file",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what is in the file.

    Args:
        args: What was said on the command line.

    Returns:
        The exit status.
    """
    from trivium.saving import inspect_file

    try:
        report = inspect_file(args.file)
    except FileNotFoundError as error:
        print(f"trivium inspect: error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(dataclasses.asdict(report), indent=2) if args.json else report)
    return int(bool(report.suspicious))
