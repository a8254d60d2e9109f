# %% [markdown]
# # 0 · Start: the whole pipeline, once
#
# **source → producer → Kafka topic → consumer → SQLite → API → dashboard**
#
# In about 10 minutes you will have run all of this on your own machine, watched it, looked away, and checked that it
# kept every tick. From the next notebook on you take it apart and build each piece with your own hands.
#
# **Shift + Enter** runs a cell and goes on to the next one. Press it three times now, and look at the picture below.

# %% tags=["parameters"]
rate = 20  # ticks a second in the first picture, over all five symbols
transport = "kafka"  # or "tape": a recording in place of a broker

# %%
from marketlab.lab import Lab
from marketlab.widgets import LiveChart, StatusLine

lab = Lab(seed=31, transport=transport)
with lab.run(rate=rate, ticks=160) as run:
    first = LiveChart("AAPL", pull=lab.follow("AAPL"))
    lab.watch(StatusLine(pull=run.counts), first)

# %% [markdown]
# **What you should see.** A few seconds for things to start (on the very first time perhaps twenty, for Kafka is
# fetched), then numbers that climb, and a blue line, the price of AAPL. It ends by itself after 160 ticks.
#
# **What has happened.** A *producer* has made ticks, which are price reports of five shares, and sent them to *Apache
# Kafka*, the log that banks and shops use, running on your machine. A *consumer* has read them from there, put a
# moving average to each (the dashes), and stored them in a *SQLite* database. The numbers count the ticks at these
# stations. An *API* read the database, and the chart asked the API five times a second what was new. These are
# programs of their own, as on a real market; this notebook only started them. (The prices are simulated. Real ones
# come in notebook 08.)

# %% [markdown]
# ## Is everything in place? · 1 minute
#
# If anything did not work, this says what, and how to mend it. ✓ is well, · can be done without, ✗ is wrong.

# %%
lab.doctor()

# %% [markdown]
# ## One of them has jumped · 2 minutes
#
# The line above ends with *1 alert*, and yet the chart was quiet. An alert comes when a price moves by 3 % or more in
# a single tick; it was another share's. These are the last records of all five, and the alert:

# %%
latest, alerts = lab.data(), lab.alerts()
latest

# %%
alerts

# %% [markdown]
# **Observe.** Which symbol was it? Put its name, in quotes, in place of the dots, and run the cell. A verdict comes at
# once, here and in every notebook. Nothing can break, failed tries cost nothing, and whatever you leave out, the cells
# below still run.

# %%
from marketlab.lessons import observe, predict, progress, reveal

# <solution>
observe("m0.alert", "TSLA", alerts=alerts, latest=latest)
# <instead>
# observe("m0.alert", ..., alerts=alerts, latest=latest)
# </solution>

# %% [markdown]
# ## Look away · 3 minutes
#
# Now the same again, with a chart of the share that jumped. The producer makes 20 ticks a second for 12 seconds. In the
# middle the chart is *paused* for four seconds, as you can do at any time with the button on its right.
#
# **Predict**, before you run it. It is being wrong here that teaches.
#
# 1. How many rows will be stored in the end: 5, 20, 48, 240 or 1200?
# 2. While the view is paused, what does the pipeline do: `"stops"`, `"slows down"`, `"loses ticks"` or `"goes on"`?

# %%
# <solution>
predict("m0.stored", 240)
predict("m0.pause", "goes on")
# <instead>
# predict("m0.stored", ...)
# predict("m0.pause", ...)
# </solution>

# %%
import time

symbol = alerts[0]["symbol"]
chart = LiveChart(symbol, pull=lab.follow(symbol, past=0))
with lab.run(rate=20, seconds=12) as run:
    line = StatusLine(pull=run.counts)
    lab.watch(line, chart, background=True)  # shows them, and goes on
    while run.account["stored"] < 60:  # three seconds' worth
        time.sleep(0.1)
    chart.pause()
    before = run.account["stored"]
    time.sleep(4)
    after = run.account["stored"]
    chart.resume()
    for widget in (line, chart):
        widget.wait(30)

# %%
stored = run.account["stored"]
print(f"stored in all {stored}, while the view was paused {after - before}")
reveal("m0.stored", round(stored, -1))
reveal("m0.pause", "goes on" if after > before else "stops")

