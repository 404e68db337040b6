"""Every way to hand inputs to a model, for every structure that inputs are declared in: the right array at the right
input, or an error that names the model's inputs, what came, and what was wanted."""

from __future__ import annotations

import re
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import trivium as tv
from trivium.data import PyDataset
from trivium.state.trees import named_leaves

Pair = namedtuple("Pair", ["left", "a_right"])
Swapped = namedtuple("Swapped", ["a_right", "left"])
Other = namedtuple("Other", ["one", "two"])

# Two inputs, and the model gives their difference, in which an exchange shows.
LEFT, RIGHT = np.array([[5.0], [7.0]], "float32"), np.array([[1.0], [2.0]], "float32")
WANTED = [[4.0], [5.0]]

# The inputs' own names sort the other way round than the keys do.
DECLARED: dict[str, Callable[[Any, Any], Any]] = {
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
    "dict": lambda a, b: {"left": a, "a_right": b},
    "named tuple": lambda a, b: Pair(a, b),
    "dict of lists": lambda a, b: {"z": [a], "b": [b]},
    "list of dicts": lambda a, b: [{"left": a}, {"a_right": b}],
    "dict of one list": lambda a, b: {"both": [a, b]},
    "ordered dict": lambda a, b: OrderedDict(left=a, a_right=b),
}
ROWS = {
    "list": lambda a, b: [a, b],
    "tuple": lambda a, b: (a, b),
}
BY_NAME = {
    "names": lambda a, b: {"m": a, "n": b},
    "names in another order": lambda a, b: {"n": b, "m": a},
    "names with one too many": lambda a, b: {"n": b, "x": a, "m": a},
}
KEYED = {
    "dict": lambda a, b: {"left": a, "a_right": b},
    "dict in another order": lambda a, b: {"a_right": b, "left": a},
    "named tuple": lambda a, b: Pair(a, b),
    "named tuple in another order": lambda a, b: Swapped(b, a),
}
REFUSED = {
    "one array": lambda a, b: a,
    "one array in a list": lambda a, b: [a],
    "three": lambda a, b: [a, b, a],
    "a dict of other keys": lambda a, b: {"one": a, "two": b},
    "a dict in a list": lambda a, b: [{"one": a, "two": b}],
    "a dict that lacks one": lambda a, b: {"left": a},
    "a dict of lists in another form": lambda a, b: {"left": [a, b], "a_right": [b]},
}


def difference(form: Callable[[Any, Any], Any]) -> tv.Model:
    a, b = tv.Input((1,), name="m"), tv.Input((1,), name="n")
    return tv.Model(form(a, b), tv.layers.Subtract()([a, b]))


@pytest.fixture(scope="module", params=DECLARED)
def declared(request: Any) -> tuple[str, tv.Model]:
    return request.param, difference(DECLARED[request.param])


def forms_for(declared: str) -> dict[str, Callable[[Any, Any], Any]]:
    keyed = KEYED if declared in ("dict", "ordered dict", "named tuple") else {}
    own = {"its own form": DECLARED[declared]}
    return ROWS | BY_NAME | keyed | own


def test_a_call_gives_each_array_to_its_input(declared: tuple[str, tv.Model]) -> None:
    name, model = declared
    for what, form in forms_for(name).items():
        assert model(form(LEFT, RIGHT)).tolist() == WANTED, what
    assert model(inputs=DECLARED[name](LEFT, RIGHT)).tolist() == WANTED
    assert model(n=RIGHT, m=LEFT).tolist() == WANTED


def test_predict_gives_each_array_to_its_input(declared: tuple[str, tv.Model]) -> None:
    name, model = declared
    for what, form in forms_for(name).items():
        assert model.predict(form(LEFT, RIGHT), verbose=0).tolist() == WANTED, what
    frames = DECLARED[name](pd.DataFrame(LEFT), pd.Series(RIGHT[:, 0]))
    assert model.predict(frames, verbose=0).tolist() == WANTED


