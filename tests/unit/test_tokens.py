"""The secret for writing: how it is made, kept and refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from marketlab.errors import SettingsError
from marketlab.settings import Settings, load_settings
from marketlab.tokens import checked, keep, kept, new_token
from marketlab.wiring import api_token

GOOD = "A-z_0.9~+/" * 4


def test_tokens_are_long_and_no_two_are_alike() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(len(token) >= 32 and checked(token, source="here") == token for token in made)


def test_a_kept_token_is_found_again_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert kept(home) is None
    path = keep(home, GOOD)
    assert (kept(home), stat.S_IMODE(path.stat().st_mode)) == (GOOD, 0o600)
    other = new_token()
    keep(home, other)
    assert kept(home) == other
    assert [entry.name for entry in home.iterdir()] == ["token"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_kept_token_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    keep(tmp_path, GOOD).chmod(mode)
    with pytest.raises(SettingsError, match="lets others read it") as refused:
        kept(tmp_path)
    assert GOOD not in str(refused.value)


@pytest.mark.parametrize("text", ["", "short", "x" * 31, "x" * 513, "ü" * 40, "x" * 40 + "\n", "two words " * 5])
def test_what_is_no_token_is_refused_and_never_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="MARKETLAB_TOKEN") as refused:
        api_token(Settings(home=tmp_path, token=text))
    assert "marketlab token" in str(refused.value)
    assert not text or text not in str(refused.value)


def test_the_setting_goes_before_what_the_home_keeps(tmp_path: Path) -> None:
    assert api_token(Settings(home=tmp_path)) is None
    keep(tmp_path, GOOD)
    assert api_token(Settings(home=tmp_path)) == GOOD
    assert api_token(Settings(home=tmp_path, token="x" * 32)) == "x" * 32


def test_an_empty_variable_is_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETLAB_TOKEN", "")
    with pytest.raises(SettingsError, match="it has 0"):
        api_token(load_settings(home=tmp_path))


def test_settings_do_not_show_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, token=GOOD)
    assert GOOD not in repr(settings)
    assert GOOD not in settings.model_dump_json()


def test_an_error_about_it_does_not_show_it(tmp_path: Path) -> None:
    (tmp_path / "marketlab.toml").write_text("token = 123456789\n")
    with pytest.raises(SettingsError, match="setting token") as refused:
        load_settings(home=tmp_path / ".marketlab")
    assert "123456789" not in str(refused.value)
