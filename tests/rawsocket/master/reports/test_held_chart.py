import dataclasses
import xml.etree.ElementTree as ElementTree

import pytest

from rawsocket.master.reports.held_chart import nice_ceiling, steps, svg
from tests.rawsocket.master.test_timeline import SAMPLE

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("value", "top"), [(0, 1), (1, 1), (3, 5), (11, 20), (210, 250), (800, 1000), (1000, 1000)])
def test_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert nice_ceiling(value) == top


def test_axis_has_few_even_steps() -> None:
    assert steps(1000) == [0, 200, 400, 600, 800, 1000]
    assert steps(60) == [0, 20, 40, 60]
    assert all(len(steps(end)) <= 6 for end in range(1, 5000))


def test_chart_is_well_formed_and_labelled() -> None:
    samples = [dataclasses.replace(SAMPLE, elapsed_s=float(i), held=i * 10, server_held=i * 10) for i in range(20)]
    picture = ElementTree.fromstring(svg(samples))
    lines = picture.findall(f"{NAMESPACE}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [20, 20]
    texts = [text.text for text in picture.findall(f"{NAMESPACE}text")]
    assert "held by the workers: peak 190" in texts
    assert "200" in texts
    assert "20 s" in texts or "15 s" in texts


def test_chart_without_samples_or_with_an_unknown_server() -> None:
    assert ElementTree.fromstring(svg([])) is not None
    assert "unknown" in svg([dataclasses.replace(SAMPLE, server_held=None)])
