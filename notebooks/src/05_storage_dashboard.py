# %% [markdown]
# # 5 · Storage, and a dashboard
#
# source → producer → Kafka topic → consumer → **SQLite → API → dashboard**
#
# What notebook 04 knew, it knew in memory, and a restart forgot it. In about 40 minutes you will have a writer that
# puts ticks into a database without making anybody wait, whom you may kill at any moment, and a dashboard that asks
# for what is stored. The kill button is in the middle.

# %% tags=["parameters"]
rate = 40  # ticks a second, over all five symbols, in the dashboard's part
seconds = 8  # how long that part runs
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## A database in a file · 5 minutes
#
# [SQLite](https://www.sqlite.org/about.html) is a library, not a server: a database is one file, and whoever has the
# library can open it. Python brings it along.

# %%
import sqlite3
from contextlib import closing, contextmanager

from marketlab.lab import Lab
from marketlab.lessons import observe, predict, progress, reveal, solved, task

lab = Lab(seed=5, transport=transport)
path = lab.settings.home / "own.db"  # in a folder that is emptied with every new Lab

writer = sqlite3.connect(path)
writer.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
writer.execute("CREATE TABLE ticks (symbol TEXT, price REAL, timestamp REAL)")
INSERT = "INSERT INTO ticks VALUES (:symbol, :price, :timestamp)"
with writer:  # begins a transaction, and commits it at the end
    writer.executemany(INSERT, lab.ticks(rate=0, count=10))

# %% [markdown]
# A **transaction** is what belongs together. Ten rows are committed; now twenty more are written, and the transaction
# is left open. A second connection, as another program would have it, counts the rows.

# %%
reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)  # ro: it cannot change anything
writer.executemany(INSERT, lab.ticks(rate=0, count=20))
own = writer.execute("SELECT count(*) FROM ticks").fetchone()[0]
seen = reader.execute("SELECT count(*) FROM ticks").fetchone()[0]
print(f"the writer itself counts {own}")

# %% [markdown]
# **Observe.** How many rows does the second connection see? Look into `seen`, and put the number in place of the dots.

# %%
# <solution>
observe("m5.open", seen, seen=seen, written=20)
# <instead>
# observe("m5.open", ..., seen=seen, written=20)
# </solution>

# %%
writer.commit()
after = reader.execute("SELECT count(*) FROM ticks").fetchone()[0]
print(f"after the commit it sees {after}")

# %% [markdown]
# ## What a commit costs · 3 minutes
#
# A commit comes back when the disk has said that it has everything, so that even a power cut cannot take it away
# (`synchronous = FULL`). That is a wait. 200 rows, once with a commit for each and once with one for all:

# %%
import time

writer.execute("PRAGMA synchronous = FULL")
some = list(lab.ticks(rate=0, count=200))
began = time.perf_counter()
for tick in some:
    with writer:
        writer.execute(INSERT, tick)
each = time.perf_counter() - began
began = time.perf_counter()
with writer:
    writer.executemany(INSERT, some)
once = time.perf_counter() - began
print(f"a commit for each row {1000 * each:.1f} ms, one for all {1000 * once:.1f} ms")
print(f"{each / once:.0f} times as long")

# %% [markdown]
# **Why it matters.** What a commit costs does not depend on how many rows are in it. So the rows wait for each other
# and share one: a **batch**.

# %% [markdown]
# ## Killed in the middle · 4 minutes
#
# A small program of its own begins a transaction for 1,000 rows. When 500 are written it says so, and there it gets a
# `kill -9`, which no program can catch: it is as if the power went out for it alone.
#
# **Predict.** How many of the 1,000 are in the database afterwards?

# %%
# <solution>
predict("m5.killed", 0)
# <instead>
# predict("m5.killed", ...)
# </solution>

# %%
import sys
from subprocess import PIPE, Popen

HALF = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA cache_size = 1")  # so little memory that rows go into the file at once
connection.execute("BEGIN")
for number in range(500):
    connection.execute("INSERT INTO ticks VALUES ('HALF', ?, 0)", (100 + number,))
