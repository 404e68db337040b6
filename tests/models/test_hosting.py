"""Models that take text: in every style, with all that models can do, and the rest of them compiled once."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trivium as tv
from trivium import layers as L
from trivium import ops
from trivium.data.texts import is_text

SIX = ["the cat sat", "a dog ran", "the dog sat on", "birds fly", "cats fly", "a bird"]
TEXTS = np.array(SIX * 4)[:, None]
NUMBERS = np.linspace(0, 1, 24, dtype="float32")[:, None]
LABELS = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0] * 4, "float32")[:, None]
WORDS = ["the", "cat", "dog", "sat", "fly", "a"]


def words() -> Any:
    return L.TextVectorization(vocabulary=WORDS, output_sequence_length=4)


def behind() -> list[Any]:
    return [L.Embedding(10, 3), L.GlobalAveragePooling1D(), L.Dense(1)]


def text() -> Any:
    return tv.Input((1,), dtype="string")


def stacked(x: Any, layers: list[Any]) -> Any:
    for layer in layers:
        x = layer(x)
    return x


@tv.saving.register_keras_serializable("hosting")
class Subclass(tv.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words = words()
        self.embed, self.pool, self.out = behind()

    def call(self, x: Any) -> Any:
        return self.out(self.pool(self.embed(self.words(x))))


class Embedded(L.Layer):
    """A layer of one's own that holds a layer of the host."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.embed = words(), behind()[0]

    def call(self, x: Any) -> Any:
        return self.embed(self.words(x))


def functional() -> Any:
    x = text()
    return tv.Model(x, stacked(x, [words(), *behind()]))


def nested() -> Any:
    x, (embed, *rest) = text(), behind()
    return tv.Model(x, stacked(x, [tv.Sequential([text(), words(), embed]), *rest]))


def prepared() -> Any:
    x = text()
    return tv.Model(x, stacked(x, [tv.Sequential([text(), words()]), *behind()]))


def composite() -> Any:
    x = text()
    return tv.Model(x, stacked(x, [Embedded(), *behind()[1:]]))


STYLES = {
    "sequential": lambda: tv.Sequential([text(), words(), *behind()]),
    "built on data": lambda: tv.Sequential([words(), *behind()]),
    "functional": functional,
    "subclass": Subclass,
    "a model inside": nested,
    "a model inside that only prepares": prepared,
    "a layer of one's own": composite,
}


def made(style: str) -> Any:
    tv.utils.set_random_seed(0)
    model = STYLES[style]()
    model.compile("adam", "mse", metrics=["mae"])
    return model


@pytest.fixture(scope="module")
def trained() -> Any:
    """What the first style gives: losses, and predictions before and after."""
    return ran(made("sequential"))


def ran(model: Any) -> Any:
    history = model.fit(TEXTS, LABELS, epochs=2, batch_size=7, validation_split=0.25, verbose=0)
    return history.history, model.predict(TEXTS, batch_size=5, verbose=0)


@pytest.mark.parametrize("style", list(STYLES)[1:])
def test_every_style_trains_to_the_same_bits(style: str, trained: Any) -> None:
    history, predicted = ran(made(style))
    assert history == trained[0]
    np.testing.assert_array_equal(predicted, trained[1])


@pytest.mark.parametrize("style", ["sequential", "subclass"])
def test_whatever_the_data_comes_as(style: str) -> None:
    model = made(style)
    wanted = np.asarray(model(TEXTS))  # Called on arrays, the layers run one by one.
    flat = TEXTS[:, 0]
    for data in (TEXTS, TEXTS.tolist(), TEXTS.astype(object), np.char.encode(TEXTS), flat.tolist()):
        np.testing.assert_allclose(model.predict(data, verbose=0), wanted, rtol=1e-5)
    np.testing.assert_allclose(model(TEXTS.tolist()), wanted, rtol=1e-5)
    losses = []
    for data in (
        (TEXTS, LABELS),
        (((TEXTS[i : i + 8], LABELS[i : i + 8]) for i in range(0, 24, 8)), None),
        (tv.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(8), None),
        (tv.data.Dataset.from_tensor_slices((TEXTS, LABELS)).map(lambda x, y: (x, y)).batch(8), None),
    ):  # fmt: skip
        size = {} if data[1] is None else {"batch_size": 8}
        losses.append(model.evaluate(*data, verbose=0, return_dict=True, **size)["loss"])
    np.testing.assert_allclose(losses, losses[0], rtol=1e-6)
    wanted = model.evaluate(TEXTS[:8], LABELS[:8], verbose=0)
    np.testing.assert_allclose(
        model.test_on_batch(TEXTS[:8].tolist(), LABELS[:8]), wanted, rtol=1e-6
    )
    np.testing.assert_allclose(model.train_on_batch(TEXTS[:8], LABELS[:8])[0], wanted[0], rtol=1e-6)


