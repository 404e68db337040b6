"""Read a program written for Keras 3 or tf.keras, without running it, and list what of it is covered.

One line for each use of a name, by file and line; below, what to do about what is not covered. The
exit status is 0 where everything is covered, 1 where something is not, 2 where the file cannot be
read.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trivium.compat import Finding

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  trivium check train.py
  trivium check train.py --json
  trivium check lesson.ipynb
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `trivium check`.

    Args:
        parser: The verb's parser.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["train.py"]).json
        False
    """
    parser.epilog = EXAMPLES
    parser.add_argument("script", metavar="SCRIPT", help="the program, or a notebook")
    parser.add_argument("--json", action="store_true", help="print a list of findings as JSON")


def run(args: argparse.Namespace) -> int:
    """Check the program.

    Args:
        args: What the words say.

    Returns:
        0 where everything is covered, 1 where something is not, 2 where the file cannot be read.

    Example:
        >>> import contextlib, io
        >>> with contextlib.redirect_stderr(io.StringIO()) as said:
        ...     status = run(argparse.Namespace(script="no/such.py", json=False))
        >>> status, said.getvalue()
        (2, "trivium check: 'no/such.py' cannot be read: No such file or directory.\\n")
    """
    from trivium.compat import NotCovered, check_script

    try:
        findings = check_script(args.script)
    except NotCovered as error:
        print(f"trivium check: {error.message}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps([dataclasses.asdict(f) for f in findings], indent=2))
    else:
        print(_table(findings))
    return 0 if all(f.covered for f in findings) else 1


def _table(findings: list[Finding]) -> str:
    if not findings:
        return "The program uses nothing of Keras or TensorFlow."
    width = max(len(f.name) for f in findings)
    lines = []
    for file, group in groupby(findings, key=lambda f: f.file):
        lines.append(file)
        lines += [
            f"{f.line:6}  {f.name:<{width}}  {'covered' if f.covered else 'NOT COVERED'}"
            for f in group
        ]
    missing = [f for f in findings if not f.covered]
    for note in dict.fromkeys(f.note for f in missing):
        where = ", ".join(dict.fromkeys(str(f.line) for f in missing if f.note == note))
        lines.append(f"\nline {where}: {note}")
    lines.append(f"\n{len(findings) - len(missing)} covered, {len(missing)} not covered.")
    return "\n".join(lines)
