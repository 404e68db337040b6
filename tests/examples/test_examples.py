"""Every example runs, says what it shows, and is one model in all styles that hold it, there and back."""

import contextlib
import importlib
import io
import re
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import trivium as tv
from trivium.cli import main as command
from trivium.compare import Settings, compare
from trivium.styles import convert, source

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples"
STYLES = ("sequential", "functional", "subclass")

# What each program has to say, besides the training's numbers.
SAYS = {
    "classifier": ['layers.Dense(300, activation="relu"),', "write it with the Sequential API", "do not differ",
                   "shares its layers: True", "ŷ = (L₄ ∘ L₃ ∘ L₂ ∘ L₁)(x)", "agree: the largest difference"],
    "residual": ["write it with the Functional API", "for _ in range(3):", "the same fingerprint: True",
                 "the same predictions, to the bit: True", "16 features", "cannot be a Sequential model"],
    "inception": ["joins four branches", "make_block(),", "16 paths", "12 more paths"],
    "siamese": ["of the images lie nearest", "it has 2 inputs (`left`, `right`)", "encoder(right)", "         + ∂ℒ/∂ŷ",
                "6 gradients agree: True"],
    "multimodal": ["kind_accuracy", "price_mae", 'inputs={"image": image, "words": words}', "embedding/embeddings"],
    "autoencoder": ["makes 32 numbers of an image", "layers.GaussianNoise(0.2)", "code: units is 32 and 16"],
    "custom_step": ["attacked images", "It has its own `train_step`", "trained by the same step: True",
                    "return super().train_step(state, (attack(loss, x), y, sample_weight))", "Prototypes(10)(x)"],
    "wide_and_deep": ["price_r2_score", "it has 2 inputs (`wide`, `deep`)", "layers.concatenate([wide, x])",
                      "the same fingerprint as the one written by hand: True"],
    "residual_regressor": ["residual_regressor/residual_block/dense_1/kernel", "write it with the Sequential API",
                           "    ResidualBlock(2, 30),", "the same predictions, to the bit: True"],
    "one_cycle": ["one cycle ", "first 0.030, highest 0.", "batches with a rate of their own: True"],
    "sequence_classifier": ["the same answer: True", "layers.Embedding(12, 16, mask_zero=True),", "where h₂ is 1"],
    "text_classifier": ["['the', ", "a good one: ", "layers.TextVectorization(", 'Input(shape=(1,), dtype="string")'],
    "translator": ["turned around, ", " -> ", "it has 2 inputs (`source`, `written`)", "initial_state="],
    "monte_carlo_dropout": ["the mean of 100", "where wrong 0.", "two predictions differ: True"],
    "low_rank": ["Trained are 2732 numbers: ['lora_kernel_a', 'lora_kernel_b']", "float8  ", "they took 134760",
                 "are what they were: True", "the same fingerprint: True", "the same predictions, to the bit: True"],
    "unet": ["val_overlap", "sees pictures of (8, 8, 32)", "True: the graph of calls is the same program",
             "layers.Conv2DTranspose(", "layers.concatenate([", "A stack cannot hold it"],
    "variational": ["reconstruction:", "16 images of (28, 28) pixels", "trained by the same step: True", "Sampling()("],
    "adversarial": ["critic:", "Made", "have taken 1 and 1 steps", "layers.SpectralNormalization(", "Codes(16)("],
    "vision_transformer": ["each of 16 patches", "the same fingerprint as the one written in calls: True"],
    "gpt": ["Written with a cache", "Written without", "This is the c", "the same text: True",
            "the same fingerprint as the one written in calls: True"],
    "forecast": ["The temperature 12 hours ahead", "as the day before: wrong by", "layers.Normalization(invert=True),",
                 "the same fingerprint as the stack written by hand: True"],
    "tabular": ["the same with layers by hand: True", "would be with one answer for all", "A house in Prerow, with gas",
                "the model from the file says the same: True"],
    "image_classifier": ["1 of 40 files could not be read: ['", "right; 0.200 would be with", "make_augmentation(),",
                         "the model from the file says the same: True", "stack that was trained: True"],
}  # fmt: skip
# What is written in one style only.
ONE_STYLE = {"tabular"}


@pytest.fixture(scope="module", autouse=True)
def folder_on_the_path():
    """Import the examples as Python would run them: with their folder on the path."""
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


@pytest.fixture(params=SAYS)
def example(request):
    return importlib.import_module(request.param)


@pytest.fixture(params=[name for name in SAYS if name not in ONE_STYLE])
def styled(request):
    return importlib.import_module(request.param)


def styles_of(example):
    return {style: getattr(example, style) for style in STYLES if hasattr(example, style)}


def sample_of(model, size=2):
    """Return inputs for a model: small numbers that are fit for pixels and words alike; of text, words of digits."""
    rng = np.random.default_rng(0)
    return jax.tree_util.tree_map(
        lambda t: rng.integers(0, 2, (size, *(n or 6 for n in t.shape[1:]))).astype(
            str if t.dtype == "string" else t.dtype
        ),
        model.input,
    )


def executed(text, folder):
    """Run a program from a file, where its classes can be read, and return its model."""
    file = folder / f"program_{len(list(folder.iterdir()))}.py"
    file.write_text(text)
    space = {"__name__": file.stem}
    exec(compile(text, file, "exec"), space)
    return space["model"]