def test_text_beside_numbers() -> None:
    x, n = tv.Input((1,), dtype="string", name="text"), tv.Input((1,), name="number")
    h = L.StringLookup(vocabulary=TEXTS[:4, 0], output_mode="multi_hot")(x)
    model = tv.Model({"text": x, "number": n}, L.Dense(1)(L.concatenate([L.Dense(2)(h), n])))
    model.compile("sgd", "mse")
    data = {"number": NUMBERS, "text": TEXTS}
    losses = model.fit(data, LABELS, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(model.predict(data, verbose=0), model(data), rtol=1e-5)
    with pytest.raises(ValueError, match="'number' takes numbers; it was given text"):
        model.predict({"number": TEXTS, "text": TEXTS}, verbose=0)
    with pytest.raises(ValueError, match="'text' takes text; it was given numbers"):
        model.predict({"number": NUMBERS, "text": NUMBERS}, verbose=0)


def test_a_step_that_runs_as_plain_python_sees_the_text() -> None:
    seen = []

    class Printing(Subclass):
        def call(self, x: Any) -> Any:
            seen.append(x)
            return super().call(x)

    model = Printing()
    model.compile("adam", "mse", run_eagerly=True)
    model.fit(TEXTS[:4], LABELS[:4], verbose=0)
    assert is_text(seen[-1]) and seen[-1].shape == (4, 1)


def test_nothing_compiles_anew_for_text_of_another_length() -> None:
    tv.utils.set_random_seed(0)
    model = tv.Sequential(
        [text(), L.TextVectorization(vocabulary=WORDS, output_mode="count"), L.Dense(1)]
    )
    model.compile("sgd", "mse")
    for longer in ("", " the cat", " the dog sat"):
        batches = ((np.strings.add(TEXTS[:4], longer), LABELS[:4]) for _ in range(2))
        model.fit(batches, verbose=0)
    assert len(model._trainer.programs) <= 2  # For rows of up to four words, and of up to eight.


# -- text that comes out ----------------------------------------------------------------------------------------


def classes(x: Any) -> Any:
    return L.StringLookup(vocabulary=["no", "yes"], invert=True, name="names")(x)


def test_a_model_may_give_words() -> None:
    tv.utils.set_random_seed(0)
    x = tv.Input((2,))
    scores = L.Dense(2, name="scores")(x)
    number = L.Lambda(lambda s: 1 + tv.ops.argmax(s, -1))(scores)
    model = tv.Model(x, [scores, classes(number)])
    data = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
    numbers, names = model.predict(data, verbose=0)
    assert is_text(names) and names.shape == (40,)
    assert names.tolist() == [["no", "yes"][i] for i in numbers.argmax(-1)]
    assert model(data)[1].tolist() == names.tolist()
    model.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match=r"fit: model .* gives text.*Train a model that ends before it"
    ):
        model.fit(data, np.zeros((40, 2)), verbose=0)


def test_words_go_around_the_device() -> None:
    x = text()
    numbers = L.StringLookup(vocabulary=["no", "yes"])(x)
    model = tv.Model(x, {"words": classes(numbers), "score": L.Dense(1)(numbers)})
    found = model.predict(np.array([["yes"], ["maybe"], ["no"]] * 20), verbose=0)
    assert found["words"].tolist() == [["yes"], ["[UNK]"], ["no"]] * 20
    assert found["score"].shape == (60, 1)


