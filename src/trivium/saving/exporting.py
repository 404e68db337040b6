"""Exported models: programs in StableHLO that run without any class, layer or file of the library's code.

A file is a zip archive: `export.json` says what is in it, each endpoint is a program that `jax.export` wrote, and the
variables are arrays that all endpoints share. Sizes that are not known, the batch's above all, stay open.

Reference:
    https://docs.jax.dev/en/latest/export/export.html and https://openxla.org/stablehlo
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trivium.saving.bounds import read_json
from trivium.saving.durable import durable
from trivium.saving.onnx import write_onnx
from trivium.saving.zipped_arrays import DAMAGES, members_of, read_arrays
from trivium.saving.zips import write_zip
from trivium.state import StatelessScope, Variable
from trivium.state.effects import Effects
from trivium.state.safety import ModelFileError, UnsafeFileError
from trivium.state.trees import map_tree

__all__ = ["ExportArchive", "ExportedModel", "export_model", "load_exported"]

_FORMAT = 1
_PLATFORMS = ("cpu", "cuda", "tpu")
# What a program may call besides StableHLO itself: parts of XLA that compute, and nothing that runs Python.
_CALLS = re.compile(
    r"shape_assertion|AllocateBuffer|ApproxTopK|Eigh|LuDecomposition|ProductOfElementaryHouseholderReflectors|Qr|"
    r"SPMD(FullToShard|ShardToFull)Shape|Sharding|annotate_device_placement|(stablehlo|mhlo)\.\w+|"
    r"(cu|hip)_(lu_pivots_to_permutation|threefry2x32)\w*|(lapack|cusolver|cusparse|hipsolver)_\w+_ffi|"
    r"mosaic_gpu_v2|tpu_custom_call"
)


class ExportArchive:
    """Programs over the same variables, written to one file.

    Args:
        format: `"stablehlo"`, the one that there is.

    Raises:
        ValueError: The format is another one.

    Example:
        >>> import tempfile, trivium as tv
        >>> model = tv.Sequential([tv.Input((3,)), tv.layers.Dense(2)])
        >>> archive = ExportArchive()
        >>> archive.track(model)
        >>> twice = archive.add_endpoint("twice", lambda x: 2 * model(x), [tv.Input((3,))])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     archive.write_out(f"{folder}/model.stablehlo", verbose=False)
        ...     load_exported(f"{folder}/model.stablehlo").twice(np.ones((5, 3), "float32")).shape
        (5, 2)
    """

    def __init__(self, format: str = "stablehlo") -> None:
        _check_format(format)
        self._tracked: list[Any] = []
        self._variables: dict[int, Variable] = {}
        self._endpoints: dict[str, tuple[Any, list[int], list[str]]] = {}

    @property
    def endpoints(self) -> list[str]:
        """The endpoints' names."""
        return list(self._endpoints)

    @property
    def variables(self) -> list[Variable]:
        """The variables that the endpoints read."""
        return list(self._variables.values())

    def track(self, resource: Any) -> None:
        """Keep a model or layer whose variables endpoints read; those that they read are found without it, too.

        Args:
            resource: The model or layer.
        """
        self._tracked.append(resource)

    def add_endpoint(
        self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any
    ) -> Callable[..., Any]:
        """Add a program.

        Args:
            name: Its name; no other endpoint has it.
            fn: A function of arrays that may call models, layers and ops. What it gives variables is not kept.
            input_signature: A list with a form for each argument, nested as the argument is: `Input(...)`s, specs with
                `shape` and `dtype`, or arrays. `None` in a shape leaves a size open; the first one is the batch's in
                all of them. Without it, those of a model.
            **kwargs: None are known.

        Returns:
            `fn`.

        Raises:
            ValueError: The name is taken or no name, or the function cannot be written with open sizes.
            TypeError: The signature says nothing about shapes.
        """
        if kwargs:
            raise TypeError(f"add_endpoint: unknown arguments {sorted(kwargs)}.")
        if not name.isidentifier() or name.startswith("_") or name in self._endpoints:
            raise ValueError(
                f"An endpoint's name is a Python name that no other one has; got {name!r}."
            )
        if input_signature is None:
            if not hasattr(fn, "input"):
                raise TypeError(
                    f"Endpoint {name!r} needs an `input_signature`: a list with an Input for each argument."
                )
            input_signature = [fn.input]
        specs = _specs(list(input_signature), name)
        try:
            effects = Effects(fn, tuple(specs))
            read = effects.touched
            program = _program(fn, read, specs)
        except Exception as error:
            error.add_note(
                f"Endpoint {name!r} was traced with open sizes {[s.shape for s in jax.tree.leaves(specs)]}. Where code "
                "needs to know one, give it in `input_signature`, e.g. Input(batch_shape=(1, 28, 28))."
            )
            raise
        numbers = []
        for variable in read:
            self._variables.setdefault(id(variable), variable)
            numbers.append(list(self._variables).index(id(variable)))
        self._endpoints[name] = (program, numbers, [_text(spec) for spec in jax.tree.leaves(specs)])
        return fn

    def write_out(
        self, filepath: str | os.PathLike[str], options: Any = None, verbose: bool = True
    ) -> None:
        """Write the file.

        Args:
            filepath: The path.
            options: Kept for Keras's signature.
            verbose: Whether to print what was written.

        Raises:
            ValueError: There is no endpoint.
            OSError: The file cannot be written; one that was there still is.
        """
        if not self._endpoints:
            raise ValueError("There is nothing to export: call `add_endpoint` first.")
        _need_flatbuffers()
        programs, entries = {}, []
        for name, (program, numbers, inputs) in self._endpoints.items():
            programs[f"endpoints/{name}"] = bytes(program.serialize())
            entries.append({"name": name, "variables": numbers, "inputs": inputs})
        members, forms = members_of([np.asarray(v.peek()) for v in self._variables.values()])
        paths = [v.path for v in self._variables.values()]
        said = {"format": _FORMAT, "endpoints": entries, "arrays": forms, "paths": paths}
        with durable(filepath) as part, open(part, "xb+", buffering=0) as file:
            write_zip(file, {**programs, **members, "export.json": json.dumps(said).encode()})
        if verbose:
            for name, (_, _, inputs) in self._endpoints.items():
                print(f"{filepath}: {name}({', '.join(inputs)})")


class ExportedModel:
    """A model read by `load_exported`: its endpoints are its methods, and calling it calls `serve`.

    Args:
        path: The file, for messages.
        endpoints: Programs by name, each with the arrays that it reads and what it takes.

    Attributes:
        endpoints: What each endpoint takes, by name.
    """

    def __init__(self, path: str, endpoints: dict[str, tuple[Any, list[Any], list[str]]]) -> None:
        self._path = path
        self._programs = {n: (jax.jit(p.call), arrays) for n, (p, arrays, _) in endpoints.items()}
        self.endpoints = {n: inputs for n, (_, _, inputs) in endpoints.items()}

    def __call__(self, *inputs: Any) -> Any:
        """Run the endpoint `serve`.

        Args:
            inputs: Its arguments.
        """
        return self.run("serve", *inputs)

    def run(self, name: str, *inputs: Any) -> Any:
        """Run an endpoint.

        Args:
            name: Its name.
            inputs: Its arguments, nested as they were exported.

        Raises:
            KeyError: There is no such endpoint.
        """
        if name not in self._programs:
            raise KeyError(
                f"{self._path} has the endpoints {', '.join(self._programs)}, not {name!r}."
            )
        program, arrays = self._programs[name]
        return program(arrays, *map_tree(jnp.asarray, inputs))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._programs:
            raise AttributeError(f"An exported model has no {name!r}.")
        return lambda *inputs: self.run(name, *inputs)

    def __repr__(self) -> str:
        said = "; ".join(f"{name}({', '.join(ins)})" for name, ins in self.endpoints.items())
        return f"<ExportedModel of {self._path}: {said}>"


def export_model(
    model: Any,
    filepath: str | os.PathLike[str],
    format: str = "stablehlo",
    verbose: bool | None = None,
    input_signature: Any = None,
) -> None:
    """Write a model's inference as a program; see `Model.export`."""
    if format != "onnx":
        _check_format(format)
    if not model.built:
        raise ValueError(
            f"{model.name!r} is not built, so there is nothing to export: call it on data first."
        )
    signature = [model.input] if input_signature is None else input_signature
    if format == "onnx":
        specs = _specs(list(signature), "serve")
        write_onnx(model, filepath, specs)
        if verbose is None or verbose:
            print(f"{filepath}: {', '.join(map(_text, jax.tree.leaves(specs)))}")
        return
    archive = ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", lambda *x: model(*x, training=False), signature)
    archive.write_out(filepath, verbose=bool(verbose) if verbose is not None else True)


def load_exported(filepath: str | os.PathLike[str]) -> ExportedModel:
    """Read an exported model. No class of the model's, no layer and no code of it is needed or run.

    Args:
        filepath: A file that `Model.export` or `ExportArchive` wrote.

    Returns:
        The model, to be called on arrays.

    Raises:
        FileNotFoundError: There is no such file.
        ModelFileError: It is damaged, or something else.
        UnsafeFileError: A program in it would call the host.
    """
    path = Path(filepath)
    _need_flatbuffers()
    try:
        with zipfile.ZipFile(path) as file:
            return _read(file, path)
    except (FileNotFoundError, ModelFileError):
        raise
    except DAMAGES as error:
        raise ModelFileError(
            f"{path} is no exported model, or a damaged one ({type(error).__name__}: {error})."
        ) from error