print("500 are written", flush=True)
sys.stdin.read()  # waits, until the notebook ends at the latest
"""
wal = path.with_name("own.db-wal")  # new pages go here first, and the commit behind them
size = wal.stat().st_size
with Popen([sys.executable, "-c", HALF, str(path)], stdin=PIPE, stdout=PIPE, text=True) as child:
    print(child.stdout.readline().strip())
    child.kill()
grown = wal.stat().st_size - size
half = reader.execute("SELECT count(*) FROM ticks WHERE symbol = 'HALF'").fetchone()[0]
print(f"killed: {grown:,} bytes of it are in the file, and {half} rows")
reveal("m5.killed", half)

# %% [markdown]
# **Why.** All or nothing. The bytes are there, but no commit stands behind them, so whoever opens the file next passes
# over them. ([How SQLite does it](https://www.sqlite.org/wal.html) is worth an evening: it is a log.)

# %% [markdown]
# ## A writer that nobody waits for · 8 minutes
#
# Your consumer should not stand still while the disk does. So it puts ticks into a **queue**, which takes a
# microsecond, and a thread of its own takes them out and writes. The piece in the middle is yours.
#
# **Write** `write(connection, waiting)`. Take out of the queue `waiting` all that is in it, without ever waiting for
# more; write it in *one* transaction; return how many there were. `INSERT` is the one from above.

# %%
import queue


@task("m5.writer")
def write(connection, waiting):
    """All that waits in the queue, in one transaction; how many it was."""
    # <solution>
    batch = []
    while True:
        try:
            batch.append(waiting.get_nowait())
        except queue.Empty:
            break
    with connection:
        connection.executemany(INSERT, batch)
    return len(batch)
    # </solution>


# %% [markdown]
# The thread around it: it writes as long as there is something, and ends with the block when the queue is empty.

# %%
from threading import Event, Thread


@contextmanager
def writing(path, write):
    """A queue; what is put into it is written by a thread. Ends when all is written."""
    waiting, done, batches = queue.Queue(), Event(), []

    def work():
        with closing(sqlite3.connect(path)) as connection:
            while not (done.is_set() and waiting.empty()):
                if size := write(connection, waiting):
                    batches.append(size)
                else:
                    done.wait(0.01)

    thread = Thread(target=work)
    thread.start()
    try:
        yield waiting, batches
    finally:
        done.set()
        thread.join()


before = reader.execute("SELECT count(*) FROM ticks").fetchone()[0]
began = time.perf_counter()
with writing(path, solved("m5.writer")) as (waiting, batches):
    for tick in lab.ticks(rate=0, count=2000):
        waiting.put(tick)
    handed_over = time.perf_counter() - began
written = reader.execute("SELECT count(*) FROM ticks").fetchone()[0] - before
print(f"handed over in {1000 * handed_over:.0f} ms, {written} written in {len(batches)} batches")

# %% [markdown]
# Nobody has said how large a batch is. It is whatever gathered while the one before was being written.
#
# **Predict.** 1,000 ticks a second come, evenly, and a commit takes 50 ms, whatever is in it. How many ticks will be
# in a batch?

# %%
# <solution>
predict("m5.batch", 50)
# <instead>
# predict("m5.batch", ...)
# </solution>

# %%
came, taken, sizes = 0, 0, []
for now_ms in range(0, 1000, 50):  # whenever a commit has ended, the next one begins
    came = now_ms  # one each millisecond
    sizes.append(came - taken)
    taken = came
print(sizes)
reveal("m5.batch", sizes[-1])

# %% [markdown]
# **Why it matters.** This is a system that finds its own pace. A slow disk makes large batches, and one that is slower
# still makes larger ones; only if each *row* cost too much would the queue grow without end. (How long a queue gets is
# John Little's law: what comes in a second, times how long it stays.)

# %% [markdown]
# ## Where to go on · 6 minutes
#
# One thing is missing. When this writer is started again, where in the log does it go on? Kafka keeps a position for
# your group, but that is another file on another disk: between the commit here and the commit there is always a moment
# in which a kill parts them.
#
# So the position goes into the same database, as one more table.

# %%
STORE = lab.settings.home / "kept.db"
SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE ticks (offset INTEGER NOT NULL, symbol TEXT NOT NULL, price REAL NOT NULL);
CREATE TABLE position (next_offset INTEGER NOT NULL);
INSERT INTO position VALUES (0);
"""
ADD = "INSERT INTO ticks VALUES (:offset, :symbol, :price)"
MOVE = "UPDATE position SET next_offset = ?"

