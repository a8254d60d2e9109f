# %% [markdown]
# # 6 · Live push: do not ask, be told
#
# source → producer → Kafka topic → consumer → SQLite → **API → whoever wants to know**
#
# A page that asks for news every two seconds is late by how much? In about 30 minutes you will have measured it, and
# put beside it a client of your own that is *told*, over a WebSocket. Then come the three things in which push is
# harder than asking: to notice that something was missed, to have clients that are slower than the news, and to come
# back after the server has fallen. The price of being told is that you have to think of these.

# %% tags=["parameters"]
rate = 100  # ticks a second, over all five symbols
polls = 4  # how often the polling client asks, every two seconds
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## Two clients, one tick · 8 minutes
#
# The package's own pipeline runs, with its API on a port of this machine. `ask` is all that a client needs of HTTP: a
# connection, a request, an answer.

# %%
import http.client
import json
from urllib.parse import urlsplit

from marketlab.lab import Lab
from marketlab.lessons import observe, predict, progress, reveal, solved, task

lab = Lab(seed=24, transport=transport)
server = urlsplit(lab.dashboard)


def ask(path):
    connection = http.client.HTTPConnection(server.hostname, server.port, timeout=5)
    connection.request("GET", f"/{path}")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


ask("healthz")

# %% [markdown]
# **The one that asks.** Every two seconds it fetches the ticks of AAPL that it has not seen yet, and notes of each how
# old it is: a tick carries the time at which it was made. `stop.wait(2)` waits two seconds, or less if it is time to
# stop.

# %%
import time


def poll(stop):
    newest = ask("data/AAPL?limit=1")[0]["id"]
    while not stop.wait(2):
        ticks = ask("data/AAPL?limit=500")  # newest first
        for tick in ticks:
            if tick["id"] > newest:
                picture.push(("asked every 2 s", time.time() - tick["timestamp"]))
        newest = ticks[0]["id"]


# %% [markdown]
# **The one that is told.** A WebSocket begins as a plain TCP connection, on which the client sends an HTTP request with
# the header `Upgrade: websocket`; the server answers 101, and from then on each side sends messages when it likes ([RFC
# 6455](https://www.rfc-editor.org/rfc/rfc6455)). The library
# [websockets](https://websockets.readthedocs.io) does this, and the rest is a loop.
#
# That loop need not fear to wait for ever. A second without news brings a heartbeat, so `recv` waits a second at the
# most, and five seconds of silence mean that the server is gone: a `TimeoutError`.

# %%
import socket
from websockets.sync.client import connect


def open_socket():
    wire = socket.create_connection((server.hostname, server.port), timeout=5)
    return connect(f"ws://{server.netloc}/ws", sock=wire)


def listen(stop):
    with open_socket() as connection:
        while not stop.is_set():
            message = json.loads(connection.recv(timeout=5))
            for tick in message.get("ticks", []):
                if tick["symbol"] == "AAPL":
                    picture.push(("told by WebSocket", time.time() - tick["timestamp"]))


# %% [markdown]
# **Predict.** A tick is made at some moment; the client that asks every 2 seconds learns of it with its next question.
# How many seconds does that take *on average*, to the whole second?

# %%
# <solution>
predict("m6.mean", 1)
# <instead>
# predict("m6.mean", ...)
# </solution>

# %% [markdown]
# Each client runs in a thread of its own, and both see the same ticks. It ends by itself.

# %%
from marketlab.widgets import Delays


def until(something, at_most_s=60):
    """Wait for it, but not for ever."""
    end = time.monotonic() + at_most_s
    while not something() and time.monotonic() < end:
        time.sleep(0.1)


clients = {"poll": poll, "listen": listen}
with lab.run(rate=rate), Delays("asked every 2 s", "told by WebSocket") as picture:
    until(lambda: any(latest["symbol"] == "AAPL" for latest in ask("data")))
    with lab.crew(lambda name, stop: clients[name](stop)) as crew:
        for name in clients:
            crew.hire(name)
        time.sleep(2 * polls + 0.5)

# %%
asked, told = picture.numbers()["ways"].values()
for way, seen in picture.numbers()["ways"].items():
    print(f"{way}: {seen['ticks']} ticks, mean {1000 * seen['mean_s']:,.0f} ms")
