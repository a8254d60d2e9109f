"""The token for writing: who needs it, and what is said to whom has none."""

from __future__ import annotations

import pytest

from api import ApiConfig
from tests.api_lab import NOW, ApiLab

TOKEN = "t" * 31 + "=" * 2
RECORD = {"symbol": "AAPL", "price": 1, "timestamp": NOW}


@pytest.fixture
def lab() -> ApiLab:
    return ApiLab(config=ApiConfig(clock=lambda: NOW, token=TOKEN))


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN} "])
def test_a_request_that_carries_the_token_may_write(lab: ApiLab, authorization: str) -> None:
    assert lab.client.post("/update", json=RECORD, headers={"Authorization": authorization}).status_code == 200
    assert len(lab.get("/data")) == 1


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer{TOKEN}", f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN.upper()}", f"Bearer {TOKEN} {TOKEN}", "Bearer é" + "t" * 31,
    ],
)  # fmt: skip
def test_any_other_is_told_how_to_and_writes_nothing(lab: ApiLab, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = lab.client.post("/update", json=RECORD, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="marketlab"'
    assert response.mimetype == "application/problem+json"
    assert "Authorization: Bearer" in response.get_json()["mend"]
    assert TOKEN not in response.get_data(as_text=True)
    assert lab.get("/data") == []


def test_reading_needs_no_token(lab: ApiLab) -> None:
    assert lab.client.get("/data").status_code == 200
    assert lab.client.get("/dashboard").status_code == 200


def test_a_page_of_another_origin_is_refused_whatever_it_carries(lab: ApiLab) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Sec-Fetch-Site": "cross-site"}
    assert lab.client.post("/update", json=RECORD, headers=headers).status_code == 403


def test_the_token_does_not_stand_in_what_is_printed_of_the_configuration(lab: ApiLab) -> None:
    assert TOKEN not in repr(lab.config)
