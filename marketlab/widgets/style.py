"""The stylesheet of widgets: the page's tokens, and the few rules that ipywidgets' own have to be talked out of."""

from __future__ import annotations

from typing import Final

from marketlab.look import widget_css

__all__ = ["STYLE"]

_RULES: Final = """
.marketlab{overflow:hidden;padding:4px 0}
.marketlab .jupyter-widgets{margin:0}
.marketlab,.marketlab .widget-html-content,.marketlab text{font-family:var(--ml-font);font-variant-numeric:tabular-nums}
.marketlab .widget-html-content{line-height:20px}
.marketlab .ml-status .widget-html-content{font-size:var(--ml-label);color:var(--ml-muted)}
.marketlab .ml-status b{font-weight:600;color:var(--ml-ink)}
.marketlab .ml-head .widget-html-content{font-size:var(--ml-body);line-height:28px;color:var(--ml-muted)}
.marketlab .ml-head b{font-weight:600;color:var(--ml-ink)}
.marketlab .ml-head .ml-price{font-size:20px;font-weight:600;color:var(--ml-ink);margin:0 8px}
.marketlab .bqplot .axis text{font-family:var(--ml-font)!important;fill:var(--ml-muted)!important}
.marketlab .bqplot .tick.short line{display:none}
.marketlab.ml-averaged .bqplot .axis .tick:not(.short) text{transform:translateX(28px)}
"""

#: To stand once in whatever is shown.
STYLE: Final = f"<style>{widget_css()}{_RULES.replace(chr(10), '')}</style>"
