"""The oracle: what it notices, what it says, and that a recording without news changes nothing."""

import ast
import inspect
import sys
from types import ModuleType, SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from oracle.definition import TESTS, define
from oracle.encoding import decode, difference, encode, line
from oracle.record import ORACLE, Oracle, recorded

FACTOR = np.array([1.0, 2.0], "float32")


def scaled(x):
    return FACTOR * x


@pytest.fixture
def oracle(tmp_path, monkeypatch):
    """Make an oracle of a run; its Keras says `version` and what the test lets it compute."""

    def make(mode="read", version="3.15.1", test="test_it"):
        fake = SimpleNamespace(__version__=version)
        monkeypatch.setattr("oracle.record.real_keras", lambda: fake)
        made = Oracle(tmp_path, mode)
        made.start(SimpleNamespace(path=TESTS / "room/test_file.py", name=test, cls=None))
        return made

    return make


def record(oracle, compute, case="a", complete=None, **kwargs):
    made = oracle("record", **kwargs)
    made.ask(compute, case)
    made.write(complete or {})
    return made.changes


VALUES = [
    None, True, 3, 2.5, float("inf"), "text", b"bytes", [1, [2.0]], (1, "a"), {"b": 1, "a": (2,)}, {1: 2, None: []},
    {"!": 3}, {1, 2}, inspect.Parameter.empty, np.float32(2.5), np.arange(6, dtype="int8").reshape(2, 3),
    np.array([True]), np.zeros((0, 3), "float32"), np.array(1 + 2j, "complex64"), np.ones(3, "bfloat16"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back(value):
    again = decode(encode(value))
    np.testing.assert_equal(again, value)
    assert type(again) is (np.ndarray if isinstance(value, np.generic) else type(value))
    if isinstance(value, np.ndarray | np.generic):
        assert (again.dtype, again.shape) == (value.dtype, value.shape)
    if isinstance(value, dict):
        assert list(again) == list(value)
    assert difference(encode(value), encode(again)) is None


def test_what_cannot_be_recorded_is_refused():
    with pytest.raises(TypeError, match="object"):
        encode([object()])
    with pytest.raises(TypeError, match="list"):
        encode(np.array(["a"]))


X = np.array([1.0, 100.0], "float32")
DIFFERENT = [
    (1, 2), (1, 1.0), ("a", "b"), ([1], [1, 1]), ({"a": 1}, {"b": 1}), ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ((1,), [1]), (X, X + 0.01), (X, X.astype("float64")), (X, X[None]), (X, np.array([1.0, np.nan], "float32")),
    (np.arange(2), np.arange(2) + 1), (1.0, 1.001), ([X, 0], [X, 1]), (None, 0),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), DIFFERENT, ids=repr)
def test_differences_are_seen(old, new):
    assert difference(encode(old), encode(new))


def test_rounding_is_no_difference():
    x = np.linspace(-1, 1, 7).astype("float32")
    assert difference(encode(x), encode(x * np.float32(1 + 1e-6))) is None
    assert (
        difference(encode(x.astype("float16")), encode(np.nextafter(x.astype("float16"), 2)))
        is None
    )
    assert difference(encode({"a": 0.1}), encode({"a": 0.1000001})) is None


def test_reading_needs_a_recording(oracle):
    with pytest.raises(AssertionError, match=r"pytest -n0 --oracle=record tests/room/test_file.py"):
        oracle().ask(lambda keras: 1, None)


def test_a_recording_is_read_and_keras_is_not_asked(oracle):
    note = Mock()

    def compute(keras):
        note(keras)
        return scaled(X)

    assert record(oracle, compute) == ["room/test_file: a: new"]
    reading = oracle()
    for _ in range(2):
        np.testing.assert_array_equal(reading.ask(compute, "a"), [1.0, 200.0])
    assert note.call_count == 1


def test_calls_of_one_test_are_counted(oracle):
    made = oracle("record")
    values = [made.ask(lambda keras, i=i: i, None) for i in range(3)]
    made.write({})
    assert values == [0, 1, 2]
    assert list(oracle().values("room/test_file")) == ["test_it", "test_it#2", "test_it#3"]


def test_recording_without_news_changes_no_byte(oracle, tmp_path):
    path = tmp_path / "room/test_file.jsonl"
    record(oracle, of_factor(1.0))
    before = path.read_bytes()
    assert record(oracle, of_factor(1.0 + 1e-6)) == []
    assert path.read_bytes() == before


def of_factor(factor):
    """Return a function whose definition does not tell the factor, as the rounding of a machine is not told."""
    hidden = iter([factor])
    return lambda keras: X * next(hidden)


def test_a_recording_says_what_changed(oracle):
    record(oracle, of_factor(1.0))
    changes = record(oracle, of_factor(1.5))
    assert changes == ["room/test_file: a: value: differs by 50"]
    changes = record(oracle, of_factor(1.5), version="3.16.0")
    assert changes == ["room/test_file: a: same value (was Keras 3.15.1)"]


def test_a_check_fails_where_keras_says_something_else(oracle):
    record(oracle, of_factor(1.0))
    oracle("check").ask(of_factor(1.0), "a")
    with pytest.raises(AssertionError, match="differs by 50"):
        oracle("check").ask(of_factor(1.5), "a")


def test_cases_that_are_gone_leave_the_file_when_all_of_it_ran(oracle):
    record(oracle, lambda keras: 1, "a")
    assert record(oracle, lambda keras: 1, "b") == ["room/test_file: b: new"]
    changes = record(oracle, lambda keras: 1, "b", complete={"room/test_file": True})
    assert changes == ["room/test_file: a: gone"]
    assert list(oracle().values("room/test_file")) == ["b"]


# --- definitions


def by_one_name(x):
    return scaled(x) + 1


def by_other_comments(x):
    # A comment.
    return (
        scaled(x)  # And another.
        + 1
    )


def test_a_changed_case_is_noticed(oracle):
    record(oracle, lambda keras, n=3: by_one_name(n))
    with pytest.raises(AssertionError, match="inputs changed"):
        oracle().ask(lambda keras, n=4: by_one_name(n), "a")


def test_a_case_outside_of_a_test_needs_a_name(oracle):
    made = oracle()
    made.start(None)
    with pytest.raises(TypeError, match="case="):
        made.ask(lambda keras: 1, None)


@pytest.fixture
def defined(tmp_path, monkeypatch):
    """Return the definition of the function `f` of a module among the tests, given as text."""
    monkeypatch.setattr("oracle.definition.TESTS", tmp_path)
    files = iter(range(100))

    def of(text):
        path = tmp_path / f"module{next(files)}.py"
        path.write_text(text)
        module = ModuleType("module_of_the_test")
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(text, str(path), "exec"), vars(module))
        return define(module.f)

    return of


