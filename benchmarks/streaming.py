"""A data set in a file, larger than the memory that it may take, trained on as fast as one in memory?

    python benchmarks/streaming.py [--gigabytes 1.0] [--kind npy|hdf5]

Writes the file to a temporary folder, trains an MLP for some epochs from memory and from the file, each in a process of
its own and in turn, and prints seconds an epoch (the median, without the first) and the largest resident memory.
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

import numpy as np

COLUMNS = 784

WORK = """
import json, resource, sys, threading, time
import h5py, numpy as np
import trivium as tv

where, path, epochs, units = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
x = h5py.File(path)["x"] if path.endswith(".h5") else np.load(path, mmap_mode="r")
if where == "memory":
    x = np.asarray(x[:])
y = np.arange(len(x)) % 10
tv.utils.set_random_seed(0)
model = tv.Sequential([tv.Input((x.shape[1],)), tv.layers.Dense(units, "relu"), tv.layers.Dense(10)])
model.compile("sgd", tv.losses.SparseCategoricalCrossentropy(from_logits=True))
times = []

class Clock(tv.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter(), time.process_time()
    def on_epoch_end(self, epoch, logs=None):
        times.append([time.perf_counter() - self.began[0], time.process_time() - self.began[1]])

model.fit(x[:64], y[:64], verbose=0)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=[Clock()])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"times": times, "grown": (peak - before) / 1024, "peak": peak / 1024,
                  "loss": history.history["loss"][-1]}))
"""


def write(path: Path, rows: int) -> None:
    import h5py

    draw = np.random.default_rng(0)
    if path.suffix == ".npy":
        file = np.lib.format.open_memmap(path, "w+", "float32", (rows, COLUMNS))
    else:
        file = h5py.File(path, "w").create_dataset("x", (rows, COLUMNS), "float32")
    for start in range(0, rows, 4096):
        stop = min(start + 4096, rows)
        file[start:stop] = draw.random((stop - start, COLUMNS), np.float32)


def measure(where: str, path: Path, epochs: int, units: int) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", WORK, where, str(path), str(epochs), str(units)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    measured: dict[str, Any] = json.loads(ran.stdout)
    return measured


def median(times: list[Any], which: int) -> float:
    return statistics.median(t[which] for t in times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--kind", choices=["npy", "hdf5"], default="npy")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    rows = int(given.gigabytes * (1 << 30) / (4 * COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("x.npy" if given.kind == "npy" else "x.h5")
        write(path, rows)
        seconds: dict[str, list[Any]] = {"memory": [], "file": []}
        for _ in range(given.rounds):
            for where, found in seconds.items():
                measured = measure(where, path, given.epochs, given.units)
                found += measured["times"][1:]
                print(
                    f"{where:>7}: {median(found, 0):.2f} s ({median(found, 1):.2f} s of CPU) an epoch of {rows} rows; "
                    "memory grew by "
                    f"{measured['grown']:.0f} MB to {measured['peak']:.0f} MB; loss {measured['loss']:.4f}"
                )
        wall, cpu = (median(seconds["memory"], i) / median(seconds["file"], i) for i in (0, 1))
        print(f"speed from the file: {wall:.0%} of that from memory ({cpu:.0%} by CPU time)")


if __name__ == "__main__":
    main()
