"""Milestone 4: the REST API."""

from marketlab.lessons.m4.deliver import EXERCISE as DELIVER
from marketlab.lessons.m4.latest import EXERCISE as LATEST
from marketlab.lessons.m4.questions import DOWN, TWICE, UNKNOWN
from marketlab.lessons.m4.validate import EXERCISE as VALIDATE

__all__ = ["EXERCISES"]

EXERCISES = (LATEST, UNKNOWN, VALIDATE, TWICE, DELIVER, DOWN)
