# %% [markdown]
# # 1 · Kafka: a log that many can read
#
# source → **producer → Kafka topic → consumer** → SQLite → API → dashboard
#
# In about 25 minutes you will have sent market ticks into a real Kafka broker with a producer of your own and read
# them with a consumer of your own, and you will be able to say of every message where it lies, why there, and who
# reads it.
#
# **Shift + Enter** runs a cell and goes on to the next one. Before each experiment stands a question, with dots in
# place of your answer. Say what you expect *before* you run the cell below: what surprises you is what you learn. And
# where a cell begins with `@task`, there is something for you to write; it tells you at once whether it is right.
# Whatever you leave out, the cells below still run.

# %% tags=["parameters"]
rate = 40  # ticks a second, over all five symbols
seconds = 8  # how long the first chart runs
transport = "kafka"  # or "tape": a recording in place of a broker

# %% [markdown]
# ## First, see it live
#
# Five cells, less than a minute. Everything after them takes these cells apart.

# %%
import json

from marketlab.lab import Lab
from marketlab.lessons import observe, predict, progress, reveal, solved, task

lab = Lab(seed=24, transport=transport)  # the same seed gives everybody the same prices

# %% [markdown]
# The next one looks for a Kafka broker and, if there is none, starts one on this machine: the real Apache Kafka, with
# no Docker and no Java to install. That takes about 3 seconds, and on the very first time perhaps 20, for Kafka is
# fetched.

# %% tags=["kafka"]
lab.broker()

# %% [markdown]
# A **topic** is a named log of messages. This one is yours alone, and goes when you close the notebook. It gets three
# **partitions**; what those are for, you will see in a picture below.

# %% tags=["kafka"]
from kafka import KafkaAdminClient

servers, topic = lab.bootstrap_servers, lab.topic_name("first-look")
with KafkaAdminClient(bootstrap_servers=servers) as admin:
    admin.create_topics({topic: {"num_partitions": 3}}, wait_for_metadata=True)
print("created", topic)

# %% [markdown]
# A **producer** sends. `max_block_ms` says how long it may wait for a broker that does not answer: 5 seconds here, a
# whole minute if you say nothing.

# %% tags=["kafka"]
from kafka import KafkaConsumer, KafkaProducer

producer = KafkaProducer(bootstrap_servers=servers, max_block_ms=5000)

# %% [markdown]
# A **consumer** reads. This cell sends simulated ticks of five symbols, reads them back, and draws those of AAPL. It
# ends by itself.

# %% tags=["kafka"]
from marketlab.widgets import LiveChart

encode = solved("m1.encode")  # a tick as bytes: you will write it yourself, below
consumer = KafkaConsumer(topic, bootstrap_servers=servers, auto_offset_reset="earliest")
with consumer, LiveChart("AAPL") as chart:
    for tick in lab.ticks(rate=rate, seconds=seconds):
        producer.send(topic, key=tick["symbol"].encode(), value=encode(tick))
        for messages in consumer.poll().values():
            for message in messages:
                chart.push(json.loads(message.value))

# %% [markdown]
# **What you should see.** A blue line that grew for eight seconds, at a price near 215.
#
# **Why it matters.** No point went from the loop straight into the chart. Each one became bytes, was sent to the
# broker, was written into a log on your disk, was asked for again and became a number again. Producer and consumer do
# not know of each other; they could be two programs on two continents, written in two languages. All that they share
# is the broker's address, the topic's name, and the form of the bytes.
#
# (The prices wander as real ones do, a few hundredths of a percent a tick. Many a tutorial draws them from
# `random.uniform(100, 500)` instead; notebook 03 shows what that does to an alert.)

# %% [markdown]
# ## One tick, as bytes · 4 minutes
#
# Kafka moves bytes and never looks into them. Here is a tick, and one way to make bytes of it, which stands in many a
# pipeline. It prints so nicely. Now be the program at the other end, written in another language, and read it:

