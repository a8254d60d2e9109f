"""Is the file whole, and do its tables agree with each other?

The account is kept in counters of its own, so that rows can be held against it: whoever changed a table by hand, or a
fault that lost a row, shows here though every sum of the books comes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import apsw

__all__ = ["problems"]

MOST_DAMAGE: Final = 20  # sentences of SQLite's own check

#: Rows that no walk along ``prev_id`` from a symbol's last row comes to. UNION ends also where rows point in a circle.
_LOST_ROWS: Final = """
    WITH RECURSIVE chain (id, prev_id) AS (
        SELECT {table}.id, {table}.prev_id FROM latest JOIN {table} ON {table}.id = latest.{head}
        UNION
        SELECT {table}.id, {table}.prev_id FROM chain JOIN {table} ON {table}.id = chain.prev_id)
    SELECT {table}.id, {table}.symbol
    FROM {table} JOIN streams ON streams.id = {table}.stream_id JOIN runs USING (log, run)
    WHERE runs.pruned_at IS NULL AND {table}.id NOT IN (SELECT id FROM chain)"""

#: What is wrong, and the rows that show it: each must find none. Runs whose ticks were pruned are not asked.
_CHECKS: Final = (
    (
        "stream {} has {} rows of which {} are late, its account says {} and {}",
        """
        WITH kept AS (SELECT stream_id, count(*) AS rows, sum(late) AS late FROM ticks
                      WHERE stream_id IS NOT NULL GROUP BY stream_id)
        SELECT concat(run, ' ', symbol, ' of partition ', partition), ifnull(kept.rows, 0), ifnull(kept.late, 0),
               streams.stored + streams.late, streams.late
        FROM streams JOIN runs USING (log, run) LEFT JOIN kept ON kept.stream_id = streams.id
        WHERE runs.pruned_at IS NULL
          AND (ifnull(kept.rows, 0), ifnull(kept.late, 0), streams.ordinal)
              IS NOT (streams.stored + streams.late, streams.late, streams.stored + streams.late)""",
    ),
    (
        "stream {} names {} refused numbers, its account says {}",
        """
        SELECT concat(run, ' ', symbol, ' of partition ', partition), named, refused FROM (
            SELECT *, (SELECT ifnull(sum(value ->> 1 - (value ->> 0) + 1), 0) FROM json_each(refused_seqs)) AS named
            FROM streams)
        WHERE named <> refused""",
    ),
    (
        "partition {} of {} has stored, late and duplicate {}, its streams have {}",
        """
        WITH kept AS (SELECT log, partition, sum(stored) AS s, sum(late) AS l, sum(duplicate) AS d
                      FROM streams GROUP BY log, partition)
        SELECT partition, log, concat_ws(', ', stored, late, duplicate),
               concat_ws(', ', ifnull(s, 0), ifnull(l, 0), ifnull(d, 0))
        FROM positions LEFT JOIN kept USING (log, partition)
        WHERE (stored, late, duplicate) IS NOT (ifnull(s, 0), ifnull(l, 0), ifnull(d, 0))""",
    ),
    (
        "partition {} of {} has {} dead letters of reason {}, {} were counted and {} pruned",
        """
        WITH kept AS (SELECT log, partition, reason, count(*) AS rows FROM dead_letters GROUP BY 1, 2, 3)
        SELECT partition, log, ifnull(rows, 0), reason, ifnull(count, 0), ifnull(pruned, 0)
        FROM kept FULL JOIN reasons USING (log, partition, reason)
        WHERE ifnull(rows, 0) <> ifnull(count, 0) - ifnull(pruned, 0)""",
    ),
    (
        "the latest row of {} must be tick {}, which is not there or another one",
        """
        SELECT latest.symbol, latest.id FROM latest LEFT JOIN ticks USING (id)
        WHERE (latest.symbol, latest.price, latest.timestamp) IS NOT (ticks.symbol, ticks.price, ticks.timestamp)""",
    ),
    (
        "tick {} of {} says that it alerted, and there is no such alert",
        """
        SELECT ticks.id, ticks.symbol FROM ticks JOIN streams ON streams.id = ticks.stream_id JOIN runs USING (log, run)
        WHERE ticks.alert IS NOT NULL AND runs.pruned_at IS NULL
          AND ticks.id NOT IN (SELECT tick_id FROM alerts)""",
    ),
    ("tick {} of {} is missing from the history of its symbol", _LOST_ROWS.format(table="ticks", head="id")),
    ("alert {} of {} is missing from the history of its symbol", _LOST_ROWS.format(table="alerts", head="alert_id")),
)


def problems(connection: apsw.Connection) -> Iterator[str]:
    """What is wrong, a sentence each; nothing if all is sound. Reads every row."""
    for (damage,) in connection.execute(f"PRAGMA integrity_check({MOST_DAMAGE})"):
        if damage != "ok":
            yield f"the file is damaged: {damage}"
    for sentence, rows in _CHECKS:
        for row in connection.execute(f"{rows} LIMIT {MOST_DAMAGE}"):
            yield sentence.format(*row)
