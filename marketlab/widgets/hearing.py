"""Widgets that are heard while a cell runs.

JupyterLab sends what a person does to a widget to a subshell of the kernel, a thread that is free while a cell runs.
But ipykernel 7.4 takes such a message to where the kernel last spoke on that widget's channel, and that is the main
shell, which is not. Without that detour a Pause button works when it is wanted: in a loop that runs.
"""

from __future__ import annotations

from ipywidgets import Widget

__all__ = ["hear_while_busy"]


def hear_while_busy(*widgets: Widget) -> None:
    """Let the front end's choice of a subshell hold; callbacks then run in another thread than cells."""
    for widget in widgets:
        if hasattr(widget.comm, "_reply_subshell_for"):
            widget.comm._reply_subshell_for = None
