# %% [markdown]
# # 2 · Five prices: an average, an alert
#
# source → producer → Kafka topic → **consumer, which now thinks** → SQLite → API → dashboard
#
# In notebook 01 the consumer read. In about 25 minutes it will know, with every tick, the mean of a symbol's last five
# prices, say something when a price jumps, and write a log that can be trusted. You write these pieces yourself.
#
# An exercise is a cell with `@task(…)` in it. Write the function and press **Shift + Enter**: the verdict comes with
# the cell, and a wrong answer gets the smallest case in which it goes wrong. Nothing can break, and whatever you leave
# out, the cells below still run.

# %% tags=["parameters"]
rate = 40  # ticks a second, over all five symbols
seconds = 8  # how long the last chart runs
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## First, the picture · 2 minutes
#
# Seven prices came, one after the other. Each line is what a window of five holds after that tick, the newest price
# filled, and behind it the mean.

# %%
from marketlab.widgets.slots import Slots

Slots([100, 102, 107, 104, 103, 109, 105])

# %% [markdown]
# **What you should see.** A staircase. At first slots are empty. From the sixth tick on the oldest price falls out on
# the left as the newest comes in on the right: the window slides.
#
# **Why an average at all?** A price jitters, for every trade is somebody's haste. A mean over a few of them shows
# where the price is going, later by a few ticks but calmer. It is the first thing that any trading screen computes,
# and the first that a streaming program must keep a *state* for: to know it, one has to remember.
#
# In Python the window is one line, a `deque` ([double-ended
# queue](https://docs.python.org/3/library/collections.html#collections.deque)) that is told how long it may get:

# %%
from collections import deque

window = deque(maxlen=5)
for price in [1, 2, 3, 4, 5, 6, 7]:
    window.append(price)
window

# %% [markdown]
# **Predict.** A symbol has just begun to trade: 100, 102, 107. What is its MA(5) at the third tick? Put a number in
# place of the dots, or `None`, if you think that there is none yet.

# %%
from marketlab.lessons import predict, progress, reveal, solved, task

# <solution>
predict("m2.third", 103)
# <instead>
# predict("m2.third", ...)
# </solution>

# %%
young = deque([100, 102, 107], maxlen=5)
reveal("m2.third", sum(young) / len(young))

# %% [markdown]
# **Predict.** One price is a misprint: 300 among prices near 100. In how many averages, its own included, does it
# stand?

# %%
# <solution>
predict("m2.dragged", 5)
# <instead>
# predict("m2.dragged", ...)
# </solution>

# %%
slots = Slots([100, 100, 300, 100, 100, 100, 100, 100, 100])
reveal("m2.dragged", sum(average > 100 for average in slots.averages))
slots

# %% [markdown]
# **Why it matters.** The longer the window, the calmer the line, and the longer a wrong price haunts it. There is no
# window without that price; one chooses.

# %% [markdown]
# ## Ticks out of Kafka · 3 minutes
#
# Sixty ticks of five symbols, as a market would make them.

# %%
from marketlab.lab import Lab

lab = Lab(seed=91, transport=transport)
ticks = list(lab.ticks(rate=0, count=60))

# %% [markdown]
# And now as they come to a consumer: through a topic, for that is how they will always come from here on. (The cells
# are those of notebook 01, in short.)

# %% tags=["kafka"]
lab.broker()

# %% tags=["kafka"]
import json
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

servers, topic = lab.bootstrap_servers, lab.topic_name("averages")
with KafkaAdminClient(bootstrap_servers=servers) as admin:
    admin.create_topics({topic: {"num_partitions": 3}}, wait_for_metadata=True)

producer = KafkaProducer(bootstrap_servers=servers, max_block_ms=5000)
encode = solved("m1.encode")  # yours from notebook 01, if it passed
for tick in ticks:
    producer.send(topic, key=tick["symbol"].encode(), value=encode(tick))
producer.flush(timeout=5)

# %% tags=["kafka"]
consumer = KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")
ticks = []
for _ in range(50):  # 50 × 200 ms at the most, never for ever
    for messages in consumer.poll(timeout_ms=200).values():
        ticks += [json.loads(message.value) for message in messages]
    if len(ticks) >= 60:
        break
[(tick["symbol"], tick["price"]) for tick in ticks[:8]]

# %% [markdown]
# **What you should see.** Symbols mixed, as partitions were fetched. So there is not one window to keep but one for
# each symbol.

