"""LaTeX as plain text: the part of LaTeX that formulas here are written in, in Unicode characters."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["to_text", "width"]

_SUB = dict(
    zip("0123456789+-=()aehijklmnoprstuvx,", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ,", strict=True)
)
_SUP = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW×⊤′*,",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂˣᵀ′*,",
        strict=True,
    )
)
# The space behind a function's name, which a parenthesis takes away.
_GAP = "\u2009"
_SPACES = f" {_GAP}"
_ACCENTS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "dot": "\u0307"}
_ALPHABETS = {
    "mathbb": {"R": "ℝ", "Z": "ℤ", "C": "ℂ", "N": "ℕ"},
    "mathcal": {"L": "ℒ", "N": "𝒩", "U": "𝒰", "B": "ℬ", "F": "ℱ"},
}
_WORDS = ("text", "mathrm", "operatorname", "textbf", "mathbf", "mathtt")
_NAMES = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε", "zeta": "ζ",
    "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω", "partial": "∂", "ell": "ℓ", "infty": "∞", "top": "⊤", "prime": "′", "nabla": "∇",
    "sum": f"Σ{_GAP}", "prod": f"Π{_GAP}", "int": "∫", "ldots": "…", "cdots": " ⋯ ", "lfloor": "⌊", "rfloor": "⌋",
    "lceil": "⌈", "rceil": "⌉", "langle": "⟨", "rangle": "⟩", "Vert": "‖", "vert": "|", "colon": ":",
    "odot": " ⊙ ", "cdot": " · ", "circ": " ∘ ", "in": " ∈ ", "leq": " ≤ ", "geq": " ≥ ", "neq": " ≠ ",
    "approx": " ≈ ", "to": " → ", "mapsto": " ↦ ", "ast": " ∗ ", "otimes": " ⊗ ", "oplus": " ⊕ ",
    "wedge": " ∧ ", "vee": " ∨ ", "neg": "¬", "sim": " ~ ", "times": "×", "pm": "±", "quad": "\u2003",
    "left": "", "right": "", "displaystyle": "",
}  # fmt: skip
_FUNCTIONS = ("max", "min", "log", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arg", "det")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}^_&]|\s+|.", re.DOTALL)


def to_text(latex: str) -> str:
    r"""Return a formula in Unicode characters.

    It knows the macros that formulas here use; one that it does not know is written by its name.

    Args:
        latex: The formula, without dollar signs.

    Example:
        >>> to_text(r"h_{1} = \operatorname{ReLU}\left(W_{1} x + b_{1}\right) \in \mathbb{R}^{300\times 784}")
        'h₁ = ReLU(W₁ x + b₁) ∈ ℝ³⁰⁰ˣ⁷⁸⁴'
        >>> to_text(r"\frac{\partial \mathcal{L}}{\partial W_{1}}")
        '∂ℒ/∂W₁'
    """
    text = _Reader(latex).sequence()
    text = text.replace(f"{_GAP}(", "(").replace(_GAP, " ")
    text = re.sub(r" +", " ", text).replace(" \u2003", "\u2003").replace("\u2003 ", "\u2003")
    text = re.sub(r"([([⟨⌊⌈]) ", r"\1", re.sub(r" ([)\]⟩⌋⌉,;])", r"\1", text))
    return unicodedata.normalize("NFC", text.replace("\u2003", "   ")).strip()


def width(text: str) -> int:
    """Return how many columns a text takes in a terminal.

    Example:
        >>> width("x̂ ∈ ℝ²")
        6
    """
    return sum(not unicodedata.combining(c) for c in text)


class _Reader:
    """A recursive reader of tokens; each part is turned into text as it is read."""

    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.place = 0

    def next(self) -> str:
        token = self.tokens[self.place] if self.place < len(self.tokens) else ""
        self.place += 1
        return str(token)

    def sequence(self) -> str:
        """Read up to a closing brace or the end."""
        parts: list[str] = []
        while self.place < len(self.tokens):
            after_name = self.place > 0 and re.fullmatch(
                r"\\[A-Za-z]+", self.tokens[self.place - 1]
            )
            token = self.next()
            if token == "}":
                break
            if token in "^_":
                script = self.argument()
                base = parts.pop().rstrip(_SPACES) if parts else ""
                tail = _GAP if base in _FUNCTIONS else ""
                parts.append(base + _script(script, _SUP if token == "^" else _SUB, token) + tail)
            elif token.isspace():
                parts.append("" if after_name else " ")
            elif token == "'":
                parts.append(parts.pop().rstrip(_SPACES) + "′" if parts else "′")
            else:
                parts.append(self.atom(token))
        return "".join(parts)

    def argument(self) -> str:
        token = self.next()
        while token.isspace():
            token = self.next()
        return self.sequence() if token == "{" else self.atom(token)

    def raw(self) -> str:
        """Read the argument of a macro that sets words, spaces and all."""
        depth, parts = 0, []
        while self.place <= len(self.tokens):
            token = self.next()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
            parts.append(token.removeprefix("\\") if token != "{" or depth > 1 else "")
        return "".join(parts)

    def atom(self, token: str) -> str:
        if token == "{":
            return self.sequence()
        if token == "-":
            return "−"
        if token in ("&", "\\!"):
            return ""
        if not token.startswith("\\") or len(token) == 1:
            return token
        name = token[1:]
        if name in _NAMES:
            return _NAMES[name]
        if name in _FUNCTIONS:
            return f"{name}{_GAP}"
        if name in _WORDS:
            return self.raw()
        return self.macro(name)

    def macro(self, name: str) -> str:
        if name == "frac":
            return f"{_factor(self.argument())}/{_factor(self.argument())}"
        if name == "sqrt":
            inside = self.argument().strip()
            return f"√{inside}" if re.fullmatch(r"\w+", inside) else f"√({inside})"
        if name in _ACCENTS:
            inside = self.argument()
            return inside[:1] + _ACCENTS[name] + inside[1:]
        if name in _ALPHABETS:
            inside = self.argument()
            return "".join(_ALPHABETS[name].get(c, c) for c in inside)
        if name in ("begin", "end"):
            self.raw()
            return ""
        return {"\\": "\n", ",": " ", ";": " ", " ": " ", "|": "‖"}.get(name, name)


def _script(text: str, alphabet: dict[str, str], sign: str) -> str:
    """Return a sub- or superscript: in small characters where all of it has them."""
    text = text.strip()
    small = [alphabet.get({"−": "-"}.get(c, c)) for c in text.replace(" ", "")]
    if all(c is not None for c in small) and not re.search(r"[A-Za-z]{3}", text):
        return "".join(c for c in small if c is not None)
    return f"{sign}{text}" if re.fullmatch(r"\w+", text) else f"{sign}({text})"


def _factor(text: str) -> str:
    """Put parentheses around what a division bar would otherwise tear apart."""
    text = text.strip()
    whole = re.fullmatch(r"\([^()]*\)|‖[^‖]*‖\S*|√\([^()]*\)", text)
    return text if whole or not re.search(r"[ +−/]", text) else f"({text})"