reveal("m6.mean", round(asked["mean_s"]))

# %% [markdown]
# **What you should see.** On the left a plateau from 0 to 2 seconds: whenever a tick is made, the next question is
# anywhere from 0 to 2 s away, and each is as likely. On the right a spike. Its milliseconds are the whole way:
# producer, Kafka, consumer, a commit to the disk, the look of the server at the database, fifty times a second, and
# the wire.
#
# **Why not ask more often?** One may. Ten questions a second are late by 50 ms on average, and by the pause at worst.
# But most of them find nothing, and each costs the same whether there is news or not; a thousand pages are ten thousand
# questions a second. (This API answers `304 Not Modified` to whoever has the newest already, which is cheap, not free.)
# A push costs when there *is* news.
#
# **And when to poll after all?** When two seconds do not matter, or clients are few, or on the way there are proxies
# that like no long connections. Polling forgets nothing, needs no memory of who is connected, and heals by itself. The
# dashboard of this lab falls back to it. Let us see what push has to do to be as good.

# %% [markdown]
# ## What comes down the line · 3 minutes
#
# Connect first, then let ticks flow, and write down what comes until five messages have brought news. Each line: what
# it is, its number, and the symbols of the ticks in it.

# %%
heard = []
with open_socket() as connection, lab.run(rate=rate):
    for _ in range(100):  # there is one a second at least
        heard.append(json.loads(connection.recv(timeout=5)))
        if [message["type"] for message in heard].count("delta") == 5:
            break

for message in heard:
    rows = message.get("ticks", message.get("data", []))
    print(f"{message['type']:8} {message['seq']:4} ", *[row["symbol"] for row in rows])

# %% [markdown]
# **Observe.** Of what type is the first message of a new connection? Put it in quotes.

# %%
# <solution>
observe("m6.first", "snapshot", messages=heard)
# <instead>
# observe("m6.first", ..., messages=heard)
# </solution>

# %% [markdown]
# ## Did I miss something? · 6 minutes
#
# A polling client asks for all that it has not seen, so it misses nothing. Who is told hears only what is said, and a
# message may pass it by. It must be able to tell. Each message has a number, `seq`:
#
# - a `snapshot` takes the place of all that the client knew, whatever its number;
# - each `delta` counts one on from the delta, or the snapshot, before it;
# - a `status` is the heartbeat of a second without news: it *repeats* the number of the last delta.
#
# **Write** `missed(messages)`: for each message `True` if something was missed just before it, else `False`. The
# first message of a connection is always a snapshot. (In the check each also has `at`, the server's time, which on
# the wire stands in its `status`. Do you need it?)


# %%
@task("m6.gap")
def missed(messages):
    """For each message, whether one was missed just before it."""
    # <solution>
    found, last = [], None
    for message in messages:
        expected = last if message["type"] == "status" else (last or 0) + 1
        found.append(message["type"] != "snapshot" and message["seq"] != expected)
        last = message["seq"]
    return found
    # </solution>


# %% [markdown]
# On the real messages: nothing missing. Now one is dropped.

# %%
missed = solved("m6.gap")
third = [number for number, message in enumerate(heard) if message["type"] == "delta"][2]
dropped = heard[:third] + heard[third + 1 :]
whole, gappy = list(missed(heard)), list(missed(dropped))
print("all of them: ", whole)
print("one dropped: ", gappy)

# %% [markdown]
# **Why not by the time?** Because quiet and broken look alike. Three seconds without a message may be lunch, and two
# messages a tenth of a second apart may have had a third between them. Only who counts can know. (TCP has numbers of
# its own and loses nothing on the wire. What is lost here is lost on purpose, and that comes now.)

# %% [markdown]
# ## The slow client · 5 minutes
#
# A laptop sleeps, a phone is in a tunnel: somebody is connected and does not read. The server has news for it, twenty
# times a second. Where to?
#
# Here is the obvious answer: a list for each client, to which messages are added, and from which the client takes them,
# one by one, when it can. `keep` is given what waits and a new message, and returns what waits from then on. **Repair
# it** so that there is *room for one message*:
#
# - a newer message takes the place of the one that waits;
# - but a snapshot stays until it is taken, unless the new message is a snapshot as well;
# - and a `status` waits only if nothing else does.


