"""Proof under fire: real processes of the pipeline on a real broker, faults out of a seed, and a verdict.

============  ==================================================================================
``case``      what is put to the test, written so that it can be run again; the two profiles
``faults``    what is done, one function a fault
``fire``      one case under way: topic, database, processes, and how far they are
``ground``    a home to throw away, and the broker in it
``hand``      a process held from outside;  ``worker``: what runs in it
``judge``     the verdict: books, digest against an undisturbed run, the file itself
``run``       cases to their results;  ``result``: how they are kept and added up
============  ==================================================================================

Only ``judge`` knows what is right, and tests hand it pipelines with planted bugs to see that it does.
"""

from marketlab.chaos.case import FAULTS, PROFILES, Case, cases
from marketlab.chaos.ground import Ground, ground
from marketlab.chaos.result import Result, Row, keep, kept, rows, this_code
from marketlab.chaos.run import run_all

__all__ = [
    "FAULTS",
    "PROFILES",
    "Case",
    "Ground",
    "Result",
    "Row",
    "cases",
    "ground",
    "keep",
    "kept",
    "rows",
    "run_all",
    "this_code",
]