# %%
tick = {"symbol": "AAPL", "price": 215.67, "timestamp": 1730896201.0}
pretty = str(tick).encode()
print(pretty)
try:
    json.loads(pretty)
except json.JSONDecodeError as error:
    print("the other end:", error)

# %% [markdown]
# `str` writes Python for Python. What everything reads is JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)),
# and its strings have double quotes. **Write** `encode(tick)`: the tick as JSON, in bytes.


# %%
@task("m1.encode")
def encode(tick):
    """A tick as bytes that any other program can read."""
    # <solution>
    return json.dumps(tick).encode()
    # </solution>


# %% [markdown]
# ## Where does a message go? · 5 minutes
#
# So that every number can be counted by hand, a second topic, still empty, and a picture of it.

# %% tags=["kafka"]
from marketlab.widgets import Lanes

topic = lab.topic_name("lanes")
with KafkaAdminClient(bootstrap_servers=servers) as admin:
    admin.create_topics({topic: {"num_partitions": 3}}, wait_for_metadata=True)
lanes = Lanes(partitions=3, highlight="AAPL")
lanes

# %% [markdown]
# Three lanes, each an independent log. The dashed box is where the next message of that lane would go, the number
# below it is the **offset** which that message would get.
#
# `send` only puts a message into an envelope and returns at once. The broker's answer comes later; `.get(timeout=5)`
# waits for it. Leave the answer unread, and you will never hear that a message was lost.

# %% tags=["kafka"]
import time

encode = solved("m1.encode")


def send(symbol, price):
    tick = {"symbol": symbol, "price": price, "timestamp": time.time()}
    future = producer.send(topic, key=symbol.encode(), value=encode(tick))
    answer = future.get(timeout=5)
    lanes.add(answer, key=symbol)
    return answer


# %% [markdown]
# **Predict.** Ten ticks of AAPL are sent now. How many of the three partitions will they reach? Put your number in
# place of the dots.

# %%
# <solution>
predict("m1.keys", 1)
# <instead>
# predict("m1.keys", ...)
# </solution>

# %% tags=["kafka"]
ten = [send("AAPL", 215.0 + step) for step in range(10)]
reveal("m1.keys", len({answer.partition for answer in ten}))
lanes

# %% [markdown]
# **What you should see.** All ten in one lane, the other two empty. The tick has a **key**, and the key decides: the
# partition is the key's hash, modulo the number of partitions. Any client computes it, before anything is sent:

# %%
from marketlab.partitioner import murmur2

for symbol in ["AAPL", "GOOG", "NFLX", "AMZN", "TSLA"]:
    print(symbol, "→ partition", (murmur2(symbol.encode()) & 0x7FFFFFFF) % 3)

# %% [markdown]
# **Why.** Kafka keeps messages in order within a partition, and promises nothing across partitions. With the symbol
# as the key, all ticks of a symbol lie in one partition, so they are read in the order in which they were sent,
# however many partitions and readers there are. A moving average lives on that. ([Kafka's own
# introduction](https://kafka.apache.org/documentation/#intro_concepts_and_terms) says it in a paragraph.)
#
# **Observe.** The broker has answered each message with its offset. Look at the ten, or at the picture: which offset
# will the *next* tick of AAPL get?

# %% tags=["kafka"]
[answer.offset for answer in ten]

# %% tags=["kafka"]
# <solution>
observe("m1.offset", ten[-1].offset + 1, acks=ten)
# <instead>
# observe("m1.offset", ..., acks=ten)
# </solution>

# %% tags=["kafka"]
eleventh = send("AAPL", 225.0)
print("partition", eleventh.partition, "offset", eleventh.offset)

# %% [markdown]
# That is why Kafka speaks of a position as *the next offset*: a reader that has read 0 to 9 is at 10.
#
# **Question.** Three ticks each of the other four symbols. Will the lanes be equally long in the end? (The hashes
# above tell you.)

# %% tags=["kafka"]
for symbol in ["GOOG", "NFLX", "AMZN", "TSLA"]:
    for price in [100.0, 101.0, 102.0]:
        send(symbol, price)
