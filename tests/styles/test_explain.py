"""The mathematics of a model, in words, symbols and chain rules."""

import inspect
import re

import jax
import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

import trivium as tv
from trivium import layers, losses, ops
from trivium.styles.explain import explain, register_formula, register_function
from trivium.styles.explain.formulas import _RULES
from trivium.styles.explain.loss_formulas import _LOSSES
from trivium.styles.explain.tape import Tape

PARSER = MathTextParser("agg")


def formulas_of(explanation):
    for section in explanation.sections:
        for line in section.lines:
            yield line.latex
            if line.symbol:
                yield line.symbol


def assert_is_mathematics(explanation):
    """Every formula can be set, by the small engine in matplotlib too; none is left in its source form."""
    for latex in formulas_of(explanation):
        assert latex.count("{") == latex.count("}"), latex
        assert latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(r"\right"), latex
        PARSER.parse(f"${latex}$")
    assert "\\" not in str(explanation) and "{}" not in str(explanation)
    whole = explanation.latex
    assert whole.count("{") == whole.count("}") and whole.count(r"\begin") == whole.count(r"\end")


def equations(model, **options):
    """Return the lines of the equations as text."""
    text = str(explain(model, **options))
    return text.split("Equations, for one sample\n")[1].split("\n\n")[0].splitlines()


def last_equation(model, **options):
    lines = [line for line in equations(model, **options) if line.strip().startswith("ŷ")]
    return re.split(r" {3,}", lines[-1].strip())[0]


# -- one network, three writings -----------------------------------------------------------------------------------

PARTS = (
    ("Flatten", {"name": "flat"}),
    ("Dense", {"units": 6, "activation": "relu", "name": "first"}),
    ("Dropout", {"rate": 0.5, "name": "drop"}),
    ("Dense", {"units": 3, "activation": "softmax", "name": "last"}),
)


def made():
    return [getattr(layers, kind)(**said) for kind, said in PARTS]


def sequential():
    return tv.Sequential([tv.Input((2, 4)), *made()], name="net")


def functional():
    x = inputs = tv.Input((2, 4))
    for layer in made():
        x = layer(x)
    return tv.Model(inputs, x, name="net")


class Net(tv.Model):
    def __init__(self):
        super().__init__(name="net")
        self.parts = made()[::-1]

    def call(self, inputs):
        for layer in self.parts[::-1]:
            inputs = layer(inputs)
        return inputs


def subclass():
    model = Net()
    model.build((None, 2, 4))
    return model


@pytest.mark.parametrize("training", [False, True])
def test_three_writings_say_the_same(training):
    pages = []
    for build in (sequential, functional, subclass):
        model = build()
        model.compile(loss="sparse_categorical_crossentropy")
        page = explain(model, training=training)
        pages.append((page.text, page.latex, page.gradient("last/bias").text, page.symbols))
    assert pages[0] == pages[1] == pages[2]


def test_the_whole_page():
    model = sequential()
    model.compile(loss="sparse_categorical_crossentropy")
    assert (
        str(explain(model))
        == """\
Model "net"
  ŷ = (L₄ ∘ L₃ ∘ L₂ ∘ L₁)(x)

Equations, for one sample
  x                          ∈ ℝ²ˣ⁴   input
  h₁ = vec(x)                ∈ ℝ⁸     L₁  flat (Flatten)
  h₂ = ReLU(W₂ h₁ + b₂)      ∈ ℝ⁶     L₂  first (Dense)
  h₃ = h₂                    ∈ ℝ⁶     L₃  drop (Dropout)   dropout of 0.5: acts only in training
  ŷ  = softmax(W₄ h₃ + b₄)   ∈ ℝ³     L₄  last (Dense)

Weights
  W₂   ∈ ℝ⁶ˣ⁸   first/kernel   48 numbers; kept transposed, 8 × 6
  b₂   ∈ ℝ⁶     first/bias     6 numbers
  W₄   ∈ ℝ³ˣ⁶   last/kernel    18 numbers; kept transposed, 6 × 3
  b₄   ∈ ℝ³     last/bias      3 numbers

Functions
  ReLU(z)     = max(0, z)
  softmax(z)ᵢ = e^zᵢ/(Σⱼ e^zⱼ)

Loss
  ℒ       = 1/N Σₙ₌₁ᴺ ℓ(y⁽ⁿ⁾, ŷ⁽ⁿ⁾)   N samples in a batch
  ℓ(y, ŷ) = −log ŷ_y                  y is the number of the right class

Chain rule for first/kernel
  ∂ℒ/∂W₂ = ∂ℒ/∂ŷ · ∂ŷ/∂h₃ · ∂h₃/∂h₂ · ∂h₂/∂W₂   first → drop → last → loss
  Here h and ŷ stand for the values of all samples of a batch at once.

What is in it, for one sample
  ∂ŷ/∂h₃  = (diag(ŷ) − ŷ ŷᵀ) W₄                ∈ ℝ³ˣ⁶
  ∂h₃/∂h₂ = I                                  ∈ ℝ⁶ˣ⁶
  ∂ℓ/∂W₂  = δ₂ h₁ᵀ
  δ₂ᵀ     = ∂ℓ/∂h₂ · diag(ReLU′(W₂ h₁ + b₂))"""
    )