BASE = """
import numpy as np
TABLE = {"a": [1, 2.0], "b": np.arange(3)}
UNUSED = 1
class Thing:
    data = np.array([1.0, 2.5])
    def value(self):
        return 3
def helper(x):
    return Thing().value() + x
def f(keras):
    return [helper(1), (lambda: TABLE["a"])()]
"""
SAME = [
    ("# A comment.\n\n", ""), ("return 3", "return (\n            3  # Three.\n        )"),
    ("UNUSED = 1", "UNUSED = 2"),
    ("[helper(1), ", "[\n        helper( 1 ),\n        "), ("2.0", "2.0000001"),
]  # fmt: skip
OTHER = [
    ("return 3", "return 4"), ("helper(1)", "helper(2)"), ("2.0", "2.1"), ("arange(3)", "arange(4)"),
    ('"a": [1', '"a": [5'),
    ("+ x", "- x"),
    ("[1.0, 2.5]", "[1.0, 3.5]"), ('TABLE["a"]', 'TABLE["b"]'), ("arange(3)", "arange(3, dtype='int8')"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), SAME)
def test_what_does_not_count(defined, old, new):
    assert defined(BASE.replace(old, new) if old in BASE else old + BASE).fits(str(defined(BASE)))


@pytest.mark.parametrize(("old", "new"), OTHER)
def test_what_counts(defined, old, new):
    assert old in BASE
    assert not defined(BASE.replace(old, new)).fits(str(defined(BASE)))


def test_closures_count(defined):
    text = "def make(n):\n    return lambda keras: n\nf = make({})\n"
    assert str(defined(text.format(1))) != str(defined(text.format(2)))
    assert str(defined(text.format("[1, (2, {3})]"))) != str(defined(text.format("[1, (2, {4})]")))


def test_the_oracle_is_no_part_of_a_case(monkeypatch):
    """What has been read or recorded before may not change what a case is."""
    before = define(asking_twice)
    monkeypatch.setitem(ORACLE._files, "a file", {"a case": {"value": [1, 2, 3]}})
    assert str(define(asking_twice)) == str(before)


def asking_twice(keras):
    return recorded(lambda keras: 1, "a")


def test_lines_are_the_same_bytes():
    entry = {"case": "ü", "value": encode({"a": X})}
    assert line(entry) == line(entry) and "\n" not in line(entry)


# --- who asks


def imported(tree, inside=False):
    """Yield the lines that import Keras outside of functions of it, which the oracle calls to record."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef) and any(
            argument.arg in ("keras", "library") for argument in node.args.args
        )
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "importorskip", "__import__")
        ):
            given = node.args[0] if node.args else None
            given = given.values[0] if isinstance(given, ast.JoinedStr) else given
            names = [str(getattr(given, "value", ""))]
        if not inside and any(name.partition(".")[0] == "keras" for name in names):
            yield node.lineno
        yield from imported(node, inside or named)


def test_no_test_imports_the_real_keras():
    """It takes seconds in each process: ask `recorded` instead, as tests/README.md says."""
    # The commands that record or list what Keras has, and programs that are run in its place.
    apart = ("support/oracle/", "support/vocabulary/__main__.py", "compat/programs/")
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        place = path.relative_to(TESTS).as_posix()
        if not place.startswith(apart):
            lines = imported(ast.parse(path.read_text()))
            found += [f"tests/{place}:{line}" for line in lines]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import keras",
        "import numpy, keras.ops as o",
        "def test():\n    from keras import layers",
        "import importlib\ndef test():\n    importlib.import_module(f'keras.{x}')",
        "pytest.importorskip('keras')",
    ],
)
def test_an_import_of_keras_is_found(text):
    assert list(imported(ast.parse(text)))
    assert not list(imported(ast.parse(text.replace("keras", "keras_tuner"))))
    function = "def compute(keras):\n" + "\n".join(f"    {line}" for line in text.splitlines())
    assert not list(imported(ast.parse(function)))
