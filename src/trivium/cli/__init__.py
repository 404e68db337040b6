"""The `trivium` command.

Each verb is a module that is imported when it is used, and that calls one function of a room below.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from trivium.state.registry import suggest

__all__ = ["VERBS", "Parser", "main"]

# A verb's module has `add_arguments(parser)` and `run(args) -> exit status`.
VERBS = {
    "check": "read a program written for Keras without running it, and list what is covered",
    "compare": "train one network written three ways, and see whether the bits agree",
    "inspect": "say what is in a file of a model or of weights, without loading it",
    "run": "run a program written for Keras or tf.keras, unchanged",
    "source": "write a model's program, in any style",
    "tune": "search for good hyperparameters of the model that a file builds",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are one line.

    Example:
        >>> Parser(prog="docs").parse_args([])
        Namespace()
    """

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with status 2."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _parse(parser: Parser, words: list[str]) -> argparse.Namespace:
    """Parse, and leave with status 2 and the nearest name on an option that does not exist."""
    parsed, unknown = parser.parse_known_args(words)
    if unknown:
        known = [o for action in parser._actions for o in action.option_strings if o[:2] == "--"]
        hint = f" {suggest(unknown[0], known)}" if unknown[0].startswith("-") else ""
        parser.error(f"unknown argument {unknown[0]!r}.{hint}")
    return parsed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The words after `trivium`; by default those of the process.

    Returns:
        The exit status: 0 when all is well, 1 when a check says no, 2 for a bad request, 130 when
        interrupted.

    Example:
        >>> main(["compare", "--epochs", "0"])  # and a line on stderr that says why
        2
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _status(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\ntrivium: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output, `head` say, has seen enough; Python would complain again as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _status(words: list[str]) -> int:
    verb = words[0] if words else "--help"
    if verb in ("-h", "--help"):
        print(_overview())
        return 0
    if verb == "--version":
        print("trivium", importlib.metadata.version("trivium"))
        return 0
    if verb not in VERBS:
        print(f"trivium: error: there is no verb {verb!r}. {suggest(verb, VERBS)}", file=sys.stderr)
        return 2
    try:
        module = importlib.import_module(f"trivium.cli.{verb}")
        parser = Parser(
            prog=f"trivium {verb}",
            description=module.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        module.add_arguments(parser)
        return int(module.run(_parse(parser, words[1:])))
    except SystemExit as leaving:  # how argparse ends after --help and after an error
        return int(leaving.code or 0)


def _overview() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb:<{width}}  {what}" for verb, what in VERBS.items())
    return (
        f"usage: trivium VERB [options]\n\nverbs:\n{verbs}\n\n"
        "options:\n  --help     this page; `trivium VERB --help` says more of a verb\n"
        "  --version  the version"
    )
