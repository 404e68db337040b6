"""The examples' models in files from and to the real Keras, which runs the same programs with `keras` for `trivium`.

Weights are drawn from a seed, so that of a file that Keras wrote no large array need be recorded: a dataset of it is
recorded as the number of the weight that lies in it.
"""

import __future__

import builtins
import functools
import io
import json
import tempfile
import types
import zipfile
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest
from archives import digest, saved, without_ids
from oracle import recorded
from oracle.record import ORACLE

import trivium as tv

pytestmark = [
    # Keras's own `Variable.numpy` warns under NumPy 2.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    # Its classes want a `build` of their own, and have their weights all the same.
    pytest.mark.filterwarnings(r"ignore:`build\(\)` was called on layer:UserWarning"),
]

FOLDER = Path(__file__).parents[2] / "examples"
NO_MODEL = {"common", "draw_all", "tuned_classifier"}  # The last one's is `classifier`'s.
TEXTS = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.py"))}
STYLES = ("sequential", "functional", "subclass")
CASES = [
    (name, style)
    for name, text in TEXTS.items()
    for style in STYLES
    if name not in NO_MODEL and f"\ndef {style}(" in text
]
# No file of Keras's to be read: `build` of a class without a `build` of its own makes no weights there.
BUILT_BY_SHAPE = {name for name, text in TEXTS.items() if ".build((None" in text}
# What Keras can neither write nor read, with its reason.
KERAS_CANNOT = {
    (
        "residual_regressor",
        "sequential",
    ): "a layer that stands in a stack several times is saved once",
    (
        "forecast",
        "subclass",
    ): "UnexpectedTracerError: Normalization in a class is built inside of a trace",
    **{
        case: "TypeError: data type 'string' not understood; on JAX it calls no model of text"
        for case in CASES
        if case[0] in ("tabular", "text_classifier")
    },
}
# All of them take a minute of CPU: a run of the tests has one style of each example, without the largest; the rest is
# for the days on which Keras is asked (`--oracle=check`), and for recording.
LARGE = {"adversarial", "image_classifier", "inception", "vision_transformer"}
# Where Keras computes something else (docs/differences.md), its outputs are compared with its own alone.
DIFFERS = {"adversarial": "SpectralNormalization in inference"}
# A recurrent layer that is given its first states forgets the mask in Keras: no word is masked.
LOWEST = {"translator": 1}


def program(lib, texts, name):
    """Return an example as a module that has the library in the place of ours."""

    def importing(path, *rest):
        top, *inside = path.split(".")
        if top == "trivium":
            return functools.reduce(getattr, inside, lib)
        return program(lib, texts, top) if top in texts else builtins.__import__(path, *rest)

    module = types.ModuleType(name)
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": importing}
    # Annotations name types that only we have; they are not evaluated then.
    flag = __future__.annotations.compiler_flag
    exec(compile(texts[name], f"{name}.py", "exec", flag), vars(module))
    return module


def classes(module, lib):
    """Return an example's own layers and models by name."""
    found = vars(module).items()
    kinds = {n: c for n, c in found if isinstance(c, type) and issubclass(c, lib.layers.Layer)}
    return {n: c for n, c in kinds.items() if c.__module__ == module.__name__}