def test_all_examples_are_here_and_on_the_page():
    assert set(SAYS) == {p.stem for p in FOLDER.glob("*.py")} - {
        "common",
        "draw_all",
        "tuned_classifier",
    }
    page = (ROOT / "docs/styles.md").read_text()
    assert set(re.findall(r"\[(\w+)\.py\]\(\.\./examples/\1\.py\)", page)) == set(SAYS)


def test_main_runs_and_says_what_it_shows(example, tmp_path, capsys):
    picture = tmp_path / "picture.svg"
    example.main(["--epochs", "1", "--limit", "40", "--draw", str(picture)])
    said = capsys.readouterr().out
    for words in SAYS[example.__name__]:
        assert words in said
    assert picture.read_text().startswith("<svg")


def test_all_styles_are_one_model(styled):
    prints = {style: write().fingerprint() for style, write in styles_of(styled).items()}
    assert len(prints) >= 2 and len(set(prints.values())) == 1
    with contextlib.suppress(tv.StyleError):
        convert(styled.functional(), "sequential")
        assert "sequential" in prints


def with_words(model):
    return [layer for layer in model.layers if hasattr(layer, "set_vocabulary")]


def test_there_and_back(styled, tmp_path):
    """From the class to calls, to a program, and to a class again; converted, and written."""
    model = styled.subclass()
    x, wanted = sample_of(model), model.fingerprint()
    outputs = model.predict(x, verbose=0)
    graph = convert(model, to="functional")
    program = source(graph, style="functional")
    written = executed(program, tmp_path)
    again = convert(written, to="subclass")
    class_again = source(again, style="subclass")
    back = executed(class_again, tmp_path)
    assert ["def call(" in text for text in (program, class_again)] == [False, True]
    for made in (graph, written, again, back):
        made.set_weights(model.get_weights())
        assert made.fingerprint() == wanted
        # A program lists a short vocabulary that was learned, and not a long one.
        for taught, layer in zip(with_words(model), with_words(made), strict=True):
            if layer is not taught:
                layer.set_vocabulary(taught.get_vocabulary())
        got = made.predict(x, verbose=0)
        for a, b in zip(*map(jax.tree_util.tree_leaves, (got, outputs)), strict=True):
            assert np.array_equal(a, b)


def test_a_cache_of_keys_and_values_changes_no_letter():
    """The letters are the same; the logits within rounding, since one row is multiplied in another order than many."""
    gpt = importlib.import_module("gpt")
    tv.utils.set_random_seed(1)
    model = gpt.subclass()
    model.set_weights([5 * w for w in model.get_weights()])  # Bold enough that letters differ.
    text, logits = gpt.generate(model, "This is", seed=3)
    again, plainly = gpt.generate(model, "This is", seed=3, cached=False)
    assert text == again and text.startswith("This is") and len(set(text)) > 5
    np.testing.assert_allclose(logits, plainly, rtol=1e-4, atol=1e-4 * np.abs(plainly).max())
    assert gpt.generate(model, "This is", seed=4)[0] != text


def test_a_forecast_is_better_than_the_day_before():
    _, error, naive = importlib.import_module("forecast").trained(600, 6)
    assert error < 0.5 * naive


def test_images_from_files_are_told_apart(tmp_path):
    """As many files as `main` is given above, whose compiled steps serve here, but of two kinds: trousers and boots."""
    example = importlib.import_module("image_classifier")
    (x, y), _ = tv.datasets.fashion_mnist.load_data()
    places = np.concatenate([np.flatnonzero(y == kind)[:20] for kind in (1, 9)])
    example.write(tmp_path, x[places], y[places])
    damaged = min(tmp_path.glob("Boot/*.png"))
    example.damage(damaged)
    model, left_out = example.trained(tmp_path, 24)
    assert [skipped.place for skipped in left_out] == [str(damaged)]
    assert model.history.history["val_accuracy"][-1] > 0.8


@pytest.mark.parametrize("style", STYLES)
def test_the_command_writes_every_style(style, tmp_path, capsys):
    place = f"{FOLDER / 'custom_step.py'}:functional"
    assert command(["source", place, "--style", style]) == 0
    written = executed(capsys.readouterr().out, tmp_path)
    assert written.fingerprint() == importlib.import_module("custom_step").subclass().fingerprint()


def test_the_command_compares_three_styles():
    settings = Settings(epochs=1, limit=60, module=FOLDER / "classifier.py", out=None)
    comparison = compare(settings)
    assert comparison.identical and len(comparison.results) == 3


def test_the_page_shows_what_its_programs_print():
    """Each `python` block of docs/styles.md that a `text` block follows prints just that."""
    page = (ROOT / "docs/styles.md").read_text()
    tv.backend.clear_session()
    space, count = {}, 0
    for code, text in re.findall(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", page, re.DOTALL):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, space)
        if text:
            assert printed.getvalue().strip() == text.strip()
            count += 1
    assert count > 8


def test_the_page_shows_drawings_that_are_there():
    page = (ROOT / "docs/styles.md").read_text()
    shown = set(re.findall(r"images/styles/([\w.]+)", page))
    assert shown == {f"{name}.svg" for name in importlib.import_module("draw_all").EXAMPLES}
    assert {p.name for p in (ROOT / "docs/images/styles").iterdir()} == shown
