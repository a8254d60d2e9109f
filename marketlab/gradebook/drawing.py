"""The drawing that a live widget has left, drawn again for a page that lets nothing in.

A widget's still picture is SVG in colours of the lab's look, so that it follows the theme; it comes out of a notebook,
where anything may stand. What is known is taken over, piece by piece; of a drawing with anything else none is made, and
its PNG is shown.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

__all__ = ["drawing"]

NUMBERS: Final = re.compile(r"[-+\d., e]{1,20000}")
COLOUR: Final = re.compile(r"none|var\(--ml-[a-z-]{1,20}\)")
WORD: Final = re.compile(r"[a-z-]{1,20}")
ANY: Final = re.compile(r"[^\x00-\x1f]{0,2000}")  # it is escaped again

#: By element its attributes, and what their values may be.
ATTRIBUTES: Final = {
    "svg": {"viewBox": NUMBERS, "role": WORD, "aria-label": ANY},
    "g": {"transform": re.compile(r"translate\([-\d., ]{1,40}\)")},
    "text": dict.fromkeys(("x", "y", "font-size", "font-weight"), NUMBERS) | {"text-anchor": WORD},
    "rect": dict.fromkeys(("x", "y", "width", "height", "rx"), NUMBERS),
    "circle": dict.fromkeys(("cx", "cy", "r"), NUMBERS),
    "line": dict.fromkeys(("x1", "y1", "x2", "y2"), NUMBERS),
    "polyline": {"points": NUMBERS},
    "polygon": {"points": NUMBERS},
}
#: What a ``style`` may say; it becomes attributes, for the page's policy forbids styles of elements.
STYLES: Final = {
    "fill": COLOUR,
    "stroke": COLOUR,
    "stroke-width": NUMBERS,
    "stroke-dasharray": NUMBERS,
    "stroke-linejoin": WORD,
    "stroke-linecap": WORD,
    "fill-opacity": NUMBERS,
    "opacity": NUMBERS,
}
IGNORED: Final = {"display", "width", "max-width", "height"}  # the page gives a picture its place


def drawing(html: str) -> str:
    """The first drawing in a widget's HTML, as SVG that can do no harm; ``""`` if there is none or it is not known."""
    found = re.search(r"<svg\b.*?</svg>", html, re.DOTALL)
    try:
        return tostring(_again(fromstring(found[0])), encoding="unicode") if found else ""  # noqa: S314 (no DTD)
    except (ParseError, _UnknownError, RecursionError):
        return ""


class _UnknownError(Exception):
    """There is something in a drawing that is not known."""


def _again(old: Element, parent: Element | None = None) -> Element:
    known = ATTRIBUTES.get(old.tag)
    if known is None or (old.tag == "svg") != (parent is None):
        raise _UnknownError(old.tag)
    new = Element("svg") if parent is None else SubElement(parent, old.tag)
    for name, value in old.attrib.items():
        if name == "style":
            for style, said in _styles(value):
                new.set(style, said)
        else:
            new.set(name, _checked(known.get(name), value))
    new.text = old.text if old.tag == "text" else None
    for child in old:
        _again(child, new)
    return new


def _styles(text: str) -> list[tuple[str, str]]:
    pairs = [part.partition(":") for part in text.split(";") if part.strip()]
    found = [(name.strip(), value.strip()) for name, _, value in pairs]
    return [(name, _checked(STYLES.get(name), value)) for name, value in found if name not in IGNORED]


def _checked(wanted: re.Pattern[str] | None, value: str) -> str:
    if wanted is None or not wanted.fullmatch(value):
        raise _UnknownError(value)
    return value
