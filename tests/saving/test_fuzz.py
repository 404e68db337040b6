"""A short run of `support/fuzz.py`; its command runs longer ones."""

import random
import zipfile

import fuzz
import pytest

from trivium.export import load_exported
from trivium.saving import ModelFileError
from trivium.training.run_state import RunState, RunStateError


def test_mutated_files_lead_to_models_or_to_errors_of_the_librarys_own():
    wrong = []
    counts = fuzz.run(300, seed=7, tell=lambda data, said: wrong.append(said))
    assert not wrong, wrong[:5]
    assert sum(counts.values()) == 300
    assert counts[".keras read"] > 15
    kinds = (".keras", ".weights.h5", ".safetensors", ".stablehlo", ".run")
    assert all(counts[f"{kind} refused"] > 10 for kind in kinds), counts


def test_what_cannot_be_unpacked_is_damaged(tmp_path):
    path = tmp_path / "packed.run"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("run.json", "export.json"):
            file.writestr(name, random.Random(0).randbytes(999).hex())
    data = bytearray(path.read_bytes())
    for info in file.infolist():
        data[info.header_offset + 30 + len(info.filename)] = (
            7  # A block of a type that there is not.
        )
    path.write_bytes(data)
    with pytest.raises(RunStateError, match="damaged"):
        RunState.read(path)
    with pytest.raises(ModelFileError, match="damaged"):
        load_exported(path)