# %% [markdown]
# **What you should see.** The line stops, and its status says how many ticks it is *behind*, while the numbers above it
# climb on. Then it makes up for all of them at once, and with them comes the red ▲ of the jump.
#
# **Why it matters.** Who looks and who works are strangers here. The same programs also serve a page, which you can
# open while a run goes on:

# %%
print(lab.dashboard)

# %% [markdown]
# ## Is it all there? · 2 minutes
#
# How can anybody know that not one tick was lost? One keeps books, as a merchant does:

# %%
books = lab.books()
books

# %% [markdown]
# The lower bar is what was found again, and it can have parts: *stored*, *late*, *refused*. Whatever is missing would
# be hatched, and named, tick by tick. (*Received* is a few more than stored: at its end a producer writes for each
# symbol how many ticks there were. By these last words the books can tell that nothing is missing behind the last.)
#
# **Observe.** So the account of a run is an equation: `… = stored + late + refused + lost`. Which word is it that
# stands on the left, and that the upper bar shows?

# %%
# <solution>
observe("m0.books", "produced", books=books)
# <instead>
# observe("m0.books", ..., books=books)
# </solution>

# %% [markdown]
# ## And why? · 1 minute
#
# One last thing. An alert that nobody can explain is a rumour. This one can be: the lab reads the ticks behind it from
# the log again, at the places that the alert has noted, and computes it anew.

# %%
reason = lab.explain()
reason

# %% [markdown]
# ## All of it at once · 1 minute
#
# A pipeline can be looked at from many sides, and they do not disturb one another: the alerts as a feed, a watchlist of
# all five shares, and the books, eight seconds long. Press **Why?** beside an alert: it is the same question as above,
# asked while ticks flow.

# %%
from marketlab.widgets import BooksPanel, Watchlist

with lab.run(rate=20, seconds=8):
    feed = lab.feed(background=True)  # shows it, and goes on
    watchlist, panel = Watchlist(pull=lab.follow()), BooksPanel(lab.books)
    lab.watch(watchlist, panel)
    feed.wait(30)

# %% [markdown]
# **What you should see.** Numbers that move in two of the three, and a feed that does not: it holds the alerts of
# before, with the place of each in the log, and is quiet until something jumps. The upper bar of the books is empty
# until the run ends, for only then the producer says how many ticks it has made.

# %% [markdown]
# ## The way from here
#
# | | you build |
# |---|---|
# | 01 | a producer and a consumer of your own, on a real Kafka |
# | 02 | the moving average, the alert, a log |
# | 03 | an analytics layer that can be replayed; candles |
# | 04 | a REST API that others ask, and post to |
# | 05 | a database that survives `kill -9`; a dashboard |
# | 06 | live push in place of asking, measured |
# | 07 | trouble, on purpose, and how to prove that nothing is missing |
# | 08 | real market data, recorded and replayed |
#
# Each begins without the others, so start where you like. A notebook leaves nothing running, and ends by holding what
# it saw against what it should have seen:

# %%
drawn = first.numbers()
of_run = [row for row in lab.history(symbol, limit=1000) if row["run"] == run.id]
lab.verdict(
    "00_start",
    {
        "the first chart drew ticks": (drawn["ticks"] > 0 and first.error is None, True),
        "stored in 12 seconds, to the ten": (round(stored, -1), 240),
        "of these, produced": (run.account["produced"], stored),
        "the paused view missed nothing": (chart.numbers()["ticks"], len(of_run)),
        "the alert comes out again": (reason.verdict, "confirmed"),
        "alerts in the feed": (feed.numbers()["alerts"], len(lab.alerts())),
        "shares in the watchlist": (len(watchlist.numbers()["symbols"]), 5),
        "the books": ("balanced" if lab.books().balanced else "out of balance", "balanced"),
    },
)

# %%
progress()

# %% [markdown]
# **Next**: in notebook 01 you send your first own message into Kafka, and find out where it went.
#
# *To go deeper, or on the way home:* [The
# Log](https://engineering.linkedin.com/distributed-systems/log-what-every-software-engineer-should-know-about-real-time-datas-unifying)
# by Jay Kreps, who made Kafka: why so much of the world's software has such a pipeline in the middle.
