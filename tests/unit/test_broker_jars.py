"""Kafka's jars: whatever comes over the network, what lies in the cache is what the list names."""

from __future__ import annotations

import errno
import hashlib
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from marketlab.broker.jars import Jar, JarCache, jar_list, kafka_version
from marketlab.broker.locks import FileLock
from marketlab.broker.progress import Silent
from marketlab.errors import BrokerError

CONTENTS = {f"part{number}": bytes([number]) * (1000 + number) for number in range(6)}


def jar(name: str) -> Jar:
    content = CONTENTS[name]
    return Jar("org.example", name, "1.0", hashlib.sha256(content).hexdigest(), len(content))


JARS = tuple(jar(name) for name in CONTENTS)


class Registry:
    """Gives each jar's content; ``answers`` puts another content, or an error, before it."""

    def __init__(self, **answers: list[bytes | BaseException]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, jar: Jar, folder: Path, advance: Callable[[int], None]) -> Path:
        self.asked.append(jar.artifact)
        queue = self.answers.get(jar.artifact)
        answer = queue.pop(0) if queue else CONTENTS[jar.artifact]
        if isinstance(answer, BaseException):
            raise answer
        path = folder / jar.artifact / jar.filename
        path.parent.mkdir(parents=True)
        path.write_bytes(answer)
        for _ in answer:
            advance(1)
        return path


class Recorded:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.n_bytes = 0

    def stage(self, text: str, *, total_bytes: int | None = None) -> None:
        self.stages.append((text, total_bytes))

    def advance(self, n_bytes: int) -> None:
        self.n_bytes += n_bytes


def cache(folder: Path, registry: Registry) -> JarCache:
    return JarCache(folder, jars=JARS, fetch=registry)


def test_the_committed_list_is_whole_and_unambiguous() -> None:
    jars = jar_list()
    names = [jar.filename for jar in jars]
    assert names == sorted(set(names))
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) and jar.size > 0 for jar in jars)
    assert {"org.apache.kafka", "org.apache.logging.log4j"} <= {jar.group for jar in jars}
    assert re.fullmatch(r"\d+\.\d+\.\d+", kafka_version())


def test_what_was_fetched_once_is_never_asked_for_again(tmp_path: Path) -> None:
    first, second = Registry(), Registry()
    paths = cache(tmp_path, first).ensure(progress=Silent())
    assert sorted(first.asked) == sorted(CONTENTS)
    assert [path.read_bytes() for path in paths] == list(CONTENTS.values())
    assert cache(tmp_path, second).ensure(progress=Silent()) == paths
    assert second.asked == []


@pytest.mark.parametrize("damage", [lambda old: old[:-1], lambda old: b"X" + old[1:], lambda _: b""])
def test_a_damaged_jar_is_found_and_mended(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    paths = cache(tmp_path, Registry()).ensure(progress=Silent())
    paths[2].write_bytes(damage(paths[2].read_bytes()))
    registry = Registry()
    cache(tmp_path, registry).ensure(progress=Silent())
    assert registry.asked == ["part2"]
    assert paths[2].read_bytes() == CONTENTS["part2"]


def test_a_truncated_answer_is_fetched_again_and_the_bar_ends_where_it_should(tmp_path: Path) -> None:
    registry, progress = Registry(part1=[CONTENTS["part1"][:10]]), Recorded()
    cache(tmp_path, registry).ensure(progress=progress)
    assert registry.asked.count("part1") == 2
    assert progress.stages == [("Fetching Apache Kafka " + kafka_version() + " (6 jars)", progress.n_bytes)]


def test_another_content_is_refused_and_does_not_enter_the_cache(tmp_path: Path) -> None:
    evil = b"E" * len(CONTENTS["part3"])
    with pytest.raises(BrokerError, match=r"part3-1\.0\.jar should have 1003 bytes with sha256 .* 2 times"):
        cache(tmp_path, Registry(part3=[evil, evil])).ensure(progress=Silent())
    assert not (tmp_path / "jars" / "part3-1.0.jar").exists()


def test_an_interrupted_fetch_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        cache(tmp_path, Registry(part5=[KeyboardInterrupt()])).ensure(progress=Silent())
    here = {path.name.partition("-")[0] for path in (tmp_path / "jars").iterdir()}
    registry = Registry()
    cache(tmp_path, registry).ensure(progress=Silent())
    assert "part5" not in here
    assert set(registry.asked) == set(CONTENTS) - here


def test_what_a_killed_fetch_left_in_staging_does_no_harm(tmp_path: Path) -> None:
    rest = tmp_path / "staging" / "1" / "part0" / "part0-1.0.jar"
    rest.parent.mkdir(parents=True)
    rest.write_bytes(b"half a j")
    cache(tmp_path, Registry()).ensure(progress=Silent())
    assert not (tmp_path / "staging").exists()


def test_many_at_once_fetch_each_jar_once(tmp_path: Path) -> None:
    registry = Registry()
    threads = [
        threading.Thread(target=cache(tmp_path, registry).ensure, kwargs={"progress": Silent()}) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(registry.asked) == sorted(CONTENTS)


def test_who_waits_is_told_for_whom(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    told = threading.Event()

    class Waiting(Recorded):
        def stage(self, text: str, *, total_bytes: int | None = None) -> None:
            super().stage(text, total_bytes=total_bytes)
            told.set()

    progress = Waiting()
    thread = threading.Thread(target=cache(tmp_path, Registry()).ensure, kwargs={"progress": progress})
    thread.start()
    assert told.wait(20)
    assert re.fullmatch(r"Waiting for process \d+, which fetches Kafka", progress.stages[0][0])
    lock.release()
    thread.join()


def test_without_a_network_the_error_says_what_else_can_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(BrokerError, match="Kafka's jars cannot be fetched") as caught:
        JarCache(tmp_path).ensure(progress=Silent())
    assert caught.value.exit_code == 3
    assert "HTTPS_PROXY" in str(caught.value.mend)
    assert "--transport tape:FILE" in str(caught.value.mend)


def test_a_jar_that_the_registry_does_not_give_is_named(tmp_path: Path) -> None:
    registry = Registry(part0=[RuntimeError("Artifact not found in remote repositories")])
    with pytest.raises(BrokerError, match=r"did not give org\.example:part0:1\.0"):
        cache(tmp_path, registry).ensure(progress=Silent())


def test_a_disk_that_fills_up_while_fetching_is_named(tmp_path: Path) -> None:
    registry = Registry(part0=[OSError(errno.ENOSPC, "No space left on device")])
    with pytest.raises(BrokerError, match="No space left on device") as caught:
        cache(tmp_path, registry).ensure(progress=Silent())
    assert "MARKETLAB_CACHE" in str(caught.value.mend)


def test_a_disk_without_room_is_not_begun_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    registry = Registry()
    with pytest.raises(BrokerError, match="no space left on device"):
        cache(tmp_path, registry).ensure(progress=Silent())
    assert registry.asked == []
