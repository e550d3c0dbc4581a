import subprocess
import sys
from pathlib import Path

import pytest

import rawsocket

ROOT = Path(__file__).parents[2]
PURE = ("errors", "framing", "wire.framing", "wire.receive_buffer", "wire.payload", "target")
FORBIDDEN = {"_socket", "socket", "selectors", "select", "threading", "logging", "gevent", "locust"}


def modules_after(statement: str) -> set[str]:
    probe = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("name", PURE)
def test_pure_module_imports_no_impure_module(name: str):
    assert not FORBIDDEN & (modules_after(f"import rawsocket.{name}") - modules_after(""))


@pytest.mark.parametrize("name", ["measurement.recorder", "settings.options"])
def test_module_imports_neither_locust_nor_gevent(name: str):
    assert not {"gevent", "locust"} & modules_after(f"import rawsocket.{name}")


def test_importing_a_framing_does_not_import_locust():
    assert "locust" not in modules_after("from rawsocket import Line, Chunk, RawSocketError")


@pytest.mark.parametrize("name", ["LabSession", "LabUser", "RawSocketUser", "SessionUser"])
def test_each_user_class_attaches_the_library_to_locust(name: str):
    assert "rawsocket.attach" in modules_after(f"from rawsocket import {name}")


def test_the_users_package_alone_does_not_import_the_listeners():
    modules = modules_after("import rawsocket.users.session_user, rawsocket.users.raw_socket_user")
    assert not {"rawsocket.attach", "rawsocket.worker", "rawsocket.master"} & modules


def test_each_public_name_can_be_imported():
    for name in rawsocket.__all__:
        assert getattr(rawsocket, name).__name__ == {"Session": "Generator"}.get(name, name)  # a type's alias
    assert set(rawsocket.__all__) <= set(dir(rawsocket))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = rawsocket.nonsense
