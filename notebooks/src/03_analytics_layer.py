# %% [markdown]
# # 3 · The analytics layer: pure functions
#
# source → producer → Kafka topic → consumer → **analytics** → SQLite → API → dashboard
#
# The consumer of notebook 02 has its analysis in the middle of its loop. In about 30 minutes you will have taken it
# out, as functions that know neither Kafka nor a clock, taught it what to do with a tick that comes too late, drawn
# candles, and seen why the prices of most tutorials are no prices at all.

# %% tags=["parameters"]
rate = 40  # ticks a second, over all five symbols
seconds = 8  # how long the last chart runs
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## A price is not a lottery · 5 minutes
#
# Where there is no market at hand, tutorials write `random.uniform(100, 500)`. Let us see what that is, beside a
# simulated share.

# %%
import random

from marketlab.lab import Lab
from marketlab.lessons import observe, predict, progress, reveal, solved, task

lab = Lab(seed=696, transport=transport)
draws = random.Random(7)
lottery = [round(draws.uniform(100, 500), 2) for _ in range(2000)]
share = [tick["price"] for tick in lab.ticks(rate=0, count=1000) if tick["symbol"] == "AAPL"]

# %% [markdown]
# Here the box is open: `Lines` is a mark, a `Figure` puts marks and axes together, and both are widgets. What
# JupyterLab draws is what their attributes say; set one, and the picture changes. That is all that a live chart does.

# %%
import numpy as np
from bqplot import Axis, Figure, LinearScale, Lines
from ipywidgets import HBox


def plot(prices, title):
    x, y = LinearScale(), LinearScale(min=0, max=520)
    steps = np.arange(len(prices), dtype=float)
    line = Lines(x=steps, y=np.array(prices), scales={"x": x, "y": y}, stroke_width=1.5)
    axes = [Axis(scale=x, label=title), Axis(scale=y, side="left")]
    axes[0].label_color = "var(--jp-ui-font-color1)"
    axes[1].tick_values = np.arange(0.0, 501.0, 100.0)
    margin = {"top": 10, "bottom": 45, "left": 45, "right": 10}
    size = {"width": "380px", "height": "240px"}
    return Figure(marks=[line], axes=axes, fig_margin=margin, layout=size)


HBox([plot(lottery[:150], "random.uniform(100, 500)"), plot(share[:150], "a simulated share")])

# %% [markdown]
# **Predict.** An alert comes when a price moves by 3 % or more from one tick to the next. For how many in a hundred
# ticks of the lottery will it come: 3, 5, 50 or 95?

# %%
# <solution>
predict("m3.uniform", 95)
# <instead>
# predict("m3.uniform", ...)
# </solution>


# %%
def alerting(prices):
    """The part of the ticks, in percent, that alert."""
    pairs = list(zip(prices, prices[1:]))
    return 100 * sum(abs(now - before) / before >= 0.03 for before, now in pairs) / len(pairs)


print(f"lottery {alerting(lottery):.1f} %, share {alerting(share):.1f} %")
reveal("m3.uniform", 5 * round(alerting(lottery) / 5))

# %% [markdown]
# **Why.** A price is where the last trade left it, plus a little. That is what the simulator of this lab does: a
# [geometric Brownian motion](https://en.wikipedia.org/wiki/Geometric_Brownian_motion), a few hundredths of a percent a
# tick, with a rare jump (Merton 1976). A moving average of lottery numbers is the mean of five lottery numbers, and
# says nothing about the sixth.

# %% [markdown]
# ## One step, pure · 7 minutes
#
# Take the analysis out of the loop. What does one step need? The window as it was, and the new price. What does it
# give? The window as it is now, the average, and whether to alert.
#
# **Write** `analyse(window, price)`. `window` holds the symbol's last up to five prices, oldest first. Return three
# things: the new window, its mean, and whether the price has moved by 3 % or more from the one before it. The window
# that you were given must stay as it was.


# %%
@task("m3.analyse")
def analyse(window, price):
    """Window and price in; new window, average and alert out."""
    # <solution>
    after = [*window, price][-5:]
    moved = abs(price - window[-1]) / window[-1] * 100 if window else 0
    return after, sum(after) / len(after), moved >= 3
    # </solution>


