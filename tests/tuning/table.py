"""A search whose trials take a moment, to be run by several processes: `python table.py DIRECTORY [STORAGE]`."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from trivium import tuning


class Table(tuning.GridSearch):
    """Goes through twelve combinations, and hangs in the trial whose number the environment names."""

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> float:
        hp = trial.hyperparameters
        value = hp.Choice("a", [1, 2, 3]) * hp.Choice("b", [1, 10, 100, 1000])
        if os.environ.get("HANGS_IN") == trial.trial_id:
            Path(self.directory, "hangs").touch()
            time.sleep(600)
        time.sleep(0.05)
        return float(value)


def space() -> tuning.HyperParameters:
    hp = tuning.HyperParameters()
    hp.Choice("a", [1, 2, 3])
    hp.Choice("b", [1, 10, 100, 1000])
    return hp


def table(directory: Any, storage: str | None = None) -> Table:
    return Table(directory=directory, hyperparameters=space(), storage=storage)


if __name__ == "__main__":
    table(*sys.argv[1:]).search(verbose=0)
