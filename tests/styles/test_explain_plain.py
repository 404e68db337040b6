"""LaTeX as plain text, and the page in its four forms."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivium.styles.explain.document import Line, Section, to_html, to_latex, to_markdown, to_plain
from trivium.styles.explain.notation import number, words
from trivium.styles.explain.plain import to_text, width


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"h_{12} = W_{1} x + b_{1}", "h₁₂ = W₁ x + b₁"),
        (r"\hat{y} \in \mathbb{R}^{28\times 28}", "ŷ ∈ ℝ²⁸ˣ²⁸"),
        (r"\mathbb{R}^{n\times (2n+1)}", "ℝⁿˣ⁽²ⁿ⁺¹⁾"),
        (r"\left(L_{2} \circ L_{1}\right)\left(x\right)", "(L₂ ∘ L₁)(x)"),
        (r"\frac{1}{1 + e^{-z}}", "1/(1 + e⁻ᶻ)"),
        (r"\frac{a + b}{\sqrt{c}} + d", "(a + b)/√c + d"),
        (r"\frac{x}{\left\Vert x\right\Vert_{2}}", "x/‖x‖₂"),
        (r"\sum_{n=1}^{N} \ell\left(y^{(n)}\right)", "Σₙ₌₁ᴺ ℓ(y⁽ⁿ⁾)"),
        (r"\max_{0 \leq u,v < 3} \left[x\right]_{2i+u,m}", "max_(0 ≤ u,v < 3) [x]₂ᵢ₊ᵤ,ₘ"),
        (r"\operatorname{mean}_{\text{axis 1}}\left(x\right)", "mean_(axis 1)(x)"),
        (r"\tanh'\left(z\right) \odot \log z", "tanh′(z) ⊙ log z"),
        (r"\log\left(1 + z\right)", "log(1 + z)"),
        (r"\left[x_{1} ; x_{2}\right]", "[x₁; x₂]"),
        (r"x\left[:2\right]", "x[:2]"),
        (r"-\log \hat{y}_{y}", "−log ŷ_y"),
        (r"\left\lfloor \frac{a}{b} \right\rfloor", "⌊a/b⌋"),
        (r"W_{1}^{\top} x, \quad \theta_{2}^{(1)}", "W₁ᵀ x,   θ₂⁽¹⁾"),
        (r"\text{my\_layer} \cdot \sigma_{2}^{2}", "my_layer · σ₂²"),
        (r"\begin{aligned} a &= b \end{aligned}", "a = b"),
        (r"\unheard{x} + 1", "unheardx + 1"),
    ],
)
def test_formulas_in_unicode(latex, text):
    assert to_text(latex) == text


@given(st.text(alphabet=r"\{}_^&ab1 +-()[]\frac\hat", max_size=30))
@settings(deadline=None, max_examples=200)
def test_any_text_can_be_read(latex):
    assert isinstance(to_text(latex), str)


def test_width_leaves_out_what_takes_no_column():
    assert width("x̂ ŷ") == 3


@pytest.mark.parametrize(
    ("value", "latex"),
    [
        (2, "2"), (-0.5, "-0.5"), (1e-3, "0.001"), (1e-7, "10^{-7}"), (3e8, r"3 \cdot 10^{8}"),
        (float("inf"), r"\infty"), (True, r"\text{True}"), (float("nan"), r"\text{nan}"),
    ],
)  # fmt: skip
def test_numbers(value, latex):
    assert number(value) == latex


def test_words_are_set_as_they_are():
    assert words("50% of a_b & {c}") == r"\text{50\% of a\_b \&  c }"


def page():
    return [
        Section("One", [Line("x", "", r"\mathbb{R}^{2}", "input"),
                        Line(r"\hat{y}", "= W_{1} x", r"\mathbb{R}^{3}", "out_1", "a note", "L_{1}")],
                ["A sentence."]),
        Section("Two", [Line("a", "< b")]),
    ]  # fmt: skip


def test_a_page_as_text():
    assert to_plain(page()) == (
        "One\n"
        "  x          ∈ ℝ²   input\n"
        "  ŷ = W₁ x   ∈ ℝ³   L₁  out_1   a note\n"
        "  A sentence.\n"
        "\n"
        "Two\n"
        "  a < b"
    )


def test_a_page_as_latex():
    assert to_latex(page()).splitlines() == [
        r"\begin{aligned}",
        r"&\textbf{One} \\",
        r"&x \in \mathbb{R}^{2} && \text{input} \\",
        r"\hat{y} &= W_{1} x \in \mathbb{R}^{3} && L_{1} \quad \text{out\_1; a note} \\",
        r"&\text{A sentence.} \\",
        r"&\textbf{Two} \\",
        r"a &< b",
        r"\end{aligned}",
    ]


def test_a_page_as_markdown_and_html():
    assert to_markdown(page()).splitlines()[:4] == [
        "**One**",
        "",
        r"- $x \in \mathbb{R}^{2}$ — input",
        r"- $\hat{y} = W_{1} x \in \mathbb{R}^{3}$ — $L_{1}$ out_1; a note",
    ]
    html = to_html(page())
    assert "<td>$a &lt; b$</td>" in html and html.count("<tr>") == 3
    assert "<h4>Two</h4>" in html and "<p>A sentence.</p>" in html
