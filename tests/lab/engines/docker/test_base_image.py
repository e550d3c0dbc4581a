import os
from pathlib import Path

import pytest

from lab.engines.docker import base_image as base
from lab.engines.docker.base_image import DEFAULT, FALLBACK, FALLBACK_BUILD, Base, ensure
from lab.errors import LabError
from tests.support.fake_docker import FakeDocker

DEBOOTSTRAP = """
while [ $# -gt 1 ]; do shift; done
mkdir -p "$1/usr/share/doc/python3" "$1/bin"
echo litter > "$1/usr/share/doc/python3/README"
echo python > "$1/bin/python3"
"""


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


@pytest.fixture
def ca_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    bundle = tmp_path / "ca.crt"
    bundle.write_text("the host's authorities\n")
    monkeypatch.setattr(base, "_CA_BUNDLES", ("/nowhere.crt", str(bundle)))
    return bundle


def test_a_local_image_is_used_without_a_pull(fake: FakeDocker) -> None:
    fake.set_state(images=[DEFAULT])
    assert ensure("") == Base(DEFAULT, DEFAULT)
    assert fake.asked() == [f"docker image inspect {DEFAULT}"]


def test_a_missing_image_is_pulled(fake: FakeDocker) -> None:
    fake.set_state(pullable=[DEFAULT])
    assert ensure("") == Base(DEFAULT, DEFAULT)
    assert fake.asked()[-1] == f"docker pull --quiet {DEFAULT}"


def test_base_and_build_image_of_the_users_own(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.set_state(images=["mine:1"])
    assert ensure("mine:1") == Base("mine:1", "mine:1")
    monkeypatch.setenv("BUILD_IMAGE", "mine:1-build")
    assert ensure("mine:1") == Base("mine:1", "mine:1-build")


def test_an_image_that_can_not_be_pulled_is_an_error_without_a_fallback(fake: FakeDocker) -> None:
    fake.set_state(images=[DEFAULT, FALLBACK, FALLBACK_BUILD])
    with pytest.raises(LabError, match=r"BASE_IMAGE=mine:1 is not on this machine and can't be pulled: check"):
        ensure("mine:1")


@pytest.mark.parametrize("wanted", ["", FALLBACK])
def test_a_local_fallback_is_used_without_asking_a_registry(fake: FakeDocker, wanted: str) -> None:
    fake.set_state(images=[FALLBACK, FALLBACK_BUILD])
    assert ensure(wanted) == Base(FALLBACK, FALLBACK_BUILD)
    assert not any("pull" in call for call in fake.asked())


def test_a_pull_that_hangs_times_out(fake: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.set_state(fail={"pull": ["hang", ""]})
    monkeypatch.setattr(base, "PULL_TIMEOUT", 0.5)
    with pytest.raises(LabError, match="is not on this machine and can't be pulled"):
        ensure("mine:1")


@pytest.mark.usefixtures("as_root")
def test_without_a_registry_the_fallback_and_its_build_image_are_built(
    fake: FakeDocker, ca_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.borrow("mkdir")
    fake.command("debootstrap", DEBOOTSTRAP)
    assert ensure("") == Base(FALLBACK, FALLBACK_BUILD)
    assert fake.images == [FALLBACK, FALLBACK_BUILD]
    assert f"building {FALLBACK} from Debian's packages" in capsys.readouterr().err
    imported = next(call for call in fake.calls() if call["argv"][1] == "import")
    assert "LABEL holdfast.project=holdfast" in imported["argv"]
    names = {name.removeprefix("./") for name in imported["archive"]}
    assert {"bin/python3", "usr/share/doc"} <= names
    assert not any("README" in name for name in names)
    built = fake.calls()[-1]
    assert built["dockerfile"].splitlines()[0] == f"FROM {FALLBACK}"
    assert "COPY ca.crt" in built["dockerfile"]
    assert "PIP_CERT" in built["dockerfile"]
    assert not Path(built["argv"][-1]).exists()


@pytest.mark.usefixtures("as_root")
def test_a_host_without_a_ca_bundle_gives_a_plain_build_image(
    fake: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.borrow("mkdir")
    fake.command("debootstrap", DEBOOTSTRAP)
    monkeypatch.setattr(base, "_CA_BUNDLES", ("/nowhere.crt",))
    ensure(FALLBACK)
    assert fake.calls()[-1]["dockerfile"] == f"FROM {FALLBACK}\n"


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    ("fail", "message"),
    [
        ({"import": [1, ""]}, "could not import"),
        ({"build": [1, "no space left on device\n"]}, "`docker build --quiet ...` failed with 1"),
    ],
)
def test_a_fallback_that_fails_shows_why(
    fake: FakeDocker, fail: dict[str, object], message: str, ca_bundle: Path
) -> None:
    fake.set_state(fail=fail)
    fake.borrow("mkdir")
    fake.command("debootstrap", DEBOOTSTRAP)
    with pytest.raises(LabError, match=message) as error:
        ensure(FALLBACK)
    assert "build" not in fail or error.value.evidence == "no space left on device"


@pytest.mark.usefixtures("as_root")
def test_debootstrap_that_fails_shows_why(fake: FakeDocker) -> None:
    fake.command("debootstrap", "echo 'E: no mirror' >&2; exit 1")
    with pytest.raises(LabError, match=r"`debootstrap --variant=minbase .* \.\.\.` failed with 1") as error:
        ensure(FALLBACK)
    assert error.value.evidence == "E: no mirror"


@pytest.mark.usefixtures("as_root")
def test_a_missing_debootstrap_without_apt_is_an_error(fake: FakeDocker) -> None:
    with pytest.raises(LabError, match="debootstrap is not installed: install it, or set BASE_IMAGE"):
        ensure("")


@pytest.mark.usefixtures("as_root")
def test_debootstrap_is_installed_with_apt(fake: FakeDocker, ca_bundle: Path) -> None:
    fake.borrow("mkdir", "cat", "chmod")
    fake.command("debootstrap-later", DEBOOTSTRAP)
    later = f"{fake.path}/debootstrap"
    fake.command("apt-get", f'[ "$1" = update ] || {{ cat {later}-later > {later}; chmod 755 {later}; }}')
    assert ensure("") == Base(FALLBACK, FALLBACK_BUILD)


def test_a_user_without_root_gets_an_error_that_says_what_to_do(
    fake: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="needs root for debootstrap: run `sudo make setup` once, or set BASE_IMAGE"):
        ensure("")


def test_an_engine_without_the_docker_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="docker command is not installed"):
        ensure("")
