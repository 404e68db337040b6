"""Tables: frames of pandas and polars, tables of Arrow, CSV and Parquet files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import trivium as tv
from trivium.data import from_csv, from_parquet, from_table
from trivium.data.orders import OrderKey

COUNT = 50
COLUMNS: dict[str, Any] = {
    "size": np.linspace(0, 1, COUNT),
    "rooms": np.arange(COUNT) % 5,
    "kind": [["flat", "house", "é"][i % 3] for i in range(COUNT)],
    "new": np.arange(COUNT) % 2 == 0,
    "price": np.arange(COUNT) * 10,
}
TABLES = {
    "pandas": lambda c: pd.DataFrame(c),
    "polars": lambda c: pl.DataFrame(c),
    "arrow": lambda c: pa.table(c),
    "a record batch": lambda c: pa.table(c).to_batches()[0],
    "an Arrow dataset": lambda c: pyarrow.dataset.dataset(pa.table(c)),
}


def written(tmp_path: Any, kind: str, columns: Any = COLUMNS, name: str = "table") -> str:
    path = tmp_path / f"{name}.{kind}"
    table = pa.table(columns)
    if kind == "csv":
        pd.DataFrame(columns).to_csv(path, index=False)
    else:
        pyarrow.parquet.write_table(table, path, row_group_size=7)
    return str(path)


def check(dataset: Any) -> None:
    batches = list(dataset.batch(16))
    assert [len(y) for _, y in batches] == [16, 16, 16, 2]
    for name in ("size", "rooms", "kind", "new"):
        column = np.concatenate([np.asarray(x[name]) for x, _ in batches])
        assert column.tolist() == pytest.approx(list(COLUMNS[name]))
    assert batches[0][0]["kind"].dtype.kind in "OT"
    assert np.concatenate([y for _, y in batches]).tolist() == COLUMNS["price"].tolist()
    x, y = next(iter(dataset))
    assert list(x) == ["size", "rooms", "kind", "new"] and int(y) == 0


@pytest.mark.parametrize("library", TABLES)
def test_tables_in_memory(library: str) -> None:
    table = TABLES[library](COLUMNS)
    check(from_table(table, "price"))
    assert len(from_table(table, "price").batch(16)) == 4
    (batch,) = from_table(table, columns=["rooms"]).batch(COUNT)
    assert list(batch) == ["rooms"]
    _, y = next(iter(from_table(table, ["price", "new"])))
    assert list(y) == ["price", "new"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_files(kind: str, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("trivium.data.tables._ROWS", 9)
    monkeypatch.setattr("trivium.data.tables._CSV_BYTES", 400)
    read = {"csv": from_csv, "parquet": from_parquet}[kind]
    path = written(tmp_path, kind)
    dataset = read(path, "price")
    check(dataset)
    check(dataset)  # And again.
    assert dataset.cardinality() == (-2 if kind == "csv" else COUNT)
    # Several files, mixed, mapped, and read from some batch on.
    written(tmp_path, kind, name="other")
    both = read(f"{tmp_path}/*.{kind}", "price").shuffle(20).map(lambda x, y: y + 0).repeat(2)
    batches = both.batch(16)._elements
    key = OrderKey(1, (0,))
    whole = [np.asarray(b).tolist() for b in batches.read(key)]
    assert sorted(np.concatenate(whole).tolist()) == sorted(COLUMNS["price"].tolist() * 4)
    assert whole != sorted(whole)
    assert [np.asarray(b).tolist() for b in batches.read(key, 5)] == whole[5:]
    rows = [int(e) for e in both._elements.read(key)]
    assert rows == [n for batch in whole for n in batch]
    assert [int(e) for e in both._elements.read(key, 70)] == rows[70:]


def test_fit_takes_tables(tmp_path: Any) -> None:
    numbers = {k: COLUMNS[k] for k in ("size", "rooms")}
    wanted = np.stack([numbers["size"], numbers["rooms"]], 1).astype("float32")
    tv.utils.set_random_seed(0)
    model = tv.Sequential([tv.Input((2,)), tv.layers.Dense(1)])
    model.compile("sgd", "mse")
    theirs = model.predict(wanted, verbose=0)
    for library in ("pandas", "polars", "arrow", "a record batch"):
        np.testing.assert_array_equal(model.predict(TABLES[library](numbers), verbose=0), theirs)
    y = pl.Series("y", COLUMNS["price"])
    assert model.fit(pl.DataFrame(numbers), y, verbose=0).history["loss"]
    with pytest.raises(
        ValueError, match=r"`x`: the column 'kind' holds str values \(e.g. 'flat'\)"
    ):
        model.fit(pl.DataFrame({"size": COLUMNS["size"], "kind": COLUMNS["kind"]}), y, verbose=0)
    stacked = from_csv(written(tmp_path, "csv"), "price", columns=["size", "rooms"]).map(
        lambda x, y: (tv.ops.stack([x["size"], tv.ops.cast(x["rooms"], "float32")]), y)
    )
    assert model.fit(stacked.shuffle(50).batch(16), epochs=2, verbose=0).history["loss"]
    layer = tv.layers.Normalization()
    layer.adapt(pa.table(numbers))
    np.testing.assert_allclose(np.ravel(layer.mean), wanted.mean(0), rtol=1e-5)


GAPS: dict[str, Any] = {
    "a": [1.0, None, 3.0, 4.0],
    "b": ["x", "y", None, "z"],
    "c": [1, 2, 3, None],
}


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow", "csv", "parquet"])
def test_missing_values(library: str, tmp_path: Any) -> None:
    def read(missing: str) -> Any:
        if library in ("csv", "parquet"):
            path = written(tmp_path, library, GAPS)
            return {"csv": from_csv, "parquet": from_parquet}[library](path, missing=missing)
        return from_table(TABLES[library](GAPS), missing=missing)

    (kept,) = read("keep").batch(4)
    np.testing.assert_array_equal(kept["a"], [1, np.nan, 3, 4])
    np.testing.assert_array_equal(kept["c"], [1, 2, 3, np.nan])
    assert kept["b"].tolist() == ["x", "y", None, "z"]
    dropped = read("drop")
    (batch,) = dropped.batch(4)
    assert batch["a"].tolist() == [1] and batch["b"].tolist() == ["x"]
    assert [e.place[:5] for e in dropped.errors] == ["row 1", "row 2", "row 3"]
    assert "the column 'c' has no value" in repr(dropped.errors)
    with pytest.raises(ValueError, match=r"column 'a' has no value in row 1 of .*missing=\"drop\""):
        list(read("error"))


def test_what_is_wrong_with_a_file(tmp_path: Any) -> None:
    path = written(tmp_path, "csv")
    with pytest.raises(
        ValueError, match=r"no column 'prise' in .*table\.csv\. Did you mean 'price'"
    ):
        from_csv(path, "prise")
    with pytest.raises(ValueError, match=r"`from_csv` found no file 'nothing\.csv'"):
        from_csv("nothing.csv")
    with pytest.raises(ValueError, match="all of them are labels"):
        from_table(pd.DataFrame({"a": [1]}), "a")
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n3\n4,5\n6,7,8\n")
    with pytest.raises(ValueError, match=r"bad\.csv' cannot be read: .*bad_rows=\"skip\""):
        list(from_csv(bad))
    skipped = from_csv(str(bad), bad_rows="skip")
    (batch,) = skipped.batch(9)
    assert batch["a"].tolist() == [1, 4] and len(skipped.errors) == 2
    assert (
        "row 1" in skipped.errors[0].place and "it has 1 values, not 2" in skipped.errors[0].error
    )
    changes = tmp_path / "changes.csv"
    changes.write_text("a\n" + "1\n" * 600_000 + "x\n")
    with pytest.raises(ValueError, match=r"changes\.csv' cannot be read: .*column_types="):
        list(from_csv(str(changes)).batch(100_000))
    (tmp_path / "no.parquet").write_text("no")
    with pytest.raises(ValueError, match=r"no\.parquet' cannot be read"):
        from_parquet(str(tmp_path / "no.parquet"))
    with pytest.raises(ValueError, match=r"is lazy: pass LazyFrame\.collect"):
        from_table(pl.LazyFrame({"a": [1]}))
    with pytest.raises(ValueError, match="wanted a data frame"):
        from_table([1, 2])
    with pytest.raises(ValueError, match='`missing` is "error", "drop" or "keep"'):
        from_table(pd.DataFrame({"a": [1]}), missing="ignore")