lanes

# %% [markdown]
# **What you should see.** AAPL and GOOG share a lane, AMZN and TSLA too, and NFLX has one for itself. A hash spreads
# keys, not load: few keys, or one key with most of the traffic, and a partition is hot while its neighbours sleep.

# %% [markdown]
# ## Reading · 5 minutes
#
# A consumer belongs to a **group**, and the group remembers how far it has read. Without such a memory,
# `auto_offset_reset="earliest"` says: begin at the beginning.
#
# You will often meet `for message in consumer:`. That loop never ends: when all is read it waits for more. Here the
# loop is bounded, and stops when the consumer has caught up, that is, when its position is the end of the log
# everywhere.


# %% tags=["kafka"]
def join(group, **more):
    options = {"bootstrap_servers": servers, "auto_offset_reset": "earliest"}
    consumer = KafkaConsumer(topic, group_id=group, heartbeat_interval_ms=300, **options, **more)
    consumer.partitions_for_topic(topic)  # who leads a group must know what there is to share
    return consumer


def caught_up(consumer):
    ends = consumer.end_offsets(consumer.assignment())
    return bool(ends) and all(consumer.position(part) == ends[part] for part in ends)


# %% tags=["kafka"]
def read(group, name):
    found = []
    with join(group, enable_auto_commit=False) as consumer:
        for _ in range(50):  # 50 × 200 ms at the most, never for ever
            for messages in consumer.poll(timeout_ms=200).values():
                found += messages
            if caught_up(consumer):
                break
        consumer.commit()  # "so far we have read": the broker remembers it for the group
        lanes.reads(name, consumer, group=group.split("-")[0])
    return found


# %% [markdown]
# **Question.** The consumer is handed all partitions. In which order will the symbols come: as you sent them (AAPL
# first, then GOOG, NFLX, AMZN, TSLA), or in another one?

# %% tags=["kafka"]
readers = lab.group_name("readers")
first = read(readers, "A")
print(*[message.key.decode() for message in first])
print("Received:", json.loads(first[-1].value))

# %% [markdown]
# **What you should see.** Whole partitions, one after the other, in whatever order they were fetched. But look at any
# one symbol alone, and its ticks are in order:

# %% tags=["kafka"]
[json.loads(message.value)["price"] for message in first if message.key == b"AAPL"]

# %% [markdown]
# The picture now has a mark in each lane: how far A has read. The bracket on the right says which lanes are A's.

# %% tags=["kafka"]
lanes

# %% [markdown]
# ## Reading deletes nothing · 4 minutes
#
# **Predict.** All 23 messages have been read. How many of them are still in the topic? And a consumer of a *new* group
# starts: how many does it get?

# %%
# <solution>
predict("m1.kept", 23)
predict("m1.new_group", 23)
# <instead>
# predict("m1.kept", ...)
# predict("m1.new_group", ...)
# </solution>

# %% tags=["kafka"]
from kafka import TopicPartition

with KafkaConsumer(bootstrap_servers=servers) as consumer:
    parts = [TopicPartition(topic, number) for number in range(3)]
    begin, end = consumer.beginning_offsets(parts), consumer.end_offsets(parts)
kept = sum(end[part] - begin[part] for part in parts)
again = read(readers, "A")
other = read(lab.group_name("audit"), "X")
print(f"in the topic {kept}, same group {len(again)}, new group {len(other)}")
reveal("m1.kept", kept)
reveal("m1.new_group", len(other))

# %% [markdown]
# **What you should see.** All are still there; the same group gets none; a new group gets all.
#
# **Why.** A queue hands a message to one taker and forgets it. A log keeps it, and a group is no more than a
# bookmark. So one can add a second application tomorrow that reads what was sent today, or mend a bug and read the
# week again. Messages leave by age or size, as the topic is set up, never because somebody has read them.

# %% tags=["kafka"]
lanes

