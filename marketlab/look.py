"""The visual language in Python: the colours of the page, for notebook widgets and for pictures.

There is one list of tokens, the stylesheet that the dashboard is served with. It is read here and never repeated, so
that page, widget and picture cannot drift apart.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final, Literal

__all__ = ["Theme", "tokens", "widget_css"]

Theme = Literal["light", "dark"]

#: Beside this package in a checkout and in an installation alike. Not asked of the import system: a learner's own
#: ``api.py`` in the working folder may stand before ours there.
_STYLESHEET: Final = Path(__file__).resolve().parent.parent / "api" / "static" / "css" / "tokens.css"
_DARK: Final = ':root[data-theme="dark"]'
_TOKEN: Final = re.compile(r"--ml-([a-z0-9-]+):\s*([^;]+);")


@cache
def tokens(theme: Theme) -> dict[str, str]:
    """Every token by its name without ``--ml-``: ``tokens("dark")["accent"]`` is ``#4da3ff``."""
    text = _STYLESHEET.read_text(encoding="utf-8")
    light = dict(_TOKEN.findall(_block(text, ":root")))
    return light if theme == "light" else light | dict(_TOKEN.findall(_block(text, _DARK)))


@cache
def widget_css() -> str:
    """The tokens for what stands below ``.marketlab`` in a notebook, by JupyterLab's theme.

    The page's own rules are left out: they speak of ``:root`` and of the system's theme, and would recolour
    JupyterLab itself.
    """
    light, dark = tokens("light"), tokens("dark")
    changed = {name: value for name, value in dark.items() if value != light[name]}
    return _rule(".marketlab", light) + _rule('[data-jp-theme-light="false"] .marketlab', changed)


def _rule(selector: str, values: dict[str, str]) -> str:
    return selector + "{" + "".join(f"--ml-{name}:{value};" for name, value in values.items()) + "}"


def _block(text: str, selector: str) -> str:
    """What stands between the braces of the first rule that begins with a selector at a line's start."""
    start = re.search(rf"^{re.escape(selector)}[ ,]", text, re.MULTILINE)
    if start is None:
        raise LookupError(f"{_STYLESHEET} has no rule for {selector}")
    opened = text.index("{", start.start())
    return text[opened + 1 : text.index("}", opened)]
