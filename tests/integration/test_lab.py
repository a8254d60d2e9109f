"""A Lab in a real kernel: its children, and that nothing of them is left however the kernel ends."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from marketlab.errors import TapeError
from marketlab.lab import Lab
from marketlab.notebook.processes import ChildError
from marketlab.widgets import registry
from tests.support import eventually

pytestmark = pytest.mark.notebook

TIMEOUT_S = 60
BEGIN = "from marketlab.lab import Lab\nlab = Lab(seed=24, transport='tape')"


class Kernel:
    """A kernel that is asked to run cells."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self._client = client

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def run(self, code: str) -> str:
        """Run a cell; what it printed. An error fails the test."""
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self._client.execute_interactive(code, timeout=TIMEOUT_S, output_hook=hear, allow_stdin=False)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed)

    def begin(self, code: str) -> None:
        """Run a cell and do not wait for it."""
        self._client.execute(code)

    def ready(self) -> None:
        """Wait until it answers, after a start or an interrupt."""
        self._client.wait_for_ready(timeout=TIMEOUT_S)

    def children(self) -> list[psutil.Process]:
        return [psutil.Process(pid) for pid in json.loads(self.run("print(list(lab._processes.pids().values()))"))]


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel whose home is the test's."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**os.environ, "MARKETLAB_HOME": str(tmp_path / "home")})
    client = manager.blocking_client()
    client.start_channels()
    started = Kernel(manager, client)
    started.ready()
    yield started
    client.stop_channels()
    if manager.is_alive():
        manager.shutdown_kernel(now=True)
    manager.cleanup_resources()
    manager.context.destroy()


def gone(processes: list[psutil.Process]) -> None:
    eventually(lambda: not [p for p in processes if p.is_running()], timeout_s=20, what="the children's end")


def running(kernel: Kernel) -> list[psutil.Process]:
    """A pipeline without an end: producer, consumer, API."""
    kernel.run(f"{BEGIN}\nrun = lab.run(rate=20)\nlab.books()")
    children = kernel.children()
    assert len(children) == 3
    return children


def test_interrupt_restart_and_kill_leave_nothing_behind(kernel: Kernel) -> None:
    children = running(kernel)
    kernel.begin("lab.chart('AAPL', seconds=600)")
    eventually(lambda: asks_its_api(kernel), what="the chart's first question")
    os.kill(kernel.pid, signal.SIGINT)
    kernel.ready()
    threads = "import threading; print([t.name for t in threading.enumerate() if t.name.startswith('marketlab ')])"
    assert kernel.run(threads) == "[]\n"
    assert all(child.is_running() for child in children)  # an interrupt is for the cell

    kernel.manager.restart_kernel()
    kernel.ready()
    gone(children)
    assert "nothing is stored yet" in kernel.run(f"{BEGIN}\nprint(lab.data())")
    children = running(kernel)
    os.kill(kernel.pid, signal.SIGKILL)
    gone(children)


def asks_its_api(kernel: Kernel) -> bool:
    """Nobody in the kernel does so but a chart that is looked at."""
    connections = psutil.Process(kernel.pid).net_connections()
    ports = {found.laddr.port for found in connections if found.status == psutil.CONN_LISTEN}
    return any(
        found.raddr and found.laddr.port not in ports and found.status == psutil.CONN_ESTABLISHED
        for found in connections
    )


# ------------------------------------------------------------------------------------------ without a kernel


@pytest.fixture
def tape_lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(home=tmp_path / "home", seed=24, transport="tape")
    yield lab
    registry.close_all("lab")


