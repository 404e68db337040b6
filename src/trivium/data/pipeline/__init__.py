"""The lazy pipeline: elements, what happens to them on the way, and how training reads them.

`dataset` is what users see. Behind it a pipeline is a chain of stages: `stages` has those that see elements one by one,
`rows` those that see numbers of rows of arrays; `functions` calls users' functions, `failures` says what becomes of
elements that failed, and `sources` gives the whole to `fit`.
"""

from trivium.data.pipeline.dataset import Dataset
from trivium.data.pipeline.failures import ErrorLog

__all__ = ["Dataset", "ErrorLog"]
