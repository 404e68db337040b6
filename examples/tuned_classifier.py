"""A classifier whose size, dropout and learning rate are searched for, in a search that survives whatever happens.

python examples/tuned_classifier.py

Stop it, pull the plug, and start it again: it goes on where it was. Start it a second time beside the first one, and
the two share the trials. `trivium tune examples/tuned_classifier.py` does the same from the command line.
"""

import argparse

import trivium as tv
from trivium import layers, tuning


def build(hp: tuning.HyperParameters) -> tv.Model:
    """Make a network; what is asked of `hp` is searched for."""
    model = tv.Sequential([tv.Input((28, 28)), layers.Flatten()])
    for i in range(hp.Int("hidden", 1, 2)):
        model.add(layers.Dense(hp.Int(f"units_{i}", 32, 256, step=2, sampling="log"), "relu"))
    if hp.Boolean("dropout"):
        with hp.conditional_scope("dropout", [True]):
            model.add(layers.Dropout(hp.Float("rate", 0.1, 0.5, step=0.1)))
    model.add(layers.Dense(10, activation="softmax"))
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
    loss = "sparse_categorical_crossentropy"
    model.compile(tv.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def data(limit: int = 20_000) -> tuple:
    """Load Fashion-MNIST, which ships with the package, with pixels from 0 to 1, and hold back a fifth."""
    (x, y), _ = tv.datasets.fashion_mnist.load_data()
    x, y, train = x[:limit] / 255.0, y[:limit], limit * 4 // 5
    return (x[:train], y[:train]), (x[train:], y[train:])


def main(words: list[str] | None = None) -> None:
    """Search, and show what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=20, help="how many networks to try")
    parser.add_argument("--epochs", type=int, default=5, help="passes over the images")
    parser.add_argument("--limit", type=int, default=20_000, help="how many images to use")
    parser.add_argument("--directory", default="tuned-classifier", help="where the search is kept")
    options = parser.parse_args(words)

    tuner = tuning.BayesianOptimization(
        build,
        "val_accuracy",
        options.trials,
        seed=42,
        directory=options.directory,
        project_name="search",
    )
    if found := len(tuner.oracle.trials):
        print(f"{found} trials were begun before; {tuner.remaining_trials} are new.")
    (x, y), held = data(options.limit)
    stop = tv.callbacks.EarlyStopping("val_accuracy", patience=2)
    tuner.search(x, y, epochs=options.epochs, validation_data=held, callbacks=[stop])

    tuner.results_summary(3)
    [model] = tuner.get_best_models()
    _, accuracy = model.evaluate(*held, verbose=0)
    print(
        f"\nThe best network, with the weights of its best epoch: {accuracy:.3f} of the images that were held back"
    )
    print("The page of the search:", tuner.report(f"{options.directory}/search.html"))


if __name__ == "__main__":
    main()