def test_notebooks_and_strings():
    page = explain(sequential())
    assert_is_mathematics(page)
    assert str(page) == page.text
    assert page._repr_latex_() == f"$$\n{page.latex}\n$$"
    assert r"- $h_{1} = \operatorname{vec}\left(x\right)" in page._repr_markdown_()
    assert "<table" in page._repr_html_() and "dropout of 0.5" in page._repr_html_()
    assert page.equations[1] == r"h_{1} = \operatorname{vec}\left(x\right) \in \mathbb{R}^{8}"
    assert "ℒ is any loss that is computed from ŷ" in page.text


def shared():
    x = tv.Input((8,))
    twice = layers.Dense(8, activation="relu", name="shared", kernel_regularizer="l2")
    a = twice(x)
    b = layers.Dense(8, activation="tanh", name="side")(a)
    total = layers.Add(name="add")([a, twice(b)])
    model = tv.Model(x, layers.Dense(1, name="head")(total), name="net")
    model.compile(loss="mse")
    return model


def test_a_shared_layer_is_named_once_and_every_path_is_summed():
    page = explain(shared())
    assert_is_mathematics(page)
    assert [line.strip() for line in equations(shared())] == [
        "x                       ∈ ℝ⁸   input",
        "h₁ = ReLU(W₁ x + b₁)    ∈ ℝ⁸   shared (Dense)",
        "h₂ = tanh(W₂ h₁ + b₂)   ∈ ℝ⁸   side (Dense)",
        "h₃ = ReLU(W₁ h₂ + b₁)   ∈ ℝ⁸   shared, call 2",
        "h₄ = h₁ + h₃            ∈ ℝ⁸   add (Add)",
        "ŷ  = W₅ h₄ + b₅         ∈ ℝ¹   head (Dense)",
    ]
    assert page.text.count("shared/kernel  ") == 1
    rule = page.gradient("shared/kernel")
    assert rule.paths == 3
    assert rule.text.splitlines()[1:5] == [
        "  ∂ℒ/∂W₁ = ∂ℒ/∂ŷ · ∂ŷ/∂h₄ · ∂h₄/∂h₃ · ∂h₃/∂h₂ · ∂h₂/∂h₁ · ∂h₁/∂W₁"
        "   shared → side → shared → add → head → loss",
        "         + ∂ℒ/∂ŷ · ∂ŷ/∂h₄ · ∂h₄/∂h₁ · ∂h₁/∂W₁                       shared → add → head → loss",
        "         + ∂ℒ/∂ŷ · ∂ŷ/∂h₄ · ∂h₄/∂h₃ · ∂h₃/∂W₁                       shared → add → head → loss",
        "         + ∂R/∂W₁                                                   regularization",
    ]
    assert "∂R/∂W₁  = 0.02 W₁" in rule.text
    assert "ℒ       = 1/N Σₙ₌₁ᴺ ℓ(y⁽ⁿ⁾, ŷ⁽ⁿ⁾) + R" in page.text
    assert "R       = 0.01 ‖W₁‖₂²" in page.text


def test_the_chosen_weight_by_name_path_end_or_symbol():
    model = shared()
    page = explain(model, weight="side/kernel")
    assert "Chain rule for side/kernel" in page.text
    for name in ("side/kernel", "net/side/kernel", "W₂"):
        assert page.gradient(name).text == page.gradient("side/kernel").text
    with pytest.raises(
        ValueError, match=r"no trained weight 'side/kernal'. Did you mean 'side/kernel'"
    ):
        page.gradient("side/kernal")
    with pytest.raises(ValueError, match="no trained weight"):
        explain(model, weight="kernel")  # three of them end so


def test_more_paths_than_fit_are_counted():
    x = h = tv.Input((2,))
    for i in range(40):
        h = layers.Add()([h, layers.Dense(2, name=f"d{i}")(h)])
    page = explain(tv.Model(x, h), max_paths=3)
    rule = page.gradient("d0/bias")
    assert rule.paths == 2**39
    assert "+ …" in rule.text and "5.5e+11 more paths" in rule.text
    assert rule.text.count("∂ℒ/∂ŷ ·") == 3 and "⋯" in rule.text
    assert explain(tv.Model(x, h)).gradient("d36/bias").text.count("∂ℒ/∂ŷ ·") == 8


def test_long_paths_are_named_by_what_sets_them_apart():
    def block(x, i):
        one = layers.Dense(2, name=f"quite_long_{i}_one")(x)
        return layers.Add(name=f"sum_{i}")([one, layers.Dense(2, name=f"quite_long_{i}_two")(x)])

    x = tv.Input((2,))
    model = tv.Model(
        x, layers.Dense(1, name="last")(block(block(layers.Dense(2, name="first")(x), 0), 1))
    )
    lines = explain(model, max_paths=3).gradient("first/bias").text.splitlines()
    assert [line.split("   ")[-1] for line in lines[1:5]] == [
        "first → quite_long_0_one → … → quite_long_1_one → … → last → loss",
        "first → quite_long_0_one → … → quite_long_1_two → … → last → loss",
        "first → quite_long_0_two → … → quite_long_1_one → … → last → loss",
        "1 more path",
    ]


