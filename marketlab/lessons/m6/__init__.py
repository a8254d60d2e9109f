"""Milestone 6: live push."""

from marketlab.lessons.m6.backoff import EXERCISE as BACKOFF
from marketlab.lessons.m6.gap import EXERCISE as GAP
from marketlab.lessons.m6.mailbox import EXERCISE as MAILBOX
from marketlab.lessons.m6.questions import FIRST, MEAN

__all__ = ["EXERCISES"]

EXERCISES = (MEAN, FIRST, GAP, MAILBOX, BACKOFF)
