"""Programs written for `keras` 3 or `tf.keras`, run unchanged: `trivium run`, `trivium check`, in notebooks too."""

from trivium.compat.check import Finding, check_script
from trivium.compat.errors import NotCovered
from trivium.compat.hook import active
from trivium.compat.notebooks import run_notebook
from trivium.compat.run import NotFound, RunError, print_error, run_module, run_script

__all__ = [
    "Finding",
    "NotCovered",
    "NotFound",
    "RunError",
    "active",
    "check_script",
    "print_error",
    "run_module",
    "run_notebook",
    "run_script",
]
