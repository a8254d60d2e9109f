"""The files of a gradebook: strict pages, JUnit XML that parses, folders that are nobody else's."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("ipywidgets")

from marketlab.gradebook.batch_page import gradebook_page
from marketlab.gradebook.contents import Contents
from marketlab.gradebook.drawing import drawing
from marketlab.gradebook.judging import CellResult, CheckResult, Outcome, Picture
from marketlab.gradebook.junit import junit
from marketlab.gradebook.marking import Mark, Marked
from marketlab.gradebook.marks import Marks
from marketlab.gradebook.marks_page import marks_page
from marketlab.gradebook.plan import Run
from marketlab.gradebook.report import Batch, GradebookError, prepare, write
from marketlab.gradebook.states import State
from marketlab.gradebook.submissions import Submission
from marketlab.widgets.shapes import Drawing, Polygon, Rect, Text
from marketlab.widgets.shapes import Path as Line

pytestmark = pytest.mark.notebook

BEGAN = datetime(2026, 11, 23, 10, 4, tzinfo=UTC)
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n....").decode()
HOSTILE = "</style><script>alert(1)</script>\x1b[31m\x00&\"'"


def outcome(state: State = State.PASS, text: str = "x") -> Outcome:
    run = Run(Contents(Path(f"{text[:20]}.ipynb"), []), "solved", {"rate": text})
    return Outcome(
        run,
        state,
        text,
        1.5,
        [CellResult(1, state, 0.5, text, text), CellResult(2, State.NOT_REACHED, None, text)],
        [CheckResult(text, "function", state, text)],
        [Picture(PNG, text), Picture('" onload="x', text)],
        [text],
    )


def batch(*outcomes: Outcome) -> Batch:
    return Batch(outcomes, BEGAN, 3.0)


def marks(text: str = "x") -> Marks:
    learner = Submission(text, text, notes=[text])
    given = [Mark("m1.a", State.FAIL, text or "x", text), Mark("m1.b", State.PASS), Mark("m1.c", State.TIMEOUT)]
    return Marks([Marked(learner, given)], {"m1.a": text, "m1.b": "b", "m1.c": "c"}, BEGAN, 3.0)


class Tags(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def strict(page: str) -> None:
    """Nothing that runs, nothing from elsewhere, no style but the one that the policy knows."""
    tags = Tags(page).found
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "object", "form"}
    assert all(not name.startswith("on") and name != "style" for _, attributes in tags for name in attributes)
    sources = [attributes.get("src") or "" for tag, attributes in tags if tag == "img"]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    hrefs = [attributes["href"] or "" for _, attributes in tags if "href" in attributes]
    assert all(href.startswith("#") for href in hrefs)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(a["content"] for tag, a in tags if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'" in (policy or "")
    assert "url(" not in style


@settings(max_examples=30)
@given(text=st.one_of(st.text(max_size=60), st.just(HOSTILE)))
def test_pages_stay_strict_whatever_a_notebook_or_a_learner_is_called(text: str) -> None:
    strict(gradebook_page(batch(outcome(State.FAIL, text))))
    strict(marks_page(marks(text)))


def test_the_page_shows_pictures_that_are_pictures(tmp_path: Path) -> None:
    page = gradebook_page(batch(outcome()))
    assert page.count("<img ") == 1
    assert "onload" not in page


def test_the_page_names_what_did_not_pass() -> None:
    page = gradebook_page(batch(outcome(), outcome(State.DEAD, "cell 4: the kernel died")))
    assert "✗ 1 not passed" in page
    assert "✗ kernel death" in page
    assert "cell 4: the kernel died" in page
    assert "✓ all passed</span>" in gradebook_page(batch(outcome()))


def test_the_page_tells_what_does_not_apply_from_what_was_not_reached() -> None:
    page = gradebook_page(batch(outcome(State.NOT_APPLICABLE, "a tape"), outcome()))
    assert "✓ all passed that apply</span>" in page
    assert '<span class="quiet">– not applicable</span>' in page
    assert '<span class="quiet">○ not reached</span>' in page


@settings(max_examples=30)
@given(text=st.one_of(st.text(max_size=60), st.just(HOSTILE)))
def test_junit_parses_whatever_was_said(text: str) -> None:
    root = ET.fromstring(junit(batch(outcome(State.ERROR, text))))
    assert (root.get("tests"), root.get("errors")) == ("2", "2")


def test_junit_tells_failures_errors_and_skips_apart() -> None:
    states = [State.PASS, State.FAIL, State.TIMEOUT, State.DEAD, State.NOT_REACHED, State.NOT_APPLICABLE]
    root = ET.fromstring(junit(batch(*(outcome(state, str(state)) for state in states))))
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["12", "2", "6", "2"]
    kinds = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert kinds["pass"] == []
    assert kinds["kernel death"] == ["error"]


def test_the_files_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "gradebook"
    prepare(folder)
    assert json.loads((folder / "gradebook.json").read_text())["done"] is False
    page, data, xml = write(batch(outcome(State.FAIL)), folder)
    found = json.loads(data.read_text())
    assert (found["ok"], found["done"], found["states"]["fail"]) == (False, True, 1)
    assert found["runs"][0]["cells"][1] == {
        "cell": 2, "state": "not reached", "seconds": None, "begins": "x", "why": "",
    }  # fmt: skip
    assert page.read_text().startswith("<!doctype html>")
    assert ET.parse(xml).getroot().get("failures") == "2"
    prepare(folder)  # an earlier gradebook gives its place to the next one


def test_a_folder_with_other_files_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(GradebookError, match=r"thesis\.txt"):
        prepare(tmp_path)
    with pytest.raises(GradebookError, match="cannot be written"):
        prepare(tmp_path / "thesis.txt" / "x")


def test_marks_are_a_table_that_no_spreadsheet_runs() -> None:
    first, row = marks("=HYPERLINK(1)").csv().splitlines()
    assert first == "learner,name,passed,of,m1.a,m1.b,m1.c,notes"
    assert row == "'=HYPERLINK(1),'=HYPERLINK(1),1,3,fail,pass,timeout,'=HYPERLINK(1)"


def test_misconceptions_are_counted_the_most_frequent_first() -> None:
    given = [
        Marked(Submission(name), [Mark("m1.a", State.FAIL, what)])
        for name, what in (("anna", "dealing cards"), ("ben", "a queue"), ("cleo", "a queue"))
    ]
    found = Marks(given, {"m1.a": "a"}, BEGAN, 1.0)
    assert found.misconceptions == [("m1.a", "a queue", ["ben", "cleo"]), ("m1.a", "dealing cards", ["anna"])]
    assert found.misconceptions_csv().splitlines()[1] == "m1.a,a queue,2,ben cleo"


# ------------------------------------------------------------------------------------------------------ drawings

SHAPES = [
    Rect(1, 2, 3, 4, fill="accent"),
    Rect(1, 2, 3, 4, stroke="control"),
    Text(1, 2, "a < b & ▲", bold=True),
    Line(((0, 0), (1, 1)), dashed=True),
    Polygon(((0, 0), (1, 1), (0, 1)), fill="alert"),
]


def test_every_shape_of_a_widget_is_drawn_again() -> None:
    svg = drawing("<style>x</style><div>" + Drawing(10, 10, SHAPES, "five <shapes>").svg() + "</div>")
    root = ET.fromstring(svg)
    assert [child.tag for child in root] == ["rect", "rect", "text", "polyline", "polygon"]
    assert root.get("aria-label") == "five <shapes>"
    assert root[0].get("fill") == "var(--ml-accent)"
    assert root[2].text == "a < b & ▲"
    assert "style=" not in svg


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<text onclick="x">a</text>',
        '<a href="javascript:x"><text>a</text></a>',
        '<rect style="fill:url(http://x)"/>',
        '<rect fill="red"/>',
        '<image href="http://x"/>',
        "<foreignObject><p>a</p></foreignObject>",
        "<svg></svg>",
        "&unknown;",
        "<rect",
    ],
)
def test_a_drawing_with_anything_else_is_not_taken(inside: str) -> None:
    assert drawing(f'<svg viewBox="0 0 1 1">{inside}</svg>') == ""
