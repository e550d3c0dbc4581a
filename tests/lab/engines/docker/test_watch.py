"""Prometheus and Grafana beside the lab. No image is pulled here: what is held is the configuration."""

import json
import re
from typing import Any

import pytest
import yaml

from lab.engines.docker import base_image, compose_file, watch
from lab.settings import ROOT
from tests.support.public_interfaces import LOAD_METRICS, SERVER_METRICS

DASHBOARD: dict[str, Any] = json.loads((ROOT / "lab/watch/dashboard.json").read_text())
#: Those by reason are there once something has been counted.
METRICS = {**LOAD_METRICS, **SERVER_METRICS, "holdfast_load_connects_failed_total": ("reason",)}
PANELS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [
    *(target["expr"] for _, target in PANELS),
    *(one["expr"] for one in DASHBOARD["annotations"]["list"]),
]
SERVICES = ("prometheus", "grafana")


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_dashboard_asks_only_for_metrics_and_labels_that_exist(expression: str) -> None:
    asked = re.findall(r"((?:holdfast|process)_\w+)(?:\{([^}]*)\})?", expression)
    assert asked
    for name, labels in asked:
        known = {*METRICS[name], "job"}  # `job` is Prometheus' own
        assert set(re.findall(r"(\w+)=", labels)) <= known


def test_legends_name_labels_that_the_metric_has() -> None:
    for title, target in PANELS:
        (name,) = re.findall(r"(?:holdfast|process)_\w+", target["expr"])
        assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= set(METRICS[name]), title


def test_held_connections_come_first_and_events_are_annotations() -> None:
    assert DASHBOARD["panels"][0]["title"] == "Connections held"
    assert DASHBOARD["panels"][0]["gridPos"]["y"] == 0
    text = json.dumps(DASHBOARD["panels"])
    for name in ("latency_seconds", "load_messages_total", "load_failures_total", "process_cpu_seconds_total"):
        assert name in text
    assert "holdfast_load_events_total" in DASHBOARD["annotations"]["list"][0]["expr"]


def test_all_panels_ask_the_prometheus_that_is_configured() -> None:
    (source,) = yaml.safe_load((ROOT / "lab/watch/datasource.yml").read_text())["datasources"]
    assert {target["datasource"]["uid"] for _, target in PANELS} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    jobs = yaml.safe_load((ROOT / "lab/watch/prometheus.yml").read_text())["scrape_configs"]
    assert [job["static_configs"][0]["targets"] for job in jobs] == [["master:8089"], ["server:8687"]]


def _watched(*, publish: bool = True) -> dict[str, Any]:
    source = compose_file.parse((ROOT / "compose.yaml").read_text())
    watch.add_to(source)
    names = compose_file.Names("holdfast-mine", "mine-123abc", "/the/checkout")
    derived = compose_file.derive(source, names, publish=publish, own_server=True, build_image="base:build")
    services: dict[str, Any] = derived["services"]
    return services


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_plain_users_without_rights(name: str) -> None:
    service = _watched()[name]
    assert (service["read_only"], service["cap_drop"], service["init"]) == (True, ["ALL"], True)
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in ("0", "root")
    assert (service["image"], service["labels"]["holdfast.folder"]) == (f"holdfast-{name}:mine-123abc", "/the/checkout")
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_only_grafana_is_published_and_prometheus_has_no_way_out() -> None:
    services = _watched()
    assert "ports" not in services["prometheus"]
    assert services["prometheus"]["networks"] == ["load"]
    assert services["grafana"]["ports"] == ["127.0.0.1:${WATCH_PORT:-3000}:3000"]


def test_images_have_versions() -> None:
    assert len(watch.images()) == len(SERVICES)
    assert all(re.fullmatch(r"\w+/\w+:v?\d+\.\d+\.\d+", image) for image in watch.images())


def test_first_image_that_can_not_be_had_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_image, "have", lambda image: "grafana" not in image)
    assert watch.missing().startswith("grafana/grafana:")
    monkeypatch.setattr(base_image, "have", lambda image: True)
    assert watch.missing() == ""
