"""Numbers that are still on their way are a dict to everybody who looks."""

import copy
import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trivium.state.late import LateNumbers
from trivium.state.plain import decode, encode

PLAIN = {"acc": 0.25, "loss": 0.5}
LOOKS = {
    "dict": dict,
    "double star": lambda logs: {**logs},
    "arguments": lambda logs: (lambda **named: named)(**logs),
    "update": lambda logs: [d := {}, d.update(logs)][0],
    "union": lambda logs: logs | {"x": 1},
    "union from the left": lambda logs: {"x": 1} | logs,
    "items": lambda logs: list(logs.items()),
    "values": lambda logs: list(logs.values()),
    "iteration": list,
    "reversed": lambda logs: list(reversed(logs)),
    "get": lambda logs: (logs.get("loss"), logs.get("x", 3)),
    "item": lambda logs: logs["loss"],
    "format": lambda logs: "{loss} {acc}".format(**logs),
    "percent": lambda logs: "%(loss)s" % logs,  # noqa: UP031
    "repr": repr,
    "equal": lambda logs: (logs == PLAIN, [logs] == [PLAIN], logs != PLAIN, logs == {}),
    "json": json.dumps,
    "pickle": lambda logs: pickle.loads(pickle.dumps(logs)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "own copy": lambda logs: logs.copy(),
    "tree": lambda logs: jax.tree.map(str, logs),
    "kept": lambda logs: decode(encode(logs, []), []),
    "pop": lambda logs: (logs.pop("loss"), dict(logs)),
    "popitem": lambda logs: (logs.popitem(), dict(logs)),
    "set": lambda logs: [logs.__setitem__("loss", 7), dict(logs)],
    "setdefault": lambda logs: (logs.setdefault("loss", 7), logs.setdefault("x", 8), dict(logs)),
    "written over": lambda logs: [logs.update(loss=jnp.ones(())), type(logs["loss"]).__name__],
    "in place": lambda logs: [logs.__ior__({"x": 1}), dict(logs)][1],
    "membership": lambda logs: ("loss" in logs, "x" in logs, len(logs), bool(logs)),
    "another of its kind": lambda logs: dict(type(logs)(a="text")),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_they_are_a_dict(look):
    late = LateNumbers.of({name: jnp.float32(value) for name, value in PLAIN.items()})
    ours, wanted = look(late), look(dict(PLAIN))
    assert ours == wanted
    assert type(ours) is type(wanted)


def test_nobody_waits_for_who_does_not_look():
    class Running:
        def __array__(self, dtype=None, copy=None):
            raise AssertionError("somebody looked")

    logs = LateNumbers.of({"loss": Running()})
    assert "loss" in logs
    assert [*logs.keys()] == ["loss"]
    assert len(logs) == 1
    with pytest.raises(AssertionError, match="somebody looked"):
        logs["loss"]


def test_what_is_no_single_number_stays_an_array():
    assert isinstance(LateNumbers.of({"matrix": jnp.zeros((2, 2))})["matrix"], np.ndarray)
