"""What users have becomes arrays: dtypes, structures, copies, and errors that name the array."""

from __future__ import annotations

import collections
import datetime
import decimal
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from trivium.data import make_source, validation_split
from trivium.data.checks import nonfinite, placed
from trivium.data.convert import refuse_text, to_arrays
from trivium.state import set_floatx

KEPT = ["bool", "int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "complex64"]
CHANGED = {
    "float64": "float32",
    "float16": "float32",
    ">f4": "float32",
    ">i4": "int32",
    "int64": "int32",
    "uint64": "uint32",
    "complex128": "complex64",
}


@pytest.mark.parametrize("dtype", KEPT)
def test_an_array_of_the_right_dtype_is_not_copied(dtype: str) -> None:
    array = np.arange(6).reshape(3, 2).astype(dtype)
    assert to_arrays(array, "x") is array
    assert make_source({"a": [array]}).data[0]["a"][0] is array


@pytest.mark.parametrize("dtype", CHANGED)
def test_other_numbers_get_the_dtype_that_jax_computes_in(dtype: str) -> None:
    array = np.arange(6).reshape(3, 2).astype(dtype)
    result = to_arrays(array, "x")
    assert result.dtype == CHANGED[dtype] and result.dtype.isnative
    np.testing.assert_array_equal(result, array)


def test_jax_arrays_stay_on_their_device() -> None:
    array = jnp.arange(3.0)
    assert to_arrays(array, "x") is array
    half = to_arrays(jnp.arange(3, dtype="bfloat16"), "x")
    assert isinstance(half, jax.Array) and half.dtype == "float32"


@pytest.mark.parametrize("floatx", ["bfloat16", "float16", "float64"])
def test_floats_follow_floatx(floatx: str) -> None:
    set_floatx(floatx)
    try:
        data = make_source(np.ones((2, 2)), pd.Series([1.0, 2.0]), [1.0, 2.0]).data
    finally:
        set_floatx("float32")
    assert [a.dtype for a in data] == [np.dtype(floatx)] * 3
    assert data[1].tolist() == [[1.0], [2.0]]


def test_numbers_in_lists_are_one_array_and_arrays_in_lists_are_many() -> None:
    assert to_arrays([[1, 2], [3, 4]], "x").tolist() == [[1, 2], [3, 4]]
    assert to_arrays(([1.5], (2.5,)), "x").dtype == "float32"
    assert to_arrays([True, False], "x").dtype == "bool"
    assert to_arrays([np.float64(1), np.float64(2)], "x").shape == (2,)
    two = to_arrays([np.zeros(2), [1, 2]], "x")
    assert isinstance(two, list) and [a.shape for a in two] == [(2,), (2,)]


def test_structures_keep_their_kind_and_order() -> None:
    Pair = collections.namedtuple("Pair", ["b", "a"])
    array = np.zeros(2, "float32")
    given = {"z": Pair(array, (array, None)), "a": [array]}
    result = to_arrays(given, "x")
    assert list(result) == ["z", "a"]
    assert isinstance(result["z"], Pair) and isinstance(result["z"].a, tuple)
    assert result["z"].a[1] is None and result["z"].b is array


def test_tables_become_arrays_of_rows() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False]})
    assert to_arrays(frame, "x").tolist() == [[1, 1], [2, 0]]
    assert to_arrays(frame, "x").dtype == "int32"
    frame["c"] = [0.5, 1.5]
    assert to_arrays(frame, "x").dtype == "float32"
    assert to_arrays(frame["c"], "x").shape == (2, 1)
    same = pd.DataFrame(np.ones((4, 2), "float32"))
    assert np.shares_memory(to_arrays(same, "x"), same.to_numpy())


def test_tables_with_missing_values_become_floats_with_nan() -> None:
    frame = pd.DataFrame({"a": pd.array([1, None, 3], "Int64"), "b": pd.array([True] * 3)})
    result = to_arrays(frame, "x")
    assert result.dtype == "float32" and np.isnan(result[1, 0])
    whole = pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": pd.array([3, 4], "UInt8")})
    assert to_arrays(whole, "x").dtype == "int32"
    with pytest.warns(UserWarning, match="`x`: 1 NaN; the first in row 1"):
        make_source(frame)


