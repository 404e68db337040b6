"""Mixed precision: dtype policies under the names that `mixed_precision` had for them, and the scaling of losses."""

from trivium.optimizers import LossScaleOptimizer
from trivium.state.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy

__all__ = [
    "DTypePolicy", "LossScaleOptimizer", "Policy", "dtype_policy", "global_policy", "set_dtype_policy",
    "set_global_policy",
]  # fmt: skip

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy
