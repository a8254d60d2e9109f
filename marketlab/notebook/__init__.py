"""What stands behind a ``Lab``: a folder of its own, its child processes, its questions and its answers."""
