"""Milestone 2: moving average, alerts, a log."""

from marketlab.lessons.m2.alert import EXERCISE as ALERT
from marketlab.lessons.m2.change import EXERCISE as CHANGE
from marketlab.lessons.m2.log import EXERCISE as LOG
from marketlab.lessons.m2.ma5 import EXERCISE as MA5
from marketlab.lessons.m2.questions import DRAGGED, THIRD

__all__ = ["EXERCISES"]

EXERCISES = (THIRD, DRAGGED, MA5, CHANGE, ALERT, LOG)
