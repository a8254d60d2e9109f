# %% [markdown]
# # 7 · When things break
#
# source → producer → Kafka topic → **consumer ✗ SQLite** → API → dashboard
#
# Programs are killed: by a power cut, by a system that is out of memory, by a colleague. In about 35 minutes you will
# have killed the consumer of this lab several times, at the worst moment too, and proven that nothing was lost and
# nothing doubled. Then you will find what *is* missing, tell by name which ticks, and hear from an alert why it fired.

# %% tags=["parameters"]
rate = 40  # ticks a second, over all five symbols
seconds = 6  # how long each live picture runs
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## First, the picture · 3 minutes
#
# First start the pipeline: producer and consumer, each a process of its own, with a hundred ticks to warm up.

# %%
from marketlab.lab import Lab
from marketlab.lessons import observe, predict, progress, reveal, solved, task

lab = Lab(seed=8, transport=transport)
lab.run(ticks=100, rate=0).wait()

# %% [markdown]
# Now a pair of scales. In the left pan lies all that was sent, in the right one all that was found again. After a third
# of the time the consumer is killed with `kill -9`, after two thirds it is started again. Watch the beam.

# %%
import time
from marketlab.widgets import Balance, BalanceBeam

with lab.run(rate=rate, seconds=seconds) as run, BalanceBeam(lab.balance) as beam:
    time.sleep(seconds / 3)
    lab.kill("consumer")
    time.sleep(seconds / 3)
    lab.consume()
    run.wait()
tipped = beam.numbers()["deepest"]

# %% [markdown]
# **What you should see.** Nearly level; then the left side sinks, and below it stands what is not read yet, partition
# by partition; then it rights itself, and in the end it says *level*.
#
# **Why it matters.** Nobody repaired anything. The producer never noticed. Kafka kept what came, and the consumer went
# on where it had stopped: not one earlier, not one later. How it can know that place, having died without a word, is
# what the next section is about.

# %%
run

# %% [markdown]
# ## Killed at the worst moment · 6 minutes
#
# A consumer does two things with each batch: it **writes rows**, and it **remembers how far it has read**. Between two
# things there is always a moment to die in.
#
# | order | killed in between | called |
# |---|---|---|
# | remember, then write | the rows are lost | at most once |
# | write, then remember | the rows are written again | at least once |
# | both in one transaction | nothing happens | effectively once |
#
# Kafka's own documentation advises the third one to whoever stores results in a database: let the consumer keep its
# offset [in the same place as its output](https://kafka.apache.org/documentation/#semantics). This lab does. Beside
# the rows there is a table `positions`, and one `COMMIT` makes both durable.
#
# Here is the experiment. 300 ticks lie on the log, and no consumer runs. Then one is started and dies by `kill -9`
# immediately *after* its first commit, before it can tell Kafka anything. (The package has named places for such
# deaths; its own tests kill it at every one of them.) Then a new one is started.
#
# **Predict.** Kafka has never heard that those ticks were read. How many rows of this run will be in the database when
# the new consumer is done?

# %%
# <solution>
predict("m7.killed", 300)
# <instead>
# predict("m7.killed", ...)
# </solution>

# %%
lab.stop()
run = lab.produce(ticks=300, rate=0).wait()
lab.crash("after:store.commit")

# %% [markdown]
# The consumer is dead. Look for yourself, with Python's own `sqlite3`. `mode=ro` opens the file for reading only: two
# SQLite libraries that write one file are a lesson you do not want to have.

# %%
import sqlite3
from contextlib import closing

import pandas as pd


def ask(question, *values):
    """Rows of the lab's database."""
    with closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True)) as db:
        return pd.read_sql_query(question, db, params=values)


count = "SELECT count(*) AS rows FROM records WHERE run = ?"
at_death = int(ask(count, run.id)["rows"][0])
print(f"{at_death} rows were durable when it died")

# %%
ask("SELECT partition, epoch, next_offset, received FROM positions ORDER BY partition")

# %% [markdown]
# And this is what Kafka knows of it. The consumer reports its position there as well, but only so that other tools can
# see it. It reads it never.

# %% tags=["kafka"]
from kafka import KafkaAdminClient

