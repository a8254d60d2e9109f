# %% [markdown]
# # 8 · Replay: real files, honest bars
#
# **a recording → producer** → Kafka topic → consumer → SQLite → API → dashboard
#
# A simulator is well-behaved: it has one clock, no pauses and no surprises. Real recordings have all of them. In about
# 40 minutes you will have read a raw file of an exchange, replayed it through the pipeline, made bars of it that make
# nothing up, recorded the run, and played it again to the very same result.

# %% tags=["parameters"]
recording = ""  # a file of your own that marketlab can replay; "": the synthetic ones
bar_seconds = 1  # length of a bar
speed = 20  # of the live picture, times the recorded pace
seconds = 8  # how long the live picture runs at the most
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## First, the picture · 3 minutes
#
# Two sliders. The left one moves through the recording, the right one says from which move on you would like an alert.
# Pull both.

# %%
from marketlab.lab import Lab
from marketlab.lessons import predict, progress, reveal, solved, task
from marketlab.sources import Replay, synthetic_recordings
from marketlab.widgets import Candles, Scrubber

files = synthetic_recordings()
source = Replay(recording or files[0])
ticks = [{"symbol": t.symbol, "price": t.price, "timestamp": t.timestamp} for t in source]
print(source.describe())
scrubber = Scrubber(ticks, seconds=bar_seconds)
scrubber

# %% [markdown]
# **What you should see.** Hollow candles rose, filled ones fell, and hatching says that nobody traded. At 3 % there is
# not one red triangle. Pull the right slider to the left until the first ones come: below the picture it says at what
# size.
#
# **Synthetic, and labelled so.** Market data belongs to exchanges, so no real prices come with this lab. These two
# recordings were made by a program (`scripts/write_recordings.py`), and their symbols, SYNBTC and SYNETH, are nobody's.
# What is true to life is the form of the file, and what is odd about it. Have you a real one? Put its path into
# `recording` above: CSV, JSON Lines, Parquet, raw captures, plain, zipped or gzipped.

# %% [markdown]
# ## What is in a real file · 5 minutes
#
# Open the box. Each line is what a recorder heard on an exchange's WebSocket: the time by *its own* clock, in
# nanoseconds, a blank, and the message as it came.

# %%
import gzip
import json
from collections import Counter


