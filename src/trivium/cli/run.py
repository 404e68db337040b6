"""Run a program written for Keras 3 or tf.keras with nothing changed.

While it runs, `import keras` and `import tensorflow` mean Trivium, in this process alone. What is not
covered stops the program at its line with the nearest way to do it; `trivium check` lists it
beforehand. Without a display, `plt.show()` saves the figures beside the program.
"""

from __future__ import annotations

import argparse
import sys

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  trivium run train.py
  trivium run train.py --epochs 3        # the program's own options
  trivium run -m package.train
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
    parser.usage = "%(prog)s SCRIPT [arguments] | -m MODULE [arguments]"
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
        ...     status = run(argparse.Namespace(module=None, program=["no/such.py"]))
        >>> status, said.getvalue()
        (2, "trivium run: there is no file 'no/such.py'.\\n")
    """
    from trivium.compat import NotFound, RunError, print_error, run_module, run_script

    words = args.module or args.program
    if not words:
        print("trivium run: error: wanted a program (see trivium run --help)", file=sys.stderr)
        return 2
    try:
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