# %%
@task("m6.mailbox")
def keep(waiting, message):
    """What waits for a client once there is a new message."""
    # <solution>
    if message["type"] == "status":
        return waiting or [message]
    if waiting and waiting[0]["type"] == "snapshot" != message["type"]:
        return waiting
    return [message]
    # <instead>
    # return [*waiting, message]
    # </solution>


# %% [markdown]
# Both of them, for a client that takes one message a second and is sent twenty:

# %%
keep = solved("m6.mailbox")


def after_a_minute(keep):
    waiting, last = [], None
    for number in range(20 * 60):
        waiting = keep(waiting, {"type": "delta", "seq": number})
        if number % 20 == 19:
            last, *waiting = waiting
    return len(waiting), number - last["seq"]


queue = after_a_minute(lambda waiting, message: [*waiting, message])
room = after_a_minute(keep)
for name, (waiting, behind) in {"queue": queue, "room for one": room}.items():
    print(f"{name}: {waiting} messages wait, and since the one just read {behind} have come")

# %% [markdown]
# **What you should see.** After a minute the queue holds 1,140 messages, and its client sees the market of 57 seconds
# ago, later with every second. With room for one it sees the newest price, at its own pace. It has missed nineteen of
# twenty messages and knows it: `seq` jumps, so it asks `GET /data`, once. You have just built what stands in
# `api/hub.py`, class `Client`.
#
# **Why it matters.** Between a fast producer and a slow reader there are four choices: wait for it, let memory grow,
# hang up, or drop something. Whoever does not choose has chosen memory. For *state*, such as prices, dropping the old
# is right; for *events*, such as orders, it would be a crime, and one waits: there a log such as Kafka stands
# between.

# %% [markdown]
# ## Coming back · 5 minutes
#
# The server is restarted, and all of its clients notice in the same moment. They must try again. When?
#
# **Write** `wait_s(failures, chance)`, the seconds until the next try. The wait lies anywhere between 0 and a bound.
# The bound is 1 second when there was no failed try yet (`failures` is 0), doubles with each one, and is never more
# than 30. `chance` is a random number from 0 up to 1, drawn for you; of the bound, take that part.


# %%
@task("m6.backoff")
def wait_s(failures, chance):
    """Seconds until the next try."""
    # <solution>
    bound = min(30, 2**failures)
    return chance * bound
    # </solution>


# %% [markdown]
# Why the die? A thousand clients, three tries each, with it and without: how many knock in each fifth of a second?

# %%
import random
import numpy as np
from bqplot import Axis, Bars, Figure, LinearScale
from ipywidgets import HBox

wait_s = solved("m6.backoff")


def knocks(wait, clients=1000, tries=3):
    draws, times = random.Random(6), []
    for _ in range(clients):
        now = 0.0
        for failures in range(tries):
            now += wait(failures, draws.random())
            times.append(now)
    return times


fifths = np.arange(0, 7.5, 0.2)
together, _ = np.histogram(knocks(lambda failures, _: min(30, 2**failures)), bins=fifths)
spread, _ = np.histogram(knocks(wait_s), bins=fifths)
print(f"at the worst {max(together)} in a fifth of a second without a die, {max(spread)} with it")


# %%
def plot(counts, title):
    x, y = LinearScale(min=-0.2, max=7.4), LinearScale(min=0, max=1000)
    bars = Bars(x=fifths[:-1], y=counts.astype(float), scales={"x": x, "y": y}, padding=0.1)
    bars.colors, bars.stroke = ["var(--jp-brand-color1)"], "transparent"
    axes = [Axis(scale=x, label=title, grid_lines="none"), Axis(scale=y, side="left")]
    axes[0].label_color, axes[0].label_offset = "var(--jp-ui-font-color1)", "34px"
    axes[1].tick_values = np.array([0.0, 500.0, 1000.0])
    margin = {"top": 15, "bottom": 50, "left": 50, "right": 10}
    size = {"width": "420px", "height": "220px"}
    look = {"fig_margin": margin, "layout": size, "padding_y": 0, "display_toolbar": False}
    return Figure(marks=[bars], axes=axes, **look)


HBox([plot(together, "seconds, without a die"), plot(spread, "seconds, with it")])