with KafkaAdminClient(bootstrap_servers=lab.bootstrap_servers) as admin:
    (reported,) = admin.list_group_offsets(lab.group).values()
dict(sorted((place.partition, known.offset) for place, known in reported.items()))

# %% [markdown]
# Smaller numbers than in the table above, where the rows were committed. Now the new consumer, and twenty ticks more,
# so that it has something to do.

# %%
lab.consume()
lab.produce(ticks=20, rate=0).wait()  # once these are stored, it has passed all that was before
rows = int(ask(count, run.id)["rows"][0])
reveal("m7.killed", rows)

# %% [markdown]
# **Why.** It asked the database where to go on. A row and the position behind it cannot be parted, since they were one
# transaction. Had it asked Kafka, every row that was durable when it died would now be there twice.

# %% [markdown]
# ## Every message has a bin · 7 minutes
#
# The consumer can do nothing about what was wrong before: a network that sends twice, a message that is overtaken, a
# producer with a bug. It can only say of each message what it is. So a producer stamps its ticks: `run`, a name for
# this run of the program, and `seq`, which counts 1, 2, 3 … *for each symbol within a run*.
#
# A producer named `r1` has sent nine ticks of AAPL. This is what arrived:

# %%
now = time.time()
arrived = [
    {"run": "r1", "symbol": "AAPL", "seq": seq, "price": price, "timestamp": now + seq}
    for seq, price in [
        (1, 215.67),
        (2, 215.67),
        (3, 215.71),
        (3, 215.71),
        (5, 215.80),
        (4, 215.74),
        (6, None),
        (8, 215.66),
    ]
]
pd.DataFrame(arrived)[["run", "symbol", "seq", "price"]]

# %% [markdown]
# **Write** `classify(messages)`: for each message one of four words.
#
# | bin | when |
# |---|---|
# | `"refused"` | it has no price (`None`), so it is no tick |
# | `"duplicate"` | its number was kept before |
# | `"late"` | it was not, but a number at least as high has arrived before |
# | `"stored"` | everything else |
#
# *Kept* is what was stored or late. The number of a refused message has arrived, but was not kept: somebody may mend
# the message and send it again.


# %%
@task("m7.classify")
def classify(messages):
    """The bin of each message."""
    # <solution>
    kept, highest, bins = set(), {}, []
    for message in messages:
        stream, seq = (message["run"], message["symbol"]), message["seq"]
        top = highest.get(stream, 0)
        highest[stream] = max(top, seq)
        if message["price"] is None:
            bins.append("refused")
        elif (stream, seq) in kept:
            bins.append("duplicate")
        else:
            kept.add((stream, seq))
            bins.append("stored" if seq > top else "late")
    return bins
    # </solution>


# %% [markdown]
# **Why not by price and time?** Because two real trades may agree in both. In six minutes of a real exchange's bitcoin
# trades, 1,417 of 9,757 had the time, price and size of an earlier one, and were trades of their own. Who throws out
# such "duplicates" throws out one trade in seven.

# %% [markdown]
# ## What is missing has a name · 6 minutes
#
# Nobody sees what did not come. It shows in the numbers of what did, but for one case: if the *last* ticks are lost,
# nothing comes after them, and so nothing shows that they were sent. For that the producer ends each run with a
# **closing record**: `r1` sent nine.
#
# **Write** `gaps(seqs, last)`. `seqs` are the numbers that arrived, in any order, some perhaps twice; `last` is what
# the closing record says. Return the ranges that are missing, as pairs of first and last: `[[3, 5], [9, 9]]`.


# %%
@task("m7.gaps")
def gaps(seqs, last):
    """What is missing of 1 to last, as [first, last] pairs."""
    # <solution>
    missing, before = [], 0
    for seq in [*sorted(set(seqs)), last + 1]:
        if seq > before + 1:
            missing.append([before + 1, seq - 1])
        before = seq
    return missing
    # </solution>


# %% [markdown]
# Put your two functions on the scales. The producer says that it has sent ten messages: nine ticks, and one of them
# twice.

# %%
from collections import Counter

bins = Counter(solved("m7.classify")(arrived))
holes = [list(pair) for pair in solved("m7.gaps")([message["seq"] for message in arrived], 9)]
names = ["AAPL " + (f"{a}–{b}" if a < b else f"{a}") for a, b in holes]
Balance(sent=10, kept=bins, missing=names)

