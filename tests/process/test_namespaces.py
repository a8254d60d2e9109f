"""Many learners on one Kafka: the same commands, and nobody meets anybody."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.process.commands import Home

pytestmark = pytest.mark.broker


def test_two_learners_on_one_kafka_and_in_one_folder_have_each_their_own(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kafka import KafkaAdminClient

    monkeypatch.chdir(tmp_path)
    token = uuid.uuid4().hex[:8]
    learners = {f"anna-{token}": 30, f"ben-{token}": 40}
    everybody = Home(tmp_path, MARKETLAB_HOME="", MARKETLAB_BOOTSTRAP_SERVERS=broker)
    for name, ticks in learners.items():
        up = ("up", "--ticks", str(ticks), "--rate", "0", "--port", "0")
        done = everybody.json(*up, MARKETLAB_NAMESPACE=name)
        assert (done["stored"], done["balanced"]) == (ticks, True)
        assert Home(tmp_path / ".marketlab" / "learners" / name).stored() == ticks
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        topics = {f"{name}.stock-ticks" for name in learners}
        groups = {group["group_id"] for group in admin.list_groups()}
        assert topics <= set(admin.list_topics())
        assert all(any(group.startswith(f"{name}.marketlab-") for group in groups) for name in learners)
        admin.delete_topics(sorted(topics))
