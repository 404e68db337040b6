"""Files of records: how they are written and read, and the messages that are kept in them.

`framing` knows the bytes of a file of records, `compressed` opens files that are compressed, `readers` makes datasets
of files; `messages` has the kinds of message that records usually hold, and `parsing` makes arrays of them.
"""

from trivium.data.records.framing import RecordWriter
from trivium.data.records.readers import from_bytes, from_records, from_text

__all__ = ["RecordWriter", "from_bytes", "from_records", "from_text"]
