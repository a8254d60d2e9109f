"""Wrong answers that the exercises do not carry: the planted mistakes in other words, as another learner writes them.

Each below the id of its exercise and the name that the verdict should give it.
"""

from __future__ import annotations

import re

__all__ = ["HELD_OUT"]

_TEXT = """
### m1.encode · Python, not JSON
def f(tick):
    return bytes(repr(tick), 'utf-8')

### m1.encode · text, not bytes
import json
def f(tick):
    text = json.dumps(tick)
    return text

### m1.encode · it returns nothing
import json
def f(tick):
    print(json.dumps(tick).encode())

### m1.encode · it raises an error
import json
def f(tick):
    return json.dumps(tick.encode())

### m2.ma5 · one window for all symbols
def f(ticks):
    prices = [t['price'] for t in ticks]
    return [sum(prices[max(0, i - 4): i + 1]) / len(prices[max(0, i - 4): i + 1]) for i in range(len(prices))]

### m2.ma5 · always divided by five
def f(ticks):
    out = []
    for i, t in enumerate(ticks):
        own = [u['price'] for u in ticks[:i + 1] if u['symbol'] == t['symbol']][-5:]
        out.append(sum(own) / 5)
    return out

### m2.ma5 · the window never forgets
import pandas as pd
def f(ticks):
    d = pd.DataFrame(ticks, columns=['symbol', 'price'])
    return d.groupby('symbol')['price'].transform(lambda s: s.expanding().apply(lambda w: sum(w) / len(w)))

### m2.ma5 · nothing before the fifth
def f(ticks):
    own, out = {}, []
    for t in ticks:
        own.setdefault(t['symbol'], []).append(t['price'])
        last = own[t['symbol']][-5:]
        out.append(None if len(last) < 5 else sum(last) / 5)
    return out

### m2.ma5 · only the last average
def f(ticks):
    own = {}
    for t in ticks:
        w = own.setdefault(t['symbol'], [])
        w.append(t['price'])
        out = [sum(w[-5:]) / len(w[-5:])]
    return out if ticks else []

### m2.ma5 · a name from outside
def f(ticks):
    out = []
    for t in ticks:
        windows[t['symbol']].append(t['price'])
        out.append(sum(windows[t['symbol']]) / len(windows[t['symbol']]))
    return out

### m2.ma5 · a loop without end
def f(ticks):
    while len(ticks) < 99 or True:
        pass

### m2.change · percent of the new price
def f(a, b):
    return 100 - 100 * a / b

### m2.change · a fraction, not percent
def f(a, b):
    return b / a - 1

### m2.change · the sign is lost
def f(a, b):
    d = (b - a) / a * 100
    return d if d > 0 else -d

### m2.alert · more than, not at least
def f(a, b):
    return bool(a) and not abs(b - a) / a * 100 <= 3

### m2.alert · falls are not seen
def f(a, b):
    return a is not None and b >= a * 1.03

### m2.alert · dollars, not percent
def f(a, b):
    if a is None:
        return False
    return b - a >= 3 or a - b >= 3

### m2.alert · the first tick is not thought of
def f(a, b):
    return abs(b - a) / a >= 0.03

### m2.alert · rounded to two digits
def f(a, b):
    return a is not None and float(f'{abs(b / a - 1) * 100:.2f}') >= 3

### m2.log · the old file is still written
import logging
def f(stream):
    log = logging.getLogger('analytics')
    log.setLevel(logging.INFO)
    if not any(getattr(h, 'stream', None) is stream for h in log.handlers):
        h = logging.StreamHandler(stream)
        h.setFormatter(logging.Formatter('%(levelname)s %(message)s'))
        log.addHandler(h)
    return log

### m2.log · only the first file
import logging
done = False
def f(stream):
    log = logging.getLogger('analytics')
    if len(log.handlers) == 0:
        h = logging.StreamHandler(stream)
        h.setFormatter(logging.Formatter('%(levelname)s %(message)s'))
        log.addHandler(h)
        log.setLevel(20)
    return log

### m3.analyse · it changes what it was given
def f(window, price):
    alert = len(window) > 0 and abs(price / window[-1] - 1) >= 0.03
    window += [price]
    if len(window) > 5:
        del window[0]
    return window, sum(window) / len(window), alert

### m3.analyse · falls are not seen
def f(window, price):
    new = (list(window) + [price])[-5:]
    return new, sum(new) / len(new), len(new) > 1 and price >= new[-2] * 1.03

### m3.candle · no answer for no ticks
def f(p):
    s = sorted(p)
    return {'open': p[0], 'high': s[-1], 'low': s[0], 'close': p[-1]}

### m3.candle · sorted first
def f(p):
    p.sort()
    return {'open': p[0], 'high': p[-1], 'low': p[0], 'close': p[-1]} if p else None

### m3.late · equal times are late
def f(ticks):
    own, t0, out = {}, {}, []
    for t in ticks:
        s = t['symbol']
        if s in t0 and not t['timestamp'] > t0[s]:
            out.append(None)
        else:
            t0[s] = t['timestamp']
            own.setdefault(s, []).append(t['price'])
            out.append(sum(own[s][-5:]) / len(own[s][-5:]))
    return out

### m3.late · late ticks are left out
def f(ticks):
    own, t0, out = {}, {}, []
    for t in ticks:
        s = t['symbol']
        if t['timestamp'] >= t0.get(s, 0):
            t0[s] = t['timestamp']
            own.setdefault(s, []).append(t['price'])
            out.append(sum(own[s][-5:]) / len(own[s][-5:]))
    return out

### m4.latest · all rows
def f(records):
    order = list(records)
    order.sort(key=lambda r: r['symbol'])
    return order

### m4.latest · what came last, not what is newest
def f(records):
    out = []
    for s in sorted({r['symbol'] for r in records}):
        out.append([r for r in records if r['symbol'] == s][-1])
    return out

### m4.latest · of two with one time, the first
def f(records):
    symbols = sorted(set(r['symbol'] for r in records))
    return [max((r for r in records if r['symbol'] == s), key=lambda r: r['timestamp']) for s in symbols]

### m4.latest · in the order of arrival
def f(records):
    best = {}
    for r in records:
        if r['symbol'] not in best or best[r['symbol']]['timestamp'] <= r['timestamp']:
            best[r['symbol']] = r
    return [r for r in best.values()]

### m4.latest · one record in all
def f(records):
    ordered = sorted(records, key=lambda r: r['timestamp'])
    return [ordered.pop()] if ordered else []

### m4.validate · NaN is let in
def f(r):
    if type(r) != dict:
        return 'record'
    if type(r.get('symbol')) != str or r['symbol'] == '':
        return 'symbol'
    for k in ['price', 'timestamp']:
        v = r.get(k)
        if type(v) not in (int, float):
            return k
        if v <= 0 or v in (float('inf'), -float('inf')):
            return k

### m4.validate · true is a number
from numbers import Number
def f(r):
    if not isinstance(r, dict):
        return 'record'
    if not (isinstance(r.get('symbol'), str) and r['symbol']):
        return 'symbol'
    for k in ['price', 'timestamp']:
        if not (isinstance(r.get(k), Number) and 0 < r[k] < float('inf')):
            return k

### m4.validate · something that is no object is not thought of
def f(r):
    s = r.get('symbol')
    if type(s) is not str or not s:
        return 'symbol'
    for k in ('price', 'timestamp'):
        if type(r.get(k)) not in (int, float) or not 0 < r[k] < float('inf'):
            return k

### m4.validate · true is a time
def f(r):
    if type(r) is not dict:
        return 'record'
    if type(r.get('symbol')) is not str or not r['symbol']:
        return 'symbol'
    if type(r.get('price')) not in (int, float) or not 0 < r['price'] < float('inf'):
        return 'price'
    t = r.get('timestamp')
    return None if isinstance(t, (int, float)) and 0 < t < float('inf') else 'timestamp'

### m4.deliver · down is final
def f(post, record, pause):
    try:
        s = post(record)
        while s >= 500:
            pause()
            s = post(record)
    except ConnectionError:
        return False
    return s < 400

### m4.deliver · without a pause
def f(post, record, pause):
    s = 599
    while s > 499:
        try:
            s = post(record)
        except OSError:
            s = 599
    return s < 400

### m4.deliver · any answer is a yes
def f(post, record, pause):
    sent = False
    while not sent:
        try:
            post(record)
            sent = True
        except ConnectionError as e:
            pause()
    return sent

### m4.deliver · after ten tries it is given up
def f(post, record, pause):
    tries = 0
    while tries < 10:
        tries += 1
        try:
            s = post(record)
        except OSError:
            pause()
            continue
        if s < 500:
            return s < 400
        pause()
    return False

### m5.writer · a commit for each row
def f(connection, waiting):
    n = waiting.qsize()
    for _ in range(n):
        connection.execute(INSERT, waiting.get())
        connection.commit()
    return n

### m5.writer · never committed
def f(connection, waiting):
    n = 0
    cursor = connection.cursor()
    while waiting.qsize() > 0:
        cursor.execute(INSERT, waiting.get_nowait())
        n = n + 1
    return n

### m5.writer · it waits at an empty queue
def f(connection, waiting):
    n = 0
    with connection:
        while True:
            connection.execute(INSERT, waiting.get())
            n += 1
    return n

### m5.writer · it waits a while for more
def f(connection, waiting):
    rows = []
    try:
        while row := waiting.get(True, 0.05):
            rows.append(row)
    except Exception:
        with connection:
            connection.executemany(INSERT, rows)
    return len(rows)

### m5.writer · values pasted into the SQL
def f(connection, waiting):
    n = 0
    with connection:
        while not waiting.empty():
            t = waiting.get()
            connection.execute("INSERT INTO ticks VALUES ('%s', %f, %f)" % (t['symbol'], t['price'], t['timestamp']))
            n += 1
    return n

### m5.offset · the rows first
def f(connection, messages):
    with connection:
        for m in messages:
            connection.execute(ADD, m)
    connection.execute(MOVE, (messages[-1]['offset'] + 1,))
    connection.commit()

### m5.offset · half a batch stays open
def f(connection, messages):
    for m in messages:
        connection.execute(ADD, m)
    connection.execute(MOVE, [1 + messages[-1]['offset']])
    connection.commit()

### m5.offset · the last offset, not the next
def f(connection, messages):
    with connection:
        for m in messages:
            connection.execute(ADD, m)
        connection.execute(MOVE, (max(m['offset'] for m in messages),))

### m6.gap · by the clock
def f(messages):
    times = [m['at'] for m in messages]
    return [False] + [b - a > 1.2 for a, b in zip(times, times[1:])]

### m6.gap · a heartbeat hides the gap
def f(messages):
    out, n = [], 0
    for m in messages:
        out.append(m['type'] == 'delta' and m['seq'] - n > 1)
        n = m['seq']
    return out

### m6.gap · one answer for all
def f(messages):
    n = messages[0]['seq']
    for m in messages[1:]:
        if m['type'] == 'delta':
            n += 1
        if m['type'] == 'snapshot':
            n = m['seq']
        if m['seq'] != n:
            return True
    return False

### m6.mailbox · a queue without end
def f(waiting, message):
    waiting.append(message)
    return waiting

### m6.mailbox · whatever is newest
def f(waiting, message):
    waiting = [message, *waiting]
    return waiting[:1]

### m6.mailbox · a heartbeat makes room for itself
def f(waiting, message):
    if not waiting or waiting[-1]['type'] != 'snapshot' or message['type'] == 'snapshot':
        waiting = [message]
    return waiting

### m6.backoff · all wait equally long
def f(n, chance):
    return 2 ** n if n < 5 else 30

### m6.backoff · the limit comes after the die
def f(n, chance):
    w = 2 ** n * chance
    return w if w < 30 else 30

### m6.backoff · a little chance on top
def f(n, chance):
    w = 1
    for _ in range(n):
        w = w * 2
    return (30 if w > 30 else w) + chance

### m7.classify · the same price and time is the same tick
def f(messages):
    out, seen = [], []
    tops = {}
    for m in messages:
        k = (m['run'], m['symbol'])
        top = tops.get(k, 0)
        tops[k] = max(top, m['seq'])
        if not m['price']:
            out.append('refused')
            continue
        look = (k, m['price'], m['timestamp'])
        out.append('duplicate' if look in seen else 'late' if m['seq'] <= top else 'stored')
        seen.append(look)
    return out

### m7.classify · the run is forgotten
def f(messages):
    out, kept = [], {}
    tops = {}
    for m in messages:
        s, n = m['symbol'], m['seq']
        if m['price'] is None:
            out.append('refused')
        elif n in kept.setdefault(s, set()):
            out.append('duplicate')
        else:
            out.append('stored' if n > tops.get(s, 0) else 'late')
            kept[s].add(n)
        tops[s] = max(n, tops.get(s, 0))
    return out

### m7.gaps · the tail is forgotten
def f(seqs, last):
    missing = [n for n in range(1, max(seqs, default=0)) if n not in seqs]
    out = []
    for n in missing:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return out

### m7.gaps · number by number
def f(seqs, last):
    return sorted({*range(1, last + 1)} - {*seqs})

### m7.zombie · only the position is compared
def f(db, epoch, offset, prices):
    with db:
        (here,) = db.execute('SELECT next_offset FROM position').fetchone()
        if here != offset:
            return False
        db.execute('UPDATE position SET next_offset = ?', (offset + len(prices),))
        db.executemany('INSERT INTO ticks VALUES (?, ?)', [(offset + i, p) for i, p in enumerate(prices)])
    return True

### m7.zombie · asked first, written then
def f(db, epoch, offset, prices):
    (now,) = db.execute('SELECT epoch FROM position').fetchone()
    if now != epoch:
        return False
    for i, p in enumerate(prices):
        db.execute('INSERT INTO ticks VALUES (?, ?)', (offset + i, p))
    db.execute('UPDATE position SET next_offset = next_offset + ?', (len(prices),))
    db.commit()
    return True

### m7.zombie · position and rows in two transactions
def f(db, epoch, offset, prices):
    sql = 'UPDATE position SET next_offset = ? WHERE epoch = ? AND next_offset = ?'
    moved = db.execute(sql, (offset + len(prices), epoch, offset)).rowcount
    db.commit()
    if moved:
        db.executemany('INSERT INTO ticks VALUES (?, ?)', [(offset + i, p) for i, p in enumerate(prices)])
        db.commit()
    return moved == 1

### m8.due · nanoseconds taken for milliseconds
def f(stamps):
    return [(s - stamps[0]) * 1e-6 for s in stamps]

### m8.due · since the one before
def f(stamps):
    out = [0] if stamps else []
    for a, b in zip(stamps, stamps[1:]):
        out.append((b - a) / 1e9)
    return out

### m8.due · a float before the difference
import numpy as np
def f(stamps):
    a = np.array(stamps, dtype=float)
    return (a - a[:1]) / 1e9

### m8.merge · one behind the other
def f(one, other):
    out = list(one)
    out.extend(other)
    return out

### m8.merge · sorted by the whole tick
def f(one, other):
    out = [*one, *other]
    out.sort()
    return out

### m8.bars · filled forward
def f(ticks, length):
    out = {}
    by = {}
    for t, p in ticks:
        by.setdefault(int(t // length * length), []).append(p)
    if not by:
        return out
    s = min(by)
    while s <= max(by):
        if s in by:
            last = by[s][-1]
            out[s] = (by[s][0], max(by[s]), min(by[s]), last)
        else:
            out[s] = (last, last, last, last)
        s += length
    return out

### m8.bars · the hole is closed
def f(ticks, length):
    out = {}
    for t, p in ticks:
        s = int(t // length) * length
        o, h, l, _ = out.get(s, (p, p, p, p))
        out[s] = (o, max(h, p), min(l, p), p)
    return out

### m8.averages · no groupby
def f(frame):
    return frame.price.rolling(window=5, min_periods=1).mean().tolist()

### m8.averages · in the order of symbols
def f(frame):
    return frame.groupby('symbol')['price'].rolling(5, min_periods=1).mean().reset_index(0, drop=True)

### m8.averages · in the order of symbols
def f(frame):
    out = []
    for _, own in frame.groupby('symbol'):
        out += own['price'].rolling(5, min_periods=1).mean().tolist()
    return out
"""

#: (exercise, name, source of the cell)
HELD_OUT = [
    (match[1], match[2], match[3].strip() + "\n")
    for match in re.finditer(r"^### (\S+) · (.+)\n((?:(?!###).*\n)+)", _TEXT, flags=re.MULTILINE)
]
