"""Write docs/settings.md from what each setting says of itself.

Usage: python scripts/write_settings.py [--check]

With --check nothing is written; exit 1 when the page is not what it should be.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from marketlab.settings import OTHER_NAMES, PREFIX, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

HEAD = """\
# Settings

<!-- Made by scripts/write_settings.py from marketlab/settings.py. Do not edit. -->

Each setting comes from the first of these that names it:

1. the command's own option, where there is one (`marketlab up --port 5001`);
2. the variable (`MARKETLAB_PORT=5001`);
3. the file `marketlab.toml` beside the lab's folder `.marketlab`, with the short name in small letters (`port = 5001`);
4. the default.

`marketlab settings` shows what holds where you are. A `MARKETLAB_` variable or a name in the file that is not in these
tables stops the command: a misspelt setting would otherwise change nothing and say nothing.

| variable | what it is | may be | default |
|---|---|---|---|
"""

OTHERS = """
Names with the same prefix that are no settings of the lab:

| variable | who reads it |
|---|---|
"""


def page() -> str:
    """The whole page."""
    schema = Settings.model_json_schema()["properties"]
    rows = [
        _row(f"`{PREFIX}{name.upper()}`", field.description or "", _allowed(schema[name]), _default(field))
        for name, field in Settings.model_fields.items()
    ]
    others = [_row(f"`{name}`", reader) for name, reader in OTHER_NAMES.items()]
    return HEAD + "".join(rows) + OTHERS + "".join(others)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "the user's cache folder"  # another one on every machine
    if field.default is None:
        return "–"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _allowed(schema: dict[str, Any]) -> str:
    """What a value may be, in words, from its JSON schema."""
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return " or ".join(_one(option) for option in options)


def _one(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("format") in ("path", "password"):
        return {"path": "a path", "password": "text, never shown"}[schema["format"]]
    if "pattern" in schema:
        return f"`{schema['pattern']}`"
    words = {"boolean": "`true` or `false`", "integer": "a whole number", "number": "a number", "string": "text"}
    limits = [
        f"{word} {schema[key]:,.12g}"
        for key, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to"))
        if key in schema
    ]
    return " ".join([words[schema["type"]], *limits])


def main() -> int:
    """Write or compare."""
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/settings.md is not what the settings say; run: .venv/bin/python scripts/write_settings.py")
    return 1


if __name__ == "__main__":
    sys.exit(main())
