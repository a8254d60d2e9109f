"""Exercises of four kinds that check themselves, and whose checks are checked.

To *write* a function or to *repair* one, ``@task("m2.ma5")`` stands above it; to *predict* an experiment,
``predict`` and ``reveal`` stand before and after it; ``observe`` takes what was read off a broker or a picture.
The exercises stand in ``m1``, ``m2`` and so on, each with the wrong answers that people give.
"""

from marketlab.lessons.errors import LessonError
from marketlab.lessons.verbs import observe, predict, progress, reveal, solved, task

__all__ = ["LessonError", "observe", "predict", "progress", "reveal", "solved", "task"]
