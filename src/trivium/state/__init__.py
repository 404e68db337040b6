"""State: variables, the scopes they live in, seeds, names and dtypes. The ground floor: it imports no other room."""

from trivium.state.arguments import named_arguments
from trivium.state.configured import Configured
from trivium.state.copying import Copied
from trivium.state.custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from trivium.state.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from trivium.state.dtypes import (
    epsilon,
    floatx,
    is_float,
    set_epsilon,
    set_floatx,
    standardize_dtype,
)
from trivium.state.faces import faces
from trivium.state.names import auto_name, clear_names, to_snake_case
from trivium.state.placing import to_device
from trivium.state.registry import Registry, deserialize, serialize, suggest
from trivium.state.scopes import (
    EffectError,
    StatelessScope,
    autocast_scope,
    current_scope,
    shape_scope,
)
from trivium.state.seeds import (
    SeedGenerator,
    global_seed,
    host_generator,
    reserve,
    set_random_seed,
)
from trivium.state.variable import Variable

__all__ = [
    "Configured",
    "Copied",
    "CustomObjectScope",
    "DTypePolicy",
    "EffectError",
    "Registry",
    "SeedGenerator",
    "StatelessScope",
    "Variable",
    "auto_name",
    "autocast_scope",
    "clear_names",
    "current_scope",
    "custom_object_scope",
    "deserialize",
    "dtype_policy",
    "epsilon",
    "faces",
    "floatx",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "global_seed",
    "host_generator",
    "is_float",
    "named_arguments",
    "register_keras_serializable",
    "reserve",
    "serialize",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_random_seed",
    "shape_scope",
    "standardize_dtype",
    "suggest",
    "to_device",
    "to_snake_case",
]
