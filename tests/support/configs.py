"""What must hold for everything that has a config; one call for a row of any table."""

import copy
import json
import pickle

from trivium.layers import Layer
from trivium.saving import custom_object_scope, deserialize_keras_object, serialize_keras_object


class Box(Layer):
    """A layer with anything as its argument, in a list, in a dict and alone."""

    def __init__(self, content, more=(), **kwargs):
        super().__init__(**kwargs)
        self.content, self.more = content, more


def plain(config):
    """Return a config as a file holds it."""
    return json.loads(json.dumps(config))


def check_config(thing, theirs=None):
    """Check an object's config: as Keras has it, there and back, inside of another, and in copies.

    Args:
        thing: A layer, loss, metric, optimizer, schedule, initializer, regularizer, constraint or policy.
        theirs: The config of the same object of Keras's, with the class's name, where that is to be equal.
    """
    written = plain(serialize_keras_object(thing))
    if theirs is not None:
        assert written == plain(theirs)
    again = deserialize_keras_object(written)
    assert type(again) is type(thing) and plain(serialize_keras_object(again)) == written
    alone = type(thing).from_config(plain(thing.get_config()))
    assert plain(alone.get_config()) == written["config"]
    with custom_object_scope({"Box": Box}):
        box = Box(Box(thing, name="inner"), [{"one": thing}], name="outer")
        inside = deserialize_keras_object(plain(serialize_keras_object(box)))
        for found in (inside.content.content, inside.more[0]["one"]):
            assert type(found) is type(thing) and plain(serialize_keras_object(found)) == written
    for other in (copy.copy(thing), copy.deepcopy(thing), pickle.loads(pickle.dumps(thing))):
        assert type(other) is type(thing) and plain(serialize_keras_object(other)) == written