def test_reuse_gives_each_tensor_to_its_input(declared: tuple[str, tv.Model]) -> None:
    name, model = declared
    for what, form in forms_for(name).items():
        # The outer inputs are declared and named the other way round.
        a, b = tv.Input((1,), name="zz"), tv.Input((1,), name="aa")
        outer = tv.Model({"q": b, "c": a}, tv.layers.Rescaling(10.0)(model(form(a, b))))
        assert outer({"q": RIGHT, "c": LEFT}).tolist() == [[40.0], [50.0]], what


def test_training_and_evaluation_give_each_array_to_its_input(
    declared: tuple[str, tv.Model],
) -> None:
    name, model = declared
    model.compile("sgd", "mse")
    answer = np.array(WANTED)
    for what, form in forms_for(name).items():
        x = form(LEFT, RIGHT)
        assert model.evaluate(x, answer, verbose=0) == 0.0, what
        assert model.test_on_batch(x, answer) == 0.0, what
    x = DECLARED[name](LEFT, RIGHT)
    with pytest.warns(UserWarning, match="no trainable weights"):
        assert model.fit(x, answer, verbose=0, batch_size=1).history["loss"] == [0.0]
    with pytest.warns(UserWarning, match="no trainable weights"):
        assert model.train_on_batch(x, answer) == 0.0


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused_by_name(declared: tuple[str, tv.Model], what: str) -> None:
    _, model = declared
    data = REFUSED[what](LEFT, RIGHT)
    for use in (model, lambda x: model.predict(x, verbose=0)):
        with pytest.raises(ValueError, match=r"has (the|2) inputs") as error:
            use(data)
        assert model.name in str(error.value)


def test_named_tuples_of_other_fields_are_not_taken_by_their_order() -> None:
    with pytest.raises(
        ValueError, match=re.escape("the inputs 'left', 'a_right'; the data has 'one', 'two'")
    ):
        difference(DECLARED["dict"])(Other(LEFT, RIGHT))
    with pytest.raises(
        ValueError, match=re.escape("the inputs 'left', 'a_right'; the data has 'one', 'two'")
    ):
        difference(DECLARED["named tuple"])(Other(LEFT, RIGHT))
    # A list has no fields: there a named tuple is a row like another, unless it names the inputs.
    assert difference(DECLARED["list"])(Other(LEFT, RIGHT)).tolist() == WANTED
    named = namedtuple("named", ["n", "m"])
    assert difference(DECLARED["list"])(named(n=RIGHT, m=LEFT)).tolist() == WANTED


@pytest.mark.parametrize("form", [lambda a: a, lambda a: [a], lambda a: {"k": a}, lambda a: (a,)])
def test_one_input_however_it_is_declared_and_given(form: Callable[[Any], Any]) -> None:
    x = tv.Input((1,), name="m")
    model = tv.Model(form(x), tv.layers.Rescaling(2.0)(x))
    for given in (LEFT, [LEFT], (LEFT,), {"m": LEFT}, {"m": LEFT, "n": RIGHT}, form(LEFT)):
        assert model(given).tolist() == [[10.0], [14.0]]
        assert model.predict(given, verbose=0).tolist() == [[10.0], [14.0]]
    assert model.predict(pd.DataFrame(LEFT), verbose=0).tolist() == [[10.0], [14.0]]
    with pytest.raises(ValueError, match=r"one input, 'm'; it was given 2 arrays"):
        model([LEFT, RIGHT])
    with pytest.raises(TypeError, match=r"called on 2 things; it takes one.*model\(\[a, b\]\)"):
        model(LEFT, RIGHT)


def test_streams_give_each_array_to_its_input(declared: tuple[str, tv.Model]) -> None:
    name, model = declared

    class Batches(PyDataset):
        def __init__(self, form: Any) -> None:
            super().__init__()
            self.form = form

        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            return (self.form(LEFT[index : index + 1], RIGHT[index : index + 1]),)

    for what, form in forms_for(name).items():
        assert model.predict(Batches(form), verbose=0).tolist() == WANTED, what


