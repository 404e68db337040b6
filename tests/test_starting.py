"""How a program starts and ends: what `import trivium` brings along, and what the interpreter looks through."""

import subprocess
import sys
import types

import pytest

import trivium


def test_importing_it_loads_nothing_that_few_programs_need():
    names = (
        "matplotlib", "scipy.optimize", "trivium.viz.diagrams", "trivium.datasets.mnist", "tarfile", "urllib.request",
        "multiprocessing", "jax.extend", "jax._src.pallas",
    )  # fmt: skip
    # What is imported is old already: no look for garbage goes through it when the program begins, or when it ends.
    code = (
        f"import gc, sys, trivium; print(*(m for m in {names} if m in sys.modules), "
        "len(gc.get_objects()) < 20_000, gc.get_freeze_count() > 100_000, gc.isenabled())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["True", "True", "True"]


@pytest.mark.parametrize(
    "lines, begun",
    [
        ("", True),
        ("from __future__ import annotations\nimport os\nfrom json import dumps\nSIZE = 3\nNAME = 'a'", True),
        ("from math import sqrt\nfrom typing import List, Optional\nfrom string import digits, Formatter", True),
        ("import os\n_hidden = []\nclass Mine: ...\ndef run(): ...", True),
        ("import numpy\ndata = numpy.ones(3)", False),
        ("class Mine: ...\nmine = Mine()", False),
        ("cells = ['import trivium']", False),
    ],
)  # fmt: skip
def test_what_a_program_has_made_before_is_not_taken_for_a_module(lines, begun, monkeypatch):
    program = types.ModuleType("__main__")
    exec(compile(lines, "program", "exec", dont_inherit=True), vars(program))
    monkeypatch.setitem(sys.modules, "__main__", program)
    assert trivium._has_begun_with_imports() is begun