def test_a_run_from_the_first_tick_to_the_reason_of_an_alert(tape_lab: Lab) -> None:
    lab = tape_lab
    with lab.run(rate=0, ticks=2000) as run:
        pass
    assert run.balanced
    assert run.account["produced"] == run.account["stored"] == 2000
    assert "✓ balanced" in repr(run)
    latest = lab.data()
    assert sorted(row["symbol"] for row in latest) == ["AAPL", "AMZN", "GOOG", "NFLX", "TSLA"]
    history = lab.history("AAPL", limit=10_000)
    frame = history.frame()
    assert len(frame) == len(history) > 300
    assert sum(len(lab.history(row["symbol"], limit=10_000)) for row in latest) == 2000
    assert lab.alerts(), "seed 24 jumps within 2,000 ticks"
    reason = lab.explain()
    assert reason.verdict == "confirmed"
    assert "comes out again" in repr(reason)
    assert lab.books().balanced
    # A learner's own sqlite3, while the package's processes run.
    with closing(sqlite3.connect(f"file:{lab.database}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT count(*) FROM ticks").fetchone() == (2000,)


def test_a_follower_gives_every_record_once(tape_lab: Lab) -> None:
    lab = tape_lab
    follow = lab.follow(past=5)
    assert follow() == []
    with lab.run(rate=0, ticks=1500):
        pass
    first = follow()
    with lab.run(rate=0, ticks=1500):
        pass
    second = follow()
    assert 0 < len(first) <= 25
    assert len(second) == 1500
    assert [record["id"] for record in second] == sorted({record["id"] for record in second})
    assert follow() == []


def test_a_follower_without_a_past_begins_with_what_comes_next(tape_lab: Lab) -> None:
    with tape_lab.run(rate=0, ticks=300):
        pass
    follow = tape_lab.follow("AAPL", past=0)
    assert follow() == []
    with tape_lab.run(rate=0, ticks=300) as run:
        pass
    found = follow()
    assert {record["run"] for record in found} == {run.id}
    assert len(found) == sum(record["run"] == run.id for record in tape_lab.history("AAPL", limit=1000))


def test_a_run_counts_what_has_passed_each_station(tape_lab: Lab) -> None:
    with tape_lab.run(rate=0, ticks=2000) as other:
        pass
    with tape_lab.run(rate=200, ticks=300) as run:
        eventually(lambda: run.counts()[0]["stored"], what="the first tick stored")
        (during,) = run.counts()
        assert during["produced"] >= during["received"] >= during["stored"] > 0
    alerts = sum(alert["run"] == other.id for alert in tape_lab.alerts())
    assert other.counts() == [{"produced": 2000, "received": 2000, "stored": 2000, "alerts": alerts}]
    assert run.counts()[0] | {"alerts": 0} == {"produced": 300, "received": 300, "stored": 300, "alerts": 0}


def test_a_run_with_more_alerts_than_one_answer_holds_does_not_guess_them(tape_lab: Lab) -> None:
    with tape_lab.run(rate=0, ticks=300, source="uniform") as run:
        pass
    assert run.counts()[0]["alerts"] is None


def test_a_killed_api_comes_back_when_it_is_asked(tape_lab: Lab) -> None:
    assert tape_lab.data() == []
    assert tape_lab.kill("API")
    assert tape_lab.data() == []


def test_a_killed_consumer_goes_on_where_it_was(tape_lab: Lab) -> None:
    lab = tape_lab
    run = lab.run(rate=500, ticks=1000)
    eventually(lambda: run.account["stored"] > 50, what="some ticks stored")
    assert lab.kill("consumer")
    assert not lab.kill("consumer")
    lab.consume()
    assert run.wait().balanced
    assert run.account["stored"] == 1000


def test_two_labs_do_not_meet(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Lab(home=home, seed=1, transport="tape")
    registry.forget("lab", first)  # as if it were another kernel's
    second = Lab(home=home, seed=2, transport="tape")
    try:
        with first.run(rate=0, ticks=50), second.run(rate=0, ticks=70):
            pass
        assert first.settings.home != second.settings.home
        assert first.settings.topic != second.settings.topic
        counts = [sum(run["stored"] for run in lab.books()["runs"]) for lab in (first, second)]
        assert counts == [50, 70]
    finally:
        first.close()
        second.close()


def test_a_shared_lab_uses_the_database_of_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lab = Lab(home=home, shared=True, transport=f"tape:{tmp_path / 'all.tape'}")
    try:
        with lab.run(rate=0, ticks=20):
            pass
        assert lab.database == home / "marketlab.db"
        assert lab.settings.topic == "stock-ticks"
    finally:
        lab.close()


def test_the_doctor_is_asked_in_a_process_of_its_own(tape_lab: Lab) -> None:
    findings = tape_lab.doctor()
    assert {"python", "database"} <= {finding.what for finding in findings}
    assert "database" in repr(findings)
    assert findings.ok is all(finding.state != "wrong" for finding in findings)


def test_a_child_that_fails_is_told_with_its_own_words(tape_lab: Lab) -> None:
    run = tape_lab.run(source="replay:no-such-file.csv")
    with pytest.raises(Exception, match=r"the producer ended with exit code 2: .*no-such-file"):
        run.wait()


def test_a_consumer_that_crashes_behind_its_commit_has_stored_and_goes_on_from_there(tmp_path: Path) -> None:
    lab = Lab(home=tmp_path / "home", seed=8, transport="tape")
    try:
        run = lab.produce(ticks=300, rate=0).wait()
        assert not lab.balance().level
        lab.crash("after:store.commit")
        assert not lab._processes.runs("consumer")  # type: ignore[union-attr]
        lab.consume()
        run.wait()
        assert run.account["stored"] == 300
        assert lab.balance().level
    finally:
        lab.close()


def test_a_crash_at_a_place_that_is_none_says_so(tmp_path: Path) -> None:
    lab = Lab(home=tmp_path / "home", transport="tape")
    try:
        with pytest.raises(ChildError, match="failpoint must be"):
            lab.crash("after:lunch")
    finally:
        lab.close()


def test_a_recorded_run_plays_to_the_same_digest(tmp_path: Path) -> None:
    lab = Lab(home=tmp_path / "home", seed=8, transport="tape")
    try:
        run = lab.run(ticks=200, rate=0).wait()
        tape = tmp_path / "first.tape"
        assert lab.record(tape) == 200 + 5  # and a closing record for each symbol
        again = lab.run(source=f"replay:{tape}", speed=float("inf")).wait()
        assert lab.digest(run) == lab.digest(again.id)
        assert len(lab.digest(run)) == 64
        with pytest.raises(TapeError, match="wanted a new tape, found a file"):
            lab.record(tape)
    finally:
        lab.close()
