"""Prices and sizes as exact as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import Enum
from typing import Any

from marketlab.errors import SourceError

__all__ = ["NumberStyle", "mid", "read_number", "read_text", "read_text_with_comma", "style_of"]

#: 1,23 or 1,2345: a comma that no thousands have; 1,234 could be either.
DECIMAL_COMMA = re.compile(r"[+-]?\d+,(\d{1,2}|\d{4,})")
COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?\d{1,3}([.,' \u00a0\u202f]\d{3})+([.,]\d+)?")
#: Below this share of the first rows another way of writing is a few bad rows, which are counted, not misread.
FEW = 0.1

MEND = "Write prices with a decimal point and without signs between thousands, for example 61837.63."


class NumberStyle(Enum):
    """How a file writes numbers."""

    POINT = "decimal point"
    COMMA = "decimal comma"


def read_text(cell: str) -> float:
    """A number with a decimal point: the float next to what is written.

    :raises ValueError: it is not a number
    """
    if "_" in cell:  # float() reads 1_000, as in programs; no file means that
        raise ValueError(cell)
    return float(cell)


def read_text_with_comma(cell: str) -> float:
    """A number with a decimal comma.

    :raises ValueError: it is not a number, or there is a point in it
    """
    if "_" in cell or "." in cell:
        raise ValueError(cell)
    return float(cell.replace(",", "."))


def read_number(cell: Any) -> float:
    """A number out of JSON or Parquet, or the text of one.

    :raises ValueError, TypeError: it is not a number
    """
    if cell.__class__ is float:
        return float(cell)
    if isinstance(cell, str):
        return read_text(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise TypeError(str(cell))
    return float(cell)


def mid(bid: Any, ask: Any) -> float:
    """(bid + ask) / 2 of two cells that are numbers, rounded once: 1.38727 and 1.38729 give 1.38728 and no tail."""
    return float((_decimal(bid) + _decimal(ask)) / 2)


def _decimal(cell: Any) -> Decimal:
    return Decimal(cell.replace(",", ".") if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else cell)


def style_of(cells: Iterable[Any], *, file: str) -> NumberStyle:
    """How a file writes numbers, by the price cells of its first rows.

    :raises SourceError: a comma in them could be a decimal comma or one of thousands, or they have thousands
    """
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    with_comma = [text for text in texts if COMMA.fullmatch(text)]
    plain = [text for text in texts if _is_number(text)]
    if len(with_comma) < FEW * len(texts) or not with_comma:
        grouped = next((text for text in texts if THOUSANDS.fullmatch(text)), None)
        if grouped is not None and not plain:
            raise SourceError(f"{file}: prices like {grouped!r} have signs between thousands", mend=MEND)
        return NumberStyle.POINT
    with_point = [text for text in plain if "." in text]
    if len(with_point) >= FEW * len(texts):
        raise SourceError(f"{file}: prices are written both like {with_point[0]!r} and {with_comma[0]!r}", mend=MEND)
    if not any(map(DECIMAL_COMMA.fullmatch, texts)):
        either = f"{with_comma[0].replace(',', '.')} or {with_comma[0].replace(',', '')}"
        raise SourceError(f"{file}: the price {with_comma[0]!r} could mean {either}", mend=MEND)
    return NumberStyle.COMMA


def _is_number(text: str) -> bool:
    try:
        read_text(text)
    except ValueError:
        return False
    return True
