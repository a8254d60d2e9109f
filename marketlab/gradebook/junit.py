"""The gradebook of a batch as JUnit XML, which continuous integrations show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from marketlab.gradebook.judging import Outcome
from marketlab.gradebook.report import Batch
from marketlab.gradebook.states import State

__all__ = ["junit"]

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(batch: Batch) -> bytes:
    """A suite for each run, with a case for the run as a whole and one for each check.

    *fail* is a failure, *not applicable* a skip, and whatever kept a verdict from being reached an error.
    """
    root = Element("testsuites", name="marketlab notebooks", time=f"{batch.seconds:.3f}")
    for outcome in batch.outcomes:
        root.append(_suite(outcome, batch))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _suite(outcome: Outcome, batch: Batch) -> Element:
    label = _text(outcome.run.label)
    suite = Element(
        "testsuite", name=label, time=f"{outcome.seconds:.3f}", timestamp=f"{batch.began:%Y-%m-%dT%H:%M:%S}"
    )
    for name, state, says in _cases(outcome):
        seconds = outcome.seconds if name == "the notebook" else 0.0
        case = SubElement(suite, "testcase", classname=label, name=_text(name), time=f"{seconds:.3f}")
        kind = _kind(state)
        if kind:
            SubElement(case, kind, message=_text(says or state), type=str(state))
    suite.set("tests", str(len(suite)))
    for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    return suite


def _cases(outcome: Outcome) -> Iterator[tuple[str, State, str]]:
    yield "the notebook", outcome.state, outcome.why
    for check in outcome.checks:
        yield check.id, check.state, check.says


def _kind(state: State) -> str:
    if state is State.PASS:
        return ""
    return {State.FAIL: "failure", State.NOT_APPLICABLE: "skipped"}.get(state, "error")


def _text(text: object) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", str(text))