# %% [markdown]
# **Why pure?** Same in, same out, and nothing else touched. It needs no Kafka to be tested. It can be run again after
# a crash, on another machine, over a recorded tape, and comes to the same. In this lab `marketlab/analytics` is such a
# room, and a rule in `pyproject.toml` forbids it to import `time`, `random` or `kafka`; break the rule, and the checks
# are red. It is why a run has one digest, wherever it is replayed.
#
# Hold your step against the lab's own, over all ticks of that share:

# %%
from marketlab.analytics import MovingAverage

step, window, own, theirs = solved("m3.analyse"), [], [], MovingAverage(window=5)
for price in share:
    window, average, alert = step(window, price)
    own.append(average)
apart = max(abs(mine - theirs.update(price)) for mine, price in zip(own, share))
print(f"{len(own)} averages, at most {apart:.1e} apart")

# %% [markdown]
# ## Too late · 5 minutes
#
# Ticks come over networks, and one may overtake another. Each carries the time at which it *happened*, and that is
# the time that counts: not when it was sent, and not when you read it. (Akidau and others call it [event
# time](https://www.oreilly.com/radar/the-world-beyond-batch-streaming-101/), in an article that made the word common.)
#
# The function below is your average from notebook 02, which does not look at the time. A tick that is older than the
# newest of its symbol is **late**: it gets `None` in place of an average, and stays out of the window. Two ticks of the
# same time are in order. **Repair it.**

# %%
from collections import deque


@task("m3.late")
def averages(ticks):
    """The moving average after each tick; None for one that is late."""
    # <solution>
    windows, newest, found = {}, {}, []
    for tick in ticks:
        symbol, at = tick["symbol"], tick["timestamp"]
        if at < newest.get(symbol, at):
            found.append(None)
            continue
        newest[symbol] = at
        window = windows.setdefault(symbol, deque(maxlen=5))
        window.append(tick["price"])
        found.append(sum(window) / len(window))
    return found
    # <instead>
    # windows = {}
    # found = []
    # for tick in ticks:
    #     window = windows.setdefault(tick["symbol"], deque(maxlen=5))
    #     window.append(tick["price"])
    #     found.append(sum(window) / len(window))
    # return found
    # </solution>


# %% [markdown]
# **Why not sort?** Because a stream has no end after which one could. Some systems wait a little and sort what has
# come (a *watermark* says for how long). This lab tells every average at once, so it cannot take one back; a late tick
# is stored, flagged, and counted in a bin of its own, and nobody has to wonder where it went.

# %% [markdown]
# ## Candles · 8 minutes
#
# A chart of ten thousand ticks is a blot. Since the rice merchants of Osaka one draws four numbers for each span of
# time: the first price, the highest, the lowest and the last. **Write** `candle(prices)`: the prices of one span in the
# order of their time; without any, `None`.


# %%
@task("m3.candle")
def candle(prices):
    """{"open": …, "high": …, "low": …, "close": …}, or None without a price."""
    # <solution>
    if not prices:
        return None
    ends = {"open": prices[0], "close": prices[-1]}
    return {**ends, "high": max(prices), "low": min(prices)}
    # </solution>


# %% [markdown]
# Ticks of one share now, twelve seconds of them, and a quiet moment in the middle.

# %%
times = [second + part / 8 for second in range(12) for part in range(8) if second not in (5, 8)]
quiet_ticks = list(zip(times, share[70:]))
spans, make_candle = {}, solved("m3.candle")
for at, price in quiet_ticks:
    spans.setdefault(int(at), []).append(price)
candles = {second: make_candle(prices) for second, prices in spans.items()}
candles[4], candles[6]

# %% [markdown]
# **Observe.** Nobody has traded in second 5. What do your candles have for that second? Look it up, and put what you
# find in place of the dots.

# %%
# <solution>
observe("m3.empty", candles.get(5), candles=candles, second=5)
# <instead>
# observe("m3.empty", ..., candles=candles, second=5)
# </solution>