# %% [markdown]
# Here is how one sees it done, with `ADD` and `MOVE` from above. **Repair it**, so that rows and position are kept
# together or not at all. And if the database refuses a row, nothing of the batch may stay, and the error goes on up.


# %%
@task("m5.offset")
def keep(connection, messages):
    """Rows of messages, each with an offset, and the position behind them."""
    # <solution>
    with connection:
        connection.executemany(ADD, messages)
        connection.execute(MOVE, (messages[-1]["offset"] + 1,))
    # <instead>
    # with connection:
    #     connection.execute(MOVE, (messages[-1]["offset"] + 1,))
    # with connection:
    #     connection.executemany(ADD, messages)
    # </solution>


# %% [markdown]
# ## The kill button · 5 minutes
#
# Now for real. `LOG` is a log of ticks, a line each. A program of its own reads it from the position that stands in
# the database, puts the ticks into a queue, and a thread keeps them with *your* function. Its disk is slow on purpose:
# half a second a commit, so that there is something to see.

# %%
import json

keep = solved("m5.offset")
LOG = lab.settings.home / "log.jsonl"
total, pace = 1500, 300  # ticks, and so many a second
ticks = lab.ticks(rate=0, count=total)
LOG.write_text("".join(json.dumps(tick | {"offset": n}) + "\n" for n, tick in enumerate(ticks)))
PROGRAM = """
import itertools, json, queue, sqlite3, sys, threading, time
from contextlib import redirect_stdout
from marketlab.lessons import solved

log, store, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
with redirect_stdout(None):  # what is printed here is for the picture
    keep = solved("m5.offset")
reader = sqlite3.connect(store)
position, = reader.execute("SELECT next_offset FROM position").fetchone()
waiting, durable, at_end = queue.Queue(), position, threading.Event()

def work():
    global durable
    connection = sqlite3.connect(store)
    while not (at_end.is_set() and waiting.empty()):
        batch = [waiting.get() for _ in range(waiting.qsize())]
        time.sleep(0.5)  # the slow disk
        if batch:
            keep(connection, batch)
            durable += len(batch)

def say():
    print(json.dumps({"read": read, "durable": durable}), flush=True)

thread = threading.Thread(target=work)
thread.start()
read = position
with open(log) as lines:
    for line in itertools.islice(lines, position, None):
        waiting.put(json.loads(line))
        read += 1
        if read % 20 == 0:
            say()
        time.sleep(1 / rate)
at_end.set()
thread.join()
say()
"""

# %% [markdown]
# It is killed twice, by this cell; press the button to do it oftener. Each time the database is looked at before the
# program is started again.

# %%
from marketlab.widgets import QueueView


LOOK = "SELECT count(offset), count(DISTINCT offset), next_offset FROM position LEFT JOIN ticks"


def look():
    """Rows, different offsets, and the position, as they are in the file."""
    with closing(sqlite3.connect(f"file:{STORE}?mode=ro", uri=True)) as connection:
        return connection.execute(LOOK).fetchone()


for old in STORE.parent.glob("kept.db*"):
    old.unlink()
with closing(sqlite3.connect(STORE)) as connection:
    connection.executescript(SCHEMA)
command = [sys.executable, "-c", PROGRAM, str(LOG), str(STORE), str(pace)]


