"""What the examples share: their command line, Fashion-MNIST, a table of houses, and headings."""

import argparse
from pathlib import Path

import numpy as np

import trivium as tv

Images = tuple[np.ndarray, np.ndarray]
Table = tuple[np.ndarray, np.ndarray]


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


def houses(limit: int) -> tuple[Table, Table]:
    """Make a small table: what houses have, and what they cost.

    Some columns add to the price, and some matter by each other: rooms count more near the center.

    Args:
        limit: How many houses to train on; half as many test.

    Returns:
        The training houses and their prices, and the same for testing; each column is near 0, with a spread of 1.
    """
    rng = np.random.default_rng(42)
    count = limit + limit // 2
    table = rng.normal(size=(count, 8)).astype("float32")
    age, income, rooms, area, north, east = table.T[:6]
    near = np.exp(-(north**2) - east**2)
    price = income - 0.3 * age + 2 * near * (1 + rooms) + 0.3 * np.abs(area)
    price = (price + rng.normal(scale=0.1, size=count)).astype("float32")[:, None]
    return (table[:limit], price[:limit]), (table[limit:], price[limit:])


def show(title: str, thing: object) -> None:
    """Print something under a heading.

    Args:
        title: The heading.
        thing: What to print.
    """
    print(f"\n{title}\n{'-' * len(title)}\n{str(thing).strip()}")
