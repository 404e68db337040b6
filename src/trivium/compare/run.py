"""Running a comparison: the data, the training of each style, the report."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import trivium as tv
from trivium.compare.programs import Program, describe_failure, find_programs
from trivium.compare.report import write_report
from trivium.compare.result import Comparison, Result
from trivium.compare.settings import SHOWN, CompareError, Settings
from trivium.compare.terminal import print_comparison, progress_bars
from trivium.training.executables import compile_count

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["compare"]


@dataclass(frozen=True)
class Data:
    """Fashion-MNIST, cut and scaled: pairs of images in 0 to 1 and their classes."""

    train: tuple[np.ndarray, np.ndarray]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def compare(settings: Settings | None = None, console: Console | None = None) -> Comparison:
    """Train one network written in several styles, and report whether they agree to the last bit.

    Args:
        settings: The options; those of the article by default.
        console: Where to show the progress and the table; nowhere by default.

    Returns:
        The results.

    Raises:
        CompareError: The programs cannot be found, built or trained.

    Example:
        >>> quick = Settings(epochs=1, limit=60, styles=("sequential", "functional"), out=None)
        >>> compare(quick).identical
        True
    """
    from rich.console import Console

    settings = settings or Settings()
    console = console or Console(quiet=True)
    programs, notes = find_programs(settings)
    for note in notes:
        console.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)
    data = _load(settings)
    results = []
    with progress_bars(console) as bars:
        tasks = [
            bars.add_task(p.style, total=settings.epochs, start=False, note="") for p in programs
        ]
        for program, task in zip(programs, tasks, strict=True):
            bars.start_task(task)

            def advance(note: str, task: Any = task) -> None:
                bars.update(task, advance=1, note=note)

            results.append(_train(program, data, settings, advance))
    comparison = Comparison(
        settings=settings,
        results=results,
        samples=data.train[0][:SHOWN],
        sample_labels=data.train[1][:SHOWN],
        test_samples=data.test[0][:SHOWN],
        test_labels=data.test[1],
        class_names=_class_names(max(r.predictions.shape[-1] for r in results)),
        notes=notes,
        versions={n: importlib.metadata.version(n) for n in ("trivium", "jax", "numpy")},
    )
    print_comparison(comparison, console)
    if settings.out is not None:
        page = write_report(comparison, settings.out)
        console.print(f"Report: {page}", markup=False, highlight=False, soft_wrap=True)
    return comparison


def _class_names(count: int) -> tuple[str, ...]:
    """Return the names of the classes; a model of the user's may know more than there are."""
    known = tv.datasets.fashion_mnist.CLASS_NAMES
    return known + tuple(f"class {i}" for i in range(len(known), count))


def _load(settings: Settings) -> Data:
    (images, labels), (test_images, test_labels) = tv.datasets.fashion_mnist.load_data()
    cut, _ = settings.split

    def scale(pixels: np.ndarray) -> np.ndarray:
        # The same numbers as dividing in double precision and rounding after, in half the memory.
        return pixels / np.float32(255)

    return Data(
        train=(scale(images[:cut]), labels[:cut]),
        validation=(scale(images[cut : settings.limit]), labels[cut : settings.limit]),
        test=(scale(test_images), test_labels),
    )


def _train(
    program: Program, data: Data, settings: Settings, advance: Callable[[str], None]
) -> Result:
    compiled = compile_count()
    tv.utils.set_random_seed(settings.seed)
    model = _build(program, settings)

    def epoch_ended(epoch: int, logs: dict[str, float] | None = None) -> None:
        advance(
            "  ".join(f"{k} {v:.3f}" for k, v in (logs or {}).items() if k in ("loss", "val_loss"))
        )

    start = time.perf_counter()
    try:
        history = model.fit(
            *data.train,
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            validation_data=data.validation,
            callbacks=[tv.callbacks.LambdaCallback(on_epoch_end=epoch_ended)],
            verbose=0,
        )
    except (TypeError, ValueError) as error:
        if settings.module is None:
            raise
        raise CompareError(
            f"module: the model of {program.style}() cannot be trained: {error}"
        ) from error
    seconds = time.perf_counter() - start
    evaluation = model.evaluate(*data.test, verbose=0, return_dict=True)
    return Result(
        style=program.style,
        source=program.source,
        parameters=model.count_params(),
        fingerprint=model.fingerprint(),
        weights_sha256=model.weights_sha256(),
        history={k: [float(v) for v in values] for k, values in history.history.items()},
        evaluation={k: float(v) for k, v in evaluation.items()},
        predictions=np.asarray(model.predict(data.test[0], verbose=0)),
        seconds=seconds,
        compilations=compile_count() - compiled,
    )


def _build(program: Program, settings: Settings) -> tv.Model:
    """Call the program's function; what a user's file does wrong is said in one line."""
    try:
        model = program.build()
    except Exception as error:
        if settings.module is None:
            raise
        raise CompareError(f"module: {describe_failure(error, program.place)}") from error
    if not isinstance(model, tv.Model):
        raise CompareError(
            f"module: {program.style}() in {program.place} returns a {type(model).__name__}; "
            "wanted a trivium.Model"
        )
    if not model.compiled:
        model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=["accuracy"])
    return model