@contextmanager
def program():
    """The program, which is never left running."""
    child = Popen(command, stdout=PIPE, stderr=PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


# %%
def kill():
    child.kill()


found, ended = [], False
with QueueView(kill=kill) as view:
    while not ended:
        with program() as child:
            for line in child.stdout:
                counts = json.loads(line)
                view.push(counts)
                if len(found) < 2 and counts["durable"] > total * (len(found) + 1) / 3:
                    child.kill()
            ended = child.wait() == 0
            if child.returncode > 0:
                raise RuntimeError(f"the program has failed: {child.stderr.read()}")
        if not ended:
            found.append(look())
            view.killed(found[-1][0])
            print("killed: {} rows, {} different ones, next offset {}".format(*found[-1]))
look()

# %% [markdown]
# **What you should see.** Two stairs. The dashed one is what was read, the blue one what is durable, and the grey
# between them is the queue. At a kill the grey falls away, for it was memory; the blue does not, and there the next
# program goes on. Rows, different rows and position are the same number after every kill, and at the end.
#
# **Why it matters.** Lost is what the position has passed without its rows, doubled what has rows but not the
# position. One transaction, and neither can happen. The lab's own consumer does just this, with windows and books in
# the same transaction (`docs/architecture.md`), and its tests kill it at every line that matters.

# %% [markdown]
# ## The same with Kafka · 3 minutes
#
# A consumer that *subscribes* is told by Kafka which partitions it reads and where it was. One whose position lies in
# its own database says both itself: `assign`, and `seek` to where the rows end. Two consumers, one after the other:

# %% tags=["kafka"]
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

lab.broker()
servers, topic = lab.bootstrap_servers, lab.topic_name("stored")
with KafkaAdminClient(bootstrap_servers=servers) as admin:
    admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)
encode = solved("m1.encode")
with KafkaProducer(bootstrap_servers=servers, max_block_ms=5000) as producer:
    for tick in lab.ticks(rate=0, count=60):
        producer.send(topic, value=encode(tick))

# %% tags=["kafka"]
part = TopicPartition(topic, 0)


def read_on(connection, at_most):
    """Go on where the database says; keep one batch."""
    (position,) = connection.execute("SELECT next_offset FROM position").fetchone()
    with KafkaConsumer(bootstrap_servers=servers) as consumer:
        consumer.assign([part])
        consumer.seek(part, position)
        for _ in range(50):  # 50 × 200 ms at the most, never for ever
            polled = consumer.poll(timeout_ms=200, max_records=at_most)
            if batch := [json.loads(m.value) | {"offset": m.offset} for m in polled.get(part, [])]:
                keep(connection, batch)
                return f"from {position}: {len(batch)} ticks"
    return "nothing came"


with closing(sqlite3.connect(":memory:")) as connection:
    connection.executescript(SCHEMA)
    print(read_on(connection, 25))
    print(read_on(connection, 100))  # another consumer: it knows the database, not the first one
    offsets = [offset for (offset,) in connection.execute("SELECT offset FROM ticks")]

# %% [markdown]
# ## The dashboard · 6 minutes
#
# The lab's pipeline runs now, and stores. Its dashboard is a page that this link opens; look at it while the cell below
# runs. (It is a link and not a frame in this notebook because the page forbids others to frame it: whoever frames a
# page can put a false button over a true one.)

# %%
from IPython.display import HTML
from marketlab.widgets import RequestTape

run = lab.run(rate=rate, seconds=seconds)
dashboard = lab.dashboard
HTML(f'<a href="{dashboard}" target="_blank">{dashboard}</a>')

# %% [markdown]
# A page that asks again and again is *polling*. The oldest way to be up to date, and a good one: this page asks
# `GET /data` every two seconds whenever it cannot be pushed to. Below you are the page. AAPL gets about
# `rate / 5` ticks a second, and all of them are stored.
#
# **Predict.** How many points of AAPL does one such poll add to the picture?

# %%
# <solution>
predict("m5.poll", 1)
# <instead>
# predict("m5.poll", ...)
# </solution>

# %%
from http.client import HTTPConnection
from urllib.parse import urlsplit

host = urlsplit(dashboard).netloc


def poll(known=None):
    """Ask for the latest, unless it is still what is known: the records, and their tag."""
    began = time.perf_counter()
    with closing(HTTPConnection(host, timeout=5)) as connection:
        connection.request("GET", "/data", headers={"If-None-Match": known} if known else {})
        answer = connection.getresponse()
        body, tag = answer.read(), answer.headers["ETag"]
    took = 1000 * (time.perf_counter() - began)
    tape.add("GET", "/data", status=answer.status, ms=took, body=body.decode())
    return (json.loads(body) if answer.status == 200 else None), tag


