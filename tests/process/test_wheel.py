"""The package as a wheel: what it carries, and that it works where there is no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.house import ROOT

#: Asks the installed package where it finds what is not code.
WHERE = """
import json
from pathlib import Path
import api, marketlab
from marketlab.broker.jars import jar_list
from marketlab.course import originals
print(json.dumps({
    "marketlab": marketlab.__file__,
    "notebooks": [str(path) for path in originals()],
    "jars": len(jar_list()),
    "page": (Path(api.__file__).parent / "templates" / "dashboard.html").is_file(),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def test_the_wheel_carries_all_that_is_not_code(wheel: Path) -> None:
    inside = set(ZipFile(wheel).namelist())
    notebooks = {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").rglob("*.ipynb")}
    assert any("/solutions/" in name for name in notebooks)
    assert {name for name in inside if name.startswith("marketlab/notebooks/")} == {f"marketlab/{n}" for n in notebooks}
    for folder in ("api/templates", "api/static"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert files
        assert not files - inside
    assert inside >= {"marketlab/store/schema.sql", "marketlab/broker/jars.txt", "marketlab/py.typed", "api/py.typed"}
    for name in ("LICENSE", "NOTICE"):
        assert any(path.endswith(f".dist-info/licenses/{name}") for path in inside)


def test_the_wheel_carries_no_tests_and_nothing_of_this_machine(wheel: Path) -> None:
    top = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"marketlab", "api"}


def test_the_package_works_where_there_is_no_checkout(wheel: Path, tmp_path: Path) -> None:
    installed, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    ZipFile(wheel).extractall(installed)
    elsewhere.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARKETLAB_")}
    environment = kept | {"PYTHONPATH": str(installed)}

    def python(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments], cwd=elsewhere, env=environment, capture_output=True, text=True, check=True
        ).stdout

    found = json.loads(python("-c", WHERE))
    assert found["marketlab"].startswith(str(installed))
    assert found["notebooks"]
    assert all(path.startswith(str(installed)) for path in found["notebooks"])
    assert found["jars"] > 0
    assert found["page"]
    # A pipeline, from the simulator into a database, by the wheel's own code.
    run = ("-m", "marketlab", "--home", str(tmp_path / "home"), "up", "--transport", f"tape:{tmp_path / 't.jsonl'}")
    result = json.loads(python(*run, "--ticks", "100", "--rate", "0", "--json"))
    assert (result["stored"], result["balanced"]) == (100, True)


def test_an_editable_install_leaves_no_second_package_behind(tmp_path: Path) -> None:
    editable = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["editable"]))
    assert not [name for name in ZipFile(editable).namelist() if name.startswith(("marketlab/", "api/"))]
