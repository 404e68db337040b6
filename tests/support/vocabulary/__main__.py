"""Writes the pages of coverage and the faces of `trivium.ops`; with the word `keras` it reads Keras's names anew first.

PYTHONPATH=src:tests/support python -m vocabulary [keras]
"""

import os
import sys

from vocabulary import faces, report, signatures, tensorflow

if "keras" in sys.argv[1:]:
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    signatures.RECORDED.write_text(signatures.write(keras))
for module in faces.WHAT:
    (faces.FOLDER / f"{module}.py").write_text(faces.written(module))
report.PAGE.write_text(report.page(report.names()))
found = tensorflow.names()
tensorflow.PAGE.write_text(tensorflow.page(found))
tensorflow.OVERVIEW.write_text(tensorflow.with_counts(tensorflow.OVERVIEW.read_text(), found))