def test_a_loss_that_a_weight_does_not_reach():
    x = tv.Input((2,))
    model = tv.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile(loss=["mse", None])
    rule = explain(model).gradient("b/kernel")
    assert rule.paths == 0 and "= 0   no path leads from it to the loss" in rule.text


def test_models_inside():
    inner = tv.Sequential(
        [tv.Input((4,)), layers.Dense(4, activation="relu", name="d")], name="inner"
    )
    x = tv.Input((4,))
    model = tv.Model(x, layers.Dense(1, name="out")(inner(inner(x))), name="net")
    closed, opened = explain(model), explain(model, expand_nested=True)
    assert equations(model)[1].startswith(
        "  h₁ = L₁(x)        ∈ ℝ⁴   L₁  inner (Sequential)   a model inside"
    )
    assert equations(model, expand_nested=True)[1:3] == [
        "  h₁ = ReLU(W₁ x + b₁)    ∈ ℝ⁴   L₁  inner/d (Dense)",
        "  h₂ = ReLU(W₁ h₁ + b₁)   ∈ ℝ⁴   L₁  inner/d, call 2",
    ]
    for page in (closed, opened):
        assert_is_mathematics(page)
        assert page.gradient("inner/d/kernel").paths == 2
    assert "ŷ = (L₃ ∘ L₁ ∘ L₁)(x)" in closed.text


class Free(tv.Model):
    """A model with a variable, operators, a slice, an added loss, a dict of inputs and of outputs."""

    def __init__(self):
        super().__init__(name="free")
        self.dense = layers.Dense(4, name="dense", activity_regularizer="l1")
        self.factor = self.add_weight((4,), name="factor")

    def call(self, inputs):
        h = self.dense(inputs["left"]) * self.factor - inputs["right"] / 2.0
        self.add_loss(ops.mean(ops.square(h)))
        return {"main": h[:, 1:3], "other": ops.tanh(h) @ np.ones((4, 2), "float32")}


def free():
    model = Free()
    model.build({"left": (None, 3), "right": (None, 4)})
    model.compile(loss={"main": "huber", "other": "mae"}, loss_weights={"main": 2.0, "other": 1.0})
    return model


def test_a_model_written_freely():
    page = explain(free(), weight="factor")
    assert_is_mathematics(page)
    body = str(page)
    for part in (
        "(ŷ₁, ŷ₂) = f(x₁, x₂)", "input left", "h₂ = h₁ ⊙ θ₂", "h₃ = x₂/2", "ŷ₁ = h₄[1:3]", "h₆ = tanh(h₄)",
        "ŷ₂ = h₆ C₇", "C₇   ∈ ℝ⁴ˣ²", "θ₂   ∈ ℝ⁴     factor", "Ω₁       = 1/N Σₙ₌₁ᴺ 0.01 ‖h₁⁽ⁿ⁾‖₁",
        "2 · 1/N Σₙ₌₁ᴺ ℓ₁(y₁⁽ⁿ⁾, ŷ₁⁽ⁿ⁾)", "∂h₄/∂h₂ · ∂h₂/∂θ₂",
    ):  # fmt: skip
        assert part in body, part
    assert page.gradient("factor").paths == 3 and page.gradient("dense/kernel").paths == 4


def test_a_variable_that_a_model_reads_by_itself():
    class Shift(tv.Model):
        def __init__(self):
            super().__init__(name="shift")
            self.offset = self.add_weight((3,), name="offset")

        def call(self, inputs):
            return ops.add(ops.exp(self.offset), inputs)

    model = Shift()
    model.build((None, 3))
    page = explain(model)
    assert_is_mathematics(page)
    assert (
        page.gradient("offset").text.splitlines()[1].split("   ")[0].strip().endswith("· ∂h₂/∂θ₁")
    )
    assert "h₂ = exp(θ₁)" in page.text


def test_jax_code_of_ones_own_is_quoted():
    class Sine(tv.Model):
        def __init__(self):
            super().__init__(name="sine")
            self.dense = layers.Dense(4, name="dense")
            self.factor = self.add_weight((4,), name="factor")

        def call(self, inputs):
            h = self.dense(inputs)
            return jax.numpy.sin(h) * self.factor.value

    model = Sine()
    model.build((None, 3))
    page = explain(model)
    assert_is_mathematics(page)
    assert re.search(r"ŷ  = f₃\(h₁, θ₂\) .* line \d+ of test_explain\.py: return jax", str(page)), (
        str(page)
    )
    assert page.gradient("factor").paths == 1
    assert page.check(np.ones((2, 3), "float32")).ok


# -- errors --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_explained():
    with pytest.raises(TypeError, match=r"Only a model can be looked into.*Sequential"):
        explain(layers.Dense(2))
    with pytest.raises(ValueError, match="is not built"):
        explain(Net())
    with pytest.raises(ValueError, match="no trained weight 'a'"):
        explain(tv.Sequential([tv.Input((2,)), layers.Flatten()]), weight="a")


# -- every layer ---------------------------------------------------------------------------------------------------

