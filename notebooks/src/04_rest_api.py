# %% [markdown]
# # 4 · A REST API: others ask, and post
#
# source → producer → Kafka topic → **consumer → API** → SQLite → dashboard
#
# Until now what your pipeline knows was known in this notebook. In about 40 minutes it will have an address: others
# ask `GET /data`, your consumer posts to `POST /update`, and whatever comes in from outside is looked at before it is
# kept. You write the API yourself, in Flask, and see each request on a tape.

# %% tags=["parameters"]
rate = 40  # ticks a second, over all five symbols, in the last picture
seconds = 8  # how long the last picture runs
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## First, the picture · 4 minutes
#
# An API over HTTP is a function that answers text with text. Flask calls it a *view*, and `@app.get` says under which
# address it can be asked. Here is one with twenty simulated ticks to give away.

# %%
from flask import Flask

from marketlab.lab import Lab
from marketlab.lessons import observe, predict, progress, reveal, solved, task

lab = Lab(seed=4, transport=transport)
ticks = list(lab.ticks(rate=0, count=20))
app = Flask("first")


@app.get("/data")
def data():
    return ticks[-3:]  # a list or a dict: Flask makes JSON of it


# %% [markdown]
# Somebody has to listen. Mostly one types `flask run` into a terminal; here a thread listens, on this machine alone
# (`127.0.0.1`) and on a port that is free (`0`: whichever). It ends with the `with` block, so whatever you do, nothing
# is left running.

# %%
import logging
from contextlib import contextmanager
from threading import Thread

from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the tape below says it better


