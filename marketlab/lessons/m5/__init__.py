"""Milestone 5: storage and dashboard."""

from marketlab.lessons.m5.offset import EXERCISE as OFFSET
from marketlab.lessons.m5.questions import BATCH, KILLED, OPEN, POLL
from marketlab.lessons.m5.writer import EXERCISE as WRITER

__all__ = ["EXERCISES"]

EXERCISES = (OPEN, KILLED, WRITER, BATCH, OFFSET, POLL)