# %% [markdown]
# **Why.** What has fallen under load gets up and is met by the same load, all at once: a thundering herd. Marc Brooker
# measured the remedies, and what you wrote is his *full jitter* ([Exponential Backoff And
# Jitter](https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), 2015).

# %% [markdown]
# ## All of it, and then kill the server · 3 minutes
#
# Here is the whole client. It follows the numbers, asks when something was missed, and comes back after a fall. All of
# its parts are yours.

# %%
from websockets.exceptions import WebSocketException

start = ask("data/AAPL?limit=1")[0]["id"]
seen, waits = [], []


def take(ticks):
    """Show those that are new, in order."""
    for tick in ticks:
        if tick["symbol"] == "AAPL" and tick["id"] > (seen[-1] if seen else start):
            seen.append(tick["id"])
            chart.push(tick)


def follow(stop):
    failures = 0
    while not stop.is_set():
        try:
            with open_socket() as connection:
                messages = []
                while not stop.is_set():
                    messages.append(json.loads(connection.recv(timeout=5)))
                    failures = 0
                    *_, gap = missed(messages)  # the last one is of the newest message
                    if messages[-1]["type"] == "snapshot" or gap:
                        take(reversed(ask("data/AAPL?limit=1000")))
                    take(messages[-1].get("ticks", []))
        except (OSError, WebSocketException, http.client.HTTPException):
            waits.append(wait_s(failures, random.random()))
            failures += 1
            stop.wait(waits[-1])


# %% [markdown]
# After three seconds the server is killed, with `kill -9`, and another one is started, at another port. Watch the
# line: it stands still, and then it makes up for it. Is anything missing? (How soon the client is back is a matter of
# its die.)

# %%
from marketlab.widgets import LiveChart

server = urlsplit(lab.dashboard)  # wherever it is now
with lab.run(rate=rate), LiveChart("AAPL") as chart, lab.crew(lambda _, stop: follow(stop)) as crew:
    crew.hire("client")
    until(lambda: seen)  # the first tick
    time.sleep(3)
    lab.kill("API")
    time.sleep(1)
    server = urlsplit(lab.dashboard)  # starts another one
    until(lambda: waits and seen[-1] >= ask("data/AAPL?limit=1")[0]["id"])
    time.sleep(1)

# %%
stored = [tick["id"] for tick in lab.history("AAPL", limit=5000)]
wanted = sorted(number for number in stored if start < number <= seen[-1])
print(f"{len(waits)} tries failed; {len(wanted)} ticks were stored, the chart has {len(seen)}")

# %% [markdown]
# **What you should see.** A pause, a few failed tries, and not one tick missing. The news that came while nobody
# was there to tell them lay in the database, and the snapshot of the new server was the moment to ask.
#
# **Why it matters.** Push gives speed, and asking gives truth. A good client has both: it is told *that* there is
# something, and it can always ask *what*.

# %% [markdown]
# ## What you have built
#
# | word | what it is |
# |---|---|
# | polling | asking at intervals; late by half of one on average, by a whole one at worst |
# | WebSocket | one connection, on which either side may speak first |
# | snapshot, delta | how things stand; what has changed since |
# | sequence number | by which one knows that something was missed |
# | backpressure | what becomes of news for which a reader is too slow |
# | jitter | chance, so that not all do the same at the same time |

# %%
lab.stop()
lab.verdict(
    "06_live_push",
    {
        "asked every 2 s: late by, in whole seconds": (round(asked["mean_s"]), 1),
        "told: sooner by a factor of five at least": (told["mean_s"] * 5 < asked["mean_s"], True),
        "one more gap when one is dropped": (sum(gappy) - sum(whole), 1),
        "waiting for a slow client after a minute": (room, (0, 0)),
        "a die spreads a thousand clients": (bool(max(spread) < max(together) / 2), True),
        "ticks that the chart has missed over the fall": (len(set(wanted) - set(seen)), 0),
        "tries that failed": (len(waits) > 0, True),
    },
)

# %%
progress()

# %% [markdown]
# **Next**: in notebook 07 you break the rest, piece by piece, and prove each time that no tick is missing.
#
# *To go deeper:* [RFC 6455](https://www.rfc-editor.org/rfc/rfc6455) is short for what it is, and its chapter 1 can be
# read like a story; why this lab pushes as it does stands in `docs/decisions`, number 14.