@contextmanager
def serving(app, port=0):
    """Serve an app on this machine, until the block ends."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# %% [markdown]
# And somebody asks. `http.client` is the plainest client there is, and nothing is hidden: a method, a path, a body,
# and back comes a status and a body.

# %%
import json
import time
from http.client import HTTPConnection

from marketlab.widgets import RequestTape


def ask(port, method, path, body=None):
    """Ask, note it on the tape, and return status and body."""
    status, text, began = None, "nobody listens", time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status, text = answer.status, answer.read().decode()
    finally:
        connection.close()
        tape.add(method, path, status=status, ms=1000 * (time.perf_counter() - began), body=text)
    return status, text


# %%
tape = RequestTape()
with serving(app) as port:
    first = ask(port, "GET", "/data")
    typo = ask(port, "GET", "/date")
    wrong_method = ask(port, "POST", "/data", "{}")
tape

# %% [markdown]
# **What you should see.** Three lines. 200: here it is. 404: there is no such address. 405: there is, but not for
# POST. They took a millisecond or a few, the first of a kind a little longer.
#
# **Why it matters.** The status is for programs, the body for whoever wants to know more. 2xx is a yes; 4xx says *you*
# must do something differently, 5xx *I* have a problem. Whoever mixes these up makes others retry what can never
# succeed, or give up on what would in a second. ([RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#name-status-codes)
# has the list.)

# %% [markdown]
# ## The latest of each symbol · 5 minutes
#
# A watchlist wants one record a symbol, the newest, and not the whole past. **Write** `latest(records)`. Records come
# in the order in which they arrived, and some arrive late: what counts is the `timestamp`, and of two with the same
# the one that came second. Return a list, in the order of the symbols, and leave `records` as it is.


# %%
@task("m4.latest")
def latest(records):
    """The newest record of each symbol, in the order of the symbols."""
    # <solution>
    newest = {}
    for record in records:
        known = newest.get(record["symbol"])
        if known is None or record["timestamp"] >= known["timestamp"]:
            newest[record["symbol"]] = record
    return [newest[symbol] for symbol in sorted(newest)]
    # </solution>


# %% [markdown]
# **Why not change anything?** GET is *safe*: whoever asks may ask twice, a browser may ask beforehand, a cache may
# answer instead. That holds only if asking does nothing.

# %% [markdown]
# ## Who asks for what is not there · 4 minutes
#
# The history of one symbol has an address of its own, and the symbol stands in it. This view finds the records in a
# dict. What does a client get that asks for `APPL`, which is a typing error and no symbol?

# %%
app = Flask("second")
app.logger.disabled = True  # what goes wrong would be printed here, in full length
histories = {}
for tick in ticks:
    histories.setdefault(tick["symbol"], []).append(tick)


@app.get("/data/<symbol>")
def history(symbol):
    return histories[symbol]


# %%
tape = RequestTape()
with serving(app) as port:
    ask(port, "GET", "/data/AAPL")
    status, _ = ask(port, "GET", "/data/APPL")
tape

# %% [markdown]
# **Observe.** Which status did the second one get? Read it off the tape.

# %%
# <solution>
observe("m4.unknown", 500, status=status)
# <instead>
# observe("m4.unknown", ..., status=status)
# </solution>

# %% [markdown]
# **Why it matters.** Somebody else's typing error has become your outage: it rings your phone, and it tells the client
# to try again later. Your API below will say 404 and what is not known.

# %% [markdown]
# ## What comes in · 7 minutes
#
# `POST /update` takes what somebody else has computed. Never trust it: not because people are bad, but because
# programs are. And this is what Python's own parser lets through, though JSON has no NaN ([RFC
# 8259](https://www.rfc-editor.org/rfc/rfc8259#section-6)), and 1e999 is a number that no float can hold:

# %%
loaded = json.loads('{"symbol": "AAPL", "price": NaN, "timestamp": 1e999}')
print(loaded, loaded["price"] < 0, loaded["price"] > 0, isinstance(True, int))

# %% [markdown]
# NaN is not below 0 and not above it. One such price, and every average after it is NaN.
#
# **Write** `validate(record)`. It is given whatever the body held, and returns the name of the first field that is not
# as it should be, or `None` if all is well:
#
# - something that is no object (no `dict`): `"record"`
# - `symbol` must be a text, and not empty
# - `price` and `timestamp`, in this order, must be numbers above 0 and below infinity; `True` is no number


# %%
import math


@task("m4.validate")
def validate(record):
    """The first field that is wrong, or None."""
    # <solution>
    if not isinstance(record, dict):
        return "record"
    symbol = record.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        return "symbol"
    for name in ("price", "timestamp"):
        value = record.get(name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and 0 < value < math.inf):
            return name
    return None
    # </solution>


# %% [markdown]
# ## Your API · 4 minutes
#
# All of it now, with your two functions. It is made by a function, which is given what it works with: so there can be
# a second one, for a test, with records of its own. (Flask calls that an [application
# factory](https://flask.palletsprojects.com/en/stable/patterns/appfactories/).) An error is an answer too and has a
# form, *problem details* ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)): what is wrong, and where.
#
# Two more fields are asked for: `run`, which run of a producer made the tick, and `seq`, a number that no other tick of
# its symbol has in that run. What they are good for comes next.

# %%
from http import HTTPStatus

from flask import request


def problem(status, detail, **more):
    title = HTTPStatus(status).phrase
    body = {"detail": detail, **more, "title": title, "status": status}
    return body, status, {"Content-Type": "application/problem+json"}


def make_app(records, latest, validate):
    """The API over a dict of records, which lie under their run, symbol and seq."""
    app = Flask("mine")
    app.json.sort_keys = False

    @app.get("/data")
    def data():
        return list(latest(list(records.values())))

    @app.get("/data/<symbol>")
    def history(symbol):
        own = [record for record in records.values() if record["symbol"] == symbol]
        return own[::-1][:100] or problem(404, f"nothing is known of {symbol}")

    @app.post("/update")
    def update():
        record = request.get_json(silent=True)
        wrong = validate(record) or next((n for n in ("run", "seq") if n not in record), None)
        if wrong:
            return problem(400, f"{wrong} is missing or not as it should be", pointer=f"/{wrong}")
        name = record["run"], record["symbol"], record["seq"]
        accepted = name not in records
        records.setdefault(name, record)
        return {"accepted": int(accepted)}

    return app


# %%
latest, validate = solved("m4.latest"), solved("m4.validate")  # yours, if they passed
records, tape = {}, RequestTape()
app = make_app(records, latest, validate)
numbered = [{**tick, "run": "first", "seq": seq} for seq, tick in enumerate(ticks)]


def post(port, record):
    status, _ = ask(port, "POST", "/update", json.dumps(record))
    return status


with serving(app) as port:
    good = [post(port, record) for record in numbered[:3]]
    broken = [{"price": 1.0}, {**numbered[3], "price": math.nan}, "AAPL"]
    bad = [post(port, record) for record in broken]
    found, missing = ask(port, "GET", "/data"), ask(port, "GET", "/data/APPL")
tape

# %% [markdown]
# **What you should see.** Three that were taken, three that were not, each with the name of what is wrong; the latest
# records; and a 404 that says what is not known. No 500.

# %% [markdown]
# ## The same, twice · 3 minutes
#
# A client posts a tick, the API keeps it, and then the cable is cut: the answer never arrives. The client cannot know
# whether its tick was kept, so it has to post it again, the very same one, with the same `run` and the same `seq`.
#
# **Predict.** How many records does the API then have of it?

# %%
# <solution>
predict("m4.twice", 1)
# <instead>
# predict("m4.twice", ...)
# </solution>

# %%
records, tape = {}, RequestTape()
app = make_app(records, latest, validate)
with serving(app) as port:
    twice = [post(port, numbered[0]), post(port, numbered[0])]
reveal("m4.twice", len(records))
tape

# %% [markdown]
# **Why.** *At least once, and the same twice is the same once*: that pair is how most of the world's systems get to
# exactly-once, for a network cannot promise it. It takes a name that comes from whoever made the record. A time will
# not do, nor a price: both repeat. (Pat Helland says it for whole companies in [Idempotence Is Not a Medical
# Condition](https://queue.acm.org/detail.cfm?id=2187821).)

# %% [markdown]
# ## A post that arrives · 5 minutes
#
# This is how posts are sent in many a consumer. Somebody was annoyed by the traceback when the API was down, and now
# there is none. **Repair it.** `post(record)` returns a status or raises a `ConnectionError`; `pause()` waits a little.
#
# - Nobody answers, or 5xx: pause, and post the same record again, until there is another answer.
# - 2xx: it is kept, return `True`. 4xx: it is refused, and would be for ever, return `False`.


# %%
@task("m4.deliver")
def deliver(post, record, pause):
    """Post until it is kept (True) or refused (False)."""
    # <solution>
    while True:
        try:
            status = post(record)
        except OSError:
            status = 503
        if status < 300:
            return True
        if status < 500:
            return False
        pause()
    # <instead>
    # try:
    #     post(record)
    # except ConnectionError:
    #     pass
    # return True
    # </solution>


# %% [markdown]
# ## The API is down · 3 minutes
#
# Twenty ticks lie in a log, and a consumer posts them one by one. Its position goes on only when a post was answered.
# After the eighth the API is stopped, and it comes up again while the consumer is at its fourth try.
#
# **Predict.** How many of the twenty are missing in the API at the end?

# %%
# <solution>
predict("m4.down", 0)
# <instead>
# predict("m4.down", ...)
# </solution>

# %%
from contextlib import ExitStack

deliver = solved("m4.deliver")
records, tape, position = {}, RequestTape(rows=16), 0
app = make_app(records, latest, validate)
with ExitStack() as up, ExitStack() as up_again:
    port = up.enter_context(serving(app))

    def wait():
        time.sleep(0.1)
        if tape.numbers()["statuses"]["none"] == 3:
            up_again.enter_context(serving(app, port))

    while position < len(numbered):
        if position == 8:
            up.close()  # and now nobody listens
        deliver(lambda record: post(port, record), numbered[position], wait)
        position += 1
reveal("m4.down", len(numbered) - len(records))
print(tape.numbers())
tape

# %% [markdown]
# **What you should see.** 23 requests for 20 ticks: three found nobody. The dashboard stood still for a moment, and
# then it had everything.
#
# **Why it matters.** The log is what makes it harmless. It stands between one who cannot wait, the market, and one who
# sometimes must. That is what you have Kafka for.

# %% [markdown]
# ## From Kafka to the API · 4 minutes
#
# The same with a real log. Kafka has numbered every message already: topic, partition and offset name it for ever, so
# they serve as `run` and `seq`. First sixty ticks into a topic, as in notebook 01.

# %% tags=["kafka"]
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer

lab.broker()
servers, topic = lab.bootstrap_servers, lab.topic_name("posted")
with KafkaAdminClient(bootstrap_servers=servers) as admin:
    admin.create_topics({topic: {"num_partitions": 3}}, wait_for_metadata=True)
encode = solved("m1.encode")
with KafkaProducer(bootstrap_servers=servers, max_block_ms=5000) as producer:
    for tick in lab.ticks(rate=0, count=60):
        producer.send(topic, key=tick["symbol"].encode(), value=encode(tick))

# %% [markdown]
# And the consumer, with your analysis of notebook 03. Look at the order of three lines: fetch, deliver, *then* commit.
# If it dies in between, the next one reads these messages again and posts them again, and you know what comes of that.

# %% tags=["kafka"]
analyse = solved("m3.analyse")


def pause():
    time.sleep(0.1)


def post_what_is_there(group, port):
    """Read to the end of the topic, posting; how many were delivered."""
    delivered, windows = 0, {}
    options = {"auto_offset_reset": "earliest", "enable_auto_commit": False}
    with KafkaConsumer(topic, bootstrap_servers=servers, group_id=group, **options) as consumer:
        for _ in range(50):  # 50 × 200 ms at the most, never for ever
            for part, messages in consumer.poll(timeout_ms=200).items():
                for message in messages:
                    tick = json.loads(message.value)
                    window = windows.get(tick["symbol"], [])
                    windows[tick["symbol"]], average, alert = analyse(window, tick["price"])
                    tick |= {"moving_average": average, "alert": alert}
                    tick |= {"run": f"{topic}/{part.partition}", "seq": message.offset}
                    delivered += deliver(lambda record: post(port, record), tick, pause)
            consumer.commit()
            if delivered == 60:
                return delivered
    return delivered


# %% tags=["kafka"]
records, tape = {}, RequestTape()
app = make_app(records, latest, validate)
with serving(app) as port:
    once = post_what_is_there(lab.group_name("poster"), port)
    again = post_what_is_there(lab.group_name("poster"), port)  # another group, from the beginning
    ask(port, "GET", "/data")
kept = len(records)
print(f"{once} and {again} delivered, {kept} kept")
tape

# %% [markdown]
# **What you should see.** 120 posts and 60 records: of the second sixty each was told `"accepted": 0`.

# %% [markdown]
# ## All of it, live · 3 minutes
#
# The lab's own producer and consumer run now, as processes. What they have analysed is posted to *your* API, one by
# one, and twice a second somebody asks it for the latest. While it runs, open the address in another tab and press
# reload: it is your API that answers.

# %%
from marketlab.widgets import RequestView


def send(port, record):
    """0 if it was kept, 1 if it was refused."""
    kept = deliver(lambda record: post(port, record), record, lambda: time.sleep(0.1))
    return int(not kept)


# %%
records, tape, refused = {}, RequestTape(), 0
app = make_app(records, latest, validate)
arrived = lab.follow(past=0)  # gives, whenever it is called, what was stored since
with serving(app) as port:
    print(f"http://127.0.0.1:{port}/data")
    with lab.run(rate=rate, seconds=seconds) as run, RequestView(tape):
        while not run.over:
            for record in arrived():
                refused += send(port, record)
            ask(port, "GET", "/data")
            time.sleep(0.5)
        for record in arrived():  # what was stored since the last look
            refused += send(port, record)
        _, latest_records = ask(port, "GET", "/data")
run

# %% [markdown]
# **What you should see.** The tape moves, a burst of posts and then a GET. Behind it stands the account of the run: as
# many ticks were stored as your API has been given.
#
# **Why it matters.** What you have is the API of many a young company, with one hole in it: all that it knows is in
# the memory of one process. Restart the kernel, and `GET /data` is `[]`. The lab's own API (`api/`, one file a subject)
# answers from a database, refuses strangers that come with a browser, and describes itself under `/docs`.

# %%
own = {record["symbol"]: record["price"] for record in json.loads(latest_records)}
theirs = {record["symbol"]: record["price"] for record in lab.data()}
lab.verdict(
    "04_rest_api",
    {
        "yes, no such address, not for POST": (
            [first[0], typo[0], wrong_method[0]],
            [200, 404, 405],
        ),
        "good records and broken ones": ([good, bad], [[200] * 3, [400] * 3]),
        "what is not known": (missing[0], 404),
        "the same twice": (twice, [200, 200]),
        "refused of what the pipeline made": (refused, 0),
        "your API and the lab's agree on the latest": (own == theirs, True),
        "records in your API": (len(records), run.account["stored"]),
    },
)

# %% tags=["kafka"]
lab.verdict(
    "04_rest_api_kafka",
    {"posted, and posted again": ([once, again, kept], [60, 60, 60])},
)

# %%
progress()

# %% [markdown]
# **Next**: in notebook 05 what you know outlives you: SQLite, a writer that nothing can part from its position, and a
# dashboard.
#
# *To go deeper:* Roy Fielding's [dissertation](https://ics.uci.edu/~fielding/pubs/dissertation/top.htm), chapter 5,
# which named REST; and Flask's own [tutorial](https://flask.palletsprojects.com/en/stable/tutorial/).