# %% [markdown]
# And the picture is `plot_live`, as one makes it with matplotlib: a figure that is drawn anew, in the place of the one
# before.

# %%
import matplotlib.pyplot as plt
from IPython.display import display

tape, polled, per_poll, tag = RequestTape(), {}, [], None
figure, axes = plt.subplots(figsize=(8, 2.6))
shown = display(figure, display_id=True)
going = True
while going:
    going = not run.over  # once more after the end, for what came last
    records, tag = poll(tag)
    if records is not None:
        points = [record for record in records if record["symbol"] == "AAPL"]
        per_poll.append(len(points))
        polled |= {record["timestamp"]: record["price"] for record in points}
    axes.clear()
    axes.plot([at - min(polled) for at in polled], [*polled.values()], "o-")
    axes.set_title(f"AAPL, {len(polled)} points")
    axes.set_xlabel("seconds")
    shown.update(figure)
    until = time.monotonic() + 2
    while going and time.monotonic() < until and not run.over:
        time.sleep(0.1)
plt.close(figure)
poll(tag)  # nothing was stored since
reveal("m5.poll", max(per_poll))
tape

# %% [markdown]
# **What you should see.** A handful of points, one a poll. The last line of the tape is 304, *Not Modified*, without a
# body: the page had sent the tag of what it knew, and the server answers "still that".
#
# What were the points that it did not see? All are in the database, and SQL gets them out. (`mode=ro`: your notebook
# reads the pipeline's file, and only reads.)

# %%
import pandas as pd

with closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True)) as connection:
    query = "SELECT timestamp, price, moving_average FROM ticks WHERE symbol = ? ORDER BY id"
    frame = pd.read_sql(query, connection, params=["AAPL"])
    every = """SELECT symbol, count(*) AS ticks, min(price) AS low, max(price) AS high
               FROM ticks GROUP BY symbol"""
    table = pd.read_sql(every, connection)
start = frame["timestamp"].iloc[0]
figure, axes = plt.subplots(figsize=(8, 2.6))
axes.plot(frame["timestamp"] - start, frame["price"], "gray", label=f"{len(frame)} stored")
axes.plot([at - start for at in polled], [*polled.values()], "o-", label=f"{len(polled)} polled")
axes.set_xlabel("seconds")
axes.legend(frameon=False)
plt.show()
table

# %% [markdown]
# **Why it matters.** What is polled is a sample. For a price on a wall that is enough; a spike of a second goes unseen.
# One can poll faster, and pays for each question, most of whose answers are "still that". Or turn it round, and let
# the server speak when there is something to say: notebook 06.
#
# In a terminal, `marketlab plot AAPL` opens a window that follows (`marketlab/plot_live.py`), and `marketlab up` brings
# the page of your own machine.

# %%
reader.close()
writer.close()
numbers = view.numbers()
lab.verdict(
    "05_storage_dashboard",
    {
        "seen before and after the commit": ([seen, after], [10, 30]),
        "rows of a batch that was killed": (half, 0),
        "what was handed to the writer": (written, 2000),
        "kills, after each of which rows and position agree": (
            len(found) >= 2 and all(len(set(counts)) == 1 for counts in found),
            True,
        ),
        "kept in the end, each once": (look(), (total, total, total)),
        "the picture was alive": (numbers["durable"] == total and view.error is None, True),
        "the run balances": (run.balanced, True),
        "a poll sees the latest, the database all": (len(polled) <= len(frame), True),
    },
)

# %% tags=["kafka"]
lab.verdict("05_storage_dashboard_kafka", {"each offset once": (offsets == list(range(60)), True)})

# %%
progress()

# %% [markdown]
# **Next**: notebook 06 lets the server speak first, over a WebSocket, and measures both ways side by side.
#
# *To go deeper:* [Designing Data-Intensive Applications](https://dataintensive.net/) by Martin Kleppmann, the chapter
# on transactions; and SQLite's page [Atomic Commit](https://www.sqlite.org/atomiccommit.html).
