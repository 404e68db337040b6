from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import jax
from hypothesis import given
from hypothesis import strategies as st

from trivium.state.trees import (
    has_keys,
    keep_order,
    key_order,
    map_leaves,
    map_tree,
    named_leaves,
)

Pair = namedtuple("Pair", ["left", "a_right"])

TREES = st.recursive(
    st.integers(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.builds(Pair, inner, inner),
        st.dictionaries(st.text("abz", max_size=2), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(TREES)
def test_what_jax_sorts_is_put_back(tree: Any) -> None:
    leaves, form = jax.tree_util.tree_flatten(tree)
    back = keep_order(tree, jax.tree_util.tree_unflatten(form, leaves))
    assert back == tree and key_order(back) == key_order(tree)
    again = map_tree(lambda x: x, tree)
    assert again == tree and key_order(again) == key_order(tree)
    assert has_keys(tree) == ("{" in repr(tree))


@given(TREES)
def test_walks_agree(tree: Any) -> None:
    assert [x for _, x in named_leaves(map_leaves(lambda x: x + 1, tree), "x")] == [
        x + 1 for _, x in named_leaves(tree, "x")
    ]


def test_trees_of_another_form_stay_as_they_are() -> None:
    tree = {"a": 1, "b": [2]}
    for like in ({"b": 0}, [1], None, {"b": 0, "a": 0, "c": 0}):
        assert list(keep_order(like, tree)) == ["a", "b"]
    assert list(keep_order({"b": {"x": 0}, "a": 0}, tree)) == ["b", "a"]
    ordered = OrderedDict(b=1, a=2)
    assert type(keep_order({"a": 0, "b": 0}, ordered)) is OrderedDict
