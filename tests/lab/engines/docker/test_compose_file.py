import copy
from typing import Any

import pytest
import yaml

from lab.engines.docker import compose_file as composefile
from lab.settings import ROOT

SOURCE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


NAMES = composefile.Names("holdfast-mine", "mine-123abc", "/the/checkout")


def _derived(*, publish: bool = True, own_server: bool = True, network: str = "") -> dict[str, Any]:
    return composefile.derive(
        SOURCE, NAMES, publish=publish, own_server=own_server, build_image="base:build", network=network
    )


def test_content_is_as_pyyaml_parses_it() -> None:
    assert composefile.parse((ROOT / "compose.yaml").read_text()) == SOURCE


def test_the_source_is_not_changed() -> None:
    before = copy.deepcopy(SOURCE)
    _derived(publish=False, own_server=False)
    assert before == SOURCE


@pytest.mark.parametrize("publish", [True, False])
def test_images_are_built_from_the_checkout_with_the_build_image(publish: bool) -> None:
    for service in _derived(publish=publish)["services"].values():
        assert service["build"]["context"] == "/the/checkout"
        assert service["build"]["args"]["BUILD_IMAGE"] == "base:build"
        assert service["build"]["args"]["BASE_IMAGE"].startswith("${BASE_IMAGE:-")


def test_up_publishes_and_restarts_as_compose_yaml_says() -> None:
    services = _derived()["services"]
    assert set(services) == {"server", "master", "worker"}
    for name, service in services.items():
        assert service.get("ports") == SOURCE["services"][name].get("ports")
        assert service["restart"] == SOURCE["services"][name]["restart"]


def test_a_run_publishes_nothing_and_restarts_nothing() -> None:
    services = _derived(publish=False)["services"]
    assert set(services) == {"server", "master", "worker"}
    for service in services.values():
        assert "ports" not in service
        assert service["restart"] == "no"


def test_workers_of_the_labs_own_server_have_no_way_out() -> None:
    derived = _derived()
    assert derived["services"]["worker"]["networks"] == ["load"]
    assert derived["networks"]["load"]["internal"] is True
    assert derived["services"]["master"]["environment"]["HOLDFAST_WAY_OUT"] == "false"


@pytest.mark.parametrize("publish", [True, False])
def test_with_a_target_there_is_no_server_and_workers_have_a_way_out(publish: bool) -> None:
    derived = _derived(publish=publish, own_server=False)
    services = derived["services"]
    assert set(services) == {"master", "worker"}
    assert services["worker"]["networks"] == ["load", "front"]
    assert "internal" not in (derived["networks"]["front"] or {})
    for service in services.values():
        assert service["environment"]["HOLDFAST_WAY_OUT"] == "true"
        assert "server" not in service.get("depends_on", {})


def test_a_lab_has_the_names_of_its_folder_on_everything() -> None:
    derived = _derived()
    labels = {"holdfast.project": "holdfast-mine", "holdfast.folder": "/the/checkout"}
    for kind in ("services", "networks", "volumes"):
        assert {str(thing["labels"]) for thing in derived[kind].values()} == {str(labels)}
    services = derived["services"].values()
    assert {service["image"] for service in services} == {"holdfast-server:mine-123abc", "holdfast-load:mine-123abc"}
    # The same in each run of the lab, or each would leave an image behind.
    of_images = {"holdfast.project": "mine-123abc", "holdfast.folder": "/the/checkout"}
    assert all(service["build"]["labels"] == of_images for service in services)


def test_the_name_of_the_host_is_known_where_a_target_is_loaded() -> None:
    for service in _derived(own_server=False)["services"].values():
        assert service["extra_hosts"] == ["host.docker.internal:host-gateway"]
    assert not any("extra_hosts" in service for service in _derived()["services"].values())


def test_master_and_workers_join_another_network() -> None:
    derived = _derived(own_server=False, network="theirs_default")
    assert derived["networks"]["theirs"] == {"name": "theirs_default", "external": True}
    services = derived["services"]
    assert services["worker"]["networks"] == {"load": {}, "front": {}, "theirs": {}}
    # A container on their network may be called `master` as well.
    assert services["master"]["networks"] == {"load": {"aliases": ["holdfast-master"]}, "front": {}, "theirs": {}}
    assert services["worker"]["environment"]["HOLDFAST_MASTER"] == "holdfast-master"


def test_the_build_gets_proxies_and_the_address_of_a_package_mirror() -> None:
    wanted = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}
    wanted |= {"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"}
    for service in _derived()["services"].values():
        passed_on = {name for name, value in service["build"]["args"].items() if value is None}
        assert passed_on == wanted  # without a value: that of the environment, if it is there


def test_encrypted_master_and_workers_speak_tls_with_the_server() -> None:
    derived = _derived()
    composefile.encrypt(derived)
    for name in ("master", "worker"):
        assert derived["services"][name]["environment"]["HOLDFAST_SERVER"] == "tls://server:8686"


def test_no_x_key_is_left() -> None:
    assert set(_derived()) <= {"services", "networks", "volumes"}


def test_master_can_name_this_machine() -> None:
    derived = _derived()
    assert "extra_hosts" not in derived["services"]["master"]
    composefile.name_host(derived)
    assert derived["services"]["master"]["extra_hosts"] == ["host.docker.internal:host-gateway"]