# Those that have a formula; every other one is shown as a function of its input and weights.
LAYERS = sorted(
    {
        c
        for n in layers.__all__
        if inspect.isclass(c := getattr(layers, n))
        and issubclass(c, layers.Layer)
        and any(base in _RULES for base in c.__mro__)
    },
    key=lambda c: c.__name__,
)
ARGUMENTS = {
    "Activation": ("gelu",), "AlphaDropout": (0.4,), "Conv1D": (4, 3), "Conv2D": (4, 3), "Conv3D": (4, 3),
    "Dense": (4, "sigmoid"), "Dropout": (0.4,), "Embedding": (7, 3), "GaussianDropout": (0.4,),
    "GaussianNoise": (0.4,), "Lambda": (lambda x: x * 2.0,), "Permute": ((2, 1),), "RepeatVector": (3,),
    "Rescaling": (0.5, 1.0), "Reshape": ((3, 5),), "ReversibleEmbedding": (7, 3),
    "SpatialDropout1D": (0.4,), "SpatialDropout2D": (0.4,), "SpatialDropout3D": (0.4,),
}  # fmt: skip
SETTINGS = {"GroupNormalization": {"groups": 1}, "Dot": {"axes": 1}}
SHAPES = {1: (6, 3), 2: (6, 6, 3), 3: (4, 4, 4, 2)}
MERGES = ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")


def one_layer(cls):
    name = cls.__name__
    layer = cls(*ARGUMENTS.get(name, ()), **SETTINGS.get(name, {}))
    if name in MERGES:
        inputs = [tv.Input((5,)), tv.Input((5,))]
        return tv.Model(inputs, layer(inputs))
    rank = re.search(r"([123])D", name)
    shape = (
        SHAPES[int(rank[1])]
        if rank
        else {"Reshape": (15,), "Permute": (5, 3), "Masking": (5, 3)}.get(name, (5,))
    )
    return tv.Sequential(
        [tv.Input(shape, dtype="int32" if name.endswith("Embedding") else None), layer]
    )


@pytest.mark.parametrize("cls", LAYERS, ids=lambda c: c.__name__)
def test_a_layer_s_formula(cls):
    for training in (False, True):
        page = explain(one_layer(cls), training=training)
        assert_is_mathematics(page)
        assert "f₁(" not in page.text
        trained = {w for w in page.symbols.values() if "moving" not in w}
        assert len(trained) >= len(one_layer(cls).trainable_weights)


@pytest.mark.parametrize(
    ("layer", "shape", "text"),
    [
        (layers.Dense(2, use_bias=False), (4,), "ŷ = W₁ x"),
        (layers.Dense(2, activation=lambda z: z * 2), (4,), "ŷ = f(W₁ x + b₁)"),
        (layers.ReLU(6.0, 0.1, 1.0), (4,), "ŷ = min(6, x ⊙ [x > 1]) + 0.1 min(0, x − 1)"),
        (layers.ELU(2.0), (4,), "ŷ = max(0, x) + 2 min(0, eˣ − 1)"),
        (layers.Softmax(axis=1), (4, 3), "ŷ = softmax_(axis 1)(x)"),
        (layers.BatchNormalization(scale=False), (4,), "ŷ = (x − μ₁)/√(σ₁² + 0.001) + β₁"),
        (layers.Permute((2, 3, 1)), (2, 3, 4), "ŷ = permute₂,₃,₁(x)"),
        (layers.Rescaling(1 / 4), (3,), "ŷ = 0.25 · x"),
        (layers.Conv2D(2, 3, activation="relu", use_bias=False), (5, 5, 1), "ŷ = ReLU(W₁ ∗ x)"),
        (layers.GlobalMaxPooling2D(), (5, 5, 1), "ŷ = maxᵢ,ⱼ [x]ᵢ,ⱼ"),
        (layers.GlobalAveragePooling1D(), (None, 4), "ŷ = 1/n Σᵢ [x]ᵢ"),
        (layers.MaxPooling2D((3, 2)), (9, 8, 1), "ŷ = maxpool_(3×2)(x)"),
    ],
)  # fmt: skip
def test_settings_show(layer, shape, text):
    assert last_equation(tv.Sequential([tv.Input(shape), layer])) == text


def test_chance_shows_in_training():
    model = tv.Sequential([tv.Input((4,)), layers.Dropout(0.25, name="drop")])
    assert [x.strip() for x in equations(model, training=True)[1:]] == [
        "ŷ = m₁/0.75 ⊙ x                              ∈ ℝ⁴   L₁  drop (Dropout)",
        "m₁ ~ 0 or 1, where 1 has the chance 0.75",
    ]


