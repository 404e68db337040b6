"""A short run of `support/fuzz.py`; its command runs longer ones."""

import fuzz


def test_mutated_files_lead_to_models_or_to_errors_of_the_librarys_own():
    wrong = []
    counts = fuzz.run(300, seed=7, tell=lambda data, said: wrong.append(said))
    assert not wrong, wrong[:5]
    assert sum(counts.values()) == 300
    assert counts[".keras read"] > 15
    kinds = (".keras", ".weights.h5", ".safetensors", ".stablehlo", ".run")
    assert all(counts[f"{kind} refused"] > 10 for kind in kinds), counts
