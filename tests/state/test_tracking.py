"""What an object is made of, whatever its attributes hold it in."""

import trivium as tv
from trivium.state import SeedGenerator, Variable
from trivium.state.tracking import attributes, in_one_look, members, one_look


class Box(tv.Layer):
    _untracked = tv.Layer._untracked | {"hidden"}


def test_containers_of_every_kind_are_looked_through():
    box, inner, seed, metric = Box(), tv.layers.Dense(1), SeedGenerator(1), tv.metrics.Mean()
    a, b, c = (Variable(0.0, name=n) for n in "abc")
    box.rows = [a, ({"deep": [b]}, {c}), None, 3, "text"]
    box.again = a
    box.mixed = {"layer": inner, "seed": [seed], "metric": (metric,)}
    box.hidden = Variable(0.0)
    box.kind, box.function = Box, len
    found = members(box)
    assert [v.name for v in found.variables] == ["a", "b", "c"]
    assert (found.layers, found.seeds, found.metrics) == ((inner,), (seed,), (metric,))
    assert "hidden" not in attributes(box) and "rows" in attributes(box)


def test_a_list_is_looked_at_as_it_is_now():
    box = Box()
    box.parts = [tv.layers.Dense(1)]
    assert len(members(box).layers) == 1
    box.parts.append(tv.layers.Dense(2))
    assert len(members(box).layers) == 2
    del box.parts[:]
    assert members(box).layers == ()


def test_layers_that_know_each_other_are_each_found_once():
    outer, inner = Box(), Box()
    outer.inner, inner.outer = inner, outer
    assert outer._flatten_layers() == [outer, inner]


def test_one_look_asks_each_object_once_and_forgets_after():
    asked = []

    class Asked:
        @in_one_look
        def parts(self):
            asked.append(self)
            return [1]

    one = Asked()
    with one_look():
        one.parts().append(2)
        assert one.parts() == [1] and len(asked) == 1
        with one_look():
            one.parts()
        one.parts()
    assert len(asked) == 1
    one.parts()
    assert len(asked) == 2
