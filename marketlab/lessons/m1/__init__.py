"""Milestone 1: Kafka."""

from marketlab.lessons.m1.encode import EXERCISE as ENCODE
from marketlab.lessons.m1.questions import FOURTH, KEPT, KEYS, NEW_GROUP, OFFSET

__all__ = ["EXERCISES"]

EXERCISES = (ENCODE, KEYS, OFFSET, KEPT, NEW_GROUP, FOURTH)
