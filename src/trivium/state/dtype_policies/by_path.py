"""Policies by layers' paths."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from trivium.state.dtype_policies.base import DTYPE_POLICIES, DTypePolicy, dtype_policy
from trivium.state.dtype_policies.lookup import get_policy
from trivium.state.registry import serialize

__all__ = ["DTypePolicyMap"]


@DTYPE_POLICIES.register()
class DTypePolicyMap(DTypePolicy, MutableMapping[str, DTypePolicy]):
    """Policies by layers' paths: a layer that is given the map takes the policy at its own path.

    A key is a path, or a regular expression that fits the whole of it; an equal path counts before any expression.

    Args:
        default_policy: The policy, or its name, of layers that no key fits; the default one where it is `None`.
        policy_map: Policies by key.

    Raises:
        TypeError: A key is no text.
        ValueError: A key is there already, or several expressions fit a path.

    Example:
        >>> policies = DTypePolicyMap("float32")
        >>> policies["encoder/.*"] = DTypePolicy("mixed_bfloat16")
        >>> policies["encoder/dense"].name, policies["decoder"].name
        ('mixed_bfloat16', 'float32')
    """

    def __init__(
        self, default_policy: Any = None, policy_map: dict[str, Any] | None = None
    ) -> None:
        self._given = None if default_policy is None else get_policy(default_policy)
        self._default = dtype_policy() if self._given is None else self._given
        self._policies: dict[str, DTypePolicy] = {}
        for key, policy in (policy_map or {}).items():
            self[key] = policy

    @property
    def name(self) -> str:
        """The name, which says the default policy's."""
        return f"map_{self._default.name}"

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy of layers that no key fits."""
        return self._default

    @property
    def compute_dtype(self) -> str:
        """The default policy's."""
        return self._default.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The default policy's."""
        return self._default.variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """The default policy's."""
        return self._default.quantization_mode

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policies:
            return self._policies[key]
        fitting = [k for k in self._policies if re.fullmatch(k, key)]
        if len(fitting) > 1:
            raise ValueError(
                f"DTypePolicyMap: several keys fit the path {key!r}: {fitting}. Add the path itself, or narrow one."
            )
        return self._policies[fitting[0]] if fitting else self._default

    def __setitem__(self, key: str, policy: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(
                f"DTypePolicyMap: a key is a path or an expression, a text; got {key!r}."
            )
        if key in self._policies:
            raise ValueError(
                f"DTypePolicyMap: {key!r} has the policy {self._policies[key]!r} already. Delete it first."
            )
        self._policies[key] = get_policy(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the map anew."""
        return {
            "default_policy": None if self._given is None else serialize(self._given),
            "policy_map": {key: serialize(policy) for key, policy in self._policies.items()},
        }

    __eq__ = DTypePolicy.__eq__
    __hash__ = DTypePolicy.__hash__

    def __repr__(self) -> str:
        said = {key: policy.name for key, policy in self._policies.items()}
        return f"<DTypePolicyMap default_policy={self._default.name!r}, mapping={said}>"