def test_masks_show():
    model = tv.Sequential(
        [
            tv.Input((6,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.GlobalAveragePooling1D(),
        ]
    )
    assert any("ŷ  = (Σᵢ [h₂]ᵢ [h₁]ᵢ)/(Σᵢ [h₂]ᵢ)" in line for line in equations(model))
    padded = tv.Sequential([tv.Input((6, 2)), layers.Masking(), layers.Dense(1)])
    padded.compile(loss="mse")
    assert "only steps that the mask lets count" in str(explain(padded))


def test_unknown_sizes_have_letters():
    class Growing(tv.Model):
        def call(self, inputs):
            return ops.concatenate([inputs, inputs[:, 1:]], axis=1)

    model = Growing()
    model.build((None, None, 3))
    assert "ŷ  = [x; h₁]   ∈ ℝ⁽²ⁿ⁻¹⁾ˣ³" in str(explain(model))


# -- what the formulas say is what the layers do -------------------------------------------------------------------


def _indices(text):
    """Return the index expressions of `[x]_{…}` as Python functions of the letters."""
    parts = [re.sub(r"(\d)([a-z])", r"\1*\2", part) for part in text.split(",")]
    return [eval(f"lambda i=0,j=0,u=0,v=0,l=0,m=0: {part}") for part in parts]


def _by_formula(model, x, weights, windows):
    """Compute a convolution or pooling from the indices that its equation names, one number at a time."""
    where = next(line for line in explain(model).equations if line.startswith(r"\quad"))
    total, factor = r"\sum" in where, re.search(r"\\frac\{1\}\{(\d+)\}", where)
    cell = _indices(re.search(r"\\left\[x\\right\]_\{([^}]*)\}", where)[1])
    entry = re.search(r"\\left\[W_\{1\}\\right\]_\{([^}]*)\}", where)
    kernel = _indices(entry[1]) if entry else None
    out = np.zeros(model.output_shape[1:])
    rank = len(windows)
    for place in np.ndindex(out.shape):
        at = dict(zip("ij", place[:-1], strict=False)) | {"m": place[-1]}
        terms = []
        for offset in np.ndindex(*windows):
            at |= dict(zip("uv", offset, strict=False))
            for channel in range(x.shape[-1] if kernel else 1):
                at["l"] = channel
                index = tuple(f(**at) for f in cell)
                inside = all(0 <= n < size for n, size in zip(index[:rank], x.shape, strict=False))
                value = x[index] if inside else 0.0
                terms.append(value * weights[tuple(f(**at) for f in kernel)] if kernel else value)
        out[place] = (sum(terms) if total else max(terms)) * (1 / int(factor[1]) if factor else 1)
    return out


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Conv2D(2, (3, 2)), (5, 6, 2)),
        (layers.Conv2D(2, 3, padding="same"), (5, 4, 1)),
        (layers.Conv2D(2, 3, strides=2, padding="same"), (5, 6, 1)),
        (layers.Conv2D(1, 2, strides=(2, 1)), (6, 4, 2)),
        (layers.Conv2D(1, (2, 3), dilation_rate=(2, 1)), (6, 5, 1)),
        (layers.Conv1D(2, 3, padding="causal"), (6, 2)),
        (layers.Conv1D(2, 2, padding="causal", dilation_rate=2), (6, 1)),
        (layers.Conv1D(2, 1), (4, 3)),
        (layers.MaxPooling2D(), (5, 6, 2)),
        (layers.MaxPooling2D(3, strides=1), (5, 4, 1)),
        (layers.AveragePooling2D((2, 1)), (4, 4, 2)),
        (layers.AveragePooling1D(3), (7, 2)),
    ],
)  # fmt: skip
def test_the_indices_of_windows_are_those_of_the_layer(layer, shape):
    model = tv.Sequential([tv.Input(shape), layer])
    x = np.random.default_rng(1).normal(size=shape).astype("float32")
    weights = layer.kernel.numpy() if hasattr(layer, "kernel") else None
    windows = layer.kernel_size if weights is not None else layer.pool_size
    wanted = np.asarray(model(x[None]))[0]
    np.testing.assert_allclose(_by_formula(model, x, weights, windows), wanted, atol=1e-5)


def _stated(model, pair):
    line = next(x for s in explain(model).sections for x in s.lines if x.left == pair)
    return line.right.removeprefix("= ")


TOP, BOTTOM = r"\frac{\partial \hat{y}}{\partial x}", r"\frac{\partial \hat{y}}{\partial h_{1}}"


@pytest.mark.parametrize(
    ("activation", "said", "slope"),
    [
        ("relu", r"\operatorname{diag}\left(\operatorname{ReLU}'\left(W_{2} h_{1} + b_{2}\right)\right) W_{2}",
         lambda z, y: np.diag((z > 0).astype(float))),
        ("tanh", r"\operatorname{diag}\left(\tanh'\left(W_{2} h_{1} + b_{2}\right)\right) W_{2}",
         lambda z, y: np.diag(1 - np.tanh(z) ** 2)),
        ("softmax", r"\left(\operatorname{diag}\left(\hat{y}\right) - \hat{y} \hat{y}^{\top}\right) W_{2}",
         lambda z, y: np.diag(y) - np.outer(y, y)),
        (None, "W_{2}", lambda z, y: np.eye(len(z))),
    ],
)  # fmt: skip
def test_the_jacobians_that_are_stated_hold(activation, said, slope):
    dense = layers.Dense(3, activation=activation)
    model = tv.Sequential([tv.Input((4,)), layers.Dense(5), dense])
    assert _stated(model, BOTTOM) == said
    h = np.random.default_rng(0).normal(size=5).astype("float32")
    w, b = dense.kernel.numpy().T, dense.bias.numpy()
    jacobian = jax.jacobian(lambda h: dense(h[None])[0])(h)
    np.testing.assert_allclose(
        slope(w @ h + b, np.asarray(dense(h[None])[0])) @ w, jacobian, atol=1e-5
    )


