"""What a command needs beyond the package itself."""

from __future__ import annotations

from importlib.util import find_spec

from marketlab.errors import MarketlabError

__all__ = ["MissingExtraError", "need"]


class MissingExtraError(MarketlabError):
    """Packages of an optional part are not installed."""


def need(*modules: str, extra: str) -> None:
    """Say what is missing, before half of the work is done.

    :param modules: to be importable
    :param extra: of the distribution, which brings them
    :raises MissingExtraError: names those that are not there
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise MissingExtraError(
            f"this command needs {', '.join(modules)}; not installed: {', '.join(missing)}",
            mend=f"In the checkout: ./scripts/setup, or with your own pip: pip install '.[{extra}]'",
        )