# %% [markdown]
# ## Your moving average · 6 minutes
#
# **Write** `averages(ticks)`. It is given a list of ticks as above and returns a list just as long: for each tick the
# mean of the last up to five prices *of its symbol*, this one included.


# %%
@task("m2.ma5")
def averages(ticks):
    """The moving average after each tick."""
    # <solution>
    windows, found = {}, []
    for tick in ticks:
        own = windows.setdefault(tick["symbol"], deque(maxlen=5))
        own.append(tick["price"])
        found.append(sum(own) / len(own))
    return found
    # </solution>


# %% [markdown]
# The check has tried your function on some seventy short lists, the smallest first, and on each of them twice. What
# it shows you is a proof, not an opinion: those ticks, that answer.
#
# `solved` gives you the function that passed, or the lab's own as long as none has.

# %%
ma5 = solved("m2.ma5")
for tick, average in list(zip(ticks, ma5(ticks)))[:5]:
    print(f"{tick['symbol']} | Price: {tick['price']:.2f} | MA(5): {average:.2f}")

# %% [markdown]
# ## The same with pandas · 3 minutes
#
# When the ticks lie in a table, pandas does it in a line. `min_periods=1` is the answer to your first prediction,
# `groupby` to the question of whose window it is.

# %%
import pandas as pd

frame = pd.DataFrame(ticks)
prices = frame.groupby("symbol")["price"]
frame["ma5"] = prices.transform(lambda own: own.rolling(5, min_periods=1).mean())
apart = max(abs(frame["ma5"] - list(ma5(ticks))))
print(f"the two ways are at most {apart:.1e} apart")
frame.tail(3)

# %% [markdown]
# **What you should see.** A number that is 0, or has thirteen zeros behind the point. Two programs that know nothing
# of one another agree, so very likely both are right; this lab's own tests hold its average against pandas in the
# same way.
#
# **Why not always pandas?** It wants the whole table. A stream has no whole: the next tick comes when it comes, and
# the deque costs five prices of memory and a microsecond. (And where do the last digits come from? pandas carries a
# sum along, adding the new price and taking the old one off. Do that with plain `+` and `-`, and after one absurd price
# of 10¹⁶ the sum is wrong for good. pandas carries along what rounding has lost, too, as [Kahan's
# sum](https://en.wikipedia.org/wiki/Kahan_summation_algorithm) does. Your check had such a price in it.)

# %% [markdown]
# ## When to say something · 6 minutes
#
# The rule of this pipeline: *an alert when one tick moves the price by 3 % or more.* It takes two functions. The first
# one says how far a price has moved, in percent, with its sign.


# %%
@task("m2.change")
def change_pct(previous, price):
    """The change from one price to the next in percent; a fall is negative."""
    # <solution>
    return (price - previous) / previous * 100
    # </solution>


# %% [markdown]
# The second one says whether that is enough. `previous` is `None` for the first tick of a symbol. You may use
# `change_pct`. Before you run it, think of the three cases on which such functions founder: exactly 3 %, a fall, and
# the first tick.


# %%
@task("m2.alert")
def alerts(previous, price):
    """Whether the price has moved by 3 % or more; previous: None for the first tick."""
    # <solution>
    if previous is None:
        return False
    return abs(change_pct(previous, price)) >= 3
    # </solution>


# %% [markdown]
# **A look into the abyss.** Is 0.3 three times 0.1?

# %%
print(0.1 * 3 == 0.3, f"{0.1 * 3:.20f}")

# %% [markdown]
# Binary fractions cannot hold 0.1, as decimal ones cannot hold a third ([What Every Computer Scientist Should Know
# About Floating-Point Arithmetic](https://docs.oracle.com/cd/E19957-01/806-3568/ncg_goldberg.html), Goldberg 1991).
# So a price that has moved by exactly 3 % may compute as 2.9999999999999996 %. The lab's own rule takes the trouble:
# when a move is closer to 3 % than rounding could decide, it asks `decimal`, and so every pair that is exactly 3 % as
# printed alerts (`marketlab/analytics/alerts.py`, twenty lines).

# %%
from marketlab.analytics import reaches

pairs = [(cents / 100, cents * 1.03 / 100) for cents in range(10_000, 60_000, 100)]
pairs = [(before, round(after, 2)) for before, after in pairs]
naive = sum((after - before) / before * 100 >= 3 for before, after in pairs)
exact = sum(reaches(before, after, threshold_pct=3.0) for before, after in pairs)
print(f"of {len(pairs)} moves of exactly 3 % the plain sum sees {naive}, the lab's rule {exact}")

