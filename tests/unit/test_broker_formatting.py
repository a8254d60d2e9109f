"""New data folders: the first made by Kafka's tool, the others copies with a cluster id of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketlab.broker.formatting import FormatError, Formatter
from marketlab.broker.state import Rooms, read_cluster_id
from marketlab.deadline import Deadline

SNAPSHOT = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint"


class Recorded(Formatter):
    """Writes what Kafka's tool would, and counts how often."""

    calls: list[str] = []  # noqa: RUF012 (emptied by the fixture)

    def _run_tool(self, draft: Path, cluster_id: str, deadline: Deadline) -> None:
        self.calls.append(cluster_id)
        (draft / SNAPSHOT).parent.mkdir(parents=True)
        (draft / SNAPSHOT).write_bytes(bytes(range(256)))
        (draft / "meta.properties").write_text(
            f"#\n#now\ncluster.id={cluster_id}\ndirectory.id=d\nnode.id=1\nversion=1\n"
        )


@pytest.fixture(autouse=True)
def calls() -> list[str]:
    Recorded.calls.clear()
    return Recorded.calls


def formatted(tmp_path: Path, name: str) -> Path:
    """The data folder of a new home."""
    rooms = Rooms(tmp_path / name)
    rooms.folder.mkdir()
    Recorded(rooms, [], [], tmp_path / "cache").format(deadline=Deadline(10))
    assert not (rooms.folder / "data.new").exists()
    return rooms.data


def test_the_tool_runs_once_and_every_folder_is_a_cluster_of_its_own(tmp_path: Path, calls: list[str]) -> None:
    folders = [formatted(tmp_path, name) for name in ("a", "b", "c")]
    ids = [read_cluster_id(folder) for folder in folders]
    assert calls == [ids[0]]
    assert len(set(ids)) == 3
    assert {(folder / SNAPSHOT).read_bytes() for folder in folders} == {bytes(range(256))}
    assert (folders[1] / "meta.properties").read_text().splitlines()[3:] == ["directory.id=d", "node.id=1", "version=1"]


@pytest.mark.parametrize("damage", [lambda text: text[:-5], lambda text: text.replace("AAEC", "AAED"), lambda _: "[]"])
def test_a_damaged_copy_is_not_used(tmp_path: Path, calls: list[str], damage: object) -> None:
    formatted(tmp_path, "a")
    kept = next((tmp_path / "cache").iterdir())
    assert callable(damage)
    text = kept.read_text()
    kept.write_text(damage(text))
    assert kept.read_text() != text
    folder = formatted(tmp_path, "b")
    assert len(calls) == 2
    assert (folder / SNAPSHOT).read_bytes() == bytes(range(256))


def test_a_tool_that_fails_leaves_no_data_folder(tmp_path: Path) -> None:
    class Failing(Formatter):
        def _run_tool(self, draft: Path, cluster_id: str, deadline: Deadline) -> None:
            draft.mkdir()
            raise FormatError("formatting its data folder ended with code 1")

    rooms = Rooms(tmp_path / "a")
    rooms.folder.mkdir()
    with pytest.raises(FormatError):
        Failing(rooms, [], [], tmp_path / "cache").format(deadline=Deadline(10))
    assert not rooms.data.exists()
    assert not (tmp_path / "cache").exists()
    assert formatted(tmp_path, "b").exists()


def test_what_a_killed_format_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a" / "data.new" / "rest").mkdir(parents=True)
    (tmp_path / "a" / "data").mkdir()
    rooms = Rooms(tmp_path / "a")
    Recorded(rooms, [], [], tmp_path / "cache").format(deadline=Deadline(10))
    assert not (rooms.data / "rest").exists()
    assert read_cluster_id(rooms.data)
