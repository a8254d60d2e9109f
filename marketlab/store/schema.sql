-- The database of a lab. Names are a contract: notebooks and learners query these tables.
--
-- Read it from a process of your own with  sqlite3.connect("file:marketlab.db?mode=ro", uri=True)  and never from the
-- process that writes: two SQLite libraries on one file in one process drop each other's locks.
-- Times are seconds since the epoch (UTC). `timestamp` is event time; first_seen and last_seen are this machine's clock.
-- REFERENCES say what belongs together; they are not enforced.

-- Every tick that was kept, in the order of writing. For run and log as well, see the view `records`.
CREATE TABLE ticks (
    id             INTEGER PRIMARY KEY,  -- ascending in the order of writing, over all symbols
    symbol         TEXT    NOT NULL,
    price          REAL    NOT NULL,
    moving_average REAL,                 -- NULL for a late tick
    alert          TEXT,                 -- the alert's text, or NULL
    timestamp      REAL    NOT NULL,
    size           REAL,
    change_pct     REAL,                 -- against the stream's previous price; NULL for the first and for late ones
    seq            INTEGER,              -- 1, 2, 3 … per symbol within a run, if the producer stamped it
    partition      INTEGER,              -- NULL, as is "offset", for a record that was only POSTed
    "offset"       INTEGER,
    late           INTEGER NOT NULL DEFAULT 0,
    ordinal        INTEGER,              -- arrival number within the stream, late ones included
    stream_id      INTEGER REFERENCES streams (id),  -- NULL: came by HTTP
    prev_id        INTEGER REFERENCES ticks (id),    -- the row before of the same symbol: its history without an index
    source         TEXT GENERATED ALWAYS AS (iif(stream_id IS NULL, 'http', 'log')) VIRTUAL
) STRICT;

-- The last written tick of every symbol: what GET /data answers, and where the chain of prev_id begins.
CREATE TABLE latest (
    symbol             TEXT    PRIMARY KEY,
    id                 INTEGER NOT NULL REFERENCES ticks (id),
    price              REAL    NOT NULL,
    moving_average     REAL,
    alert              TEXT,
    timestamp          REAL    NOT NULL,
    size               REAL,
    change_pct         REAL,
    run                TEXT,
    seq                INTEGER,
    partition          INTEGER,
    "offset"           INTEGER,
    late               INTEGER NOT NULL DEFAULT 0,
    first_id           INTEGER NOT NULL REFERENCES ticks (id),  -- the symbol's oldest row
    largest_change_pct REAL,                                    -- the largest move since the symbol's run began …
    largest_id         INTEGER REFERENCES ticks (id),           -- … and the tick that made it
    alert_id           INTEGER REFERENCES alerts (id)           -- the symbol's last alert
) STRICT, WITHOUT ROWID;

-- Every alert with what is needed to recompute it. Log and run: JOIN streams ON streams.id = alerts.stream_id.
CREATE TABLE alerts (
    id              INTEGER PRIMARY KEY,
    symbol          TEXT    NOT NULL,
    text            TEXT    NOT NULL,
    price           REAL    NOT NULL,
    previous_price  REAL    NOT NULL,
    change_pct      REAL    NOT NULL,
    moving_average  REAL    NOT NULL,
    timestamp       REAL    NOT NULL,
    window          INTEGER NOT NULL,  -- the rule: ticks in the moving average …
    threshold_pct   REAL    NOT NULL,  -- … and the threshold in percent
    partition       INTEGER NOT NULL,
    "offset"        INTEGER NOT NULL,
    previous_offset INTEGER NOT NULL,
    window_prices   TEXT    NOT NULL,  -- JSON array, oldest first, this tick's own last
    window_offsets  TEXT    NOT NULL,  -- JSON array, as window_prices
    seq             INTEGER,
    ordinal         INTEGER NOT NULL,
    tick_id         INTEGER NOT NULL REFERENCES ticks (id),
    stream_id       INTEGER NOT NULL REFERENCES streams (id),
    prev_id         INTEGER REFERENCES alerts (id)  -- the alert before of the same symbol
) STRICT;

-- Refused messages, whole. CAST(raw AS TEXT) shows those that are text.
CREATE TABLE dead_letters (
    id          INTEGER PRIMARY KEY,
    raw         BLOB    NOT NULL,
    log         TEXT    NOT NULL,
    partition   INTEGER NOT NULL,
    "offset"    INTEGER NOT NULL,
    record_time REAL    NOT NULL,  -- the log's own time of sending
    reason      TEXT    NOT NULL,  -- one of a closed set
    detail      TEXT    NOT NULL,  -- a sentence
    run         TEXT    NOT NULL,  -- run, symbol and seq as far as they can still be read
    symbol      TEXT,
    seq         INTEGER,
    repaired        BLOB,          -- what was sent in its place, if it was sent again
    resend_begun_at REAL,          -- not NULL while resent_at is: it may stand on the log or not
    resent_at       REAL,          -- when the log acknowledged it
    key             BLOB           -- the message's own; NULL if it had none, or none was kept (before version 3)
) STRICT;
CREATE INDEX dead_letters_by_reason ON dead_letters (reason);