# %% [markdown]
# ## A log that can be trusted · 4 minutes
#
# What the consumer finds goes to a log. Here is a function that opens one, as one finds it in half of all notebooks.
# It works, once. Run its cell a second time, and every line stands in the log twice; a third time, and it stands
# there three times. **Repair it:** however often it has run, a line stands once in the stream that it was given last,
# and in no other one.

# %%
import logging


@task("m2.log")
def open_log(stream):
    """The log of the analysis, which writes into a stream."""
    # <solution>
    log = logging.getLogger("analytics")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    log.handlers = [handler]
    return log
    # <instead>
    # log = logging.getLogger("analytics")
    # log.setLevel(logging.INFO)
    # handler = logging.StreamHandler(stream)
    # handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    # log.addHandler(handler)
    # return log
    # </solution>


# %% [markdown]
# **Why.** A notebook is a program whose lines are run again, in any order. What *adds* is different after each run;
# what *sets* is not. The difference has a name, idempotence, and you will meet it again in notebook 04, where the same
# message arrives twice.

# %% [markdown]
# ## All of it, live · 3 minutes
#
# Producer, Kafka, consumer, and for every tick your average and your alert. What stands in `recent` is the state of
# this program: five prices a symbol.

# %%
import io
from marketlab.widgets import LiveChart

ma5, alerts = solved("m2.ma5"), solved("m2.alert")
change_pct = solved("m2.change")
written = io.StringIO()
log = solved("m2.log")(written)
recent = {}


def think(tick):
    own = recent.setdefault(tick["symbol"], deque(maxlen=5))
    previous = own[-1]["price"] if own else None
    own.append(tick)
    *_, average = ma5(list(own))  # the last one is of this tick
    alert = alerts(previous, tick["price"])
    change = change_pct(previous, tick["price"]) if previous else None
    if alert:
        log.warning("%s changed by %.2f%%", tick["symbol"], change)
    return {**tick, "moving_average": average, "alert": alert, "change_pct": change}


# %% [markdown]
# The chart is of NFLX. The price is the line, the average the dashes. It ends by itself.

# %% tags=["kafka"]
sent = received = 0
with LiveChart("NFLX") as chart:
    for tick in lab.ticks(rate=rate, seconds=seconds):
        producer.send(topic, key=tick["symbol"].encode(), value=encode(tick))
        sent += 1
        for messages in consumer.poll().values():
            for message in messages:
                chart.push(think(json.loads(message.value)))
                received += 1

# %% tags=["kafka"]
print(written.getvalue() or "no alert: nothing has moved by 3 % or more")

# %% [markdown]
# **What you should see.** After two seconds a red ▼, and after five another one: NFLX falls by 3.42 %, and then by
# 5.88 %. The price falls in one tick, the average takes five to follow. And the log has each alert once.
#
# **Why it matters.** Look at what this consumer remembers: `recent`, in memory. If you restarted the kernel now, Kafka
# would still have every tick, but the windows would be gone, and the first averages after the restart would be wrong.
# How to keep state and position together, so that not even `kill -9` parts them, is notebook 05.

# %% [markdown]
# ## What you have built
#
# | word | what it is |
# |---|---|
# | window | the last n of something; here a deque for each symbol |
# | state | what must be remembered to go on |
# | threshold | a rule with an edge, and one has to say on which side the edge is |
# | idempotent | doing it twice is doing it once |

# %% [markdown]
# A good notebook leaves nothing running, and holds what was seen against what should have been seen.

# %%
lab.verdict(
    "02_moving_average_alerts",
    {
        "deque and pandas agree": (bool(apart < 1e-9), True),
        "the lab's rule sees every 3 %": (exact, len(pairs)),
    },
)

# %% tags=["kafka"]
consumer.close()
producer.close()
drawn = chart.numbers()["ticks"]
lab.verdict(
    "02_through_kafka",
    {
        "ticks that came out of the topic": (len(ticks), 60),
        "the chart drew ticks": (drawn > 0 and chart.error is None, True),
        "ticks were read while they were sent": (0 < received <= sent, True),
    },
)

# %%
progress()

# %% [markdown]
# **Next**: in notebook 03 the analysis gets a room of its own, without Kafka and without a clock in it, and draws
# candles.
