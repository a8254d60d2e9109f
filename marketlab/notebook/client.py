"""Questions to the lab's own API.

A notebook's kernel opens no database of the package: two SQLite libraries in one process would drop each other's locks
(docs/decisions/0024), and a learner's ``sqlite3`` is one already. So the API, a child process, is asked over HTTP.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from marketlab.errors import MarketlabError, NotFoundError

__all__ = ["ApiClient", "ApiError", "Follower"]

TIMEOUT_S = 10.0
PAGE = 1000  # records in one answer, the most that the API gives


class ApiError(MarketlabError):
    """The lab's API does not answer, or says that something is wrong."""


class ApiClient:
    """Asks one API.

    :param url: with a slash at the end
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # Whatever proxy the environment names is for other machines.
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def get(self, path: str, **query: object) -> Any:
        """What a GET answers, from JSON.

        :raises NotFoundError: there is no such thing
        :raises ApiError: it does not answer, or says what is wrong
        """
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        try:
            with self._open(f"{self.url}{path}{'?' if asked else ''}{asked}", timeout=TIMEOUT_S) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            raise self._problem(error) from None
        except OSError as error:
            raise ApiError(
                f"the lab's API at {self.url} does not answer: {error}", mend="lab.run() or lab.data() starts it again."
            ) from error

    def history(self, symbol: str, *, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """Records of a symbol, newest first.

        :raises NotFoundError: the symbol was never seen
        """
        records: list[dict[str, Any]] = []
        while len(records) < limit:
            page = self.get(f"data/{quote(symbol)}", limit=min(PAGE, limit - len(records)), before=before)
            records += page
            if len(page) < PAGE:
                break
            before = page[-1]["id"]
        return records[:limit]

    @staticmethod
    def _problem(error: urllib.error.HTTPError) -> MarketlabError:
        try:
            problem = json.loads(error.read())
        except ValueError:
            problem = {}
        said, mend = problem.get("detail") or str(error), problem.get("mend")
        return NotFoundError(said, mend=mend) if error.code == 404 else ApiError(said, mend=mend)


class Follower:
    """Gives, each time it is called, the records that were stored since the last time; the first time some of before.

    :param symbol: of whom; None: of all
    :param past: records of before, of each symbol; 0: only what comes from now on
    """

    def __init__(self, client: ApiClient, symbol: str | None, *, past: int) -> None:
        self._client = client
        self._symbol = symbol
        self._past = past
        # Without a past everything that is there now counts as seen, and of a symbol that is new nothing does.
        self._seen: dict[str, int] = {} if past else {row["symbol"]: row["id"] for row in client.get("data")}

    def __call__(self) -> list[dict[str, Any]]:
        """Records in the order in which they were stored."""
        found = [record for symbol in self._moved() for record in self._since(symbol)]
        return sorted(found, key=lambda record: record["id"])

    def _moved(self) -> Iterator[str]:
        for latest in self._client.get("data"):
            symbol = latest["symbol"]
            if self._symbol in (None, symbol) and latest["id"] > self._seen.get(symbol, 0):
                yield symbol

    def _since(self, symbol: str) -> list[dict[str, Any]]:
        seen, before = self._seen.get(symbol, None if self._past else 0), None
        records: list[dict[str, Any]] = []
        while True:
            limit = min(self._past, PAGE) if seen is None else 100 if before is None else PAGE
            page = self._client.get(f"data/{quote(symbol)}", limit=limit, before=before)
            records += [record for record in page if record["id"] > (seen or 0)]
            if seen is None or len(page) < limit or page[-1]["id"] <= seen:
                break
            before = page[-1]["id"]
        if records:
            self._seen[symbol] = records[0]["id"]
        return records