-- How many dead letters there were of each reason; the sum of a partition is its positions.dead_lettered.
-- A letter that is pruned stays counted here.
CREATE TABLE reasons (
    log       TEXT    NOT NULL,
    partition INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    pruned    INTEGER NOT NULL DEFAULT 0,  -- so many of them are no longer in dead_letters
    PRIMARY KEY (log, partition, reason)
) STRICT, WITHOUT ROWID;

-- Who owns a partition of a log, what is read next, and the partition's books:
-- received = stored + late + duplicate + dead_lettered + control.
CREATE TABLE positions (
    log           TEXT    NOT NULL,
    partition     INTEGER NOT NULL,
    epoch         INTEGER NOT NULL,  -- grows with every claim; an older owner can write nothing
    next_offset   INTEGER,           -- NULL before the first commit
    received      INTEGER NOT NULL DEFAULT 0,
    stored        INTEGER NOT NULL DEFAULT 0,
    late          INTEGER NOT NULL DEFAULT 0,
    duplicate     INTEGER NOT NULL DEFAULT 0,
    dead_lettered INTEGER NOT NULL DEFAULT 0,
    control       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (log, partition)
) STRICT, WITHOUT ROWID;

-- What must be remembered of a stream (one symbol of one run on one partition) to go on with it, and its account.
CREATE TABLE streams (
    id             INTEGER PRIMARY KEY,
    log            TEXT    NOT NULL,
    run            TEXT    NOT NULL,
    symbol         TEXT    NOT NULL,
    partition      INTEGER NOT NULL,
    window         INTEGER NOT NULL,  -- the rule it was last judged by
    threshold_pct  REAL    NOT NULL,
    ordinal        INTEGER NOT NULL,  -- ticks kept so far: stored + late
    stored         INTEGER NOT NULL,
    late           INTEGER NOT NULL,
    duplicate      INTEGER NOT NULL,
    refused        INTEGER NOT NULL,  -- sequence numbers that arrived as dead letters and not, repaired, since
    highest_seq    INTEGER NOT NULL,
    last_seq       INTEGER,           -- ticks produced, as the closing record says; NULL: still open
    run_symbols    INTEGER,           -- symbols in the run, as the closing record says
    newest         REAL,              -- newest event time, NULL before the first tick
    gaps           TEXT    NOT NULL,  -- JSON array of [first, last]: sequence numbers that were not seen
    window_prices  TEXT    NOT NULL,  -- JSON array, oldest first
    window_offsets TEXT    NOT NULL,  -- JSON array, as window_prices
    refused_seqs   TEXT    NOT NULL DEFAULT '[]',  -- JSON array of [first, last]: the numbers that `refused` counts
    breaks         TEXT    NOT NULL DEFAULT '[]',  -- JSON array: where the gaps were found, as
                                                   -- [first, last, offset before, time, offset after, time]
    UNIQUE (log, run, symbol, partition)
) STRICT;

-- Every producer run on every log.
CREATE TABLE runs (
    log           TEXT NOT NULL,
    run           TEXT NOT NULL,
    first_seen    REAL NOT NULL,
    last_seen     REAL NOT NULL,
    first_tick_id INTEGER,  -- its ticks lie between these two ids, among others; NULL before any
    last_tick_id  INTEGER,
    changes       INTEGER NOT NULL DEFAULT 0,  -- another number after every commit that touches the run
    pruned_at     REAL,                        -- when its ticks were removed; its account stays
    PRIMARY KEY (log, run)
) STRICT, WITHOUT ROWID;

-- The rules that a run was judged by: one, unless window or threshold were changed on the way.
CREATE TABLE rules (
    log           TEXT    NOT NULL,
    run           TEXT    NOT NULL,
    window        INTEGER NOT NULL,
    threshold_pct REAL    NOT NULL,
    PRIMARY KEY (log, run, window, threshold_pct)
) STRICT, WITHOUT ROWID;

-- What came with ticks that were POSTed. One that names its place in a log is kept once, however often it is sent.
CREATE TABLE posted (
    tick_id   INTEGER PRIMARY KEY REFERENCES ticks (id),
    run       TEXT NOT NULL,
    log       TEXT,
    partition INTEGER,
    "offset"  INTEGER
) STRICT;
CREATE UNIQUE INDEX posted_once ON posted (log, partition, "offset") WHERE log IS NOT NULL;

-- Which database this is: one that was wiped and filled again is another. A copy is the same one.
CREATE TABLE identity (
    id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO identity VALUES (lower(hex(randomblob(8))));

-- Every tick with its run and log, however it came.
CREATE VIEW records AS
SELECT
    ticks.id,
    ticks.symbol,
    ticks.price,
    ticks.moving_average,
    ticks.alert,
    ticks.timestamp,
    ticks.size,
    ticks.change_pct,
    nullif(coalesce(streams.run, posted.run), '') AS run,
    ticks.seq,
    ticks.partition,
    ticks."offset",
    ticks.late,
    ticks.ordinal,
    ticks.source,
    coalesce(streams.log, posted.log) AS log
FROM ticks
LEFT JOIN streams ON streams.id = ticks.stream_id
LEFT JOIN posted ON ticks.stream_id IS NULL AND posted.tick_id = ticks.id;
