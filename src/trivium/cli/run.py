"""Run a program written for Keras 3 or tf.keras with nothing changed.

While it runs, `import keras` and `import tensorflow` mean Trivium, in this process alone. What is not
covered stops the program at its line with the nearest way to do it; `trivium check` lists it
beforehand. Without a display, `plt.show()` saves the figures beside the program.

A notebook is run in a kernel of this environment and written, with what its cells show, as
`NAME-run.ipynb` or where `--output` says; never over itself, unless that is its own name.

What was compiled for a program is kept for its next run, below ~/.cache/trivium or where
TRIVIUM_COMPILATION_CACHE says (a folder; 0: nowhere).
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import sys
from collections.abc import Iterator

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  trivium run train.py
  trivium run train.py --epochs 3        # the program's own options
  trivium run -m package.train
  trivium run lesson.ipynb --output lesson-done.ipynb
  trivium run --no-cache train.py
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `trivium run`.

    Args:
        parser: The verb's parser.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["train.py", "--epochs", "3"]).program
        ['train.py', '--epochs', '3']
    """
    parser.epilog = EXAMPLES
    parser.usage = "%(prog)s [--no-cache] SCRIPT [arguments] | -m MODULE [arguments]"
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="neither keep what is compiled for the next run, nor read what an earlier one kept",
    )
    parser.add_argument(
        "-m",
        dest="module",
        nargs=argparse.REMAINDER,
        metavar="MODULE",
        help="a module to run in place of a file, as `python -m` does",
    )
    # Everything from the first word on is the program's: `nargs` of subcommands does just that.
    program = parser.add_argument(
        "program", nargs=argparse.PARSER, metavar="SCRIPT", help="the program, and its arguments"
    )
    program.required = False


def run(args: argparse.Namespace) -> int:
    """Run the program.

    Args:
        args: What the words say.

    Returns:
        The program's own exit status; 1 where it failed or stopped at what is not covered, 2 where there is no such
        program.

    Example:
        >>> import contextlib, io
        >>> with contextlib.redirect_stderr(io.StringIO()) as said:
        ...     status = run(argparse.Namespace(module=None, program=["no/such.py"], no_cache=True))
        >>> status, said.getvalue()
        (2, "trivium run: there is no file 'no/such.py'.\\n")
    """
    from trivium.compat import NotFound, RunError, print_error, run_module, run_notebook, run_script
    from trivium.state.compilation_cache import kept_programs

    words = args.module or args.program
    if not words:
        print("trivium run: error: wanted a program (see trivium run --help)", file=sys.stderr)
        return 2
    try:
        if not args.module and words[0].endswith(".ipynb"):
            print(f"notebook written: {run_notebook(words[0], _output(words[1:]))}")
        else:
            with kept_programs(not args.no_cache), _imported():
                (run_module if args.module else run_script)(words[0], words[1:])
    except RunError as error:
        print(f"trivium run: {error}", file=sys.stderr)
        return 2 if isinstance(error, NotFound) else 1
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        print(leaving.code, file=sys.stderr)
        return 1
    except Exception as error:
        print_error(error)
        return 1
    return 0


@contextlib.contextmanager
def _imported() -> Iterator[None]:
    """Leave what has been imported out of the search for garbage while the `with` block lasts: all of it stays."""
    gc.freeze()  # A search takes 0.1 s otherwise, and a short program has some.
    try:
        yield
    finally:
        gc.unfreeze()


def _output(words: list[str]) -> str | None:
    """Return where a notebook is to be written; leave with status 2 on words that say something else."""
    from trivium.cli import Parser

    parser = Parser(prog="trivium run NOTEBOOK", allow_abbrev=False)
    parser.add_argument(
        "--output", metavar="FILE", help="the file to write (default: NAME-run.ipynb)"
    )
    output: str | None = parser.parse_args(words).output
    return output
