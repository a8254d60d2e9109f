"""The stylesheet of widgets: the page's tokens, and the rules of ``widgets.css`` beside this file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from marketlab.look import widget_css

__all__ = ["STYLE"]


def _rules() -> str:
    """In one line and without comments, for a copy stands in every output."""
    text = Path(__file__).with_name("widgets.css").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()


#: To stand once in whatever is shown.
STYLE: Final = f"<style>{widget_css()}{_rules()}</style>"
