"""Nested structures: dicts, lists, tuples, named tuples and deques of anything, under Keras's names.

Dicts keep the order that they were written in, as everywhere here; Keras sorts their keys. Two dicts are matched by
their keys.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = [
    "MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten", "flatten_with_path", "is_nested",
    "lists_to_tuples", "map_shape_structure", "map_structure", "map_structure_up_to", "pack_sequence_as", "traverse",
]  # fmt: skip

Path = tuple[Any, ...]


class MAP_TO_NONE:
    """What a function gives to `traverse` in place of `None`, which means that it has nothing to say.

    Example:
        >>> traverse(lambda x: MAP_TO_NONE if x == 2 else None, [1, 2])
        [1, None]
    """


def is_nested(structure: object) -> bool:
    """Say whether something is a dict, a list, a tuple or a deque, rather than a leaf.

    Args:
        structure: Anything.

    Example:
        >>> is_nested({"a": 1}), is_nested("text"), is_nested(None)
        (True, False, False)
    """
    return isinstance(structure, Mapping | list | tuple | deque)


def _entries(structure: Any) -> list[tuple[Any, Any]]:
    """Return the keys, or the places, of what is directly inside, and what stands there."""
    return list(structure.items() if isinstance(structure, Mapping) else enumerate(structure))


def _with(structure: Any, values: list[Any]) -> Any:
    """Return a structure of the same kind with other things directly inside."""
    if isinstance(structure, defaultdict):
        return defaultdict(structure.default_factory, zip(structure, values, strict=True))
    if isinstance(structure, Mapping):
        pairs = dict(zip(structure, values, strict=True))
        return pairs if type(structure) is dict else type(structure)(pairs)  # type: ignore[call-arg]
    if isinstance(structure, deque):
        return deque(values, structure.maxlen)
    return type(structure)(*values) if hasattr(structure, "_fields") else type(structure)(values)


def flatten(structure: Any) -> list[Any]:
    """Return the leaves of a structure in a row.

    Args:
        structure: A structure; anything else is a leaf, `None` too.

    Example:
        >>> flatten({"b": [1, (2,)], "a": None})
        [1, 2, None]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure: Any) -> list[tuple[Path, Any]]:
    """Return the leaves of a structure, each after the keys and places that lead to it.

    Args:
        structure: A structure.

    Example:
        >>> flatten_with_path([{"a": 1}, 2])
        [((0, 'a'), 1), ((1,), 2)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, inside in _entries(structure)
        for path, leaf in flatten_with_path(inside)
    ]


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """Return leaves in the form of a structure: the inverse of `flatten`.

    Args:
        structure: The structure.
        flat_sequence: The leaves, in its order.

    Raises:
        TypeError: The leaves are no sequence.
        ValueError: They are too few or too many.

    Example:
        >>> pack_sequence_as({"b": 0, "a": [0, 0]}, [1, 2, 3])
        {'b': 1, 'a': [2, 3]}
    """
    if not isinstance(flat_sequence, Iterable):
        raise TypeError(f"`flat_sequence` is a row of leaves; got {flat_sequence!r}.")
    leaves, count = list(flat_sequence), len(flatten(structure))
    if len(leaves) != count:
        raise ValueError(f"the structure has {count} leaves, `flat_sequence` {len(leaves)}.")
    rest = iter(leaves)
    return map_structure(lambda _: next(rest), structure)


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Refuse two structures that are not nested alike, in containers of the same kinds.

    Args:
        a: A structure. All dicts are of one kind; lists, tuples, deques and each class of named tuples are others.
        b: Another.
        check_types: Kept for Keras's signature; it does nothing.

    Raises:
        ValueError: They differ; the message says where.

    Example:
        >>> assert_same_structure([(0, 1)], [(2, 3)])
        >>> assert_same_structure([0], (0,))
        Traceback (most recent call last):
        ...
        ValueError: the structures differ at the top: a list and a tuple.
    """
    del check_types
    _assert_same(a, b, ())


def _assert_same(a: Any, b: Any, path: Path) -> None:
    where = f"at {list(path)}" if path else "at the top"
    if _kind(a) is not _kind(b):
        names = [f"a {type(x).__name__}" if is_nested(x) else "a leaf" for x in (a, b)]
        raise ValueError(f"the structures differ {where}: {names[0]} and {names[1]}.")
    if not is_nested(a):
        return
    inside = dict(_entries(b))
    if inside.keys() != dict(_entries(a)).keys():
        raise ValueError(
            f"the structures differ {where}: keys {[k for k, _ in _entries(a)]} and {list(inside)}."
        )
    for key, value in _entries(a):
        _assert_same(value, inside[key], (*path, key))


