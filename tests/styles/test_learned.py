"""What layers have learned from data goes along into copies, other styles and written programs."""

import copy

import numpy as np
import pytest

import trivium as tv
from trivium import layers
from trivium.styles import convert, source

WORDS = np.array([["a cat sat"], ["the cat"]])
NUMBERS = np.array([[1.0, 2.0], [3.0, 6.0]], "float32")
WHOLE = np.array([[5], [7], [5]], "int32")
LAYERS = {
    "text": (lambda: layers.TextVectorization(output_sequence_length=4), WORDS),
    "text, tf_idf": (lambda: layers.TextVectorization(output_mode="tf_idf"), WORDS),
    "words": (lambda: layers.StringLookup(output_mode="count", num_oov_indices=2), WORDS),
    "whole numbers": (lambda: layers.IntegerLookup(output_mode="one_hot"), WHOLE),
    "numbers": (layers.Normalization, NUMBERS),
    "bins": (lambda: layers.Discretization(num_bins=3, output_mode="one_hot"), NUMBERS),
}
MAKERS = {
    "deepcopy": copy.deepcopy,
    "converted": lambda model: convert(model, "subclass"),
    "copy converted": lambda model: convert(copy.deepcopy(model), "sequential"),
}


def learned(name):
    make, data = LAYERS[name]
    layer = make()
    layer.adapt(data)
    dtype = {"U": "string", "i": "int32", "f": "float32"}[data.dtype.kind]
    inputs = tv.Input(data.shape[1:], dtype=dtype)
    return tv.Model(inputs, layer(inputs)), data


def executed(text):
    space = {}
    exec(text, space)
    return space["model"]


@pytest.mark.parametrize("name", LAYERS)
def test_copies_and_other_styles_know_it(name):
    model, data = learned(name)
    for make in MAKERS.values():
        np.testing.assert_array_equal(make(model).predict(data, verbose=0), model(data))


@pytest.mark.parametrize("style", ["sequential", "functional", "subclass"])
@pytest.mark.parametrize("name", LAYERS)
def test_written_programs_know_it(name, style):
    model, data = learned(name)
    made = executed(source(model, style))
    made.set_weights(model.get_weights())
    np.testing.assert_allclose(made(data), model(data), rtol=1e-6)
    assert made.fingerprint() == model.fingerprint()


@pytest.mark.parametrize("name", ["text", "words", "whole numbers"])
def test_a_clone_is_adapted_anew(name):
    """As in Keras: it is made from configs, which have what was given and not what was learned."""
    model, data = learned(name)
    clone = tv.models.clone_model(model)
    with pytest.raises(ValueError, match="has no vocabulary yet: `adapt` it on data"):
        clone(data)
    clone.layers[-1].adapt(data)
    np.testing.assert_array_equal(clone(data), model(data))


def test_a_long_vocabulary_is_not_written_and_the_program_says_where_it_is(tmp_path):
    layer = layers.StringLookup(name="towns")
    layer.adapt(np.array([f"town {i}" for i in range(150)]))
    inputs = tv.Input((1,), dtype="string")
    model = tv.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    text = source(model, "functional")
    assert "# towns has learned 150 terms, too many to write." in text and "town 3" not in text
    # The lines say what to do.
    todo = [line[2:] for line in text.splitlines() if line.startswith(("# terms", "# model"))]
    space = {"load_model": tv.saving.load_model, "FILE": tmp_path / "model.keras"}
    space["model"] = executed(text)
    exec("\n".join(todo), space)
    data = np.array([["town 3"], ["elsewhere"]])
    np.testing.assert_array_equal(space["model"](data), model(data))


@pytest.mark.parametrize("style", ["sequential", "functional", "subclass"])
@pytest.mark.parametrize("stacked", [True, False], ids=["in a stack", "alone"])
def test_written_programs_know_what_layers_within_wrappers_learned(style, stacked):
    lookup = layers.IntegerLookup()
    lookup.adapt(WHOLE)
    inner = tv.Sequential([tv.Input((1,), dtype="int32"), lookup]) if stacked else lookup
    inputs = tv.Input((3, 1), dtype="int32")
    model = tv.Model(inputs, layers.TimeDistributed(inner)(inputs))
    made = executed(source(model, style))
    np.testing.assert_array_equal(made(WHOLE[None]), model(WHOLE[None]))


def test_too_much_to_write_within_a_wrapper_is_said():
    lookup = layers.IntegerLookup(name="many")
    lookup.adapt(np.arange(500))
    inputs = tv.Input((3, 1), dtype="int32")
    text = source(tv.Model(inputs, layers.TimeDistributed(lookup)(inputs)))
    assert "# many has learned 500 terms, too many to write. They are in the file of" in text