# -- what models can do -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["functional", "subclass", "a model inside"])
def test_models_with_text_do_what_models_do(style: str, tmp_path: Any) -> None:
    model = made(style)
    model.fit(TEXTS, LABELS, verbose=0)
    wanted = model.predict(TEXTS, verbose=0)

    def check(other: Any) -> None:
        np.testing.assert_array_equal(other.predict(TEXTS, verbose=0), wanted)

    check(copy.deepcopy(model))
    check(pickle.loads(pickle.dumps(model)))
    model.save(tmp_path / "model.keras")
    loaded = tv.models.load_model(tmp_path / "model.keras")
    check(loaded)
    loaded.fit(TEXTS, LABELS, verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    other = made(style)
    other.predict(TEXTS, verbose=0)
    other.load_weights(tmp_path / "model.weights.h5")
    check(other)
    for to in ("functional", "sequential", "subclass"):
        converted = tv.convert(model, to=to)
        check(converted)
        assert converted.fingerprint() == model.fingerprint()
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert "TextVectorization" in "".join(lines) or style == "a model inside"
    assert "Embedding" in str(tv.explain(model)) or "embedding" in str(tv.explain(model))
    assert tv.inspect(model, TEXTS, LABELS).rows
    assert 'dtype="string"' in tv.source(model, style="functional")
    if style != "subclass":
        clone = tv.models.clone_model(model)
        assert clone.fingerprint() == model.fingerprint()
        assert tv.models.model_from_json(model.to_json()).fingerprint() == model.fingerprint()
    for kind in ("stablehlo", "onnx"):
        with pytest.raises(ValueError, match="takes text, and no exported program does"):
            model.export(tmp_path / "model", format=kind, verbose=False)


def test_the_fingerprint_knows_the_words_that_were_given() -> None:
    def model(*vocabulary: str) -> Any:
        return tv.Sequential([text(), L.StringLookup(vocabulary=vocabulary), L.Dense(1)])

    assert model("a", "b").fingerprint() == model("a", "b").fingerprint()
    assert model("a", "b").fingerprint() != model("b", "a").fingerprint()


def test_words_may_be_learned_after_the_model_is_compiled() -> None:
    model = Subclass()
    model.words = L.TextVectorization(8, output_sequence_length=4)
    model.words.adapt(TEXTS[:1])
    model.compile("sgd", "mse")
    model.predict(TEXTS, verbose=0)
    model.words.adapt(TEXTS)
    np.testing.assert_allclose(model.predict(TEXTS, verbose=0), model(TEXTS), rtol=1e-5)


class MadeInBuild(L.Layer):
    def build(self, input_shape: Any) -> None:
        self.lookup, self.out = L.StringLookup(vocabulary=["a"], output_mode="one_hot"), L.Dense(1)

    def call(self, x: Any) -> Any:
        return self.out(self.lookup(x))


class ModelMadeInBuild(tv.Model):
    def build(self, input_shape: Any) -> None:
        self.inside = MadeInBuild()

    def call(self, x: Any) -> Any:
        return self.inside(x)


@pytest.mark.parametrize("make", [ModelMadeInBuild, lambda: tv.Sequential([MadeInBuild()])])
def test_layers_of_words_may_be_made_when_the_model_is_built(make: Any) -> None:
    words, model = np.array([["a"], ["b"], ["a"]]), make()
    model.compile("sgd", "mse")
    model.fit(words, np.zeros(3), verbose=0)
    np.testing.assert_allclose(model.predict(words, verbose=0), model(words), rtol=1e-6)


def test_a_run_with_text_goes_on_where_it_was(tmp_path: Any) -> None:
    whole = made("functional")
    whole.fit(TEXTS, LABELS, epochs=3, verbose=0)
    part = made("functional")
    part.fit(TEXTS, LABELS, epochs=1, verbose=0, resume=str(tmp_path))
    rest = made("functional")
    rest.fit(TEXTS, LABELS, epochs=3, verbose=0, resume=str(tmp_path))
    for a, b in zip(whole.get_weights(), rest.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_text_is_cut_and_joined_on_its_way() -> None:
    two, one = tv.Input((2,), dtype="string"), tv.Input((), dtype="string")
    joined = L.concatenate([two[:, 1:], tv.ops.expand_dims(one, -1), L.Flatten()(two)])
    numbers = L.StringLookup(vocabulary=["a", "b", "c"])(joined)
    model = tv.Model([two, one], L.Rescaling(1.0)(numbers))
    data = [np.array([["a", "b"], ["b", "x"]]), np.array(["c", "a"])]
    wanted = [[2, 3, 1, 2], [0, 1, 2, 0]]
    assert joined.dtype == "string" and joined.shape == (None, 4)
    assert model.predict(data, verbose=0).tolist() == wanted == model(data).tolist()
    assert tv.ops.transpose(np.array([["a", "b"]], np.dtypes.StringDType())).tolist() == [
        ["a"],
        ["b"],
    ]
    with pytest.raises(ValueError, match="`x1` is a tensor of numbers; got text"):
        tv.ops.add(np.array(["a"], np.dtypes.StringDType()), 1)


# -- what does not fit ------------------------------------------------------------------------------------------


def test_text_without_a_layer_for_it_is_refused_where_it_is() -> None:
    model = tv.Sequential([L.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(
        ValueError, match=r"fit: `x` holds text \('the cat sat' at \[0, 0\]\).*StringLookup"
    ):
        model.fit(TEXTS, LABELS, verbose=0)
    assert not model.built
    with pytest.raises(ValueError, match="`y` holds text"):
        made("sequential").fit(TEXTS, TEXTS, verbose=0)
    with pytest.raises(ValueError, match=r"`x` holds bytes at \[1, 0\] that are no text in utf-8"):
        made("sequential").fit(np.array([[b"a"], [b"\xff"]]), LABELS[:2], verbose=0)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: L.Dense(1)(text()), "'dense' takes numbers, and 'input_layer' is text"),
        (lambda: text() + 1.0, "'add' takes numbers, and 'input_layer' is text"),
        (lambda: words()(tv.Input((1,))), r"takes text, of an `Input\(..., dtype=\"string\"\)`; got float32"),
        (lambda: words()(np.ones((2, 1))), "takes text; got an array of dtype float64"),
        (lambda: words()(tv.Input((3,), dtype="string")), r"of shape \(batch,\) or \(batch, 1\); got shape"),
    ],
)  # fmt: skip
def test_text_and_numbers_are_told_apart(use: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        use()


def test_code_that_cannot_be_recorded_is_named() -> None:
    class Plain(Subclass):
        def call(self, x: Any) -> Any:
            return self.out(self.pool(jnp.tanh(self.embed(self.words(x)))))

    model = Plain()
    model.compile("sgd", "mse")
    with pytest.raises(
        tv.CaptureError, match=r"test_hosting.py:\d+: .*jax.numpy needs an array.*`trivium.ops`"
    ):
        model.fit(TEXTS, LABELS, verbose=0)


def test_a_layer_of_the_host_is_not_traced() -> None:
    layer = L.Hashing(3)
    with pytest.raises(
        TypeError, match=r"'hashing' .Hashing. runs on the host, and was called inside"
    ):
        jax.jit(lambda x: layer(x))(np.arange(3))


# -- ops on text in a layer's own call --------------------------------------------------------------------------


class Looked(tv.Layer):
    """Does something to text by an op, and looks it up."""

    def __init__(self, first: Any) -> None:
        super().__init__()
        self.first, self.words = first, tv.layers.StringLookup(vocabulary=["a", "b"])

    def call(self, inputs: Any) -> Any:
        return self.words(self.first(inputs))


def in_calls(layer: tv.Layer) -> tv.Model:
    x = tv.Input((1,), dtype="string")
    return tv.Model(x, layer(x))


class InModel(tv.Model):
    def __init__(self, layer: tv.Layer) -> None:
        super().__init__()
        self.inner = layer

    def call(self, inputs: Any) -> Any:
        return self.inner(inputs)


@pytest.mark.parametrize("wrap", [in_calls, InModel, lambda layer: tv.Sequential([layer])])
def test_a_layer_may_move_text_about_before_it_looks_it_up(wrap: Any) -> None:
    texts = np.array([["a"], ["b"], ["?"]])
    for first, wanted in (
        (lambda x: ops.squeeze(x, -1), [1, 2, 0]),
        (lambda x: ops.concatenate([x, x], axis=1), [[1, 1], [2, 2], [0, 0]]),
        (lambda x: x[:, 0], [1, 2, 0]),
    ):
        model = wrap(Looked(first))
        assert model.predict(texts, verbose=0).tolist() == wanted
        assert model(texts).tolist() == wanted


@pytest.mark.parametrize("wrap", [in_calls, InModel])
def test_a_layer_that_computes_with_text_says_so(wrap: Any) -> None:
    """It did not come to an end once, while the shape was inferred."""
    with pytest.raises(
        TypeError, match=r"takes numbers, and '\w+' is text\. The layers StringLookup"
    ):
        wrap(Looked(ops.tanh)).predict(np.array([["a"]]), verbose=0)
