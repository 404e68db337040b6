"""The advice: the simplest style, why, and what the others would cost or forbid."""

import pytest

import trivium as tv
from trivium import layers, ops


def stack():
    return tv.Sequential([tv.Input((4,)), layers.Dense(4), layers.Dense(2)], name="stack")


def residual():
    x = tv.Input((4,), name="x")
    return tv.Model(
        x,
        layers.Add(name="add")([layers.Dense(4, name="a")(x), layers.Dense(4, name="b")(x)]),
        name="res",
    )


class Losing(tv.Model):
    def __init__(self):
        super().__init__(name="losing")
        self.dense = layers.Dense(2)

    def call(self, x):
        y = self.dense(x)
        self.add_loss(ops.mean(y))
        return y


class Stepping(tv.Model):
    def __init__(self):
        super().__init__(name="stepping")
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)

    def train_step(self, state, data):
        return super().train_step(state, data)


class TwoWays(tv.Model):
    def __init__(self):
        super().__init__(name="two_ways")
        self.calm, self.busy = layers.Dense(2, name="calm"), layers.Dense(2, name="busy")

    def call(self, x, training=False):
        return self.busy(x) if training else self.calm(x)


def built(cls):
    model = cls()
    model.build((None, 4))
    return model


CASES = {
    "stack": (stack, "sequential", [True, True, True], "one input, one output"),
    "residual": (
        residual,
        "functional",
        [False, True, True],
        "`add` joins two branches: `a` and `b`",
    ),
    "own loss": (lambda: built(Losing), "subclass", [False, False, True], "adds a loss"),
    "own step": (lambda: built(Stepping), "subclass", [True, True, True], "its own `train_step`"),
    "two ways": (
        lambda: built(TwoWays),
        "subclass",
        [False, False, True],
        "inference alone calls 'calm'",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_simplest_style_is_advised(case):
    make, style, possible, reason = CASES[case]
    advice = tv.advise(make())
    assert advice.style == style and reason in advice.reason
    assert [v.possible for v in advice.verdicts] == possible
    assert [v.style for v in advice.verdicts] == ["sequential", "functional", "subclass"]
    text = str(advice)
    assert text.startswith(f"{advice.model}: write it with ") and all(
        v.why in text for v in advice.verdicts
    )
    assert advice.as_dict()["style"] == style and "<table>" in advice._repr_html_()


def test_the_advice_is_the_same_for_every_writing():
    one = tv.advise(stack())
    for style in ("functional", "subclass"):
        other = tv.advise(tv.convert(stack(), style))
        assert (other.style, other.reason, other.facts) == (one.style, one.reason, one.facts)


def test_facts_and_lines_are_counted():
    advice = tv.advise(residual())
    wanted = {
        "inputs": 1,
        "outputs": 1,
        "layers": 3,
        "branches": 1,
        "merges": 1,
        "shared layers": 0,
    }
    assert wanted.items() <= advice.facts.items()
    for verdict in advice.verdicts:
        if verdict.possible:
            assert verdict.lines == len(tv.source(residual(), verdict.style).strip().splitlines())


def test_a_model_that_is_not_built_is_refused():
    with pytest.raises(ValueError, match="not built"):
        tv.advise(Stepping())
