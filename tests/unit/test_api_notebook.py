"""``GET /notebook``: a file that is a notebook, of the tick that was asked for, and runs to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from api import ApiConfig, create_app
from marketlab.store import SqliteReader, SqliteStore
from tests.api_lab import NOW, ApiLab, tick
from tests.store_feed import Feed
from tests.store_feed import tick as fed


@pytest.fixture
def lab() -> ApiLab:
    lab = ApiLab()
    for n in range(40):  # every fourth tick is an alert, and MSFT's stand between
        lab.send(tick(100 if n % 4 else 110, n, seq=n + 1), tick(50 if n % 2 else 60, n, symbol="MSFT", seq=n + 1))
    return lab


def code(notebook: Any) -> str:
    return "\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code")


def test_it_is_a_valid_notebook_with_a_name_of_its_own(lab: ApiLab) -> None:
    response = lab.client.get("/notebook?symbol=aapl&tick=9")
    assert response.status_code == 200
    assert response.headers["Content-Disposition"] == 'attachment; filename="AAPL-9.ipynb"'
    notebook = nbformat.reads(response.get_data(as_text=True), as_version=4)
    nbformat.validate(notebook)
    assert "SYMBOL = 'AAPL'" in code(notebook)
    assert "TICK = 9" in code(notebook)


def test_the_alert_of_each_tick_is_found_among_those_of_its_symbol(lab: ApiLab) -> None:
    alerts = lab.get("/alerts?limit=1000")
    assert len({alert["symbol"] for alert in alerts}) == 2
    for alert in alerts:
        notebook = lab.get(f"/notebook?symbol={alert['symbol']}&tick={alert['tick_id']}")
        assert f"reader.alert({alert['id']})" in code(notebook)
    quiet = next(record for record in lab.get("/data/AAPL") if not record["alert"])
    assert "reader.alert(" not in code(lab.get(f"/notebook?symbol=AAPL&tick={quiet['id']}"))


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("tick=1", 400, "/symbol"),
        ("symbol=AAPL", 400, "/tick"),
        ("symbol=AAPL&tick=x", 400, "/tick"),
        ("symbol=AAPL&tick=9223372036854775807", 404, None),
        ("symbol=AAPL&tick=2", 404, None),  # one of MSFT's
        ("symbol=NOBODY&tick=1", 404, None),
    ],
)
def test_a_moment_that_is_none_is_refused(lab: ApiLab, query: str, status: int, pointer: str | None) -> None:
    response = lab.client.get(f"/notebook?{query}")
    assert response.status_code == status
    assert response.get_json().get("pointer") == pointer


def test_the_folder_of_the_lab_is_told_only_where_the_server_was_told_it() -> None:
    lab = ApiLab(config=ApiConfig(home="/somewhere/.marketlab"))
    lab.send(tick(1))
    assert "HOME = '/somewhere/.marketlab'" in code(lab.get("/notebook?symbol=AAPL&tick=1"))
    there = ApiLab()
    there.send(tick(1))
    assert "HOME = None" in code(there.get("/notebook?symbol=AAPL&tick=1"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / ".marketlab"
    home.mkdir()
    with SqliteStore(home / "marketlab.db") as store:
        Feed(store)(*(fed(100.0 + n % 3, NOW - 99 + n, seq=n + 1) for n in range(30)), fed(120, NOW - 60, seq=31))
    return home


@pytest.mark.notebook
def test_it_runs_headless_to_its_end_and_works_the_alert_out_again(home: Path) -> None:
    with SqliteReader(home / "marketlab.db") as reader:
        client = create_app(ApiConfig(home=str(home)), reader=reader, post=None).test_client()
        [alert] = client.get("/alerts").get_json()
        text = client.get(f"/notebook?symbol=AAPL&tick={alert['tick_id']}").get_data(as_text=True)
    notebook = nbformat.reads(text, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": home.parent}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "\n".join(
        str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", "")) for output in outputs
    )
    assert "unreachable: the managed broker does not run" in said
    assert "%, fires" in said
    assert f"({alert['moving_average']!r}, {alert['moving_average']!r})" in said
    assert any("image/png" in output.get("data", {}) for output in outputs)
