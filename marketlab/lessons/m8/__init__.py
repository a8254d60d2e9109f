"""Milestone 8: replaying real data."""

from marketlab.lessons.m8.averages import EXERCISE as AVERAGES
from marketlab.lessons.m8.bars import EXERCISE as BARS
from marketlab.lessons.m8.due import EXERCISE as DUE
from marketlab.lessons.m8.merge import EXERCISE as MERGE
from marketlab.lessons.m8.questions import CALM

__all__ = ["EXERCISES"]

EXERCISES = (DUE, MERGE, CALM, BARS, AVERAGES)
