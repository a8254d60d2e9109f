"""The store: one SQLite file that holds rows, books, stream state and positions, durable together.

``schema.sql`` says what stands in it. What writes runs in a process of its own (see :mod:`marketlab.store.connection`
for why): several processes may write, one at a time, and any number may read. :class:`HttpSink` is milestone 4's way
to it, through the API.
"""

from __future__ import annotations

from marketlab.store.backup import Backup, back_up
from marketlab.store.http_sink import HttpSink
from marketlab.store.pruning import Pruned, prune
from marketlab.store.reader import SqliteReader
from marketlab.store.writer import SqliteStore

__all__ = ["Backup", "HttpSink", "Pruned", "SqliteReader", "SqliteStore", "back_up", "prune"]