# %% [markdown]
# Draw them. An `OHLC` mark wants the four numbers of each candle in this order:

# %%
from bqplot import OHLC

from marketlab.axis import round_ticks

seconds_with = sorted(candles)
rows = [[candles[s][part] for part in ("open", "high", "low", "close")] for s in seconds_with]
x, y = LinearScale(min=-1, max=12), LinearScale()
mark = OHLC(x=np.array(seconds_with, dtype=float), y=np.array(rows), scales={"x": x, "y": y})
mark.marker, mark.stroke = "candle", "var(--jp-ui-font-color1)"
mark.colors = ["transparent", "gray"]  # risen, fallen
axes = [Axis(scale=x, label="second"), Axis(scale=y, side="left", tick_format=".2f")]
axes[0].label_color = "var(--jp-ui-font-color1)"
axes[1].tick_values = np.array(round_ticks(np.min(rows), np.max(rows)))
Figure(marks=[mark], axes=axes, layout={"width": "640px", "height": "260px"})

# %% [markdown]
# **What you should see.** Ten candles and two holes, at 5 and at 8. A hollow one rose, a filled one fell: one need
# not see colours to read it.

# %% [markdown]
# ## The layer at work, live · 3 minutes
#
# The loop of notebook 02 once more, and see how little of it is left. It fetches and hands on; what is *thought*
# stands in `analyse`.

# %% tags=["kafka"]
import json
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

lab.broker()
servers, topic = lab.bootstrap_servers, lab.topic_name("analytics")
with KafkaAdminClient(bootstrap_servers=servers) as admin:
    admin.create_topics({topic: {"num_partitions": 3}}, wait_for_metadata=True)
producer = KafkaProducer(bootstrap_servers=servers, max_block_ms=5000)
consumer = KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")

# %%
from marketlab.widgets import LiveChart

encode, analyse, windows = solved("m1.encode"), solved("m3.analyse"), {}


def analysed(tick):
    window, price = windows.get(tick["symbol"], []), tick["price"]
    windows[tick["symbol"]], average, alert = analyse(window, price)
    change = (price - window[-1]) / window[-1] * 100 if window else None
    return {**tick, "moving_average": average, "alert": alert, "change_pct": change}


# %% tags=["kafka"]
received = 0
with LiveChart("AAPL") as chart:
    for tick in lab.ticks(rate=rate, seconds=seconds):
        producer.send(topic, key=tick["symbol"].encode(), value=encode(tick))
        for messages in consumer.poll().values():
            for message in messages:
                chart.push(analysed(json.loads(message.value)))
                received += 1

# %% [markdown]
# **What you should see.** Price and average of AAPL, after two seconds a red ▼, and after five a red ▲.
#
# **Why it matters.** You can now say of each line of your program whether it *fetches* or *thinks*. The first kind
# fails when the world does; the second only when you were wrong, and you have tests for that.

# %%
lab.verdict(
    "03_analytics_layer",
    {
        "uniform prices alert nearly always": (alerting(lottery) > 90, True),
        "a share's hardly ever": (alerting(share) < 5, True),
        "your step and the lab's agree": (apart < 1e-9, True),
        "candles, and holes for quiet seconds": (seconds_with, [0, 1, 2, 3, 4, 6, 7, 9, 10, 11]),
    },
)

# %% tags=["kafka"]
consumer.close()
producer.close()
drawn = chart.numbers()["ticks"]
lab.verdict(
    "03_through_kafka",
    {
        "the chart drew ticks": (drawn > 0 and chart.error is None, True),
        "ticks went through the layer": (received > 0, True),
    },
)

# %%
progress()

# %% [markdown]
# **Next**: in notebook 04 others ask your pipeline over HTTP, and post to it.
#
# *To go deeper:* [Streaming 101](https://www.oreilly.com/radar/the-world-beyond-batch-streaming-101/) by Tyler Akidau;
# and for the wish to keep a core that does no input and output, Gary Bernhardt's talk
# [Boundaries](https://www.destroyallsoftware.com/talks/boundaries).
