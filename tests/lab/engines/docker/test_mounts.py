from typing import Any

import pytest

from lab.engines.docker import mounts


@pytest.fixture
def services() -> dict[str, Any]:
    return {name: {"environment": {"TLS_CA": "${TLS_CA:-}"}} for name in ("server", "worker")}


def test_a_file_is_mounted_read_only_where_it_is_read(services: dict[str, Any]) -> None:
    mounts.mount(services, {"SERVER_TLS_KEY": "/lab/key.pem", "TLS_CA": "/a b/$ca.pem", "TLS_CERT": ""})
    assert services["server"]["volumes"] == [
        {"type": "bind", "source": "/lab/key.pem", "target": "/given/server_tls_key", "read_only": True}
    ]
    assert services["server"]["environment"]["SERVER_TLS_KEY"] == "/given/server_tls_key"
    assert [bind["source"] for bind in services["worker"]["volumes"]] == ["/a b/$$ca.pem"]
    assert services["worker"]["environment"]["TLS_CA"] == "/given/tls_ca"


def test_a_file_for_each_user_mounts_their_folder(services: dict[str, Any]) -> None:
    mounts.mount(services, {"TLS_CERT": "/certs/device-{number}.pem"})
    (bind,) = services["worker"]["volumes"]
    assert (bind["source"], bind["target"]) == ("/certs", "/given/tls_cert")
    assert services["worker"]["environment"]["TLS_CERT"] == "/given/tls_cert/device-{number}.pem"


def test_with_a_target_there_is_no_server_to_mount_into(services: dict[str, Any]) -> None:
    del services["server"]
    mounts.mount(services, {"SERVER_TLS_CERT": "/lab/cert.pem"})
    assert "volumes" not in services["worker"]
