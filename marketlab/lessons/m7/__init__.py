"""Milestone 7: when things break."""

from marketlab.lessons.m7.classify import EXERCISE as CLASSIFY
from marketlab.lessons.m7.gaps import EXERCISE as GAPS
from marketlab.lessons.m7.questions import BEHIND, KILLED
from marketlab.lessons.m7.zombie import EXERCISE as ZOMBIE

__all__ = ["EXERCISES"]

EXERCISES = (KILLED, CLASSIFY, GAPS, ZOMBIE, BEHIND)
