"""Which tests run in one process."""

import os
import pathlib
import subprocess
import sys

import pytest
from groups import group

GROUPS = {
    "tests/losses/test_edges.py::test_values[mae(x), f16]": "tests/losses/test_edges.py",
    "tests/ops/test_against_keras.py::test_values[isfinite]": "tests/ops/test_against_keras.py:isfinite",
    "tests/layers/test_contract.py::test_it": "tests/layers/test_contract.py",
    "tests/layers/test_contract.py::test_names[Conv2D]": "tests/layers/test_contract.py:Conv2D",
    "tests/layers/test_contract.py::test_it[float16-GRU(units=f(3))-(2,)]": "tests/layers/test_contract.py:GRU",
}


@pytest.mark.parametrize("nodeid", GROUPS)
def test_a_file_is_a_group_and_so_is_a_layer_of_a_large_table(nodeid):
    assert group(nodeid) == GROUPS[nodeid]


def test_the_tests_of_a_file_run_in_one_process(tmp_path):
    text = """
import os, pathlib, pytest
@pytest.mark.parametrize("number", range(8))
def test_it(number):
    pathlib.Path(f"{__name__}-{number}").write_text(os.environ["PYTEST_XDIST_WORKER"])
"""
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]")
    support = str(pathlib.Path(__file__).parent)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": support, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "xdist", "-p", "groups", "-n", "2"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    ran = [
        [(tmp_path / f"{name}-{i}").read_text() for i in range(8)] for name in ("test_a", "test_b")
    ]
    assert [len(set(workers)) for workers in ran] == [1, 1]