# %% [markdown]
# ## Sharing the work · 6 minutes
#
# **Predict.** A reads three partitions. B joins A's group, then C, then D. Of these four, how many partitions has the
# one with the fewest, in the end?

# %%
# <solution>
predict("m1.fourth", 0)
# <instead>
# predict("m1.fourth", ...)
# </solution>

# %% [markdown]
# Each consumer gets a thread of its own here, as each would be a process of its own in earnest. It asks for news
# until it is told to stop, and tells the picture what it holds. (`heartbeat_interval_ms=300`, above, is how often it
# asks whether anybody has come or gone. The default of 3 seconds is kinder to a large cluster, and slower to watch.)


# %% tags=["kafka"]
def work(name, stop):
    with join(workers) as consumer:
        while not stop.is_set():
            consumer.poll(timeout_ms=200)
            lanes.reads(name, consumer, group="workers")
    lanes.leaves(name)


# %% [markdown]
# After each arrival ticks flow for two seconds, and on until every partition has exactly one reader again.


# %% tags=["kafka"]
def flow(names):
    for number, tick in enumerate(lab.ticks(rate=rate / 2, seconds=20)):
        send(tick["symbol"], tick["price"])
        if number >= rate and lanes.settled(names):
            break
    return sorted(len(partitions) for partitions in lanes.shares(names).values())


# %% [markdown]
# Watch the brackets on the right. About 10 seconds; it ends by itself.

# %% tags=["kafka"]
from marketlab.widgets import PartitionView

lanes.leaves("A", "X")
workers, seen = lab.group_name("workers"), []
with lab.crew(work) as crew, PartitionView(lanes):
    for names in ["A", "AB", "ABC", "ABCD"]:
        crew.hire(names[-1])
        seen.append(flow(names))
print(seen)
reveal("m1.fourth", min(seen[-1]))

# %% [markdown]
# **What you should see.** One reader has three partitions, two have two and one, three have one each, and of four one
# has none: it stands by until another one dies. Which one that is, the group decides; it need not be the last to come.
#
# **Why.** Within a group a partition has exactly one reader, or the order within it would be lost. So the number of
# partitions is the most readers that can share the work, and it is chosen when a topic is made. More partitions
# later? Possible, but then the hash modulo another number sends keys elsewhere, and a symbol's old and new ticks lie
# in two lanes.

# %% [markdown]
# ## What you have seen
#
# | word | what it is |
# |---|---|
# | topic | a named log, in partitions |
# | partition | the unit of order, and of sharing |
# | key | decides the partition: here the symbol |
# | offset | a message's number in its partition, from 0; never used twice |
# | group | a bookmark for each partition, shared by its consumers |
#
# A good notebook leaves nothing running. This cell closes the producer and holds what you saw against what should
# have been seen.

# %% tags=["kafka"]
producer.close()
drawn = chart.numbers()["ticks"]
lab.verdict(
    "01_kafka",
    {
        "the first chart drew ticks": (drawn > 0 and chart.error is None, True),
        "partitions that ten ticks of AAPL reached": (len({a.partition for a in ten}), 1),
        "the offset after the tenth": (eleventh.offset, ten[-1].offset + 1),
        "messages kept after reading": (kept, len(first)),
        "read again by the same group": (len(again), 0),
        "read by a new group": (len(other), len(first)),
        "shares of 1, 2, 3, 4 readers": (seen, [[3], [1, 2], [1, 1, 1], [0, 1, 1, 1]]),
    },
)

# %%
progress()

# %% [markdown]
# **Next**: in notebook 02 the consumer begins to think. It keeps the last five prices of each symbol, and says
# something when one of them jumps.
#
# *To go deeper:* [The
# Log](https://engineering.linkedin.com/distributed-systems/log-what-every-software-engineer-should-know-about-real-time-datas-unifying)
# by Jay Kreps, who made Kafka, is still the best hour one can spend on the idea; the [design
# chapter](https://kafka.apache.org/documentation/#design) of Kafka's documentation says how it is done.
