"""The layout: ranks, order, coordinates, and that no edge can meet a box."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.viz.diagrams.crossings import crossings, put_in_order
from trivium.viz.diagrams.layout import Link, layered
from trivium.viz.diagrams.programs import coordinates, ranks
from trivium.viz.diagrams.web import Web

SIZE = (60.0, 30.0)


@st.composite
def graphs(draw, most=12):
    count = draw(st.integers(1, most))
    pairs = [(u, v) for v in range(count) for u in range(v)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=2 * count)) if pairs else []
    bundled = draw(st.booleans())
    return count, [Link(u, v, bundle="tensor" if bundled else None) for u, v in chosen]


def total(count, links, found):
    return sum(found[k.target] - found[k.source] for k in links)


def ordered(sizes, links):
    web = Web(sizes, links, ranks(len(sizes), links))
    put_in_order(web)
    return web


@settings(deadline=None, max_examples=40)
@given(graphs(most=5))
def test_ranks_are_the_shortest_there_are(graph):
    count, links = graph
    found = ranks(count, links)
    assert min(found) == 0
    assert all(found[k.source] < found[k.target] for k in links)
    other = [
        total(count, links, choice)
        for choice in itertools.product(range(count), repeat=count)
        if all(choice[k.source] < choice[k.target] for k in links)
    ]
    assert total(count, links, found) == min(other)


def test_ends_have_ranks_to_themselves():
    links = [Link(0, 2), Link(1, 3), Link(2, 3), Link(2, 4), Link(3, 5)]
    assert ranks(6, links, first=[0, 1], last=[4, 5]) == [0, 0, 1, 2, 3, 3]


@settings(deadline=None, max_examples=60)
@given(graphs(), st.lists(st.tuples(st.floats(10, 200), st.floats(10, 80)), min_size=12))
def test_boxes_keep_apart_and_edges_keep_clear_of_them(graph, extents):
    count, links = graph
    sizes = extents[:count]
    layout = layered(sizes, links)
    boxes = [
        (x - w / 2, x + w / 2, y - h / 2, y + h / 2)
        for x, y, (w, h) in zip(layout.across, layout.along, sizes, strict=True)
    ]
    assert all(a >= -1e-6 and b <= layout.breadth + 1e-6 for a, b, *_ in boxes)
    assert all(a >= -1e-6 and b <= layout.length + 1e-6 for *_, a, b in boxes)
    for (a, b, c, d), (e, f, g, h) in itertools.combinations(boxes, 2):
        assert a > f or b < e or c > h or d < g
    for link, route in zip(links, layout.routes, strict=True):
        others = [box for i, box in enumerate(boxes) if i not in (link.source, link.target)]
        for x, start, end in route:
            assert start <= end + 1e-6
            assert not any(
                a < x < b and start < d - 1e-6 and end > c + 1e-6 for a, b, c, d in others
            )
        # Where it moves across, no box is: that is between two ranks.
        for (x, _, near), (y, far, _) in itertools.pairwise(route):
            assert near < far
            low, high, near, far = min(x, y), max(x, y), near + 1e-6, far - 1e-6
            assert not any(a < high and b > low and c < far and d > near for a, b, c, d in boxes)


@settings(deadline=None, max_examples=20)
@given(graphs())
def test_the_same_graph_gives_the_same_drawing(graph):
    count, links = graph
    assert layered([SIZE] * count, links) == layered([SIZE] * count, links)


def test_chains_and_the_ways_past_them_are_straight():
    links = [Link(i, i + 1) for i in range(6)] + [Link(0, 3), Link(3, 6)]
    layout = layered([(40.0 + 10 * i, 30.0) for i in range(7)], links)
    assert max(layout.across) - min(layout.across) < 1e-3
    for route in layout.routes[6:]:
        middle = [x for x, *_ in route[1:-1]]
        assert len(middle) == 2
        assert max(middle) - min(middle) < 1e-3


@pytest.mark.parametrize("branches", [2, 3, 4, 5])
def test_a_fan_is_symmetric(branches):
    links = [Link(0, i) for i in range(1, branches + 1)]
    links += [Link(i, branches + 1) for i in range(1, branches + 1)]
    layout = layered([SIZE] * (branches + 2), links)
    assert layout.across[0] == pytest.approx(layout.breadth / 2, abs=1e-3)
    assert layout.across[-1] == pytest.approx(layout.breadth / 2, abs=1e-3)
    assert layout.across[1:-1] == sorted(layout.across[1:-1])


def test_edges_of_one_tensor_share_their_way():
    links = [Link(0, 1), Link(1, 2), Link(2, 3), Link(0, 2, bundle="x"), Link(0, 3, bundle="x")]
    apart = [Link(k.source, k.target) for k in links]
    assert len(Web([SIZE] * 4, links, [0, 1, 2, 3]).ranks) == 4 + 2
    assert len(Web([SIZE] * 4, apart, [0, 1, 2, 3]).ranks) == 4 + 3


def test_crossings_that_need_not_be_are_undone():
    # Two rows of boxes, wired in reverse.
    links = [Link(i, 9 - i) for i in range(5)]
    web = Web([SIZE] * 10, links, [0] * 5 + [1] * 5)
    web.arrange([[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]])
    assert crossings(web) == 10
    put_in_order(web)
    assert crossings(web) == 0


def test_a_crossing_that_must_be_is_the_only_one():
    # Every graph drawn with K3,3's wiring between two rows crosses; nine times at least.
    links = [Link(u, v) for u in range(3) for v in range(3, 6)]
    assert crossings(ordered([SIZE] * 6, links)) == 9


def test_ports_decide_where_a_row_would_not():
    # Both edges enter one box, the first of them at its right.
    links = [Link(0, 2, enters=20.0), Link(1, 2, enters=-20.0)]
    web = ordered([SIZE] * 3, links)
    assert web.layers[0] == [1, 0]
    across = coordinates(web)
    assert across[1] < across[0]


def test_edges_enter_side_by_side():
    layout = layered([SIZE] * 3, [Link(0, 2), Link(1, 2)])
    (_, left), (_, right) = layout.routes
    assert left[0] < layout.across[2] < right[0]


def test_nothing_is_no_drawing():
    assert layered([], []).length == 0
