"""Notebooks run as a batch, and submissions marked; each ends as a line that says what it was, never as a crash.

===============  ====================================================================
``states``       pass, fail, error, timeout, kernel death, not reached, not applicable
``contents``     what a notebook holds: parameters, exercises, minutes
``plan``         notebooks × parameters, as runs
``batch``        plays runs, so many at a time, until they are done or it is stopped
``player``       the process that plays one notebook with papermill
``witness``      in its kernel: writes down which threads have died
``family``       a process and all that it has started, to the last one
``judging``      what a run has left → its state, cell by cell and check by check
``report``       what was found, as JSON and as the files of a gradebook
``batch_page``   the same as a page; ``junit``: for a continuous integration
``submissions``  a folder of what learners handed in → their functions and predictions
``marking``      marks submissions, each in a process of its own with limits
``marker``       that process
``drawing``      a widget's still picture, made again so that it can do no harm
``page``         what the pages share: the look, and a policy that lets nothing else in
``marks``        learner × exercise as CSV, JSON and a page
===============  ====================================================================

papermill's exit code and its metadata are not trusted: docs/decisions/0025.
"""
