"""Search for good hyperparameters of the model that a file builds.

FILE defines `build(hp)`, which returns a compiled model, or a HyperModel; and `data()`, which returns
the arguments of `fit` as a dict, `(x, y)`, or `((x, y), (x_val, y_val))`. A search that was stopped
goes on where it was when it is started again; several processes with the same directory, or the same
storage, share the trials. The exit status is 0 when there is a best trial, and 1 when there is none.
"""

from __future__ import annotations

import argparse
import sys

__all__ = ["add_arguments", "run"]

EXAMPLES = """\
examples:
  trivium tune model.py --objective val_accuracy --trials 30 --epochs 5
  trivium tune model.py --tuner hyperband --epochs 27
  trivium tune model.py --storage postgresql://user@host/database   # on each of several machines
  trivium tune model.py --report search.html
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `trivium tune`.

    Args:
        parser: The verb's parser.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> parser.parse_args(["model.py", "--trials", "3"]).trials
        3
    """
    from trivium.tuning.command import TUNERS, TuneSettings

    default = TuneSettings()
    parser.epilog = EXAMPLES
    add = parser.add_argument
    add("file", metavar="FILE", help="a Python file with build(hp) and data()")
    add("--tuner", metavar="NAME", default=default.tuner, help=f"{', '.join(TUNERS)} (%(default)s)")
    add(
        "--trials",
        type=int,
        metavar="N",
        default=default.trials,
        help="how many trials (%(default)s)",
    )
    add(
        "--objective", metavar="NAME[:min|:max]", default=default.objective,
        help="the result that counts (%(default)s)",
    )  # fmt: skip
    add("--epochs", type=int, metavar="N", help="epochs of each trial, or of the longest")
    add("--batch-size", type=int, metavar="N", help="samples a step")
    add(
        "--executions", type=int, metavar="N", default=default.executions,
        help="how many times each trial's model is trained (%(default)s)",
    )  # fmt: skip
    add("--seed", type=int, metavar="N", help="what the search follows from")
    add(
        "--directory", metavar="FOLDER", default=default.directory,
        help="the folder of searches (%(default)s)",
    )  # fmt: skip
    add("--project", metavar="NAME", help="the search's name (the file's)")
    add("--storage", metavar="URL", help="a database that several machines share")
    add("--overwrite", action="store_true", help="begin anew where there is a search of this name")
    add("--report", metavar="FILE", help="write a page of the search")


def run(args: argparse.Namespace) -> int:
    """Search as asked, and print the best trials.

    Args:
        args: What the options say.

    Returns:
        0 when there is a best trial, 1 when there is none, 2 when the request makes no sense.

    Example:
        >>> import contextlib, io
        >>> parser = argparse.ArgumentParser()
        >>> add_arguments(parser)
        >>> with contextlib.redirect_stderr(io.StringIO()) as said:
        ...     status = run(parser.parse_args(["no/such.py"]))
        >>> status, said.getvalue()
        (2, "trivium tune: error: there is no Python file 'no/such.py'.\\n")
    """
    from trivium.styles.load import LoadError
    from trivium.tuning.command import TuneError, TuneSettings, tune_file
    from trivium.tuning.errors import FatalError

    options = dict(vars(args))
    try:
        tuner = tune_file(options.pop("file"), TuneSettings(**options))
    except (TuneError, LoadError, FatalError, ImportError) as error:
        print(f"trivium tune: error: {error}", file=sys.stderr)
        return 2
    tuner.results_summary(3)
    if args.report:
        print(f"\nThe report: {args.report}")
    return 0 if tuner.oracle.get_best_trials() else 1
