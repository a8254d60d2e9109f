"""From each version of the tables to the next.

One script a version, never changed once it is out. A file of each old version stands in ``tests/databases``, and a
test brings every one of them to the present.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["MIGRATIONS"]

#: Dead letters by reason, kept apart from their rows; letters that were sent again; where gaps were found; pruning.
_FROM_1: Final = """
ALTER TABLE dead_letters ADD COLUMN repaired BLOB;
ALTER TABLE dead_letters ADD COLUMN resend_begun_at REAL;
ALTER TABLE dead_letters ADD COLUMN resent_at REAL;

CREATE TABLE reasons (
    log       TEXT    NOT NULL,
    partition INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    pruned    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (log, partition, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO reasons (log, partition, reason, count)
    SELECT log, partition, reason, count(*) FROM dead_letters GROUP BY log, partition, reason;

ALTER TABLE streams ADD COLUMN refused_seqs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE streams ADD COLUMN breaks TEXT NOT NULL DEFAULT '[]';
-- Until now only counted. A number whose tick was kept was a duplicate when it came as a dead letter.
WITH kept AS (
    SELECT stream_id, seq FROM ticks
    WHERE stream_id IN (SELECT id FROM streams WHERE refused > 0) AND seq IS NOT NULL
), refused AS (
    SELECT DISTINCT streams.id, dead_letters.seq
    FROM streams JOIN dead_letters USING (log, partition, run, symbol)
    WHERE streams.refused > 0 AND dead_letters.seq IS NOT NULL
      AND (streams.id, dead_letters.seq) NOT IN (SELECT stream_id, seq FROM kept)
)
UPDATE streams SET refused_seqs = (
    SELECT json_group_array(json_array(seq, seq) ORDER BY seq) FROM refused WHERE refused.id = streams.id)
WHERE refused > 0;

ALTER TABLE runs ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN pruned_at REAL;
"""

#: The key of a dead letter, by which it is sent again to the partition that it came from.
_FROM_2: Final = "ALTER TABLE dead_letters ADD COLUMN key BLOB"

#: Which database it is, for whoever asked one that stood in its place before.
_FROM_3: Final = """
CREATE TABLE identity (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO identity VALUES (lower(hex(randomblob(8))));
"""

#: version → script that brings a file of that version to the next.
MIGRATIONS: Final[Mapping[int, str]] = {1: _FROM_1, 2: _FROM_2, 3: _FROM_3}
