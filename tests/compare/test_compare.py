from __future__ import annotations

import math
from pathlib import Path

import pytest
from rich.console import Console

from trivium.cli import main
from trivium.compare import CompareError, Settings, compare

pytestmark = pytest.mark.optimized  # Bits of programs written in several ways.


@pytest.mark.slow
def test_the_three_styles_of_the_article_are_identical(tmp_path: Path) -> None:
    out = tmp_path / "report"
    console = Console(width=80)
    with console.capture() as captured:
        comparison = compare(Settings(epochs=2, limit=256, out=out), console)
    text = captured.get()
    assert comparison.identical
    assert [r.style for r in comparison.results] == ["sequential", "functional", "subclass"]
    assert "All three styles are the same network" in text
    assert "2/2 epochs" in text
    assert str(out / "index.html") in text
    assert len(list(out.glob("*.png"))) == 4
    first, *others = comparison.results
    assert first.parameters == 266_610
    assert first.history.keys() == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert all(len(v) == 2 and all(map(math.isfinite, v)) for v in first.history.values())
    assert first.predictions.shape == (10_000, 10)
    assert [r.compilations for r in others] == [0, 0]


@pytest.mark.slow
def test_a_seed_gives_the_same_again_and_another_seed_does_not() -> None:
    def weights(seed: int) -> str:
        asked = Settings(epochs=1, limit=60, seed=seed, styles=("functional",), out=None)
        return compare(asked).results[0].weights_sha256

    assert weights(1) == weights(1) != weights(2)


MINE = """
import trivium as tv

def sequential():
    layers = [tv.layers.Flatten(), tv.layers.Dense(10, activation="softmax")]
    return tv.Sequential([tv.Input((28, 28)), *layers])

def functional():
    x = tv.Input((28, 28))
    y = tv.layers.Dense({units}, activation="softmax")(tv.layers.Flatten()(x))
    return tv.Model(x, y)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("units", "status"), [(10, 0), (11, 1)])
def test_own_models(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], units: int, status: int
) -> None:
    (tmp_path / "mine.py").write_text(MINE.format(units=units))
    words = ["--module", str(tmp_path / "mine.py"), "--epochs", "1", "--limit", "60"]
    assert main(["compare", *words, "--out", str(tmp_path / "out")]) == status
    text = capsys.readouterr().out
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "has no function subclass()" in text
    assert "has no function subclass()" in page
    assert ("differ in size" in page) == bool(status)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return 3", r"functional\(\) in .*mine\.py returns a int; wanted a trivium\.Model"),
        ("raise KeyError('units')", r"mine\.py, line 4: KeyError: 'units'"),
        (
            "x = tv.Input((7, 7)); return tv.Model(x, tv.layers.Dense(10)(tv.layers.Flatten()(x)))",
            r"the model of functional\(\) cannot be trained: ",
        ),
    ],
)
def test_own_models_that_do_not_work(tmp_path: Path, body: str, message: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"import trivium as tv\n\ndef functional():\n    {body}\n")
    with pytest.raises(CompareError, match=message):
        compare(Settings(epochs=1, limit=60, module=path, out=None))
