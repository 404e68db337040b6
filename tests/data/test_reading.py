from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from trivium import layers
from trivium.data import Dataset, PyDataset
from trivium.data.reading import input_batches

X = np.arange(12.0).reshape(6, 2)


class Batches(PyDataset):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.told: list[str] = []

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return X[2 * index : 2 * index + 2], None

    def on_epoch_begin(self) -> None:
        self.told.append("begin")

    def on_epoch_end(self) -> None:
        self.told.append("end")


DATA: dict[str, Any] = {
    "an array": X,
    "a table": pd.DataFrame(X),
    "sparse": sp.coo_array(X),
    "sparse batches": [sp.csr_matrix(X[:4]), sp.csr_matrix(X[4:])],
    "lists of pairs": [[X[:4], None], [X[4:], None]],
    "a pipeline": Dataset.from_tensor_slices((X, X)).batch(4),
    "a PyDataset with workers": Batches(workers=2),
}


@pytest.mark.parametrize("name", DATA)
def test_the_inputs_of_all_kinds_of_data(name: str) -> None:
    np.testing.assert_array_equal(np.concatenate(list(input_batches(DATA[name], "adapt"))), X)
    layer = layers.Normalization()
    layer.adapt(DATA[name])
    np.testing.assert_allclose(layer.mean[0], X.mean(axis=0), rtol=1e-6)


def test_dtypes_stay_what_they_are_and_a_matrix_is_read_in_pieces() -> None:
    assert [b.dtype.name for b in input_batches(np.array(["a"]), "adapt")] == ["StringDType128"]
    tall = sp.csr_array(np.ones((2500, 2)))
    assert [len(b) for b in input_batches(tall, "adapt")] == [1024, 1024, 452]


def test_a_dataset_hears_of_its_epoch_and_needs_an_end() -> None:
    batches = Batches()
    list(input_batches(batches, "adapt"))
    assert batches.told == ["begin", "end"]

    class Endless(Batches):
        num_batches = None

    with pytest.raises(ValueError, match="the PyDataset Endless has none"):
        list(input_batches(Endless(), "adapt"))
