"""What the examples share: their command line, Fashion-MNIST, and headings."""

import argparse
from pathlib import Path

import numpy as np

import trivium as tv

Images = tuple[np.ndarray, np.ndarray]


def options(
    description: str | None, words: list[str] | None, epochs: int, limit: int
) -> argparse.Namespace:
    """Read the command line.

    Args:
        description: The program's docstring.
        words: The words of the command line; those of the process where it is `None`.
        epochs: The usual number of passes over the images.
        limit: The usual number of training images.

    Returns:
        The options `epochs`, `limit` and `draw`.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=epochs, help="passes over the images")
    parser.add_argument("--limit", type=int, default=limit, help="how many images to train on")
    parser.add_argument("--draw", type=Path, metavar="FILE", help="draw the model: .svg or .png")
    return parser.parse_args(words)


def fashion_mnist(limit: int) -> tuple[Images, Images]:
    """Load Fashion-MNIST, which ships with the package, with pixels from 0 to 1.

    Args:
        limit: How many images to train on; half as many test.

    Returns:
        The training images and their classes, and the same for testing.
    """
    (x, y), (x_test, y_test) = tv.datasets.fashion_mnist.load_data()
    test = limit // 2
    return (x[:limit] / 255.0, y[:limit]), (x_test[:test] / 255.0, y_test[:test])


def show(title: str, thing: object) -> None:
    """Print something under a heading.

    Args:
        title: The heading.
        thing: What to print.
    """
    print(f"\n{title}\n{'-' * len(title)}\n{str(thing).strip()}")
