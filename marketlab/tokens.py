"""The secret with which a program may write to an API that others can reach."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final

from marketlab.errors import SettingsError

__all__ = ["SHORTEST", "checked", "keep", "kept", "new_token"]

SHORTEST: Final = 32  # characters; one of ours has 43, which are 256 bits of chance
LONGEST: Final = 512
NAME: Final = "token"  # of the file in the home

#: What can follow "Bearer" in a header (RFC 6750).
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_MEND = "`marketlab token` makes a good one."


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(32)


def checked(token: str, *, source: str) -> str:
    """The token, if it is one. No error ever shows it.

    :param source: where it was found, for the error
    :raises SettingsError: too short, too long, or not made of the characters that a header can carry
    """
    if not SHORTEST <= len(token) <= LONGEST:
        raise SettingsError(
            f"the token in {source} must have {SHORTEST} to {LONGEST} characters, it has {len(token)}", mend=_MEND
        )
    if not _TOKEN.fullmatch(token):
        raise SettingsError(
            f"the token in {source} may be made of A-Z a-z 0-9 . _ ~ + / - only, with = at its end", mend=_MEND
        )
    return token


def kept(home: Path) -> str | None:
    """The token that a home keeps, or None.

    :raises SettingsError: others can read the file, or what it holds is no token
    """
    path = home / NAME
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(LONGEST + 2)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from error
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(
            f"{path} is a secret, but its mode {mode:o} lets others read it",
            mend=f"`chmod 600 {path}`, or `marketlab token --write` for a new one.",
        )
    return checked(text.strip(), source=str(path))


def keep(home: Path, token: str) -> Path:
    """Keep a token in a home, in place of an older one, readable for its owner only.

    :returns: the file
    :raises SettingsError: it cannot be written
    """
    path = home / NAME
    scratch = path.with_name(f".{NAME}.{os.getpid()}")
    try:
        home.mkdir(parents=True, exist_ok=True)
        # The mode is set before anything is in the file, and an old scratch file may have another.
        with contextlib.suppress(FileNotFoundError):
            scratch.unlink()
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
        scratch.replace(path)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {os.strerror(error.errno or 0)}", mend="Choose another `--home`."
        ) from error
    return path