def test_what_is_said_of_one_samples_gradient_holds():
    first, last = layers.Dense(3, "tanh", name="a"), layers.Dense(1, name="b")
    model = tv.Sequential([tv.Input((4,)), first, last])
    model.compile(loss="mse")
    text = explain(model).gradient("a/kernel").text
    assert "∂ℓ/∂W₁ = δ₁ xᵀ" in text and "δ₁ᵀ    = ∂ℓ/∂h₁ · diag(tanh′(W₁ x + b₁))" in text
    x = np.random.default_rng(0).normal(size=4).astype("float32")
    z = first.kernel.numpy().T @ x + first.bias.numpy()
    error = 2 * (float(last(np.tanh(z)[None])[0, 0]) - 1.0)
    delta = error * last.kernel.numpy()[:, 0] * (1 - np.tanh(z) ** 2)

    def loss(kernel):
        return (last(jax.numpy.tanh(x[None] @ kernel + first.bias.value))[0, 0] - 1.0) ** 2

    np.testing.assert_allclose(np.outer(delta, x), jax.grad(loss)(first.kernel.value).T, atol=1e-5)


def test_jacobians_of_merges_only_where_they_hold():
    def merged(layer, *sizes):
        inputs = [tv.Input((n,)) for n in sizes]
        hidden = [layers.Dense(n)(x) for n, x in zip(sizes, inputs, strict=True)]
        return explain(tv.Model(inputs, layer(hidden))).text

    assert "∂ŷ/∂h₁ = 1/2 I" in merged(layers.Average(), 3, 3)
    assert "∂ŷ/∂h₁ = I" in merged(layers.Subtract(), 3, 3)
    assert "∂ŷ/∂h₁ =" not in merged(layers.Add(), 3, 1)  # broadcast
    x = tv.Input((3,))
    h = layers.Dense(3)(x)
    assert "∂ŷ/∂h₁ =" not in explain(tv.Model(x, layers.Add()([h, h]))).text  # twice the same


# -- ops and operators ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: x + 1.0, "ŷ = x + 1"),
        (lambda x: 1.0 - x, "ŷ = 1 − x"),
        (lambda x: x - (-2.0), "ŷ = x − (−2)"),
        (lambda x: x * 3.0, "ŷ = 3 · x"),
        (lambda x: x / 2.0, "ŷ = x/2"),
        (lambda x: x**2, "ŷ = x²"),
        (lambda x: -x, "ŷ = −x"),
        (lambda x: abs(x), "ŷ = |x|"),
        (lambda x: x @ np.ones((4, 2), "float32"), "ŷ = x C₁"),
        (lambda x: x[:, 1:], "ŷ = x[1:]"),
        (lambda x: x[..., ::2], "ŷ = x[…, ::2]"),
        (lambda x: x[:, None], "ŷ = x[None]"),
        (lambda x: x > 0, "ŷ = [x > 0]"),
        (lambda x: ops.relu(x), "ŷ = ReLU(x)"),
        (lambda x: ops.leaky_relu(x, 0.1), "ŷ = LeakyReLU_(negative_slope=0.1)(x)"),
        (lambda x: ops.mean(x, axis=-1), "ŷ = mean_(axis -1)(x)"),
        (lambda x: ops.sum(x), "ŷ = Σ x"),
        (lambda x: ops.max(x, axis=(0, 1)), "ŷ = max_(axes 0, 1)(x)"),
        (lambda x: ops.logsumexp(x, axis=1), "ŷ = log Σ exp_(axis 1)(x)"),
        (lambda x: ops.exp(x), "ŷ = exp(x)"),
        (lambda x: ops.sqrt(x), "ŷ = √x"),
        (lambda x: ops.clip(x, -1, 1), "ŷ = min(1, max((−1), x))"),
        (lambda x: ops.maximum(x, 0.5), "ŷ = max(x, 0.5)"),
        (lambda x: ops.where(x > 0, x, 0.0), "ŷ = h₁ · x + (1 − h₁) · 0"),
        (lambda x: ops.stop_gradient(x), "ŷ = x"),
        (lambda x: ops.reshape(x, (-1, 2, 2)), "ŷ = reshape(x)"),
        (lambda x: ops.cast(x, "bfloat16"), "ŷ = x"),
        (lambda x: ops.concatenate([x, x], axis=-1), "ŷ = [x; x]"),
        (lambda x: ops.take(x, [0, 2], axis=1), "ŷ = take(x, (0, 2), axis = 1)"),
        (lambda x: ops.top_k(x, 2)[0], "ŷ, h₁⁽²⁾ = top_k(x, 2)"),
        (lambda x: ops.cumsum(x, axis=1), "ŷ = cumsum(x, axis = 1)"),
        (lambda x: ops.einsum("bi,bj->bij", x, x), "ŷ = einsum(bi,bj->bij, x, x)"),
    ],
)  # fmt: skip
def test_ops(function, text):
    x = tv.Input((4,))
    model = tv.Model(x, function(x))
    assert_is_mathematics(explain(model))
    assert re.sub(" +", " ", last_equation(model)) == text