def messages(path):
    """Stamp (ns) and message of each line."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            stamp, _, text = line.partition(" ")
            yield int(stamp), json.loads(text)


with gzip.open(files[0], "rt") as lines:
    for _ in range(3):
        print(next(lines)[:110], "…")
Counter(message.get("stream", "no stream") for _, message in messages(files[0]))

# %% [markdown]
# Most lines are no trades. A *bookTicker* is the best bid and offer, and has no time of its own; *depth* is a change of
# the order book; one line has no stream at all, for the recorder asked for it. A trade is this:


# %%
def is_trade(message):
    return message.get("stream", "").endswith("@trade")


trades = [(stamp, message["data"]) for stamp, message in messages(files[0]) if is_trade(message)]
trades[0]

# %% [markdown]
# `s` symbol, `t` number, `p` price, `q` quantity (both as text, so that no digit is lost), `T` the time of the trade in
# milliseconds. What is odd about it? Count:

# %%
import pandas as pd

behind = [trade["T"] / 1e3 - stamp / 1e9 for stamp, trade in trades]
times = [trade["T"] for _, trade in trades]
alike = [(trade["T"], trade["p"], trade["q"]) for _, trade in trades]
odd = {
    "trades": len(trades),
    "of a millisecond that had one before": len(times) - len(set(times)),
    "that are equal in time, price and quantity to one before": len(alike) - len(set(alike)),
    "longest pause between two, in seconds": max(b - a for a, b in zip(times, times[1:])) / 1e3,
    "seconds by which the recorder's clock is behind": round(sum(behind) / len(behind), 2),
    "trades of the next day": sum(at >= 1738368000000 for at in times),
}
pd.Series(odd, name="SYNBTC", dtype=object).to_frame()

# %% [markdown]
# **Why it matters.** Each line of that table has broken somebody's program. Equal trades are no duplicates: only the
# number `t` tells. A time of receipt *before* the time of the trade is no time machine, but a clock that nobody had
# set. And a file that is named for a day may end on the next one.

# %% [markdown]
# ## When is each line due? · 4 minutes
#
# To replay is to send each line as long after the first one as it was recorded. **Write** `due(stamps)`: for a list of
# stamps in nanoseconds the seconds since the first of them, with all that is behind the point; for an empty one, none.


# %%
@task("m8.due")
def due(stamps):
    """Seconds after the first stamp, for each stamp in nanoseconds."""
    # <solution>
    return [(stamp - stamps[0]) / 1e9 for stamp in stamps]
    # </solution>


# %%
waits = list(solved("m8.due")([stamp for stamp, _ in trades]))
print(f"{len(waits)} trades in {waits[-1]:.1f} s; at {speed}-fold pace {waits[-1] / speed:.1f} s")

# %% [markdown]
# **Why a unit is never guessed.** 1738367938890 and 1738367938890127061 are both numbers. This lab's wire wants
# seconds, and refuses what cannot be any, with a hint: *milliseconds? it must be in seconds*. A guess would be right
# until the day on which it is wrong, and then silently.

# %% [markdown]
# ## Two files, one stream · 5 minutes
#
# A recorder writes a file for each symbol, by one clock. The pipeline wants one stream. Here is how it is often done.
# **Repair** `merge`: ticks are tuples that begin with their stamp, each list is in order, and what is of one stamp
# keeps the order that it has in its list; which list comes first is then yours to choose.


# %%
@task("m8.merge")
def merge(one, other):
    """Both lists as one, in the order of their stamps."""
    # <solution>
    return sorted(one + other, key=lambda tick: tick[0])
    # <instead>
    # return one + other
    # </solution>


# %%
def ticks_of(path):
    """(stamp, symbol, price, size, time in s) of each trade."""
    for stamp, message in messages(path):
        if is_trade(message):
            trade = message["data"]
            yield stamp, trade["s"], float(trade["p"]), float(trade["q"]), trade["T"] / 1e3


merged = list(solved("m8.merge")(*(list(ticks_of(path)) for path in files)))
in_order = all(a[0] <= b[0] for a, b in zip(merged, merged[1:]))
table = pd.DataFrame(merged, columns=["stamp", "symbol", "price", "size", "time"])
table.assign(time=pd.to_datetime(table["time"], unit="s")).head()

# %% [markdown]
# **Why not one file after the other?** Because the second one begins before the first one ends. Its ticks would come
# minutes too late, and all that looks at both symbols at once, a spread, an index, would be nonsense.

# %% [markdown]
# ## How often does it ring? · 4 minutes
#
# This lab alerts when a price moves by 3 % or more from one trade to the next. The simulator does that three times a
# minute.
#
# **Predict.** Six minutes of bitcoin and ether on a large exchange are 15,863 trades. How many of them alert?

# %%
# <solution>
predict("m8.calm", 0)
# <instead>
# predict("m8.calm", ...)
# </solution>


# %%
def moves(ticks):
    """By how many percent each tick moved its symbol."""
    last = {}
    for _, symbol, price, *_ in ticks:
        if symbol in last:
            yield abs(price - last[symbol]) / last[symbol] * 100
        last[symbol] = price


sizes = list(moves(merged))
reveal("m8.calm", sum(size >= 3 for size in sizes))

# %%
thresholds = [3, 1, 0.1, 0.02, 0.01, 0.005]
rings = {f"{threshold} %": sum(size >= threshold for size in sizes) for threshold in thresholds}
pd.Series(rings, name="alerts in two minutes").to_frame()

# %% [markdown]
# **Why it matters.** A threshold is not right or wrong by itself. It is right for a market, and for somebody who has to
# get up at night when it rings. With recordings you can try one *before* it goes live; it is the first thing that they
# are good for.

# %% [markdown]
# ## Bars that make nothing up · 6 minutes
#
# **Write** `bars(ticks, length)`. `ticks` are pairs of time (in seconds) and price, in order. Return a dict: for each
# span of `length` seconds from that of the first tick to that of the last, its start, a whole multiple of `length`,
# and the tuple open, high, low, close; or `None` where nobody traded. Without ticks it is empty.


# %%
@task("m8.bars")
def bars(ticks, length):
    """{start: (open, high, low, close) or None}."""
    # <solution>
    spans = {}
    for at, price in ticks:
        spans.setdefault(int(at // length) * length, []).append(price)
    made = {}
    for start in range(min(spans), max(spans) + length, length) if spans else []:
        prices = spans.get(start)
        made[start] = (prices[0], max(prices), min(prices), prices[-1]) if prices else None
    return made
    # </solution>


# %%
btc = [(time, price) for _, symbol, price, _, time in merged if symbol == "SYNBTC"]
made = {int(start): bar for start, bar in solved("m8.bars")(btc, 1).items()}
begin = min(made)
near = {start - begin: made[start] or [None] * 4 for start in range(begin + 29, begin + 36)}
pd.DataFrame(near, index=["open", "high", "low", "close"]).T

# %% [markdown]
# **What does filling do?** pandas has a word for it, `ffill`, and it is in half of all tutorials. Count the seconds in
# which the price "did not move":

# %%
honest = pd.Series({start: bar[3] if bar else None for start, bar in made.items()}, dtype=float)
filled = honest.ffill()
print("moved by nothing, honest:", int((honest.diff() == 0).sum()))
print("moved by nothing, filled:", int((filled.diff() == 0).sum()))

# %% [markdown]
# **Why it matters.** The filled market is calmer than the real one was, and more liquid: a backtest buys in it at
# prices at which nobody sold. A hole is a fact, and a chart can show it. `None`, hatching, a break in the line: any of
# them, but not a price.

# %% [markdown]
# ## Through the pipeline, and into pandas · 6 minutes
#
# Write the merged stream as JSON Lines, one tick a line, and give it to the package's producer. From then on it is a
# source like any other: stamped with `run` and `seq`, sent, analysed, stored, in the books.

# %%
import tempfile
from pathlib import Path

folder = tempfile.TemporaryDirectory()  # goes when the kernel ends
stream = Path(recording or Path(folder.name) / "merged.jsonl")
if not recording:
    names = ("symbol", "price", "size", "timestamp")
    stream.write_text("".join(json.dumps(dict(zip(names, tick[1:]))) + "\n" for tick in merged))

lab = Lab(transport=transport)
run = lab.run(source=f"replay:{stream}", speed=float("inf"), ticks=20_000).wait()
run

# %% [markdown]
# And out of the database again. In the order of `id`, for that is the order in which they were judged; without late
# ones, which have no average.

# %%
import sqlite3
from contextlib import closing

with closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True)) as db:
    frame = pd.read_sql_query(
        """
        SELECT id, symbol, price, timestamp, moving_average
        FROM records WHERE run = ? AND late = 0 ORDER BY id
        """,
        db,
        params=[run.id],
    )
frame["time"] = pd.to_datetime(frame.pop("timestamp"), unit="s")
frame.tail(4)

# %% [markdown]
# **Write** `averages(frame)`: for each row the mean of the last up to five prices of its symbol, this one included, in
# the order of the rows. One expression of pandas is enough.


# %%
@task("m8.averages")
def averages(frame):
    """MA(5) of each row, within its symbol."""
    # <solution>
    prices = frame.groupby("symbol")["price"]
    return prices.transform(lambda own: own.rolling(5, min_periods=1).mean())
    # </solution>


# %%
own = pd.Series(list(solved("m8.averages")(frame)), index=frame.index)
apart = float((own / frame["moving_average"] - 1).abs().max())
print(f"{len(frame)} averages, yours and the pipeline's, at most {apart:.1e} apart (relative)")
by_minute = frame.set_index("time").groupby("symbol")["price"].resample("1min")
by_minute.agg(["count", "min", "max"])

# %% [markdown]
# ## Record it, and play it again · 4 minutes
#
# A topic forgets, after a week or at a size. A **tape** does not: every message of the log, with partition, offset, key
# and time, one JSON object a line. On a terminal: `marketlab record first.tape`.

# %%
tape = Path(folder.name) / f"{run.id}.tape"
tape.unlink(missing_ok=True)
recorded = lab.record(tape)
print(recorded, "messages, of which the first two are, behind the header:")
print("\n".join(tape.read_text().splitlines()[:3]))

# %% [markdown]
# The proof that nothing was lost on the way is one number. The **digest** of a run is a SHA-256 over all that is stored
# of it: symbols, prices, times, averages, alerts, in order. What does not belong to the market is left out: partition,
# offset, the run's name. So play the tape, and compare.

# %%
again = lab.run(source=f"replay:{tape}", speed=float("inf")).wait()
digests = [lab.digest(run), lab.digest(again)]
print(*digests, sep="\n")

# %% [markdown]
# **What you should see.** The same sixty-four digits twice. Another machine, another batch size, a consumer that was
# killed ten times in between: still the same. Where they differ, something was lost, doubled or reordered, and you know
# it. That is what makes a recording a *test*: change your code, play it, compare.

# %% [markdown]
# ## Live, at your pace · 3 minutes
#
# Now at a pace that one can watch, through the whole pipeline. It ends by itself.

# %%
symbol = frame["symbol"][0]
feed = lab.follow(symbol, past=0)  # what is stored from now on
with lab.run(source=f"replay:{stream}", speed=speed, seconds=seconds) as live:
    candles = Candles(symbol, seconds=bar_seconds, pull=feed)
    lab.watch(candles)

# %%
live

# %% [markdown]
# ## What you have learned
#
# | word | what it is |
# |---|---|
# | capture | what a recorder heard, with its own clock |
# | event time | when it happened: the exchange's `T`, not the time of receipt |
# | bar | four prices of a span of the clock, or none |
# | tape | a log as a file |
# | digest | one number for a run; equal input, equal digest |

# %%
numbers = candles.numbers()
lab.verdict(
    "08_replay_real_data",
    {
        "trades of two files": (len(merged), 893),
        "in the order of one clock": (in_order, True),
        "seconds without a bar": (sum(bar is None for bar in made.values()), 4),
        "every tick of the run is accounted for": (run.balanced, True),
        "your averages and the pipeline's agree": (apart < 1e-9, True),
        "the tape plays to the same digest": (len(set(digests)), 1),
        "the picture drew ticks": (numbers["ticks"] > 0 and candles.error is None, True),
    },
)

# %%
progress()

# %% [markdown]
# **That was the last one.** You have built each piece of a streaming pipeline, broken it, and proven what it does. What
# now? `marketlab up` runs all of it on one line; `docs/` in the repository says how it is made and why.
#
# *To go deeper:* Marcos López de Prado, *Advances in Financial Machine Learning* (2018), chapter 2, on what a bar may
# be made of; Dacorogna and others, *An Introduction to High-Frequency Finance* (2001), on the dirt in real ticks; and
# the pandas guide on [time series](https://pandas.pydata.org/docs/user_guide/timeseries.html).
