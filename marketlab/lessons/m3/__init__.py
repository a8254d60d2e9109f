"""Milestone 3: the analytics layer."""

from marketlab.lessons.m3.analyse import EXERCISE as ANALYSE
from marketlab.lessons.m3.candle import EXERCISE as CANDLE
from marketlab.lessons.m3.late import EXERCISE as LATE
from marketlab.lessons.m3.questions import EMPTY, UNIFORM

__all__ = ["EXERCISES"]

EXERCISES = (UNIFORM, ANALYSE, LATE, CANDLE, EMPTY)
