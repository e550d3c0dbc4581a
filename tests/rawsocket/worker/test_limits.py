import os
import resource
from pathlib import Path

import pytest

from rawsocket.measurement.report import Limits
from rawsocket.worker import limits
from rawsocket.worker.limits import KB_PER_USER, RESERVED_DESCRIPTORS, fits

UNLIMITED = 1 << 40


def own(descriptors: int = UNLIMITED, ports: int = UNLIMITED, memory_kb: int = UNLIMITED, name: str = "") -> Limits:
    """Limits of a worker that shares no resource unless `name` is given."""
    return Limits(descriptors, ports, memory_kb, name, name)


@pytest.mark.parametrize(
    ("users", "workers", "limit", "said"),
    [
        (2000, 2, own(descriptors=1000), None),
        (2001, 2, own(descriptors=1000), ("1001 users per worker", "descriptors", "WORKERS=3 or more")),
        (60_000, 2, own(ports=28_232), ("source ports", "WORKERS=3 or more")),
        (100, 2, own(memory_kb=10 * KB_PER_USER), ("memory", "WORKERS=10 or more")),
        (100, 2, own(memory_kb=0), ("memory", "Raise that limit")),
        (56_000, 2, own(ports=28_232, name="net:[1]"), ("source ports", "share", "USERS=28232")),
        (28_000, 2, own(ports=28_232, name="net:[1]"), None),
        # A limit that more workers can't raise comes first, and the advice meets all limits at once.
        (
            60_000,
            2,
            own(descriptors=19_936, ports=28_232, name="net:[1]"),
            ("source ports", "USERS=28232", "SOURCES= with 3 times as many addresses and WORKERS=4,"),
        ),
        (
            60_000,
            4,
            own(descriptors=19_936, ports=28_232, name="net:[1]"),
            ("USERS=28232", "3 times as many addresses,"),
        ),
        (60_000, 4, own(descriptors=7000, ports=10_000), ("descriptors", "WORKERS=9 or more")),
        (60_000, 4, own(descriptors=14_000, ports=10_000), ("source ports", "WORKERS=6 or more")),
    ],
)
def test_message_names_the_limit_and_a_remedy_if_users_do_not_fit(
    users: int, workers: int, limit: Limits, said: tuple[str, ...] | None
) -> None:
    message = fits(users, workers, [limit] * workers)
    if said is None:
        assert message is None
    else:
        assert message is not None
        assert "\n" not in message
        assert all(part in message for part in said), message


def test_worker_with_the_lowest_limit_decides() -> None:
    message = fits(1000, 2, [own(descriptors=10_000), own(descriptors=400)])
    assert message
    assert "room for 400" in message


def test_memory_shared_by_workers_counts_once() -> None:
    pool = 150 * KB_PER_USER
    apart = [own(memory_kb=pool), own(memory_kb=pool)]
    together = [own(memory_kb=pool, name="machine"), own(memory_kb=pool, name="machine")]
    assert fits(200, 2, apart) is None
    assert "share" in (fits(200, 2, together) or "")


def test_unknown_limits_refuse_no_users() -> None:
    assert fits(10**9, 0, []) is None


def test_limits_of_this_process_survive_a_round_trip() -> None:
    read = limits.read()
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert read.descriptors == max(0, soft - RESERVED_DESCRIPTORS)
    assert read.ports > 0
    assert read.memory_kb > 0
    assert Limits.from_wire(read.to_wire()) == read


def test_soft_descriptor_limit_is_raised_to_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[0]), before[1]))
    try:
        assert limits.raise_descriptors() == before[1]
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _proc(folder: Path, cgroup: str, available_kb: int = 8_000_000) -> Path:
    for name, text in {
        "meminfo": f"MemTotal: 9000000 kB\nMemAvailable: {available_kb} kB\n",
        "sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
        "sys/kernel/random/boot_id": "machine\n",
        "self/cgroup": cgroup,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "self/ns").mkdir()
    os.symlink("net:[7]", folder / "self/ns/net")
    os.symlink("cgroup:[8]", folder / "self/ns/cgroup")
    return folder


def test_memory_is_the_free_memory_of_the_containers_group(tmp_path: Path) -> None:
    proc, group = _proc(tmp_path / "proc", "0::/\n"), tmp_path / "cgroup"
    group.mkdir()
    (group / "memory.max").write_text("1048576000\n")
    (group / "memory.current").write_text("1024000\n")
    read = limits.read(proc, group)
    assert (read.memory_kb, read.memory) == (1_023_000, "cgroup:[8]machine")
    assert (read.ports, read.net) == (28_232, "net:[7]")


def test_memory_of_a_version_1_cgroup(tmp_path: Path) -> None:
    proc, group = _proc(tmp_path / "proc", "3:cpu:/x\n5:memory:/docker/1\n"), tmp_path / "cgroup"
    (group / "memory").mkdir(parents=True)
    (group / "memory/memory.limit_in_bytes").write_text("2048000\n")
    (group / "memory/memory.usage_in_bytes").write_text("1024000\n")
    assert limits.read(proc, group).memory_kb == 1000


def test_memory_without_a_group_limit_is_the_free_memory_of_the_machine(tmp_path: Path) -> None:
    proc, group = _proc(tmp_path / "proc", "0::/\n", 5000), tmp_path / "cgroup"
    group.mkdir()
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("1024000\n")
    read = limits.read(proc, group)
    assert (read.memory_kb, read.memory) == (5000, "machine")


def test_limits_count_every_connection_of_a_user() -> None:
    found = [own(descriptors=1000, ports=3000)]
    assert fits(1000, 1, found) is None
    message = fits(1000, 1, found, connections=20)
    assert message is not None
    assert "has room for 50: descriptors" in message
    assert "20 connections a user" in message