@pytest.mark.parametrize("name", sorted({n for n in ops.__all__ if n in tv.activations.__all__}))
def test_every_activation_has_a_definition(name):
    for room in (ops, tv.activations):
        function = getattr(room, name)
        extra = (0.5, 0.0) if name == "threshold" else ()
        x = tv.Input((4,))
        page = explain(tv.Model(x, function(x, *extra)))
        assert_is_mathematics(page)
        assert name == "threshold" or "Functions" in page.text


def test_a_loss_computed_inside():
    x, y = tv.Input((3,)), tv.Input((3,))
    page = explain(tv.Model([x, y], losses.MeanSquaredError()(y, layers.Dense(3)(x))))
    assert "ŷ  = mean_squared_error(x₂, h₁)" in page.text


# -- losses --------------------------------------------------------------------------------------------------------

LOSSES = [
    n
    for n in losses.__all__
    if inspect.isclass(getattr(losses, n)) and n not in ("Loss", "LossFunctionWrapper")
]


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_formula(name):
    made = getattr(losses, name)(**({"q": 0.5} if "Generalized" in name else {}))
    if name != "Circle":  # named only: it compares each sample with all others
        assert made.fn.__name__ in _LOSSES
    for units in (1, 3):
        model = tv.Sequential([tv.Input((4,)), layers.Dense(units)])
        model.compile(loss=made)
        page = explain(model)
        assert_is_mathematics(page)
        assert "ℓ(y, ŷ) = " in page.text


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        ("mse", "1/3 Σᵢ₌₁³ (yᵢ − ŷᵢ)²"),
        (losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
         "−1/3 Σᵢ₌₁³ (yᵢ log sigmoid(ŷᵢ) + (1 − yᵢ) log(1 − sigmoid(ŷᵢ)))"
         "   targets smoothed by 0.1; predictions are logits"),
        (losses.Huber(2.0), "1/3 Σᵢ₌₁³ (1/2 aᵢ² + 2 (eᵢ − aᵢ)),   eᵢ = |yᵢ − ŷᵢ|,   aᵢ = min(eᵢ, 2)"),
        ("crossentropy", "crossentropy(y, ŷ)"),
        (lambda y, p: abs(y - p), "<lambda>(y, ŷ)"),
    ],
)  # fmt: skip
def test_the_loss_in_symbols(loss, text):
    model = tv.Sequential([tv.Input((4,)), layers.Dense(3)])
    model.compile(loss=loss)
    assert f"ℓ(y, ŷ) = {text}" in re.sub(r" {4,}", "   ", str(explain(model)))


def test_huber_in_symbols_is_huber():
    y, p = np.array([[0.0, 0.0, 0.0]]), np.array([[0.5, -1.5, 4.0]])
    e = np.abs(y - p)
    a = np.minimum(e, 2.0)
    np.testing.assert_allclose(losses.Huber(2.0)(y, p), np.mean(a**2 / 2 + 2 * (e - a)), rtol=1e-6)


def test_reductions_positions_and_penalties():
    model = tv.Sequential(
        [tv.Input((5, 4)), layers.Dense(3, kernel_regularizer=tv.regularizers.L1L2(0.1, 0.2))]
    )
    model.compile(loss=losses.MeanSquaredError())
    assert "ℒ       = 1/(N · 5) Σₙ,ⱼ ℓ(y⁽ⁿ,ʲ⁾, ŷ⁽ⁿ,ʲ⁾) + R" in str(explain(model))
    assert "R       = 0.1 ‖W₁‖₁ + 0.2 ‖W₁‖₂²" in str(explain(model))
    model.compile(loss=losses.MeanSquaredError(reduction="sum"))
    assert "ℒ       = Σₙ,ⱼ ℓ(y⁽ⁿ,ʲ⁾, ŷ⁽ⁿ,ʲ⁾) + R" in str(explain(model))
    model.compile(loss=None)
    assert "ℒ = R" in str(explain(model))


def test_a_model_with_steps_of_its_own():
    class Own(tv.Model):
        def __init__(self):
            super().__init__()
            self.d = layers.Dense(1)

        def call(self, inputs):
            return self.d(inputs)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean(y_pred)

    class Stepping(Own):
        compute_loss = tv.Model.compute_loss

        def train_step(self, state, data):
            return super().train_step(state, data)

    for cls, text in (
        (Own, "ℒ = compute_loss(x, y, ŷ)"),
        (Stepping, "has a `train_step` of its own"),
    ):
        model = cls()
        model.build((None, 2))
        model.compile(loss="mse")
        assert text in str(explain(model))
    assert model._trainer.loss.built is False  # Looking leaves it as it was.


# -- your own ------------------------------------------------------------------------------------------------------


class Mine(layers.Layer):
    def build(self, input_shape):
        self.a = self.add_weight((input_shape[-1],), name="a")
        self.b = self.add_weight((), name="b")

    def call(self, inputs):
        return inputs * self.a + self.b


