"""Settings: where they come from, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marketlab.errors import SettingsError
from marketlab.settings import PREFIX, Settings, find_home, load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_an_argument_wins_over_a_variable_over_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load_settings().window == 5
    (tmp_path / "marketlab.toml").write_text("window = 7\n")
    assert load_settings().window == 7
    monkeypatch.setenv("MARKETLAB_WINDOW", "9")
    assert load_settings().window == 9
    assert load_settings(window=11).window == 11
    assert load_settings(window=None).window == 9


def test_an_unknown_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETLAB_WINDWO", "9")
    with pytest.raises(SettingsError, match="MARKETLAB_WINDWO"):
        load_settings()


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "marketlab.toml").write_text("windwo = 7\n")
    with pytest.raises(SettingsError, match="windwo"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("WINDOW", "0"), ("WINDOW", "five"), ("ALERT_THRESHOLD_PCT", "-3"), ("PORT", "70000"), ("TOPIC", "a b")],
)
def test_an_impossible_value_is_refused_with_its_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)
    with pytest.raises(SettingsError, match=name.lower()):
        load_settings()


def test_a_password_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETLAB_SASL_PASSWORD", "hunter2")
    settings = load_settings()
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump(mode="json"))


def test_the_home_is_found_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_home(below) == below / ".marketlab"
    (tmp_path / ".marketlab").mkdir()
    assert find_home(below) == tmp_path / ".marketlab"
    monkeypatch.chdir(below)
    assert load_settings().home == tmp_path / ".marketlab"


def test_a_home_above_the_user_s_own_folder_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".marketlab").mkdir()
    user = tmp_path / "user"
    user.mkdir()
    monkeypatch.setattr(Path, "home", lambda: user)
    assert find_home(user) == user / ".marketlab"


def test_another_owner_s_home_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".marketlab").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: -1)
    below = tmp_path / "a"
    below.mkdir()
    assert find_home(below) == below / ".marketlab"


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().window = 3  # type: ignore[misc]


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_namespace_is_in_every_name_that_is_shared_and_in_the_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MARKETLAB_NAMESPACE", "alice")
    alice = load_settings()
    assert alice.home == tmp_path / ".marketlab" / "learners" / "alice"
    assert alice.topic_name == "alice.stock-ticks"
    assert alice.own("readers") == "alice.readers"
    assert alice.topic == "stock-ticks"  # as a tape has it, which anybody may replay
    assert alice.broker_home == load_settings(namespace="ben").broker_home == tmp_path / ".marketlab"


def test_a_home_that_is_named_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MARKETLAB_NAMESPACE", "alice")
    mine = load_settings(home=tmp_path / "mine")
    assert (mine.home, mine.broker_home) == (tmp_path / "mine", tmp_path / "mine")
    # So a child that is told its parent's home has the same one, and the same broker.
    parent = load_settings()
    child = load_settings(home=parent.home)
    assert (child.home, child.broker_home) == (parent.home, parent.broker_home)


def test_learners_of_one_folder_share_its_file(tmp_path: Path) -> None:
    (tmp_path / "marketlab.toml").write_text('namespace = "alice"\nwindow = 7\n')
    alice = load_settings()
    assert (alice.home.name, alice.window) == ("alice", 7)
    assert load_settings(home=alice.home).window == 7


@pytest.mark.parametrize("name", ["", "a.b", "a b", "-a", "é", "a/b", "..", "a" * 65])
def test_a_namespace_that_could_be_no_part_of_a_topic_or_a_path_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("MARKETLAB_NAMESPACE", name)
    with pytest.raises(SettingsError, match="namespace"):
        load_settings()


def test_a_topic_that_the_namespace_makes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="249"):
        load_settings(topic="t" * 245, namespace="alice")
