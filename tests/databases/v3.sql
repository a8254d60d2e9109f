-- SQLite dump (by APSW 3.54.1.0)
-- SQLite version 3.54.1
-- Tables like: (All)

-- The values of various per-database settings
PRAGMA page_size=4096;
-- PRAGMA encoding='UTF-8';
-- PRAGMA auto_vacuum=NONE;
-- PRAGMA max_page_count=4294967294;

BEGIN TRANSACTION;

-- Table  alerts
DROP TABLE IF EXISTS alerts;
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
INSERT INTO alerts VALUES(1,'AAPL','⚠️ AAPL changed by 3.96%',105.0,101.0,3.9603960396039604,102.0,3.0,5,3.0,0,2,1,'[100.0,101.0,105.0]','[0,1,2]',3,3,3,1,NULL);

-- Table  dead_letters
DROP TABLE IF EXISTS dead_letters;
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
INSERT INTO dead_letters VALUES(1,X'7B2273796D626F6C223A224141504C222C227072696365223A2D312C2274696D657374616D70223A352C2272756E223A2272222C22736571223A357D','tape:t',0,4,1731000000.0,'bad_price','price must be a number above 0 and below 1e12, was -1','r','AAPL',5,NULL,NULL,NULL,NULL);
INSERT INTO dead_letters VALUES(2,X'FFFE','tape:t',0,9,1731000000.0,'not_utf8','byte 0 is not UTF-8','',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO dead_letters VALUES(3,X'7B7D','tape:t',0,10,1731000000.0,'missing_field','symbol, price, timestamp missing','',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO dead_letters VALUES(4,X'7B2273796D626F6C223A224D534654222C227072696365223A302C2274696D657374616D70223A352C2272756E223A2273222C22736571223A327D','tape:t',1,0,1731000000.0,'bad_price','price must be a number above 0 and below 1e12, was 0','s','MSFT',2,NULL,NULL,NULL,NULL);
INSERT INTO dead_letters VALUES(5,X'7B2273796D626F6C223A224D534654222C227072696365223A2278222C2274696D657374616D70223A352C2272756E223A2273222C22736571223A317D','tape:t',1,2,1731000000.0,'bad_price','price must be a number above 0 and below 1e12, was "x"','s','MSFT',1,NULL,NULL,NULL,NULL);
-- Triggers and indices on  dead_letters
CREATE INDEX dead_letters_by_reason ON dead_letters (reason);

-- Table  latest
DROP TABLE IF EXISTS latest;
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
INSERT INTO latest VALUES('AAPL',11,99.0,50.0,NULL,5.0,NULL,NULL,NULL,NULL,NULL,NULL,0,1,NULL,NULL,1);
INSERT INTO latest VALUES('MSFT',10,52.0,51.5,NULL,4.0,NULL,1.9607843137254901,'s',4,1,4,0,8,1.9607843137254901,10,NULL);
INSERT INTO latest VALUES('X',12,1.0,NULL,NULL,1.0,NULL,NULL,'p',NULL,2,3,0,12,NULL,NULL,NULL);

-- Table  positions
DROP TABLE IF EXISTS positions;
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
INSERT INTO positions VALUES('tape:t',0,1,12,12,6,1,1,3,1);
INSERT INTO positions VALUES('tape:t',1,1,6,6,2,1,0,2,1);
INSERT INTO positions VALUES('tape:t',2,1,NULL,0,0,0,0,0,0);

-- Table  posted
DROP TABLE IF EXISTS posted;
CREATE TABLE posted (
    tick_id   INTEGER PRIMARY KEY REFERENCES ticks (id),
    run       TEXT NOT NULL,
    log       TEXT,
    partition INTEGER,
    "offset"  INTEGER
) STRICT;
INSERT INTO posted VALUES(11,'',NULL,NULL,NULL);
INSERT INTO posted VALUES(12,'p','tape:t',2,3);
-- Triggers and indices on  posted
CREATE UNIQUE INDEX posted_once ON posted (log, partition, "offset") WHERE log IS NOT NULL;

-- Table  reasons
DROP TABLE IF EXISTS reasons;
CREATE TABLE reasons (
    log       TEXT    NOT NULL,
    partition INTEGER NOT NULL,
    reason    TEXT    NOT NULL,
    count     INTEGER NOT NULL,
    pruned    INTEGER NOT NULL DEFAULT 0,  -- so many of them are no longer in dead_letters
    PRIMARY KEY (log, partition, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO reasons VALUES('tape:t',0,'bad_price',1,0);
INSERT INTO reasons VALUES('tape:t',0,'missing_field',1,0);
INSERT INTO reasons VALUES('tape:t',0,'not_utf8',1,0);
INSERT INTO reasons VALUES('tape:t',1,'bad_price',2,0);

-- Table  rules
DROP TABLE IF EXISTS rules;
CREATE TABLE rules (
    log           TEXT    NOT NULL,
    run           TEXT    NOT NULL,
    window        INTEGER NOT NULL,
    threshold_pct REAL    NOT NULL,
    PRIMARY KEY (log, run, window, threshold_pct)
) STRICT, WITHOUT ROWID;
INSERT INTO rules VALUES('tape:t','r',5,3.0);
INSERT INTO rules VALUES('tape:t','s',5,3.0);

-- Table  runs
DROP TABLE IF EXISTS runs;
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
INSERT INTO runs VALUES('tape:t','r',1795629018.407,1795629018.408,1,7,3,NULL);
INSERT INTO runs VALUES('tape:t','s',1795629018.409,1795629018.409,8,10,1,NULL);

-- Table  streams
DROP TABLE IF EXISTS streams;
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
INSERT INTO streams VALUES(1,'tape:t','r','AAPL',0,5,3.0,7,6,1,1,1,12,12,1,10.0,'[[7,7],[9,9],[11,12]]','[101.0,105.0,104.0,103.0,102.0]','[1,2,3,5,6]','[[5,5]]','[[7,9,5,6.0,6,10.0],[11,12,6,10.0,11,null]]');
INSERT INTO streams VALUES(2,'tape:t','s','MSFT',1,5,3.0,3,2,1,0,1,4,4,1,4.0,'[]','[51.0,52.0]','[3,4]','[[2,2]]','[]');

-- Table  ticks
DROP TABLE IF EXISTS ticks;
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
INSERT INTO ticks VALUES(1,'AAPL',100.0,100.0,NULL,1.0,NULL,NULL,1,0,0,0,1,1,NULL);
INSERT INTO ticks VALUES(2,'AAPL',101.0,100.5,NULL,2.0,NULL,1.0,2,0,1,0,2,1,1);
INSERT INTO ticks VALUES(3,'AAPL',105.0,102.0,'⚠️ AAPL changed by 3.96%',3.0,NULL,3.9603960396039604,3,0,2,0,3,1,2);
INSERT INTO ticks VALUES(4,'AAPL',104.0,102.5,NULL,4.0,NULL,-0.9523809523809524,4,0,3,0,4,1,3);
INSERT INTO ticks VALUES(5,'AAPL',103.0,102.6,NULL,6.0,NULL,-0.9615384615384616,6,0,5,0,5,1,4);
INSERT INTO ticks VALUES(6,'AAPL',102.0,103.0,NULL,10.0,NULL,-0.9708737864077669,10,0,6,0,6,1,5);
INSERT INTO ticks VALUES(7,'AAPL',102.5,NULL,NULL,8.0,NULL,NULL,8,0,7,1,7,1,6);
INSERT INTO ticks VALUES(8,'MSFT',50.0,NULL,NULL,1.0,NULL,NULL,1,1,1,1,1,2,NULL);
INSERT INTO ticks VALUES(9,'MSFT',51.0,51.0,NULL,3.0,NULL,NULL,3,1,3,0,2,2,8);
INSERT INTO ticks VALUES(10,'MSFT',52.0,51.5,NULL,4.0,NULL,1.9607843137254901,4,1,4,0,3,2,9);
INSERT INTO ticks VALUES(11,'AAPL',99.0,50.0,NULL,5.0,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,7);
INSERT INTO ticks VALUES(12,'X',1.0,NULL,NULL,1.0,NULL,NULL,NULL,2,3,0,NULL,NULL,NULL);

-- Views
DROP VIEW IF EXISTS records;
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

-- Database header
pragma user_version=3;
pragma application_id=1835756642;

COMMIT TRANSACTION;
