"""What Kafka wrote into its log when it did not start, and what we make of it. The texts are Kafka's own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from marketlab.broker.failures import PortTakenError, explain, unusable
from marketlab.errors import BrokerError

DATA = Path("home/broker/data")
LOG = Path("home/broker/logs/server.log")

PORT_TAKEN = """\
2026-11-23 18:45:54.907 INFO  [MetadataLoader id=1] The loader finished catching up (MetadataLoader)
2026-11-23 18:45:55.111 ERROR Unable to start acceptor for PLAINTEXT (DataPlaneAcceptor)
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092: Address already in use.
\tat org.apache.kafka.server.ServerSocketFactory$KafkaServerSocketFactory.openServerSocket(ServerSocketFactory.java:56)
2026-11-23 18:45:55.269 ERROR Exiting Kafka due to fatal exception during startup. (Kafka$)
java.lang.RuntimeException: Received a fatal error while waiting for all of the SocketServer Acceptors to be started
"""
NODE_ID = """\
2026-11-23 18:44:45.073 ERROR Exiting Kafka due to fatal exception (Kafka$)
java.lang.RuntimeException: Stored node id 7 doesn't match previous node id 1 in data/meta.properties. If you moved
\tat org.apache.kafka.metadata.properties.MetaPropertiesEnsemble.verify(MetaPropertiesEnsemble.java:513)
"""
NO_META = """\
2026-11-23 18:21:56.636 ERROR Exiting Kafka due to fatal exception (Kafka$)
java.lang.RuntimeException: No readable meta.properties files found.
"""
QUORUM_STATE = """\
2026-11-23 18:22:21.992 ERROR [SharedServer id=1] Got exception while starting SharedServer (SharedServer)
java.io.UncheckedIOException: Error while reading the Quorum status from the file data/__cluster_metadata-0/quorum-state
2026-11-23 18:22:21.993 ERROR Encountered fatal fault: caught exception (ProcessTerminatingFaultHandler)
"""
CHECKPOINT = """\
2026-11-23 18:45:23.077 ERROR Error while reading checkpoint file recovery-point (LogDirFailureChannel)
java.io.IOException: Malformed line in checkpoint file [data/recovery-point-offset-checkpoint]: zz
\tat org.apache.kafka.server.common.CheckpointFile$CheckpointReadBuffer.toInt(CheckpointFile.java:184)
2026-11-23 18:45:23.181 ERROR Shutdown broker because all log dirs in data have failed (LogManager)
"""
FULL = """\
2026-11-23 18:43:53.773 ERROR Error while appending records to t-0 in dir data (LogDirFailureChannel)
java.io.IOException: No space left on device
\tat java.base/sun.nio.ch.UnixFileDispatcherImpl.write0(Native Method)
2026-11-23 18:43:53.881 ERROR Shutdown broker because all log dirs in data have failed (LogManager)
"""
LOCKED = """\
2026-11-23 18:22:24.359 ERROR [BrokerServer id=1] Fatal error during broker startup. Prepare to shutdown (BrokerServer)
org.apache.kafka.common.KafkaException: Failed to acquire lock on file .lock in data. A Kafka instance in
"""
HARMLESS = """\
2026-11-23 18:22:24.359 INFO  Reading meta.properties; Address already in use; No space left on device (Sample)
2026-11-23 18:22:24.360 WARN  Failed to acquire lock on file .lock (Sample)
"""


def explained(text: str) -> BrokerError:
    return explain(text, data=DATA, port=9092, log=LOG, happened="it ended before it answered")


@pytest.mark.parametrize(
    ("text", "message", "mend"),
    [
        (PORT_TAKEN, "port 9092 is taken", "--port"),
        (NODE_ID, "data folder home/broker/data is damaged", "marketlab broker wipe"),
        (NO_META, "data folder home/broker/data is damaged", "move the folder away"),
        (QUORUM_STATE, "data folder home/broker/data is damaged", "marketlab broker wipe"),
        (CHECKPOINT, "data folder home/broker/data is damaged", "marketlab broker wipe"),
        (FULL, "no space left on device", "Free some space"),
        (LOCKED, "another Kafka uses the data in home/broker/data", "End that process"),
        ("java.lang.OutOfMemoryError: Java heap space\n", "not enough memory", "End other programs"),
    ],
)
def test_a_known_reason_is_named_with_its_mend(text: str, message: str, mend: str) -> None:
    error = explained(text)
    assert message in error.message
    assert mend in str(error.mend)
    assert error.exit_code == 3


def test_a_taken_port_can_be_told_from_the_rest() -> None:
    assert isinstance(explained(PORT_TAKEN), PortTakenError)
    assert not isinstance(explained(FULL), PortTakenError)


def test_kafkas_own_words_are_kept() -> None:
    assert "Stored node id 7 doesn't match previous node id 1" in explained(NODE_ID).message


def test_an_unknown_reason_shows_what_was_said_and_where_more_is() -> None:
    error = explained("2026-11-23 18:22:24.359 ERROR Something new went wrong (Novelty)\njava.lang.Error: new\n")
    assert "it ended before it answered" in error.message
    assert "Something new went wrong" in error.message
    assert str(LOG) in str(error.mend)


def test_what_is_not_an_error_is_not_taken_for_the_reason() -> None:
    assert explained(HARMLESS).message.startswith("the managed broker did not start: it ended before it answered")


def test_a_silent_death_is_still_an_error_with_the_log_named() -> None:
    assert str(LOG) in str(explained("").mend)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "no space left on device in home"),
        (errno.ENOLCK, "the file system of home has no file locks"),
        (errno.EACCES, "must be able to write in home/lock, but: Permission denied"),
    ],
)
def test_what_the_system_refuses_is_named(number: int, message: str) -> None:
    error = unusable(Path("home"), OSError(number, os.strerror(number), "home/lock"))
    assert message in error.message
    assert error.mend