def test_pandas_is_not_imported_for_other_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pandas")
    make_source([[1.0]], np.zeros(1))
    assert "pandas" not in sys.modules


class Tensor:
    """Stands in for a PyTorch tensor, which must leave the tape and the GPU before it is read."""

    def __init__(self, ready: bool = False) -> None:
        self.ready = ready

    def detach(self) -> Tensor:
        return self

    def cpu(self) -> Tensor:
        return Tensor(ready=True)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if not self.ready:
            raise RuntimeError("the tensor lies on the GPU")
        return np.ones((2, 3))


class Unreadable:
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise RuntimeError("out of luck")


def test_tensors_of_other_libraries_are_read() -> None:
    assert to_arrays(Tensor(), "x").shape == (2, 3)


REFUSED: dict[str, tuple[Any, str]] = {
    "text": (["Rome", "Oslo"], r"`x` holds text \('Rome' at \[0\]\).*np.unique"),
    "text among numbers": ([[1, 2], [3, "four"]], r"`x` holds text \('four' at \[1, 1\]\)"),
    "a text": ("data.csv", r"`x` holds text \('data.csv'\), a single one; wanted an array"),
    "text array": (np.array([b"a", b"b"]), r"`x` holds text \('a' at \[0\]\)"),
    "None": ([1.0, None, 2.0], r"`x` holds None at \[1\]; wanted numbers"),
    "None in rows": ([[1.0, 2.0], [3.0, None]], r"`x` holds None at \[1, 1\]"),
    "only None": ([None, None], r"`x\[0\]` is None; wanted an array"),
    "ragged": ([[1, 2], [3]], r"`x` is ragged: row 0 has 2 entries, row 1 has 1 entries.*pad_"),
    "a number among rows": ([[1, 2], 3], r"`x` is ragged: row 0 has 2 entries, row 1 has a single"),
    "ragged further in": ([[[1, 2], [3]], [[1], [2]]], r"`x` is ragged: its rows are of one len"),
    "None for a row": ([[1, 2], None], r"`x` holds None at \[1\]"),
    "masked": (np.ma.array([1.0, 2.0], mask=[False, True]), r"`x` has masked values.*\.filled"),
    "ragged objects": (
        np.array([[1, 2], [3]], dtype=object),
        r"`x` is ragged: row 0 has 2 entries, row 1 has 1",
    ),
    "lists as objects": (
        pd.Series([np.zeros(2), np.zeros(2)]).to_numpy(),
        r"`x` holds ndarrays as objects; .*np\.stack",
    ),
    "numbers as objects": (np.array([1, 2], object), r"dtype object.*\.astype\('float32'\)"),
    "decimals": ([decimal.Decimal(1)], r"`x` holds a Decimal at \[0\]"),
    "dates": (np.array(["2024-01-01"], "datetime64[D]"), r"`x` holds dates or times .*timedelta"),
    "dates in a list": ([datetime.date(2024, 1, 1)], r"`x\[0\]` is of type date, which is no arr"),
    "records": (np.zeros(2, [("a", "f4")]), r"`x` has dtype \[\('a', '<f4'\)\]; wanted floats"),
    "keys": (jax.random.split(jax.random.key(0)), r"`x` has dtype key<fry>"),
    "a number": (3.0, r"`x` is a single number \(3\.0\).*first dimension counts"),
    "a scalar array": ({"a": np.float32(1)}, r'`x\["a"\]` is a single number'),
    "no samples": ({"a": {"b": np.zeros((0, 3))}}, r'`x\["a"\]\["b"\]` has no samples.*\(0, 3\)'),
    "an empty list": ([], r"`x` has no samples"),
    "an empty dict": ({}, r"`x` is \{\}; wanted an array for each input"),
    "nothing": (None, r"`x` is missing"),
    "inputs of None": ({"a": [None], "b": None}, r'`x\["a"\]\[0\]` is None; wanted an array'),
    "a generator among arrays": ([np.zeros(2), iter([])], r"`x\[1\]` is of type list_iterator"),
    "unreadable": (Unreadable(), r"`x` \(Unreadable\) cannot be read as an array: out of luck"),
    "large whole numbers": (np.array([0, 2**31]), r"`x` has values from 0 to 2147483648.*int32"),
    "large unsigned numbers": (np.array([2**32], "uint64"), r"kept as uint32"),
    "text column": (
        pd.DataFrame({"n": [1, 2], "city": ["Rome", None]}),
        r"`x`: the column 'city' is of dtype \w+ \(e\.g\. 'Rome'\); wanted numbers",
    ),
    "categories": (
        pd.DataFrame({"c": pd.Categorical(["a", "b"])}),
        r"`x` holds text \('a' at \[0, 0\]\).*StringLookup",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_array_of_numbers_is_refused_by_name(name: str) -> None:
    value, message = REFUSED[name]
    with pytest.raises(ValueError, match=rf"(?s)^fit: .*{message}"):
        source = make_source(value)
        with placed("fit"):
            refuse_text(source.data[0])  # As a model does that takes numbers alone.


def test_every_argument_is_named() -> None:
    x = np.zeros((2, 1))
    with pytest.raises(ValueError, match=r'^evaluate: `y\["out"\]` holds text'):
        make_source(x, {"out": ["a", "b"]}, what="evaluate")
    with pytest.raises(ValueError, match=r"^fit: `sample_weight\[1\]` holds None at \[0\]"):
        make_source(x, [x, x], [np.ones(2), [None, 1.0]])
    with pytest.raises(ValueError, match=r"^`y\[1\]` has no samples"):
        validation_split((x, [x, x[:0]]), 0.5)


def test_values_that_are_not_finite_are_told_once_with_their_rows() -> None:
    x = np.ones((5, 2))
    x[3, 0], x[4, 1], x[4, 0] = np.nan, np.inf, 1e300
    y = np.array([0.0, -np.inf, 0.0, 0.0, 0.0], "float32")
    with pytest.warns(UserWarning) as caught:
        make_source({"a": x, "b": np.ones(5)}, y)
    assert len(caught) == 1
    text = str(caught[0].message)
    assert text.startswith("fit: the data holds values that are not finite")
    assert '`x["a"]`: 1 NaN, 1 infinite, 1 too large for float32; the first in row 3' in text
    assert "`y`: 1 infinite; the first in row 1" in text
    assert '"b"' not in text


@pytest.mark.parametrize("kind", ["numpy", "jax", "bfloat16", "complex", "infinities"])
def test_nan_is_found_in_every_kind_of_float(kind: str) -> None:
    values = {
        "numpy": np.array([1.0, np.nan]),
        "jax": jnp.array([1.0, jnp.nan]),
        "bfloat16": jnp.array([1.0, jnp.nan], "bfloat16"),
        "complex": np.array([1.0, complex(0, np.nan)]),
        "infinities": np.array([-np.inf, np.inf]),
    }
    with pytest.warns(UserWarning, match="the first in row 0" if kind == "infinities" else "row 1"):
        make_source(values[kind])


def test_an_array_on_an_accelerator_is_summed_there() -> None:
    class Device:
        platform = "gpu"

    class Remote:
        dtype = np.dtype("float32")

        def devices(self) -> set:
            return {Device()}

        def sum(self) -> float:
            return 1.0

        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            raise AssertionError("the array was brought to the host")

    assert nonfinite(Remote(), Remote(), "x") is None


def test_finite_values_give_no_warning_even_where_their_sum_overflows() -> None:
    make_source(np.full((100, 2), 3e38, "float32"), np.zeros((100, 0)))


def test_a_memory_mapped_file_is_not_read(tmp_path: Any) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.full((3, 2), np.nan, "float32"))
    mapped = np.load(path, mmap_mode="r")
    data = make_source(mapped).data[0]
    assert np.shares_memory(data, mapped)
    train, _ = validation_split((mapped,), 0.5)
    assert np.shares_memory(make_source(*train).data[0], mapped)
