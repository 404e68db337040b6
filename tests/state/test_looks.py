"""What a look remembers, it remembers for as long as nothing that it has looked at has changed."""

from __future__ import annotations

import gc
import weakref

import pytest

from trivium.state import Variable
from trivium.state.looks import lasting_look, watch
from trivium.state.tracking import members


class Keeper:
    look = None


class Box:
    def __init__(self):
        self.rate = 0.5
        self.notes = {"a": [Variable(1.0, name="a")], "empty": []}
        self.alone = Variable(2.0, name="b")


def _ask(keeper, box, answers):
    with lasting_look(keeper) as found:
        if "asked" not in found:
            watch(members(box).variables)
            found["asked"] = box, len(answers)
            answers.append(found)
        return found["asked"][1]


CHANGES = {
    "an attribute": lambda box: setattr(box, "rate", 0.25),
    "a new attribute": lambda box: setattr(box, "new", None),
    "an attribute gone": lambda box: delattr(box, "rate"),
    "a list within": lambda box: box.notes["a"].append(1),
    "an entry": lambda box: box.notes.update(b=1),
    "an empty list within": lambda box: box.notes["empty"].append(1),
    "an entry for another": lambda box: box.notes["a"].__setitem__(0, Variable(1.0, name="a")),
    "what is trained": lambda box: setattr(box.alone, "trainable", False),
    "what is trained within": lambda box: setattr(box.notes["a"][0], "frozen", True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_look_lasts_until_something_changes(change):
    keeper, box, answers = Keeper(), Box(), []
    assert [_ask(keeper, box, answers) for _ in range(3)] == [0, 0, 0]
    box.alone.assign(5.0)  # A value is nothing that a look is about.
    assert _ask(keeper, box, answers) == 0
    change(box)
    assert [_ask(keeper, box, answers) for _ in range(3)] == [1, 1, 1]


def test_a_new_question_makes_a_look_depend_on_what_it_asked():
    keeper, box, other, answers = Keeper(), Box(), Box(), []
    _ask(keeper, box, answers)
    with lasting_look(keeper):
        members(other)
    assert _ask(keeper, box, answers) == 0
    other.rate = 1.0
    assert _ask(keeper, box, answers) == 1


def test_an_error_leaves_no_look():
    keeper, box = Keeper(), Box()
    with pytest.raises(ZeroDivisionError), lasting_look(keeper):
        members(box)
        _ = 1 / 0
    assert keeper.look is None


def test_answers_of_a_property_of_the_users_last_no_longer_than_the_block():
    class Own(Box):
        @property
        def variables(self):
            return []

    keeper, box, answers = Keeper(), Own(), []
    assert [_ask(keeper, box, answers) for _ in range(2)] == [0, 1]


def test_a_look_ends_with_its_keeper():
    keeper, box = Keeper(), Box()
    _ask(keeper, box, [])
    gone = weakref.ref(box)
    del keeper, box
    gc.collect()
    assert gone() is None
