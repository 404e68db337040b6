"""Hyperparameters: what they are, what they take, and what they say when something is wrong."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from optuna.distributions import BaseDistribution

from trivium.tuning import HyperParameters
from trivium.tuning.errors import FatalValueError, UnknownHyperParameterError
from trivium.tuning.hyperparameter import HyperParameter


def defined(ask: Any) -> HyperParameter:
    hp = HyperParameters()
    ask(hp)
    return hp.space[-1]


OPTIONS = [
    (lambda hp: hp.Int("n", 1, 4), [1, 2, 3, 4]),
    (lambda hp: hp.Int("n", 32, 100, step=32), [32, 64, 96]),
    (lambda hp: hp.Int("n", 1, 20, step=2, sampling="log"), [1, 2, 4, 8, 16]),
    (lambda hp: hp.Int("n", 1, 10, sampling="log"), [1, 2, 3, 4, 6, 7, 9]),
    (lambda hp: hp.Float("x", 0.0, 1.0, step=0.3), [0.0, 0.3, 0.6, 0.9]),
    (lambda hp: hp.Float("x", 0.1, 10.0, step=10, sampling="log"), [0.1, 1.0, 10.0]),
    (lambda hp: hp.Choice("c", ["a", "b"]), ["a", "b"]),
    (lambda hp: hp.Choice("c", [1, 2.5]), [1.0, 2.5]),
    (lambda hp: hp.Boolean("b"), [False, True]),
    (lambda hp: hp.Fixed("f", 3), [3]),
]


@pytest.mark.parametrize(("ask", "options"), OPTIONS)
def test_the_values_of_a_grid(ask: Any, options: list[Any]) -> None:
    assert (
        defined(ask).options() == pytest.approx(options)
        if isinstance(options[0], float)
        else options
    )


RANGES = [
    *(ask for ask, _ in OPTIONS[:-1]),
    lambda hp: hp.Float("x", -1.0, 1.0),
    lambda hp: hp.Float("x", 1e-4, 1e-1, sampling="log"),
    lambda hp: hp.Float("x", 0.1, 10.0, sampling="reverse_log"),
    lambda hp: hp.Int("n", 1, 100, sampling="reverse_log"),
    lambda hp: hp.Int("n", 1, 100, step=3, sampling="reverse_log"),
]


@pytest.mark.parametrize("ask", RANGES)
def test_what_a_sampler_draws_is_a_value_and_comes_back(ask: Any) -> None:
    one = defined(ask)
    ranged = one.distribution()
    assert isinstance(ranged, BaseDistribution)
    generator = random.Random(0)
    for _ in range(50):
        if hasattr(ranged, "choices"):
            draw: Any = generator.choice(ranged.choices)
        elif isinstance(getattr(ranged, "step", None), int):
            draw = generator.randrange(ranged.low, ranged.high + 1, ranged.step)
        else:
            draw = generator.uniform(ranged.low, ranged.high)
        value = one.drawn(draw)
        low, high = getattr(one, "min_value", None), getattr(one, "max_value", None)
        if low is not None:
            assert low <= value <= high
            assert type(value) is type(low)
        back = one.sample(value)
        assert back == pytest.approx(draw) if not isinstance(draw, str | bool) else back == draw
        assert ranged._contains(ranged.to_internal_repr(back))


def test_reverse_log_is_dense_at_the_upper_end() -> None:
    one = defined(lambda hp: hp.Float("x", 0.1, 10.0, sampling="reverse_log"))
    assert np.median(one.options()) > 9


WRONG = [
    (lambda hp: hp.Int("n", 5, 1), "'n' (Int): min_value 5 is greater than max_value 1"),
    (lambda hp: hp.Int("n", 1.5, 3), "min_value is a whole number; got 1.5"),
    (lambda hp: hp.Int("n", "1", 3), "min_value is a whole number; got '1'"),
    (lambda hp: hp.Int("n", 1, 5, step=0), "step is added and must be greater than 0"),
    (lambda hp: hp.Int("n", 1, 5, step=1, sampling="log"), "multiplies"),
    (lambda hp: hp.Int("n", 0, 5, sampling="log"), "needs numbers above zero"),
    (lambda hp: hp.Int("n", 1, 5, default=9), "the default 9 lies outside of 1 to 5"),
    (lambda hp: hp.Float("x", 0, 1, sampling="linar"), "Did you mean 'linear'?"),
    (lambda hp: hp.Float("x", 0, float("inf")), "a finite number"),
    (lambda hp: hp.Choice("c", []), "nothing to choose from"),
    (lambda hp: hp.Choice("c", [1, "a"]), "all of one type; got int, str"),
    (lambda hp: hp.Choice("c", ["relu"], default="rleu"), "Did you mean 'relu'?"),
    (lambda hp: hp.Choice("c", ["a"], ordered=True), "`ordered` is for numbers"),
    (lambda hp: hp.Fixed("f", [1]), "got list [1]"),
    (lambda hp: hp.Int("", 1, 2), "a text that is not empty"),
]


@pytest.mark.parametrize(("ask", "said"), WRONG)
def test_a_wrong_definition_defines_nothing(ask: Any, said: str) -> None:
    hp = HyperParameters()
    with pytest.raises(ValueError) as caught:
        ask(hp)
    assert said in str(caught.value)
    assert hp.space == [] and hp.values == {}


def test_names_that_nothing_defines() -> None:
    hp = HyperParameters()
    with pytest.raises(UnknownHyperParameterError, match=r"'units'\. Nothing is defined yet"):
        hp.get("units")
    hp.Choice("optimizer", ["adam", "sgd"])
    with pytest.raises(KeyError, match="Did you mean 'optimizer'"):
        hp["optimiser"]
    with (
        pytest.raises(FatalValueError, match=r"'optimzer'.*Did you mean 'optimizer'"),
        hp.conditional_scope("optimzer", "sgd"),
    ):
        pass
    with hp.conditional_scope("optimizer", "sgd"):
        assert hp.Float("momentum", 0.0, 0.9) is None
    with pytest.raises(
        ValueError, match=r"'optimizer' would have to be one of \['sgd'\], and is 'adam'"
    ):
        hp.get("momentum")


def test_scopes_and_conditions() -> None:
    hp = HyperParameters()
    hp.values["optimizer"] = "sgd"
    assert hp.Choice("optimizer", ["adam", "sgd"]) == "sgd"
    assert (
        hp.Float("momentum", 0.0, 0.9, default=0.5, parent_name="optimizer", parent_values="sgd")
        == 0.5
    )
    # One name under two conditions is two hyperparameters.
    with hp.conditional_scope("optimizer", ["adam"]):
        assert hp.Float("rate", 1e-4, 1e-2) is None
    with hp.conditional_scope("optimizer", ["sgd"]):
        assert hp.Float("rate", 1e-2, 1e0) == 1e-2
    with hp.name_scope("head"), hp.name_scope("dense"):
        assert hp.Int("units", 4, 8) == 4
    assert "head/dense/units" in hp.values and "head/dense/units" in hp and "units" not in hp
    assert hp.is_active("momentum") and len({one.key for one in hp.space}) == len(hp.space) == 5
    hp.values["optimizer"] = "adam"
    hp.ensure_active_values()
    assert hp.values == {"optimizer": "adam", "rate": 1e-2, "head/dense/units": 4}
    hp.values |= {"optimizer": "sgd", "rate": 1e-3}
    hp.ensure_active_values()
    assert hp.get("rate") == 1e-2  # 1e-3 is no rate of this one.


def test_a_copy_and_a_config_are_the_same_and_go_their_own_way() -> None:
    hp = HyperParameters()
    for ask in RANGES:
        ask(hp)
    hp.Fixed("g", "text")
    with hp.conditional_scope("b", True):
        hp.Int("deep", 1, 16, step=2, sampling="log")
    for other in (hp.copy(), HyperParameters.from_config(hp.get_config())):
        assert other.get_config() == hp.get_config()
        other.values["n"] = 3
        other.Boolean("new")
        assert hp.get("n") == 1 and "new" not in hp
    with pytest.raises(ValueError, match="Did you mean 'Int'"):
        HyperParameters.from_config({"space": [{"class_name": "Intt", "config": {}}], "values": {}})


def test_a_mistyped_keyword_gets_the_nearest_one() -> None:
    hp = HyperParameters()
    with pytest.raises(TypeError, match=r"`Float` has no argument 'samplng'\. Did you mean 'sampl"):
        hp.Float("rate", 1e-4, 1e-1, samplng="log")  # type: ignore[call-arg]
    assert hp.values == {} and hp.space == []