# -- optional inputs --------------------------------------------------------------------------------------------


class PlusIfThere(tv.layers.Layer):
    def call(self, x: Any, y: Any = None) -> Any:
        return x if y is None else x + y


def optional(form: Callable[[Any, Any], Any]) -> tv.Model:
    a, b = tv.Input((1,), name="m"), tv.Input((1,), name="n", optional=True)
    model = tv.Model(form(a, b), PlusIfThere()(a, b))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("form", [ROWS["list"], DECLARED["dict"], DECLARED["dict of lists"]])
def test_none_stands_for_an_optional_input(form: Any) -> None:
    model = optional(form)
    both, alone = LEFT + RIGHT, LEFT
    for wanted, x in ((both, form(LEFT, RIGHT)), (alone, form(LEFT, None)), (alone, [LEFT, None])):
        assert model(x).tolist() == wanted.tolist()
        assert model.predict(x, verbose=0).tolist() == wanted.tolist()
        assert model.evaluate(x, wanted, verbose=0) == 0.0
        with pytest.warns(UserWarning, match="no trainable weights"):
            history = model.fit(x, wanted, batch_size=1, validation_split=0.5, verbose=0).history
        assert history == {"loss": [0.0], "val_loss": [0.0]}
    assert model({"m": LEFT, "n": None}).tolist() == alone.tolist()
    # In another model, and in what is made of it.
    outer = tv.Input((1,))
    reused = tv.Model(outer, model(form(outer, None)))
    assert reused.predict(LEFT, verbose=0).tolist() == alone.tolist()
    assert tv.models.clone_model(model)(form(LEFT, None)).tolist() == alone.tolist()
    space: dict[str, Any] = {"PlusIfThere": PlusIfThere}
    exec(tv.source(model), space)
    assert space["model"](form(LEFT, None)).tolist() == alone.tolist()
    assert tv.convert(model, to="subclass")(form(LEFT, None)).tolist() == alone.tolist()


def test_none_for_an_input_that_is_not_optional_is_refused_by_name() -> None:
    model = optional(DECLARED["list"])
    said = r"the input 'm' was given None \(inputs\[0\]\), and it is not optional.*optional=True"
    for use in (
        model,
        lambda x: model.predict(x, verbose=0),
        lambda x: model.fit(x, RIGHT, verbose=0),
        lambda x: model.evaluate(x, RIGHT, verbose=0),
    ):
        with pytest.raises(ValueError, match=said):
            use([None, RIGHT])
    with pytest.raises(ValueError, match=r"`x\[0\]` is None; wanted an array"):
        model.predict([None, None])


# -- the order of dicts -----------------------------------------------------------------------------------------


class FirstMinusSecond(tv.layers.Layer):
    """Code that counts on the order of a dict."""

    def call(self, inputs: Any) -> Any:
        first, second = inputs.values()
        return {"z": first - second, "b": first}


class Subclass(tv.Model):
    def call(self, inputs: Any) -> Any:
        first, second = inputs.values()
        return {"z": first - second, "b": first}


def functional(keys: Any) -> tv.Model:
    inputs = {k: tv.Input((1,)) for k in keys}
    return tv.Model(inputs, FirstMinusSecond()(inputs))


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("make", [functional, lambda keys: Subclass()])
def test_code_gets_a_dict_in_the_order_that_it_was_written_in(make: Any, eager: bool) -> None:
    data = {"left": LEFT, "a_right": RIGHT}
    model = make(data)
    model.compile("sgd", {"z": "mse", "b": None}, run_eagerly=eager)
    for outputs in (model(data), model.predict(data, verbose=0), model.predict_on_batch(data)):
        assert list(outputs) == ["z", "b"]
        assert outputs["z"].tolist() == WANTED and outputs["b"].tolist() == LEFT.tolist()
    assert model.evaluate(data, {"z": np.array(WANTED)}, verbose=0) == 0.0
    assert FirstMinusSecond()(data)["z"].tolist() == WANTED


