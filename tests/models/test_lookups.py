"""Numbers in the data that have no row in an `Embedding`'s table are found on the host, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import trivium as tv
from trivium import layers
from trivium.models.lookups import check_lookups

GOOD = np.array([[0, 1], [2, 3], [1, 0]])
BAD = {4: GOOD.copy(), -1: GOOD.copy()}
for number, array in BAD.items():
    array[1, 1] = number
Y = np.zeros((3, 1))


def words() -> Any:
    return layers.Embedding(4, 2, name="words")


def stack() -> Any:
    return tv.Sequential([tv.Input((2,)), words(), layers.Flatten(), layers.Dense(1)])


def deferred() -> Any:
    return tv.Sequential([words(), layers.Flatten(), layers.Dense(1)])


def nested() -> Any:
    ids = tv.Input((2,), dtype="int32")
    inner = tv.Sequential([tv.Input((2,), dtype="int32"), words(), layers.Flatten()])
    return tv.Model(ids, layers.Dense(1)(inner(ids)))


class Subclass(tv.Model):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.flat, self.head = words(), layers.Flatten(), layers.Dense(1)

    def call(self, ids: Any) -> Any:
        return self.head(self.flat(self.words(ids)))


def categories() -> Any:
    inner = layers.CategoryEncoding(4, "one_hot", name="words")
    return tv.Sequential([tv.Input((2,)), inner, layers.Flatten(), layers.Dense(1)])


MODELS: dict[str, Callable[[], Any]] = {
    "stack": stack, "deferred": deferred, "nested": nested, "subclass": Subclass,
    "categories": categories,
}  # fmt: skip
USES: dict[str, Callable[[Any, Any], Any]] = {
    "fit": lambda m, x: m.fit(x, Y, verbose=0),
    "evaluate": lambda m, x: m.evaluate(x, Y, verbose=0),
    "predict": lambda m, x: m.predict(x, verbose=0),
    "train_on_batch": lambda m, x: m.train_on_batch(x, Y),
    "validation_data": lambda m, x: m.fit(GOOD, Y, validation_data=(x, Y), verbose=0),
    "fit: batch 1 of the list_iterator": lambda m, x: m.fit(iter([(GOOD, Y), (x, Y)]), verbose=0),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_use_refuses_what_has_no_row(name: str) -> None:
    model = MODELS[name]()
    model.compile("sgd", "mse")
    model.fit(GOOD, Y, verbose=0)
    before = model.get_weights()[0]
    for use, run in USES.items():
        number = -1 if use == "predict" else 4
        said = rf"^{use}: `x`: Layer '.*words' \(\w+\).* 0 to 3.*; got {number} at \[1, 1\]"
        with pytest.raises(ValueError, match=said):
            run(model, BAD[number])
    assert np.isfinite(before).all() and np.isfinite(model.get_weights()[0]).all()


def test_a_first_fit_that_is_refused_leaves_the_model_unbuilt() -> None:
    model = deferred()
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="got 4 at"):
        model.fit(BAD[4], Y, verbose=0)
    assert not model.built


def test_the_input_is_named_where_there_are_several() -> None:
    ids, more = tv.Input((2,), dtype="int32", name="ids"), tv.Input((2,))
    shared = words()
    joined = layers.Concatenate()([layers.Flatten()(shared(ids)), more])
    model = tv.Model({"b": ids, "a": more}, joined)
    wide = np.full((3, 2), 9.0)  # no numbers of words
    assert model.predict({"b": GOOD, "a": wide}, verbose=0).shape == (3, 6)
    with pytest.raises(ValueError, match=r"^predict: `x\[0\]`: Layer .*got 4 at \[1, 1\]"):
        model.predict([BAD[4], wide], verbose=0)
    with pytest.raises(ValueError, match=r'`x\["b"\]`.*got -1 at \[1, 1\]'):
        model.predict({"a": wide, "b": sp.csr_array(BAD[-1])}, verbose=0)


def test_floats_and_jax_arrays_are_numbers_of_rows_too() -> None:
    graph = stack().graph()
    for x in (GOOD.astype("float32"), tv.ops.convert_to_tensor(GOOD), GOOD.astype("uint8")):
        check_lookups(graph, x, "model")
    for x in (BAD[4].astype("float32"), tv.ops.convert_to_tensor(BAD[4]), np.full((2, 2), np.nan)):
        with pytest.raises(ValueError, match="words"):
            check_lookups(graph, x, "model")


def test_what_is_no_lookup_is_not_looked_at() -> None:
    x = tv.Input((2,))
    model = tv.Model(x, layers.Flatten()(words()(layers.Rescaling(0.1)(x))))
    assert model.predict(BAD[4], verbose=0).shape == (3, 4)
