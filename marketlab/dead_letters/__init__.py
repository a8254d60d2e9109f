"""What can be done about a refused message: take it out, mend a copy, send that in its place.

Three steps, so that somebody can look between any two: :mod:`exchange` writes letters to a file and reads them back,
:mod:`mends` fills in what is certain, :mod:`resend` sends it through the log like any other message. The letter itself
is never changed; it is marked.
"""

from __future__ import annotations

from marketlab.dead_letters.exchange import Entry, as_dict, oldest_first, read_file, write_file
from marketlab.dead_letters.mends import MENDS, Mended, mend
from marketlab.dead_letters.resend import Parcel, Result, check, send

__all__ = [
    "MENDS",
    "Entry",
    "Mended",
    "Parcel",
    "Result",
    "as_dict",
    "check",
    "mend",
    "oldest_first",
    "read_file",
    "send",
    "write_file",
]
