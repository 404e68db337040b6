"""What a tuner shows of its search: summaries, a table, figures and a page."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trivium.tuning.trial import TrialStatus

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from trivium.tuning.oracle import Oracle

__all__ = ["Shown"]


class Shown:
    """The part of a tuner that shows what there is."""

    oracle: Oracle
    project_name: str

    @property
    def project_dir(self) -> str:
        """The search's folder."""
        raise NotImplementedError

    def search_space_summary(self, extended: bool = False) -> None:
        """Print the hyperparameters.

        Args:
            extended: Kept for KerasTuner's signature; it changes nothing there either.
        """
        space = self.oracle.get_space().space
        print("Search space summary")
        print(f"Default search space size: {len(space)}")
        for one in space:
            config = one.get_config()
            name = config.pop("name")
            print(f"{name} ({type(one).__name__})")
            print(config)

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials, the best first, and how many failed.

        Args:
            num_trials: How many at most.
        """
        print("Results summary")
        print(f"Results in {self.project_dir}")
        print(f"Showing {num_trials} best trials")
        print(f"{self.oracle.objective}")
        for trial in self.oracle.get_best_trials(num_trials):
            print()
            trial.summary()
        failed = [
            t for t in self.oracle.trials.values()
            if t.status in (TrialStatus.FAILED, TrialStatus.INVALID)
        ]  # fmt: skip
        if failed:
            print(f"\n{len(failed)} trials failed:")
            for trial in failed:
                print(f"Trial {trial.trial_id}: {trial.reason}")

    def plot(self, kind: str = "history") -> Figure:
        """Draw the search.

        Args:
            kind: `"history"`, each trial's score and the best so far; `"parallel"`, a line for each trial across all
                hyperparameters; `"slices"`, the score over each of them; `"curves"`, the objective over the epochs.

        Returns:
            A Matplotlib figure, which a notebook shows.

        Raises:
            ValueError: There is no such kind, or no trial with a score.
        """
        from trivium.tuning.figures import draw

        return draw(self, kind)

    def report(self, path: str | os.PathLike[str]) -> str:
        """Write a page of the search: its table, its figures, what failed and why.

        Args:
            path: The file, which ends in `.html`; or a folder, in which it is `index.html`.

        Returns:
            The file's path.
        """
        from trivium.tuning.report import write_report

        return write_report(self, path)

    def _repr_html_(self) -> str:
        from trivium.tuning.report import notebook_html

        return notebook_html(self)