# %% [markdown]
# **What you should see.** It tips by two ticks, and it tells you which two.
#
# This is what the **books** of the lab are: for each run *produced = stored + late + refused + lost*, where *lost* is
# counted from the gaps and never as the remainder, so that the sum can fail. Accountants have kept them in this way
# since [Pacioli](https://en.wikipedia.org/wiki/Luca_Pacioli) (1494).
#
# Now the same messages through the real pipeline, by kafka-python, into the lab's own topic. The lab's books do not
# know your functions. Do they come to the same?

# %% tags=["kafka"]
import json

from kafka import KafkaProducer

producer = KafkaProducer(bootstrap_servers=lab.bootstrap_servers, max_block_ms=5000)
topic, name = lab.topic(), f"r1-{time.time():.0f}"  # another run each time that the cell is run


def send(message):
    told = json.dumps(message | {"run": name, "symbol": "AAPL"}).encode()
    producer.send(topic, key=b"AAPL", value=told).get(timeout=5)


for message in arrived:
    send(message)
send({"type": "close", "last_seq": 9, "symbols": 1})


def books_of(run, ready, within_s=20):
    """The account of a run, once it is as it should be or the time is up."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        book = lab.books().run(run)
        if book and ready(book):
            break
        time.sleep(0.1)
    return book


book = books_of(name, lambda book: book["state"] == "closed")
counted = {name: book[name] for name in ("stored", "late", "duplicate", "refused")}
named = [[gap["from"], gap["to"]] for gap in book["gaps"]]
print("the lab:", counted, named)
print("you:    ", dict(bins), holes)
lab.books()

# %% [markdown]
# A gap with a name can be filled: somebody goes and looks for AAPL 7 and AAPL 9, and sends them. They come late. So
# does 6, mended.

# %% tags=["kafka"]
for seq, price in [(6, 215.60), (7, 215.64), (9, 215.70)]:
    send({"seq": seq, "price": price, "timestamp": now + seq})
producer.close()
mended = books_of(name, lambda book: book["lost"] == 0 and book["refused"] == 0)
lab.balance()

# %% [markdown]
# ## The zombie · 6 minutes
#
# The worst consumer is not the dead one. It is the one that everybody takes for dead. It hangs for half a minute, in a
# long pause of its garbage collector or in a laptop that sleeps; Kafka gives its partition to another one; then it
# wakes up, does not know that it was away, and writes the batch that it has in its hands. Martin Kleppmann has
# [drawn that picture](https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html), and the remedy, a
# number that grows with every owner. Here it is called **epoch**.
#
# The table `position` has one row: `epoch` and `next_offset`. Who takes the partition over *claims* it:
#
#     UPDATE position SET epoch = epoch + 1 RETURNING epoch, next_offset
#
# and from then on passes both to `commit`. **Repair** `commit`, so that it writes rows and position for the present
# owner only: `True` if it has, `False` if the partition has another owner by now, and then nothing has changed. Another
# one may claim it at any moment, in the midst of `commit` too.


# %%
@task("m7.zombie")
def commit(db, epoch, offset, prices):
    """Write the prices from an offset on, and the next position; False and nothing for a zombie."""
    # <solution>
    with db:  # one transaction: committed at the end, or rolled back
        moved = db.execute(
            "UPDATE position SET next_offset = ? WHERE epoch = ? AND next_offset = ?",
            (offset + len(prices), epoch, offset),
        )
        if moved.rowcount == 0:
            return False
        rows = [(offset + n, price) for n, price in enumerate(prices)]
        db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    return True
    # <instead>
    # with db:  # one transaction: committed at the end, or rolled back
    #     db.execute("UPDATE position SET next_offset = ?", (offset + len(prices),))
    #     rows = [(offset + n, price) for n, price in enumerate(prices)]
    #     db.executemany("INSERT INTO ticks VALUES (?, ?)", rows)
    # return True
    # </solution>


# %% [markdown]
# **Why one statement?** Whoever first asks and then writes leaves a moment between the two. An `UPDATE … WHERE` asks
# and writes at once, and `rowcount` says whether it met a row: *compare and swap*, as processors have it.
#
# The lab's own table has the same two columns. Each consumer that you have started has claimed each partition once:

# %%
ask("SELECT partition, epoch, next_offset FROM positions ORDER BY partition")

# %% [markdown]
# ## Why did this alert fire? · 4 minutes
#
# Somebody calls at night: "Your system says that a price has jumped. Has it?" An alert of this lab knows the rule it
# was judged by, and where in the log the ticks lie that it was made from. `explain` reads them there again and
# reckons anew. First look yourself at what lies around the newest alert in its partition:

# %%
reason = lab.explain()
alert = reason.explanation.alert
near = ask(
    """
    SELECT "offset", partition, symbol, price, change_pct, coalesce(alert, '') AS alert
    FROM records WHERE run = ? AND partition = ? AND "offset" BETWEEN ? AND ? ORDER BY "offset"
    """,
    alert.run, alert.partition, alert.offset - 9, alert.offset + 1,
)  # fmt: skip
near

# %% [markdown]
# **Observe.** The price has jumped, from where? Find the tick that the alert was compared with, and put its **offset**
# in place of the dots.

# %%
ticks = near.to_dict("records")
# <solution>
own = near[(near["symbol"] == alert.symbol) & (near["offset"] < alert.offset)]
observe("m7.behind", int(own["offset"].iloc[-1]), reason=reason, ticks=ticks)
# <instead>
# observe("m7.behind", ..., reason=reason, ticks=ticks)
# </solution>

# %% [markdown]
# And this is what the alert says itself, with the prices read from the log once more:

# %%
reason

# %% [markdown]
# **Why it matters.** *Confirmed* does not mean that the database still says so. It means that the log, which nobody
# rewrites, was read again and that the same alert comes out. On a terminal: `marketlab explain`.

# %% [markdown]
# ## Break it yourself · 3 minutes
#
# The scales once more, with buttons. Kill the consumer, start it again, as often as you like while the run goes on. It
# ends by itself.

# %%
with lab.run(rate=rate, seconds=seconds) as run:
    live = BalanceBeam(lab.balance, kill=lab.kill, start=lab.consume)
    lab.watch(live)

# %%
lab.consume()  # in case that you left it dead
run.wait()
claimed = int(ask("SELECT min(epoch) AS least FROM positions")["least"][0])
final = lab.balance()
final

# %% [markdown]
# ## What you have learned
#
# | word | what it is |
# |---|---|
# | effectively once | rows and position in one transaction |
# | bin | what became of a message; every message has one |
# | closing record | how far it should have gone: the only witness of a lost tail |
# | epoch | a number that grows with every owner, so that an old one can write nothing |
# | provenance | what a result was made from, so that it can be made again |

# %%
lab.verdict(
    "07_when_things_break",
    {
        "the beam tipped when the consumer was dead": (tipped > 0, True),
        "rows were durable before it died": (0 < at_death <= 300, True),
        "rows after a kill behind the commit": (rows, 300),
        "bins of the damaged run": (
            dict(sorted(bins.items())),
            {"duplicate": 1, "late": 1, "refused": 1, "stored": 5},
        ),
        "missing in the damaged run": (holes, [[7, 7], [9, 9]]),
        "each partition was claimed more than once": (claimed > 1, True),
        "the alert comes out again": (reason.verdict, "confirmed"),
        "level in the end, every run closed": (final.level and run.balanced, True),
    },
)

# %% tags=["kafka"]
lab.verdict(
    "07_when_things_break, through Kafka",
    {
        "the lab's bins are yours": (dict(sorted(counted.items())), dict(sorted(bins.items()))),
        "the lab's gaps are yours": (named, holes),
        "what was found again is late": (mended["late"] - book["late"], 3),
        "nothing is lost any more": (mended["lost"], 0),
    },
)

# %%
progress()

# %% [markdown]
# **Next**: in notebook 08 the ticks come from a recording, with all the oddities of real files.
#
# *To go deeper:* Pat Helland, [Life beyond Distributed Transactions](https://queue.acm.org/detail.cfm?id=3025012);
# chapters 8 and 11 of Martin Kleppmann, *Designing Data-Intensive Applications*; and `docs/reliability.md` of this
# lab: what is promised, what is not, and what a long run of `marketlab chaos` came to.