def drawn(number, shape):
    """Return a weight that keeps the size of what goes through; vectors are above 0, as variances have to be."""
    rng = np.random.default_rng(number)
    if len(shape) < 2:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    return (rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype("float32")


def made(lib, texts, name, style):
    """Return an example's model with weights that follow from their places, and the example's classes."""
    lib.backend.clear_session()
    module = program(lib, texts, name)
    model = getattr(module, style)()
    values = [np.asarray(w) for w in model.weights]
    values = [drawn(i, v.shape) if v.dtype.kind == "f" else v for i, v in enumerate(values)]
    model.set_weights(values)
    return model, classes(module, lib)


def inputs_of(model, lowest):
    """Return inputs that are fit for pixels and words alike; of text, words of digits."""
    rng = np.random.default_rng(0)
    return jax.tree_util.tree_map(
        lambda t: rng.integers(lowest, 2 + lowest, (2, *(n or 6 for n in t.shape[1:]))).astype(
            str if t.dtype == "string" else t.dtype
        ),
        model.input,
    )


def outputs(lib, model, inputs):
    """Return some of a model's outputs in inference: at most 64 numbers of each."""
    for layer in model._flatten_layers():
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # Keras's Normalization works with copies of its weights.
    if lib is not tv and any(x.dtype.kind == "U" for x in jax.tree_util.tree_leaves(inputs)):
        import tensorflow as tf

        inputs = jax.tree_util.tree_map(tf.constant, inputs)
    given = jax.tree_util.tree_leaves(model(inputs, training=False))
    flat = [np.asarray(y).ravel() for y in given]
    return [y[:: max(1, y.size // 64)] for y in flat]


def taken_apart(archive, model):
    """Return what an archive of Keras's has, with numbers of weights for the arrays that are those weights."""
    values = [np.asarray(w) for w in model.weights]
    places, names = {}, {}

    def keep(name, thing):
        if isinstance(thing, h5py.Dataset):
            found = thing[()]
            same = [
                i for i, v in enumerate(values) if v.dtype.kind == "f" and np.array_equal(v, found)
            ]
            places[name] = same[0] if same else np.asarray(found)
        elif "name" in thing.attrs:
            names[name] = str(thing.attrs["name"])

    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        config = without_ids(json.loads(members.read("config.json")))
        assets = {
            n: members.read(n).decode() for n in members.namelist() if n.startswith("assets/")
        }
        with h5py.File(io.BytesIO(members.read("model.weights.h5"))) as file:
            file.visititems(keep)
    shapes = [list(v.shape) for v in values]
    return {"config": config, "places": places, "names": names, "shapes": shapes, "assets": assets}


def put_together(found):
    """Return the archive of such parts."""
    inner, file = io.BytesIO(), io.BytesIO()
    with h5py.File(inner, "w") as written:
        for name, value in found["places"].items():
            weight = isinstance(value, int)
            written[name] = drawn(value, tuple(found["shapes"][value])) if weight else value
        for group, name in found["names"].items():
            written.require_group(group).attrs["name"] = name
    with zipfile.ZipFile(file, "w") as members:
        for name, text in found["assets"].items():
            members.writestr(name, text)
        members.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        members.writestr("config.json", json.dumps(found["config"]))
        members.writestr("model.weights.h5", inner.getvalue())
    file.seek(0)
    return file


def by_keras(keras, texts, name, style, lowest):
    """Return a file that Keras writes of an example, what its model gives, and what it gives of our file."""
    model, own = made(keras, texts, name, style)
    ours, _ = made(tv, texts, name, style)
    inputs, file = inputs_of(ours, lowest), saved(ours)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "m.keras").write_bytes(file)
        loaded = keras.saving.load_model(f"{folder}/m.keras", custom_objects=own)
    return {
        **taken_apart(saved(model), model),
        "outputs": outputs(keras, model, inputs),
        "digest": digest(file),
        "of_ours": outputs(keras, loaded, inputs),
    }


def assert_close(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def predicted(model, inputs):
    """Return the same of one of our models, from one program that all of them share."""
    flat = [y.ravel() for y in jax.tree_util.tree_leaves(model.predict(inputs, verbose=0))]
    return [y[:: max(1, y.size // 64)] for y in flat]


@pytest.mark.parametrize(("name", "style"), CASES, ids=map("-".join, CASES))
def test_an_example_in_both_directions(name, style):
    everywhere = style == "functional" and name not in LARGE and (name, style) not in KERAS_CANNOT
    if ORACLE.mode == "read" and not everywhere:
        pytest.skip("one style of each example is enough for each run")
    lowest = LOWEST.get(name, 0)
    texts = {k: TEXTS[k] for k in (name, "common")}
    model, own = made(tv, texts, name, style)
    inputs = inputs_of(model, lowest)
    mine = predicted(model, inputs)
    file = saved(model)
    again = tv.models.load_model(io.BytesIO(file), custom_objects=own)
    assert all(map(np.array_equal, predicted(again, inputs), mine))
    if (name, style) in KERAS_CANNOT:
        return
    theirs = recorded(lambda keras: by_keras(keras, texts, name, style, lowest))
    assert digest(file) == theirs["digest"], "Keras was asked about another file: record anew."
    has_file = style != "subclass" or name not in BUILT_BY_SHAPE
    if has_file:
        of_theirs = tv.models.load_model(put_together(theirs), custom_objects=own)
        assert_close(predicted(of_theirs, inputs), mine if name in DIFFERS else theirs["outputs"])
    if name not in DIFFERS:
        assert_close(theirs["of_ours"], mine)
    elif has_file:
        assert_close(theirs["of_ours"], theirs["outputs"])


def test_the_page_says_what_keras_cannot_do():
    page = (FOLDER.parent / "docs" / "saving.md").read_text()
    assert all(f"`{name}`" in page for name, _ in KERAS_CANNOT)
