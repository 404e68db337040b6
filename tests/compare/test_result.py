from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from trivium.compare import Comparison, Result, first_difference
from trivium.compare.words import conclusions, headline, table, verdict

Make = Callable[..., Comparison]


def changed(history: dict[str, list[float]], key: str, epoch: int, value: float) -> dict[str, Any]:
    values = list(history[key])
    values[epoch] = value
    return {"history": {**history, key: values}}


def test_equal_results_are_identical(make: Make) -> None:
    comparison = make()
    assert comparison.identical
    assert verdict(comparison) == "yes"
    assert (
        headline(comparison) == "All three styles are the same network and train to the same bits."
    )


def test_one_bit_of_one_number_is_a_difference(make: Make) -> None:
    history = make().results[0].history
    bit = float(np.nextafter(0.9, 1))
    comparison = make(subclass=changed(history, "val_loss", 2, bit))
    assert not comparison.identical
    assert verdict(comparison) == "no"
    assert [[r.style for r in g] for g in comparison.groups] == [
        ["sequential", "functional"],
        ["subclass"],
    ]
    assert conclusions(comparison)[0] == (
        "What differs first: the history parts in epoch 3: val_loss 0.9 in sequential, "
        "0.9000000000000001 in subclass."
    )
    assert headline(comparison) == (
        "Not identical: sequential and functional, but not subclass, give the same result."
    )


def test_nan_equals_nan_and_zero_differs_from_minus_zero() -> None:
    nan = [Result(s, history={"loss": [float("nan")]}) for s in ("functional", "subclass")]
    assert first_difference(*nan) is None
    zeros = [Result(s, history={"loss": [z]}) for s, z in (("functional", 0.0), ("subclass", -0.0))]
    assert "0.0 in functional, -0.0 in subclass" in str(first_difference(*zeros))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"parameters": 7}, "differ in size: parameters 266,610 in sequential, 7 in subclass"),
        (
            {"fingerprint": "00" * 32},
            "fingerprint f1f1f1f1f1f1 in sequential, 000000000000 in subclass",
        ),
        ({"history": {"loss": [1.5]}}, "different metrics were measured"),
        ({"weights_sha256": "00" * 32}, "the history is the same, the final weights are not"),
    ],
)
def test_the_first_difference_is_named(make: Make, change: dict[str, Any], text: str) -> None:
    comparison = make(subclass=change)
    assert text in str(first_difference(comparison.results[0], comparison.results[2]))
    assert not comparison.identical


def test_a_history_that_is_cut_short_differs(make: Make) -> None:
    history = {k: v[:2] for k, v in make().results[0].history.items()}
    text = conclusions(make(functional={"history": history}))[0]
    assert "epoch 3: accuracy 0.8 in sequential, missing in functional" in text


def test_earliest_epoch_counts_not_the_first_metric(make: Make) -> None:
    history = changed(make().results[0].history, "accuracy", 2, 0.1)["history"]
    comparison = make(subclass=changed(history, "val_loss", 0, 9.0))
    assert "epoch 1: val_loss 1.2 in sequential, 9.0 in subclass" in conclusions(comparison)[0]


def test_three_different_results(make: Make) -> None:
    comparison = make(functional={"parameters": 1}, subclass={"parameters": 2})
    assert headline(comparison) == (
        "Not identical: sequential and functional and subclass give different results."
    )
    assert len([s for s in conclusions(comparison) if s.startswith("What differs first")]) == 2


def test_one_style_alone_has_no_verdict(make: Make) -> None:
    comparison = make("subclass")
    assert comparison.identical
    assert verdict(comparison) == "—"
    assert "nothing to compare it with" in headline(comparison)


def test_table_has_a_row_for_each_fact(make: Make) -> None:
    rows = dict(table(make(), digits=6))
    assert rows["parameters"] == ["266,610"] * 3
    assert rows["fingerprint"] == ["f1f1f1"] * 3
    assert rows["weights SHA-256"] == ["a5a5a5"] * 3
    assert rows["training time"] == ["2.0 s"] * 3
    assert rows["train accuracy"] == ["0.8000"] * 3
    assert rows["validation accuracy"] == ["0.6500"] * 3
    assert rows["test accuracy"] == ["0.9500"] * 3
    assert rows["programs compiled"] == ["4", "0", "0"]
    assert dict(table(make()))["weights SHA-256"] == ["a5" * 32] * 3


def test_unmeasured_accuracy_is_a_dash(make: Make) -> None:
    rows = dict(table(make("subclass", subclass={"history": {"loss": [1.0]}, "evaluation": {}})))
    assert [rows[f"{part} accuracy"] for part in ("train", "validation", "test")] == [["—"]] * 3


def test_words_come_from_the_results(make: Make) -> None:
    text = " ".join(conclusions(make()))
    assert "the same 12 numbers in their history (4 metrics over 3 epochs" in text
    assert "The test accuracy is 0.9500, 38 of 40 images it never saw" in text
    assert "class <0> taken for class <6> (2 times)" in text
    assert "lowest in epoch 2 of 3 (0.8000) and ended at 0.9000" in text
    assert (
        "Compiling happened once: sequential compiled 4 programs, and functional and subclass ran"
        in text
    )


def test_more_epochs_may_help_when_the_last_was_the_best(make: Make) -> None:
    history = changed(make().results[0].history, "val_loss", 2, 0.5)
    assert "epoch 3 of 3 (0.5000): more epochs may help" in " ".join(
        conclusions(make("subclass", subclass=history))
    )


def test_recompiling_is_not_called_sharing(make: Make) -> None:
    text = " ".join(conclusions(make(subclass={"compilations": 4})))
    assert "Programs compiled: 4 by sequential, 0 by functional, 4 by subclass." in text
    assert "happened once" not in text
