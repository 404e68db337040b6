"""`import trivium.compat.on`: from this line on `import keras` and `import tensorflow` mean Trivium, in this process.

The one line for scripts that are started by `python` itself, and for notebooks. `trivium.compat.hook.uninstall()` takes
it back.
"""

from trivium.compat.notebook import load_ipython_extension

__all__: list[str] = []

load_ipython_extension(None)