def _read(file: zipfile.ZipFile, path: Path) -> ExportedModel:
    room = path.stat().st_size
    if file.getinfo("export.json").file_size > room:
        raise ValueError("a text larger than the file")
    said = read_json(file.read("export.json"), f"{path}'s export.json")
    if said["format"] != _FORMAT:
        raise ValueError("another version of the format")
    arrays = [jnp.asarray(a) for a in read_arrays(file, said["arrays"], room)]
    endpoints = {}
    for entry in said["endpoints"]:
        info = file.getinfo(f"endpoints/{entry['name']}")
        if entry["name"] in endpoints:
            raise ValueError(f"the endpoint {entry['name']!r} twice")
        if info.file_size > room:
            raise ValueError("a program larger than the file")
        program = jax.export.deserialize(bytearray(file.read(info)))
        _check_calls(program.mlir_module(), path)
        mine = [arrays[number] for number in entry["variables"]]
        endpoints[str(entry["name"])] = (program, mine, [str(x) for x in entry["inputs"]])
    return ExportedModel(str(path), endpoints)


def _need_flatbuffers() -> None:
    """Raise an error that says what to install where `jax.export` cannot write and read programs."""
    if importlib.util.find_spec("flatbuffers") is None:
        raise ModuleNotFoundError(
            'Exported models need flatbuffers: pip install "trivium[export]".', name="flatbuffers"
        )


def _check_calls(text: str, path: Path) -> None:
    """Raise an error for a program that calls what is no computation: a Python function of this process, say."""
    calls = set(re.findall(r"custom_call @([^\s(]+)|call_target_name = \"([^\"]*)\"", text))
    for target in sorted({one or other for one, other in calls}):
        target = target.strip('"')
        if not _CALLS.fullmatch(target):
            raise UnsafeFileError(
                f"{path} has a program that calls {target!r} of the process which runs it; programs of exported models "
                "compute and do nothing else."
            )


def _program(fn: Callable[..., Any], read: list[Variable], specs: list[Any]) -> Any:
    def pure(values: list[Any], *inputs: Any) -> Any:
        with StatelessScope(zip(read, values, strict=True)):
            return fn(*inputs)

    forms = [jax.ShapeDtypeStruct(v.peek().shape, v.peek().dtype) for v in read]
    return jax.export.export(jax.jit(pure), platforms=_PLATFORMS)(forms, *specs)


def _specs(signature: list[Any], name: str) -> list[Any]:
    """Return the arguments' shapes with a symbol for each open size."""
    scope = jax.export.SymbolicScope()
    count = iter(range(1 << 20))

    def spec(leaf: Any) -> Any:
        if not hasattr(leaf, "shape") or leaf.shape is None or not hasattr(leaf, "dtype"):
            raise TypeError(
                f"The signature of endpoint {name!r} has {leaf!r}; wanted an Input, or a spec with shape and dtype."
            )
        if str(leaf.dtype) == "string":
            raise ValueError(
                f"Endpoint {name!r} takes text, and no exported program does: what works on text runs on the host. "
                "Export what comes behind it, `Model(model.get_layer(name).output, model.output)` with the name of the "
                "layer that makes numbers of text, and call that layer on the text yourself."
            )
        number = next(count)
        sizes = [
            str(size) if size is not None else "batch" if axis == 0 else f"size_{number}_{axis}"
            for axis, size in enumerate(leaf.shape)
        ]
        shape = jax.export.symbolic_shape(", ".join(sizes), scope=scope)
        return jax.ShapeDtypeStruct(shape, jnp.dtype(leaf.dtype or "float32"))

    found: list[Any] = map_tree(spec, signature)
    return found


def _text(spec: Any) -> str:
    return f"{spec.dtype}[{', '.join(map(str, spec.shape))}]"


def _check_format(format: str) -> None:
    if format == "stablehlo":
        return
    why = (
        'An archive of several programs has no form in ONNX; `model.export(path, format="onnx")` writes one model.'
        if format == "onnx"
        else "Other formats are made by other libraries' code."
    )
    raise ValueError(
        'Models are exported as format="stablehlo", which `load_exported` and any runtime of StableHLO run, or "onnx"; '
        f'got {format!r}. {why} To exchange a model with Keras, use `model.save("model.keras")`.'
    )
