#!/usr/bin/env python3
"""Make the synthetic recordings of notebook 08, marketlab/sources/recordings/*.gz. The same bytes of text every time.

Usage: scripts/write_recordings.py

Two captures of an exchange that does not exist, in the form of a real one's: a stamp of receipt in nanoseconds, a
blank, a JSON message. No price in them was ever paid, so the symbols begin with SYN. What is true to life are the
oddities, each of which real files hold (notebook 08 names them): trades between quotes and books, several trades of one
millisecond, trades that are equal in all but their number, a recorder whose clock is behind the exchange's, a snapshot
without a stream, quotes without a time, pauses, midnight.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "marketlab" / "sources" / "recordings"
BEGIN_MS = 1_738_367_940_000  # 2025-01-31 23:59:00 UTC
SECONDS = 120
BEHIND_NS = 1_270_000_000  # the recorder's clock, against the exchange's


@dataclass(frozen=True)
class Market:
    """One symbol: its first price in cents, a step's size, trades' mean distance, and when nobody trades."""

    symbol: str
    cents: int
    step: int
    gap_ms: int
    pauses_s: tuple[tuple[float, float], ...]
    first_id: int
    seed: int


MARKETS = (
    Market("SYNBTC", 6_180_000, 900, 330, ((31.2, 33.9), (84.0, 86.1)), 3_735_683_259, 8),
    Market("SYNETH", 268_200, 60, 480, ((47.1, 51.0), (58.2, 60.4)), 1_581_203_111, 80),
)

Line = tuple[int, dict[str, object]]  # stamp of receipt in ns, message


def lines(market: Market) -> Iterator[Line]:
    """Messages in the order in which the exchange sent them."""
    draws = random.Random(market.seed)
    stream, cents, number, update = market.symbol.lower(), market.cents, market.first_id, 50_093_239_000
    now = 0.0
    first_second = True
    while now < SECONDS * 1000:
        now += 20 + 2 * draws.random() * (market.gap_ms - 20)
        now = next((end * 1000 for start, end in market.pauses_s if start * 1000 < now < end * 1000), now)
        at = BEGIN_MS + int(now)
        cents += int((draws.random() + draws.random() + draws.random() - 1.5) * market.step)
        yield received(at, draws), quote(stream, market.symbol, cents, update := update + 7, draws)
        if first_second and now > 700:
            first_second = False
            yield received(at, draws), snapshot(cents, update)
        if draws.random() < 0.1:
            depth = {"e": "depthUpdate", "E": at, "s": market.symbol, "U": update, "u": update + 3, "b": [], "a": []}
            yield received(at, draws), {"stream": f"{stream}@depth@100ms", "data": depth}
        size = f"{draws.randint(1, 4000) / 100_000:.8f}"
        for _ in range(draws.choice((1, 1, 1, 2, 3))):
            number += 1
            trade = {
                "e": "trade", "E": at + 2, "s": market.symbol, "t": number, "p": f"{cents / 100:.8f}", "q": size,
                "T": at, "m": draws.random() < 0.5, "M": True,
            }  # fmt: skip
            yield received(at, draws), {"stream": f"{stream}@trade", "data": trade}
            if draws.random() < 0.6:  # else the next one is the same in all but its number
                size = f"{draws.randint(1, 4000) / 100_000:.8f}"
                cents += draws.choice((-1, 0, 0, 1))


def received(at_ms: int, draws: random.Random) -> int:
    """When the recorder noted it, by its own clock."""
    return at_ms * 1_000_000 - BEHIND_NS + draws.randint(0, 3_000_000)


def quote(stream: str, symbol: str, cents: int, update: int, draws: random.Random) -> dict[str, object]:
    """Best bid and ask; it has no time of its own."""
    sizes = [f"{draws.randint(1, 400_000) / 100_000:.8f}" for _ in range(2)]
    prices = [f"{cents / 100:.8f}", f"{(cents + 1) / 100:.8f}"]
    data = {"u": update, "s": symbol, "b": prices[0], "B": sizes[0], "a": prices[1], "A": sizes[1]}
    return {"stream": f"{stream}@bookTicker", "data": data}


def snapshot(cents: int, update: int) -> dict[str, object]:
    """The whole book, asked for once; no stream."""
    bids = [[f"{(cents - n) / 100:.8f}", "1.00000000"] for n in range(3)]
    asks = [[f"{(cents + 1 + n) / 100:.8f}", "1.00000000"] for n in range(3)]
    return {"lastUpdateId": update, "bids": bids, "asks": asks}


def text(market: Market) -> str:
    """The file."""
    noted, stamp = [], 0
    for received_ns, message in lines(market):
        stamp = max(stamp + 1, received_ns)  # over one connection messages come in the order in which they were sent
        noted.append(f"{stamp} {json.dumps(message, separators=(',', ':'))}\n")
    return "".join(noted)


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for market in MARKETS:
        path = FOLDER / f"synthetic_{market.symbol.lower()}_20250131.gz"
        path.write_bytes(gzip.compress(text(market).encode(), mtime=0))
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
