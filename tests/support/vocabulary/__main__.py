"""Writes `docs/coverage.md`; with the word `keras` it reads the real Keras's names first.

PYTHONPATH=src:tests/support python -m vocabulary [keras]
"""

import os
import sys

from vocabulary import report, signatures

if "keras" in sys.argv[1:]:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    signatures.RECORDED.write_text(signatures.write(keras))
report.PAGE.write_text(report.page(report.names()))
