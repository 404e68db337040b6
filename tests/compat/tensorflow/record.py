"""Records what the programs beside this file print under the real TensorFlow: `programs/NAME.out` for each.

    python tests/compat/tensorflow/record.py [NAME …]

in an environment with `tensorflow`. A program draws its numbers from NumPy and gives its networks their weights, since
TensorFlow's random numbers are others than ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).parent / "programs"


def main() -> None:
    names = sys.argv[1:] or sorted(p.stem for p in PROGRAMS.glob("*.py"))
    for name in names:
        done = subprocess.run(
            [sys.executable, str(PROGRAMS / f"{name}.py")],
            env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        (PROGRAMS / f"{name}.out").write_text(done.stdout, "utf-8")
        print(f"{name}: {len(done.stdout.splitlines())} lines")


if __name__ == "__main__":
    main()
