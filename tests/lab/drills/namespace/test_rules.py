import subprocess

import pytest

from lab.drills.namespace import agent, rules
from lab.drills.namespace.rules import Client
from tests.support.namespaces import namespace

CLIENTS = [Client("172.18.0.3", 40000 + number) for number in range(5)]
LISTING = """\
0      0         172.18.0.2:8686   172.18.0.4:1000 \n\
0      0      [::ffff:172.18.0.2]:8686   [::ffff:172.18.0.3]:41236 \n\
"""


def test_what_rules_make_is_what_the_agent_removes() -> None:
    assert (rules.TABLE, rules.QUEUE) == (agent.TABLE, agent.QUEUE)


def test_clients_of_a_listing() -> None:
    assert rules.servers_side(LISTING) == [Client("172.18.0.3", 41236), Client("172.18.0.4", 1000)]
    own = "CLOSE-WAIT 0 0 172.18.0.3:41236 172.18.0.2:8686\n"  # with the column that several states have
    assert rules.clients_side(own) == [Client("172.18.0.3", 41236)]


@pytest.mark.parametrize(("percent", "count"), [(0, 0), (10, 20), (12.5, 25), (100, 200)])
def test_a_share_is_exact(percent: float, count: int) -> None:
    clients = [Client("172.18.0.3", number) for number in range(200)]
    assert len(rules.share(clients, percent)) == count


def test_filters_name_each_connection_once() -> None:
    clients = [Client("172.18.0.3", 1000 + number) for number in range(rules.PER_FILTER + 1)]
    whole, rest = rules.filters(8686, clients, at_server=True)
    assert whole.startswith("sport = :8686 and ( dst 172.18.0.3:1000 or dst 172.18.0.3:1001 or ")
    assert rest == f"sport = :8686 and ( dst 172.18.0.3:{1000 + rules.PER_FILTER} )"
    assert rules.filters(8686, clients[:1], at_server=False) == ["dport = :8686 and ( src 172.18.0.3:1000 )"]


def test_limit_is_in_bits_and_lets_a_packet_through() -> None:
    command = rules.limited("eth0", 1000, 5000)
    assert command[3:5] == ["dev", "eth0"]
    assert command[-6:] == ["rate", "8000bit", "burst", "3000", "limit", "5000"]


def test_our_limit_is_found_among_others() -> None:
    listing = '[{"handle": "0:", "kind": "noqueue"}, {"handle": "d111:", "kind": "tbf", "bytes": 7}]'
    assert rules.limit_of(listing)["bytes"] == 7


@pytest.mark.parametrize(
    "text",
    [
        rules.black_hole(8686, CLIENTS, [rules.TO_SERVER, rules.FROM_SERVER]),
        rules.no_farewell(8686),
        *(rules.reject_newcomers(8686, at_server) for at_server in (True, False)),
        *(rules.lose_syns([8686, 9000], 30, at_server) for at_server in (True, False)),
        rules.forget_idle(8686, CLIENTS, 2.5),
        rules.forget_idle(8686, [], 10),
        rules.cut(),
    ],
)
def test_rules_are_in_one_table_of_their_own(text: str) -> None:
    assert text.count("table ") == 1
    assert text.startswith(f"table inet {rules.TABLE} {{\n")
    assert text.count("{") == text.count("}")


def test_nft_accepts_all_rules() -> None:
    whole = [
        rules.black_hole(1, CLIENTS, [rules.TO_SERVER, rules.FROM_SERVER]), rules.no_farewell(1), rules.cut(),
        rules.reject_newcomers(1, True), rules.lose_syns([1, 2], 30, False), rules.forget_idle(1, CLIENTS, 2.5),
    ]  # fmt: skip
    with namespace() as here:
        for text in whole:
            done = subprocess.run([*here.here, "nft", "--check", "-f", "-"], input=text, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
