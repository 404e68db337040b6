"""Plans drawn once, for what is compared with recorded values: the same networks whichever Hypothesis is installed.

`python tests/graph/fixed_plans.py` draws them anew into `fixed_plans.txt`; what reads them is then to be recorded.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from random_graphs import LAYERS, Plan, Step, Unknown, plans

FILE = Path(__file__).with_suffix(".txt")
COUNT = 25
NAMES = {"Plan": Plan, "Step": Step, "Unknown": Unknown}


def fixed_plans() -> list[Plan]:
    """Return the plans, of layers alone and with inputs in a list, so that the real Keras can build them too."""
    return [eval(line, NAMES) for line in FILE.read_text().splitlines()]


def written(value: object) -> str:
    """Return a plan as an expression; its repr is a program for people."""
    if isinstance(value, Plan):
        fields = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return f"Plan({', '.join(f'{name}={written(field)}' for name, field in fields)})"
    if type(value) is tuple:
        return f"({''.join(written(part) + ', ' for part in value)})"
    return repr(value)


def draw() -> list[Plan]:
    """Return new plans: some of many that Hypothesis draws, since it begins with the smallest."""
    import hypothesis

    found: list[Plan] = []

    @hypothesis.settings(max_examples=8 * COUNT, deadline=None, database=None)
    @hypothesis.seed(0)
    @hypothesis.given(plans(kinds=LAYERS))
    def collect(plan: Plan) -> None:
        # Keras wants a dict's keys to be the names of the inputs in it.
        found.append(dataclasses.replace(plan, nest="list" if len(plan.inputs) > 1 else "single"))

    collect()
    different = list({written(plan): plan for plan in found}.values())
    return different[:: len(different) // COUNT][:COUNT]


if __name__ == "__main__":
    FILE.write_text("".join(written(plan) + "\n" for plan in draw()))
