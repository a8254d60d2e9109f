"""The small buttons of a widget: a glyph or a word, and what it does as a hint."""

from __future__ import annotations

from collections.abc import Callable

from ipywidgets import Button

__all__ = ["make_button"]


def make_button(text: str, hint: str, press: Callable[[], object]) -> Button:
    """A quiet button.

    :param press: called in the kernel, in whatever thread its front end's messages are heard
    """
    made = Button(description=text, tooltip=hint).add_class("ml-button")
    made.on_click(lambda _: press())
    return made
