"""When two answers are the same: what a person would call so, not what ``==`` does."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

__all__ = ["plain", "same"]

MOST = 10_000  # an endless generator has to end somewhere
DIGITS = 1e-9  # relative; the order of a sum may change the last digits


def plain(value: Any) -> Any:
    """A value as lists, dicts and scalars: arrays, series and generators become lists.

    >>> plain(x * x for x in (1, 2)), plain((1, (2, 3)))
    ([1, 4], [1, [2, 3]])
    """
    if hasattr(value, "tolist"):  # numpy and pandas
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Iterator):
        value = list(islice(value, MOST))
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are equal, floats but for their last digits; NaN is NaN.

    >>> same([0.1 + 0.2, 1], [0.3, 1.0]), same(None, 0), same(True, "True")
    (True, False, False)
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        try:
            return math.isclose(one, other, rel_tol=DIGITS) or (math.isnan(one) and math.isnan(other))
        except TypeError:
            return False
    return bool(type(one) is type(other) or isinstance(one, (bool, int))) and bool(one == other)