def test_a_layer_of_ones_own_is_a_function_with_parameters():
    model = tv.Sequential([tv.Input((3,)), Mine(name="mine")])
    page = explain(model)
    assert_is_mathematics(page)
    assert last_equation(model) == "ŷ = f₁(x; θ₁⁽¹⁾, θ₁⁽²⁾)"
    assert page.symbols == {"θ₁⁽¹⁾": "mine/a", "θ₁⁽²⁾": "mine/b"}


FALLBACK = {
    "Dense": (lambda: layers.Dense(2, activation="tanh", name="part"), "f₂(h₁; θ₂⁽¹⁾, θ₂⁽²⁾)"),
    "BatchNormalization": (lambda: layers.BatchNormalization(name="part"), "f₂(h₁; θ₂⁽¹⁾, θ₂⁽²⁾, θ₂⁽³⁾, θ₂⁽⁴⁾)"),
    "ReLU": (lambda: layers.ReLU(name="part"), "f₂(h₁)"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FALLBACK)
def test_a_class_without_a_formula_is_a_function_too(kind, monkeypatch):
    monkeypatch.delitem(_RULES, getattr(layers, kind))
    make, written = FALLBACK[kind]
    model = tv.Sequential([tv.Input((3,)), layers.Dense(4), make(), layers.Dense(1)])
    page = explain(model)
    assert_is_mathematics(page)
    (line,) = [line for line in page.text.splitlines() if line.strip().startswith("h₂")]
    assert f"= {written} " in line and f"part ({kind})" in line
    assert len(page.symbols) == len(model.weights)
    checked = page.check(np.ones((2, 3), "float32"))
    assert checked.ok and "dense" in str(checked)


def test_it_may_say_its_formula_itself():
    class Said(Mine):
        def formula(self, call):
            call.note("said by itself")
            call.jacobian(rf"\operatorname{{diag}}\left({call.weight('a', 'a')}\right)")
            return rf"{call.weight('a', 'a')} \odot {call.x} + {call.weight('b', 'b')}"

    model = tv.Sequential([tv.Input((3,)), layers.Dense(3), Said(name="mine")])
    assert last_equation(model) == "ŷ  = a₂ ⊙ h₁ + b₂"
    assert "said by itself" in str(explain(model)) and "∂ŷ/∂h₁ = diag(a₂)" in str(explain(model))


def test_or_have_it_registered():
    class Given(Mine):
        pass

    @register_formula(Given)
    def rule(call):
        return rf"\operatorname{{given}}\left({call.x}\right)"

    assert last_equation(tv.Sequential([tv.Input((3,)), Given()])) == "ŷ = given(x)"

    def bent(z):
        return z * 2

    register_function(bent, "bent", "2 z")
    page = explain(tv.Sequential([tv.Input((3,)), layers.Dense(2, activation=bent)]))
    assert "bent(z) = 2 z" in page.text


def test_a_subclass_with_another_call_does_not_inherit_the_formula():
    class Other(layers.Dense):
        def call(self, inputs):
            return ops.exp(super().call(inputs))

    class Same(layers.Dense):
        pass

    assert last_equation(tv.Sequential([tv.Input((3,)), Other(2)])) == "ŷ = f₁(x; θ₁⁽¹⁾, θ₁⁽²⁾)"
    assert last_equation(tv.Sequential([tv.Input((3,)), Same(2)])) == "ŷ = W₁ x + b₁"


# -- the tape ------------------------------------------------------------------------------------------------------


def test_a_tape_runs_like_the_model():
    model = free()
    x = {"left": np.ones((2, 3), "float32"), "right": np.ones((2, 4), "float32")}
    tape = Tape(model)
    values = {id(s): v for s, v in zip(tape.inputs, tape.values(x), strict=True)}
    state = {id(v): v.value for v in model.variables}
    for step in tape.steps:
        result = step.run([values[id(s)] for s in step.inputs], [None] * len(step.inputs), state)
        values |= {id(s): v for s, v in zip(step.outputs, result.outputs, strict=True)}
    outputs = jax.tree_util.tree_leaves(model(x))
    for slot, wanted in zip(tape.outputs, outputs, strict=True):
        np.testing.assert_array_equal(values[id(slot)], wanted)


def test_a_hundred_layers_are_explained_at_once():
    import time

    model = tv.Sequential([tv.Input((8,)), *(layers.Dense(8) for _ in range(100))])
    begin = time.process_time()
    text = explain(model).text
    assert time.process_time() - begin < 2
    assert "ŷ = (L₁₀₀ ∘ L₉₉ ∘ L₉₈ ∘ ⋯ ∘ L₃ ∘ L₂ ∘ L₁)(x)" in text


@pytest.mark.parametrize("tied", [True, False])
def test_an_embedding_goes_back(tied):
    table = layers.ReversibleEmbedding(7, 3, tie_weights=tied, logit_soft_cap=5)
    words = tv.Input((4,), dtype="int32")
    vectors = layers.Dense(3)(table(words))
    for scores in (table(vectors, reverse=True), table(vectors, True)):
        page = explain(tv.Model(words, scores))
        assert_is_mathematics(page)
        assert ("E₁ h₂" if tied else "R₁ h₂") in page.text and "tanh" in page.text
