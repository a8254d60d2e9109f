"""The start: what the finished pipeline does, looked at before it is taken apart."""

from marketlab.lessons.m0.questions import ALERT, BOOKS, PAUSE, STORED

__all__ = ["EXERCISES"]

EXERCISES = (ALERT, STORED, PAUSE, BOOKS)
