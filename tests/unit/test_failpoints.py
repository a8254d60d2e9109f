"""Failpoints: what is registered is hit somewhere, what is hit is registered, and both sides of each."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from signal import SIGKILL

import pytest

from marketlab import failpoints
from marketlab.chaos import PROFILES
from marketlab.errors import SettingsError
from marketlab.failpoints import FAILPOINTS
from tests.house import ROOT

SIDES = ("before", "after")


def points(call: ast.Call) -> Iterator[str]:
    """``side:NAME`` of a call that hits a failpoint."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in ("hit", "around", "_transaction") or not call.args:
        return
    first = call.args[0]
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield from [first.value] if name == "hit" else [f"{side}:{first.value}" for side in SIDES]


def test_every_failpoint_is_hit_on_both_sides_and_every_hit_is_registered() -> None:
    found = [
        point
        for path in (ROOT / "marketlab").rglob("*.py")
        if path.name != "failpoints.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for point in points(node)
    ]
    assert sorted(set(found)) == sorted(f"{side}:{name}" for name in FAILPOINTS for side in SIDES)


def test_every_failpoint_is_in_both_profiles() -> None:
    for profile in PROFILES.values():
        assert {fault for fault, *_ in profile if "/" in fault} == {f"failpoint/{name}" for name in FAILPOINTS}


def test_an_armed_point_kills_on_its_side_at_its_turn() -> None:
    code = (
        "from marketlab import failpoints as f; f.arm('after:store.commit:2')\n"
        "for n in range(3):\n"
        "    with f.around('store.commit'): print(n, flush=True)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (-SIGKILL, "0\n1\n")


@pytest.mark.parametrize("spec", ["store.commit", "before:nothing", "while:store.commit", "before:store.commit:x"])
def test_what_is_no_failpoint_is_refused(spec: str) -> None:
    with pytest.raises(SettingsError, match="failpoint must be"):
        failpoints.arm(spec)


def test_a_point_is_not_passed_when_its_act_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    hits: list[str] = []
    monkeypatch.setattr(failpoints, "hit", hits.append)
    with pytest.raises(OSError, match="no"), failpoints.around("store.commit"):
        raise OSError("no")
    assert hits == ["before:store.commit"]
