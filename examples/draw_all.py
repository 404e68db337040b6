"""Draw the examples that docs/styles.md walks through, as it shows them.

python examples/draw_all.py
python examples/draw_all.py FOLDER
"""

import importlib
import sys
from pathlib import Path

import trivium as tv

EXAMPLES = (
    "classifier",
    "residual",
    "inception",
    "siamese",
    "multimodal",
    "autoencoder",
    "custom_step",
    "unet",
    "variational",
    "adversarial",
)


def main(words: list[str] | None = None) -> None:
    """Write a drawing of each example.

    Args:
        words: The words of the command line; those of the process where it is `None`.
    """
    words = sys.argv[1:] if words is None else words
    folder = Path(*words) if words else Path(__file__).parents[1] / "docs/images/styles"
    folder.mkdir(parents=True, exist_ok=True)
    for name in EXAMPLES:
        tv.backend.clear_session()  # Names start anew: the drawings do not depend on their order.
        print(importlib.import_module(name).drawing().save(folder / f"{name}.svg"))


if __name__ == "__main__":
    main()
