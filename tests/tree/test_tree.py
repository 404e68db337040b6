"""Nested structures: like Keras's but for the order of dicts, which is that of writing."""

import collections

import pytest
from oracle import both

from trivium import tree

Point = collections.namedtuple("Point", ["x", "y"])


def outcome(function, *args, **kwargs):
    """Return what a call gives as text, or the kind of its error."""
    try:
        return repr(function(*args, **kwargs))
    except (TypeError, ValueError) as error:
        return type(error).__name__


def outcomes(t):
    """Return what functions of structures give whose dicts are written in the order of their keys."""
    nested = {"a": [1, (2, None)], "b": collections.deque([Point(3, [4])]), "c": {}}
    seen = []
    return [
        outcome(t.flatten, nested),
        outcome(t.flatten, None),
        outcome(t.flatten_with_path, nested),
        outcome(t.flatten_with_path, 1),
        [outcome(t.is_nested, x) for x in (nested, 1, "ab", None, (), {}, Point(1, 2), b"1")],
        outcome(t.map_structure, lambda x: [x], nested),
        outcome(t.map_structure, lambda x: x, nested, none_is_leaf=False),
        outcome(t.map_structure, lambda x, y: (x, y), nested, nested, none_is_leaf=False),
        outcome(t.map_structure, lambda x, y: x + y, [1, 2], [3, 4]),
        outcome(t.map_structure, lambda x, y: x, [1, 2], (3, 4)),
        outcome(t.map_structure, lambda x, y: x, [1, 2], [3]),
        outcome(t.map_structure, lambda x, y: x, {"a": 1}, {"b": 1}),
        outcome(t.map_structure, lambda x: x),
        outcome(t.map_structure, 1, [1]),
        outcome(t.map_structure_up_to, [0, [0, 0]], str, [[1, 1], [2, 2]]),
        outcome(t.map_structure_up_to, {"a": 0}, lambda x, y: (x, y), {"a": [1]}, {"a": 2}),
        outcome(t.map_structure_up_to, [0, [0]], str, [1, 2]),
        outcome(t.pack_sequence_as, nested, range(4)),
        outcome(t.pack_sequence_as, nested, range(5)),
        outcome(t.pack_sequence_as, nested, range(3)),
        outcome(t.pack_sequence_as, nested, 1),
        outcome(t.pack_sequence_as, 1, [5]),
        outcome(t.assert_same_structure, [(0, 1)], [(2, 3)]),
        outcome(t.assert_same_structure, [(0, 1)], [[2, 3]]),
        outcome(t.assert_same_structure, {"a": 1}, collections.OrderedDict(a=2)),
        outcome(t.assert_same_structure, Point(1, 2), (1, 2)),
        outcome(t.assert_same_structure, [1], [[1]]),
        outcome(t.assert_same_paths, [0, Point(1, 2)], (2, [3, 4])),
        outcome(t.assert_same_paths, [0, 1], [2]),
        outcome(t.assert_same_paths, {"a": 1}, [1]),
        outcome(t.lists_to_tuples, [1, {"a": [2, (3, [4])]}]),
        outcome(t.map_shape_structure, tuple, {"a": [None, 2], "b": [(1, 2), (None,)]}),
        outcome(t.traverse, seen.append, [(1, 2), [3], {"a": 4}]),
        repr(seen),
        outcome(t.traverse, lambda x: x * 2 if isinstance(x, int) else None, [1, (2, None)], False),
        outcome(t.traverse, lambda x: sum(x) if isinstance(x, tuple) else None, [(1, 2), [3]]),
        outcome(t.traverse, lambda x: t.MAP_TO_NONE if x == 2 else None, [1, (2, 3)], False),
        outcome(t.traverse, 1, [1]),
    ]


def test_what_keras_gives():
    ours, theirs = both(lambda lib: outcomes(lib.tree))
    assert dict(enumerate(ours)) == dict(enumerate(theirs))


def test_dicts_keep_their_order():
    written = {"b": 1, "a": {"d": 2, "c": 3}}
    assert tree.flatten(written) == [1, 2, 3]
    assert tree.flatten_with_path(written)[1] == (("a", "d"), 2)
    assert list(tree.map_structure(str, written)["a"]) == ["d", "c"]
    assert list(tree.pack_sequence_as(written, "xyz").items()) == [
        ("b", "x"),
        ("a", {"d": "y", "c": "z"}),
    ]
    # Others are matched by their keys.
    other = {"a": {"c": 30, "d": 20}, "b": 10}
    assert tree.map_structure(lambda x, y: x + y, written, other) == {
        "b": 11,
        "a": {"d": 22, "c": 33},
    }
    counts = collections.defaultdict(list, a=1)
    mapped = tree.map_structure(str, counts)
    assert mapped == {"a": "1"} and mapped["new"] == []


def test_none_is_a_leaf_of_what_says_how_deep():
    """As Keras's page has it; the function itself refuses it there."""
    assert tree.map_structure_up_to([None, [None, None]], str, [[1, 1], [2, 2]]) == [
        "[1, 1]",
        ["2", "2"],
    ]


def test_errors_name_the_place():
    with pytest.raises(ValueError, match=r"at \['a', 1\]: a tuple and a leaf"):
        tree.assert_same_structure({"a": [1, (2,)]}, {"a": [1, 2]})
    with pytest.raises(ValueError, match=r"keys \['a'\] and \['b'\]"):
        tree.map_structure(str, {"a": 1}, {"b": 1})
    with pytest.raises(ValueError, match=r"\(1,\).*in the first alone"):
        tree.assert_same_paths([1, 2], [1])
    with pytest.raises(ValueError, match="'word' is no shape"):
        tree.map_shape_structure(len, {"a": "word"})
