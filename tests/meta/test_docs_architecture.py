"""The architecture page: each path that it names exists, each package is on it, each typical change has its place."""

import re
from pathlib import PurePosixPath

import pytest

from lab.settings import ROOT
from tests.meta.conftest import sources, text
from tests.meta.test_layers import LAYERS
from tests.support.pages import prose, rows, spans

PAGE = "docs/architecture.md"
PACKAGES = ("server", "rawsocket", "locustfiles", "lab", "bench", "holdfast", "tests")
PATHS = sorted({span for span in spans(PAGE) if span.split("/")[0] in PACKAGES and "/" in span})
CHANGES = (
    *("A framing", "A session step", "A threshold", "A failure name", "A server model", "A setting of a run"),
    *("A column on the page", "An artefact", "A scenario", "A benchmark row", "A poller", "A metric of the server"),
    *("A section of the HTML report", "A patch of Locust", "An error line on the wire"),
)


def test_page_names_paths() -> None:
    assert len(PATHS) > 40


@pytest.mark.parametrize("path", PATHS)
def test_each_path_exists(path: str) -> None:
    assert (ROOT / path).exists()
    assert (ROOT / path).is_dir() == path.endswith("/")


def _packages() -> set[str]:
    files = [PurePosixPath(path) for path in sources("server", "rawsocket", "lab", "bench", "holdfast")]
    return {f"{path.parent}/" for path in files}


@pytest.mark.parametrize("package", sorted(_packages()))
def test_each_package_is_on_the_page(package: str) -> None:
    assert f"`{package}`" in text(PAGE)


@pytest.mark.parametrize("change", CHANGES)
def test_each_typical_change_has_its_place(change: str) -> None:
    (entry,) = re.findall(rf"^- \*\*{re.escape(change)}\*\*.*?(?=^- |^#|\Z)", prose(PAGE), re.M | re.S)
    assert [path for path in PATHS if f"`{path}`" in entry]


def test_page_lists_the_load_library_in_the_order_of_its_layers() -> None:
    """From the lowest to the highest, as the imports are held to."""
    shown = [row[0].strip("/").replace("/", ".") for row in rows(PAGE) if row[0].startswith("rawsocket/")]
    layers = [name for names in LAYERS for name in names.split()]
    assert [name for name in shown if name in layers] == [
        name for name in layers if (ROOT / name.replace(".", "/")).is_dir()
    ]