def _kind(structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return Mapping
    return type(structure) if is_nested(structure) else None


def assert_same_paths(a: Any, b: Any) -> None:
    """Refuse two structures whose leaves are not reached by the same keys and places, whatever the containers.

    Args:
        a: A structure.
        b: Another.

    Raises:
        ValueError: They differ; the message names the paths.

    Example:
        >>> assert_same_paths([0, 1], (2, 3))
    """
    mine, theirs = ({path for path, _ in flatten_with_path(x)} for x in (a, b))
    if mine != theirs:
        raise ValueError(
            f"the structures have other paths: {sorted(mine - theirs, key=repr)} are in the first alone, "
            f"{sorted(theirs - mine, key=repr)} in the second."
        )


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Return a structure whose leaves are a function of those of others.

    Args:
        func: Takes a leaf of each structure.
        structures: Structures that are nested alike.
        none_is_leaf: Whether `func` is called for `None`; else that stays.

    Raises:
        TypeError: `func` is no function.
        ValueError: The structures are not nested alike, or there is none.

    Example:
        >>> map_structure(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
        {'x': [11, 22]}
    """
    _check_call("map_structure", func, structures)
    for other in structures[1:]:
        assert_same_structure(structures[0], other)

    def at_leaf(*leaves: Any) -> Any:
        if not none_is_leaf and all(leaf is None for leaf in leaves):
            return None
        return func(*leaves)

    return map_structure_up_to(structures[0], at_leaf, *structures)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Return a structure as deep as a given one, whose leaves are a function of what stands there in others.

    Args:
        shallow_structure: The structure that says how deep.
        func: Takes what stands in the place of a leaf in each structure.
        structures: Structures that are nested like `shallow_structure`, or deeper.

    Raises:
        TypeError: `func` is no function.
        ValueError: One is not nested so, or there is none.

    Example:
        >>> map_structure_up_to([None, [None]], str, [[1, 1], [2]])
        ['[1, 1]', ['2']]
    """
    _check_call("map_structure_up_to", func, structures)
    return _mapped(shallow_structure, func, structures, ())


def _mapped(shallow: Any, func: Callable[..., Any], structures: tuple[Any, ...], path: Path) -> Any:
    if not is_nested(shallow):
        return func(*structures)
    for other in structures:
        same = _kind(shallow) is _kind(other)
        if not same or {k for k, _ in _entries(shallow)} != {k for k, _ in _entries(other)}:
            raise ValueError(
                f"the structures differ at {list(path)}: {shallow!r} and {other!r} are not nested alike."
            )
    parts = [dict(_entries(other)) for other in structures]
    keys = [key for key, _ in _entries(shallow)]
    inside = dict(_entries(shallow))
    return _with(
        shallow,
        [_mapped(inside[k], func, tuple(part[k] for part in parts), (*path, k)) for k in keys],
    )


def _check_call(name: str, func: object, structures: tuple[Any, ...]) -> None:
    if not callable(func):
        raise TypeError(f"{name}: `func` is a function; got {func!r}.")
    if not structures:
        raise ValueError(f"{name}: there is no structure to map.")


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Call a function with a structure and all that is inside, and return the structure with what it gave.

    Args:
        func: Takes a structure or a leaf. `None` means that it stays; `MAP_TO_NONE` that `None` takes its place;
            anything else takes its place.
        structure: The structure.
        top_down: Whether a structure comes before what is inside. Then what is replaced is not entered.

    Raises:
        TypeError: `func` is no function.

    Example:
        >>> traverse(lambda x: sum(x) if isinstance(x, tuple) else None, [(1, 2), {"a": 3}])
        [3, {'a': 3}]
    """
    _check_call("traverse", func, (structure,))
    if top_down and (given := func(structure)) is not None:
        return None if given is MAP_TO_NONE else given
    if is_nested(structure):
        inside = [traverse(func, value, top_down) for _, value in _entries(structure)]
        structure = _with(structure, inside)
    if top_down or (given := func(structure)) is None:
        return structure
    return None if given is MAP_TO_NONE else given


def lists_to_tuples(structure: Any) -> Any:
    """Return a structure with tuples in the place of its lists.

    Args:
        structure: A structure.

    Example:
        >>> lists_to_tuples([1, {"a": [2]}])
        (1, {'a': (2,)})
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Return a structure of shapes with a function of each shape: of each list or tuple of numbers and `None`.

    Args:
        func: Takes a shape.
        structure: A structure of shapes.

    Raises:
        TypeError: `func` is no function.
        ValueError: A leaf stands outside of any shape.

    Example:
        >>> map_shape_structure(len, {"image": (None, 28, 28), "scores": [(4,)]})
        {'image': 3, 'scores': [1]}
    """
    _check_call("map_shape_structure", func, (structure,))

    def mapped(part: Any) -> Any:
        if isinstance(part, list | tuple) and all(n is None or isinstance(n, int) for n in part):
            return func(part)
        if not is_nested(part):
            raise ValueError(f"{part!r} is no shape, and in none.")
        return _with(part, [mapped(value) for _, value in _entries(part)])

    return mapped(structure)
