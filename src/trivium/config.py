"""Settings of the library: default dtypes, where images have their channels, what is shown, limits, and what is kept.

Settings are a session's: a thread other than the main one that changes one changes it for itself.
"""

from trivium.state.compilation_cache import compilation_cache, set_compilation_cache
from trivium.state.dtype_policies import dtype_policy, set_dtype_policy
from trivium.state.dtypes import (
    epsilon,
    floatx,
    set_epsilon,
    set_floatx,
)
from trivium.state.image_format import image_data_format, set_image_data_format
from trivium.state.lowerings import lowering, set_lowering
from trivium.state.quick_compilation import (
    disable_quick_operations,
    enable_quick_operations,
    is_quick_operations_enabled,
)
from trivium.state.settings import (
    backend,
    disable_block_folding,
    disable_flash_attention,
    disable_interactive_logging,
    disable_traceback_filtering,
    enable_block_folding,
    enable_flash_attention,
    enable_interactive_logging,
    enable_traceback_filtering,
    enable_unsafe_deserialization,
    is_block_folding_enabled,
    is_flash_attention_enabled,
    is_interactive_logging_enabled,
    is_nnx_enabled,
    is_traceback_filtering_enabled,
    max_epochs,
    max_steps_per_epoch,
    reset_block_folding,
    set_backend,
    set_max_epochs,
    set_max_steps_per_epoch,
)

__all__ = [
    "backend", "compilation_cache", "disable_block_folding", "disable_flash_attention", "disable_interactive_logging",
    "disable_quick_operations", "disable_traceback_filtering", "dtype_policy", "enable_block_folding",
    "enable_flash_attention", "enable_interactive_logging", "enable_quick_operations", "enable_traceback_filtering",
    "enable_unsafe_deserialization", "epsilon", "floatx", "image_data_format", "is_block_folding_enabled",
    "is_flash_attention_enabled", "is_interactive_logging_enabled", "is_nnx_enabled", "is_quick_operations_enabled",
    "is_traceback_filtering_enabled", "lowering", "max_epochs", "max_steps_per_epoch", "reset_block_folding",
    "set_backend", "set_compilation_cache", "set_dtype_policy", "set_epsilon", "set_floatx", "set_image_data_format",
    "set_lowering", "set_max_epochs", "set_max_steps_per_epoch",
]  # fmt: skip