def test_a_dict_in_another_order_is_another_call_of_a_subclass() -> None:
    model = Subclass()
    one, other = {"left": LEFT, "a_right": RIGHT}, {"a_right": RIGHT, "left": LEFT}
    for _ in range(2):
        assert model.predict(one, verbose=0)["z"].tolist() == WANTED
        assert model.predict(other, verbose=0)["z"].tolist() == [[-4.0], [-5.0]]
        assert model(other)["z"].tolist() == [[-4.0], [-5.0]]


def test_what_is_made_of_a_model_keeps_the_order() -> None:
    model = functional(["left", "a_right"])
    data = {"a_right": RIGHT, "left": LEFT}
    for made in (tv.models.clone_model(model), tv.convert(model, to="subclass")):
        outputs = made(data)
        assert outputs["z"].tolist() == WANTED and list(outputs) == ["z", "b"]
        assert made([LEFT, RIGHT])["z"].tolist() == WANTED if made._graph else True
    assert list(model.input_shape) == ["left", "a_right"] and list(model.output) == ["z", "b"]
    # Flat lists are in the order of sorted keys, as in Keras.
    assert [t.shape for t in model.inputs] == [(None, 1)] * 2
    assert model.inputs[0] is model.input["a_right"]


# -- masks ------------------------------------------------------------------------------------------------------


class Passing(tv.layers.Layer):
    """Hands each mask on with the array that it belongs to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs


class Counted(tv.layers.Layer):
    """Counts the steps that are not masked."""

    def call(self, x: Any, mask: Any = None) -> Any:
        steps = tv.ops.ones_like(x[..., 0]) if mask is None else tv.ops.cast(mask, "float32")
        return tv.ops.sum(steps, axis=1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None


FULL, HALF = np.array([[1, 2, 3, 4]]), np.array([[1, 2, 0, 0]])


@pytest.mark.parametrize("masked", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", ["list", "tuple", "dict", "named tuple", "dict of lists"])
def test_masks_go_with_their_arrays(name: str, masked: tuple[bool, bool]) -> None:
    form = DECLARED[name]
    embed = {m: tv.layers.Embedding(5, 2, mask_zero=m) for m in (True, False)}
    a, b = tv.Input((4,)), tv.Input((4,))
    passed = Passing()(form(embed[masked[0]](a), embed[masked[1]](b)))
    counts = [Counted()(x) for _, x in named_leaves(passed, "")]
    model = tv.Model([a, b], counts)
    for left, right in ((HALF, FULL), (FULL, HALF), (HALF, HALF)):
        wanted = [
            float((ids != 0).sum()) if m else 4.0
            for ids, m in zip((left, right), masked, strict=True)
        ]
        for outputs in (model([left, right]), model.predict([left, right], verbose=0)):
            assert [float(x[0]) for x in outputs] == wanted
        eager = Passing()(form(embed[masked[0]](left), embed[masked[1]](right)))
        assert [float(Counted()(x)[0]) for _, x in named_leaves(eager, "")] == wanted


def test_a_mask_given_in_a_call_is_of_that_call_alone() -> None:
    x = tv.Input((4, 2))
    model = tv.Model(x, Counted()(x))
    data = tv.ops.ones((1, 4, 2))
    mask = np.array([[True, False, False, False]])
    assert float(model(data, mask=mask)[0]) == 1.0
    assert float(model(data)[0]) == 4.0
    pair = tv.Model({"left": x, "a_right": (y := tv.Input((4, 2)))}, [Counted()(x), Counted()(y)])
    given = {"a_right": data, "left": data}
    for masks in ({"a_right": None, "left": mask}, [mask, None]):
        assert [float(v[0]) for v in pair(given, mask=masks)] == [1.0, 4.0]
