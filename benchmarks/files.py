"""What saving and loading a model costs beside writing and reading its bytes with h5py.

    python benchmarks/files.py [--millions 100] [--rounds 7] [--only .keras .run] [--folder DIR]

Each round starts two processes for h5py and two for each kind of file, one after the other: one makes a model of so
many parameters and saves it, the next one loads it. Both sides bring what they write to the disk (`fsync`) before the
clock stops, and both read what the system still holds of the file. Printed are medians, as ratios to h5py's of the same
round, and the memory that saving and loading took at most besides what was there before, as a ratio to the model's
size. A model that is loaded is not there before; one whose weights alone are loaded has no values yet.

Ratios by the clock need a disk that nobody else writes to; those of processor time hold on a busy one, too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

H5PY, KINDS = "h5py", [".keras", ".weights.h5", ".safetensors", ".run"]
ACTIONS = ("saving", "loading")
UNITS = 2048

WORK = """
import json, os, sys, time
import h5py, jax, numpy as np
import trivium as tv
from trivium.state.placing import handed_over
from trivium.training.run_state import Place, RunState

kind, action, path, layers, units = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
tv.utils.set_random_seed(0)

def model(layers, units):
    dense = [tv.layers.Dense(units, name=f"dense_{i}") for i in range(layers)]
    return tv.Sequential([tv.Input((units,)), *dense])

def to_disk(path):
    handle = os.open(path, os.O_RDWR)
    os.fsync(handle)
    os.close(handle)

def write_h5py(given, path):
    with h5py.File(path, "w") as file:
        for i, weight in enumerate(given.weights):
            file[str(i)] = np.asarray(weight.value)
    to_disk(path)

def read_h5py(path, layers, units):
    with h5py.File(path) as file:
        return [file[str(i)][()] for i in range(2 * layers)]

def write_run(given, path):
    # As a run does it: copies first, since the next step writes over the variables' memory.
    variables = {weight.path: np.array(weight.peek()) for weight in given.weights}
    RunState(Place(), 0, variables, seed=0, position=0).write(path)

def read_run(path, layers, units):
    given, state = model(layers, units), RunState.read(path)
    for weight, array in zip(given.weights, state.variables.values(), strict=True):
        weight.replace(handed_over(array))
    return given

def read_weights(path, layers, units):
    given = model(layers, units)
    given.load_weights(path)
    return given

SAVE = {"h5py": write_h5py, ".keras": lambda given, path: given.save(path), ".run": write_run}
LOAD = {"h5py": read_h5py, ".keras": lambda path, *_: tv.models.load_model(path), ".run": read_run}
save = SAVE.get(kind, lambda given, path: given.save_weights(path))
load = LOAD.get(kind, read_weights)

def memory(which):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(which))

def measured(action, *given):
    before = memory("VmRSS:")
    open("/proc/self/clear_refs", "w").write("5")  # What was the most until now is forgotten.
    began = time.perf_counter(), time.process_time()
    made = action(*given)
    jax.block_until_ready([weight.value for weight in getattr(made, "weights", [])])
    ended = time.perf_counter(), time.process_time()
    return made, [ended[0] - began[0], ended[1] - began[1], memory("VmHWM:") - before]

# What is done once in a process is done with a small model.
small = path.replace("model", "small")
save(model(1, 8), small)
load(small, 1, 8)
if action == "saving":
    made = model(layers, units)
    jax.block_until_ready([weight.value for weight in made.weights])
    os.sync()
    _, took = measured(save, made, path)
else:
    made, took = measured(load, path, layers, units)
arrays = [np.asarray(getattr(array, "value", array)) for array in getattr(made, "weights", made)]
print(json.dumps([took, [float(array.sum()) for array in arrays]]))
"""


def measure(kind: str, layers: int, folder: str) -> list[list[float]]:
    """Return seconds, seconds of CPU and bytes of memory of saving and of loading, each in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        path = Path(inside) / ("model.h5" if kind == H5PY else f"model{kind}")
        told = []
        for action in ACTIONS:
            words = [kind, action, str(path), str(layers), str(UNITS)]
            ran = subprocess.run(
                [sys.executable, "-c", WORK, *words], stdout=subprocess.PIPE, text=True, check=True
            )
            told.append(json.loads(ran.stdout))
    (saved, sums), (loaded, others) = told
    assert sums == others, f"other numbers came back from {kind}"
    return [saved, loaded]


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--millions", type=float, default=100, help="of parameters")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="on the disk to measure")
    given = parser.parse_args()
    layers = max(1, round(given.millions * 1e6 / (UNITS * UNITS)))
    size = 4 * layers * UNITS * (UNITS + 1)
    found: dict[str, list[list[list[float]]]] = {kind: [] for kind in (H5PY, *given.only)}
    for _ in range(given.rounds):
        for kind, rounds in found.items():
            rounds.append(measure(kind, layers, given.folder))
    print(f"{size / 4e6:.0f} million parameters, {size / 2**20:.0f} MiB")
    print("| file | | seconds | × h5py | of CPU | × h5py | memory × model |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for kind, rounds in found.items():
        for which, action in enumerate(ACTIONS):
            cells = [kind, action]
            for what in (0, 1):
                times = [one[which][what] for one in rounds]
                ratios: list[Any] = [
                    one[which][what] / other[which][what]
                    for one, other in zip(rounds, found[H5PY], strict=True)
                ]
                cells += [f"{statistics.median(times):.2f}", f"{statistics.median(ratios):.2f}"]
            memory = statistics.median(one[which][2] for one in rounds)
            print(f"| {' | '.join(cells)} | {memory / size:.2f} |", flush=True)


if __name__ == "__main__":
    main()
