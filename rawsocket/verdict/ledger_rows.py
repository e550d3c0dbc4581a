"""The rows of the ledger: a figure of the clients, one of the server, and by how much they may differ. Pure.

Each bound here depends on what client and server really count; a comment gives the reason. The server counts
a connection when it is admitted, or when it is refused with a line; a message when it is whole, a reply when it is
produced (whether or not the peer takes it), both before any of it is sent; bytes once they are read or sent, of
admitted connections only. The counts of a killed process are kept, and its connections are
closed as `lost`: to the clients they are `reset` or `closed`. What the clients count is in recorder.py and
engine/accounting.py.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from rawsocket.measurement.report import Connections, Counts, Goodbyes, Messages

EVENTS: Mapping[str, str] = {
    "answered": "the right reply came",
    "oneway": "the message needs no reply: whether the server has read it is known only from its own count",
    "sent": "the message was sent",
    "connected": "the connection was made, and proved usable",
    "refused": "the connect was refused, or could not be made",
    "connect-timeout": "the connect took too long; the server may have accepted it all the same",
    "server-full": "the server sent `ERR server full`; it does not read what is sent to it then",
    "reset": "the connection was reset",
    "closed": "the peer closed the connection",
    "reply-timeout": "the client waited too long for the reply, and closed the connection",
    "send-timeout": "the client could not send for too long, and closed the connection",
    "short": "the reply was short, or one before it on the connection was",
    "too-long": "the reply was too long, or one before it on the connection was",
    "wrong": "the reply was wrong (as are the server's error lines), or one before it on the connection was",
    "tls": "the TLS handshake failed, or TLS failed later",
    "generator-limit": "the load generator's own machine had no descriptor, source port or memory left",
    "client": "the client itself closed the connection, or was stopped",
    "stopped": "the message was due, and its user was stopped before it was sent",
    "scenario": "the message was due while its session waited after an exception in the scenario",
    "cut": "the connection ended before the kernel had taken the whole message: the server can't have it",
    "said": "the user was stopped, and said its goodbye to the end",
    "cut-off": "the goodbye took longer than its limit, or a failure ended it",
    "pushed": "the server sent it unsolicited",
    "abandoned": "the connect was going on when its user was stopped; the server may have accepted it",
    "backlog": "not a byte came on that connection from the server: it may never have left the backlog",
    "lost": "a process of the server was killed just after it had sent these bytes, and before it had counted them",
    "closing": "the clients had closed the connection, and the server had not noticed yet",
    "earlier": "the server held the connection, or had it in its backlog, when the run began",
    "held": "the connection was still open at the end of the run",
    "drill": "a client of the drill did this, which is none of the load",
}

REFUSAL = len(b"ERR server full\n")  # bytes; not in the server's own count, because it has not admitted the connection
ERROR_LINE = len(b"ERR message too long\n")  # the longest line that can be sent in place of a reply
WRONG = ("short", "too-long", "wrong")
GREETING = len(b"Hello from server!")
LAST_SEND = 81_920  # bytes of one send at most: 64 KB may wait for a peer, and 16 KB answer one recv

Bounds = Sequence[tuple[str, int]]
NONE: Bounds = ()


@dataclass(frozen=True)
class WireFormat:
    """The clients' wire format: framing (line, chunk or another's name), bytes of a payload (None: unknown), app."""

    framing: str = "line"
    size: int | None = None
    app: str = ""


@dataclass(frozen=True)
class Moment:
    """Connections held by clients and server at a moment when the number had been stable for seconds."""

    held: int
    server: int
    backlog: int | None = None


@dataclass(frozen=True)
class ServerSide:
    """The server's own counters, grown over the run; None: it has none, or `trouble` says why they can't be used.

    `held_before` and `waiting_before` (in its backlog) are connections when the run began.
    """

    grown: Mapping[str, Any] | None = None
    held_before: int = 0
    waiting_before: int = 0
    trouble: str = ""
    at_stop: Moment | None = None

    @property
    def about(self) -> Mapping[str, str]:
        """The labels of its info metric: model, framing, app."""
        about: Mapping[str, str] = (self.grown or {}).get("info", {})
        return about


@dataclass(frozen=True)
class CountPair:
    """The figures for a row: `server` is None if it has no such counter; `unknown` says why they can't be compared.

    `fewer` and `more` bound by how much the server's count may be below or above the clients'; a text in place of
    bounds says why none is known. The `sure` events account for exactly their number (clients less server).
    """

    what: str
    clients: int
    server: int | None
    fewer: Bounds | str = NONE
    more: Bounds | str = NONE
    sure: Mapping[str, int] = field(default_factory=dict)
    unknown: str = ""


def outcomes(clients: Counts) -> list[tuple[str, int, Mapping[str, int]]]:
    """Return (what, how many, how they ended) of the clients' side alone."""
    tcp, messages = clients.connections, clients.messages
    begun = {"connected": tcp.connected, **tcp.failed, "abandoned": tcp.abandoned}
    made = {"client": tcp.closed, **tcp.dropped, "held": clients.held}
    done = [("answered", messages.answered), ("oneway", messages.oneway)]
    sent = summed([*done, *_wrong(clients), *messages.unanswered_by.items()])
    return [
        ("connects begun", tcp.attempted + tcp.abandoned, begun),
        ("connections made", tcp.connected, made),
        ("messages due", messages.due, {"sent": messages.sent, **messages.unsent}),
        ("messages sent", messages.sent, sent),
        *_goodbyes(clients.goodbyes),
    ]


def _goodbyes(goodbyes: Goodbyes) -> list[tuple[str, int, Mapping[str, int]]]:
    """Return how the users that were stopped left the server, if any has a goodbye. Its messages count as any other."""
    begun, said = goodbyes.begun, goodbyes.said
    return [("goodbyes", begun, {"said": said, "cut-off": begun - said})] if begun else []


def count_pairs(
    clients: Counts, server: ServerSide, wire: WireFormat, drill: Mapping[str, int] = MappingProxyType({})
) -> list[CountPair]:
    """Return the rows of both sides, in the order of the table. `drill`: as in ledger.reconcile()."""
    grown = server.grown or {}
    rows = [
        *_connections(clients, server, grown),
        *_moment(clients, server),
        CountPair("held at the end", clients.held, grown.get("connections"), more=[("earlier", server.held_before)]),
        *_messages(clients, server, grown, wire),
        *_unasked(clients, grown),
        *_bytes(clients, server, grown, wire),
    ]
    return [_with_drill(row, drill[row.what]) if drill.get(row.what) else row for row in rows]


def _with_drill(row: CountPair, most: int) -> CountPair:
    """Return a row whose server may have counted so many more, because of a drill's own clients."""
    return row if isinstance(row.more, str) else replace(row, more=[("drill", most), *row.more])


def explain(left: int, bounds: Bounds) -> tuple[dict[str, int], int]:
    """Explain a difference by events up to their bounds, in order; return them and the unexplained rest."""
    explained: dict[str, int] = {}
    for event, most in bounds:
        if (part := min(left, most)) > 0:
            explained[event] = explained.get(event, 0) + part
            left -= part
    return explained, left


def summed(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add up counts by event, without zeros and without names that are not on the list."""
    total: dict[str, int] = {}
    for event, count in counts:
        if count and event in EVENTS:
            total[event] = total.get(event, 0) + count
    return total


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(event, counts[event]) for event in EVENTS if event in counts]


def _connections(clients: Counts, server: ServerSide, grown: Mapping[str, Any]) -> list[CountPair]:
    tcp = clients.connections
    failed, full = tcp.failed, tcp.failed.get("server-full", 0)
    opened = tcp.connected + full
    came, refused = _added(grown, "accepted_total", "refused_total"), grown.get("refused_total")
    # The server may send bytes on a connection that it has accepted or refused, but none on one in the backlog.
    backlog = [("backlog", tcp.unproven)]
    never = [("backlog", max(0, min(tcp.unproven, opened - (came or 0))))]
    # The server may still have accepted or refused a connect that the client gave up.
    given_up = [
        ("abandoned", tcp.abandoned),
        *((name, failed.get(name, 0)) for name in ("connect-timeout", "reset", "tls")),
    ]
    waited = [*given_up, ("earlier", server.waiting_before)]
    before = [*given_up, ("earlier", server.waiting_before + server.held_before)]
    # If the server was slow to refuse, the connection had settled before.
    told = full + tcp.dropped.get("server-full", 0)
    return [
        CountPair("connections opened", opened, came, backlog, waited),
        # A client that closed before it read the line does not know that it was refused.
        CountPair("connections refused", told, refused, more=[*backlog, *waited]),
        CountPair(
            "connections closed", _ended(tcp) + full, _added(grown, "closed_total", "refused_total"), never, before
        ),
    ]


def _ended(tcp: Connections) -> int:
    return int(tcp.closed + sum(tcp.dropped.values()))


def _moment(clients: Counts, server: ServerSide) -> list[CountPair]:
    """Return the rows of held connections; those in the backlog, held for the clients only, have their own row."""
    at_stop, tcp = server.at_stop, clients.connections
    if at_stop is None:
        return []
    waiting = max(0, at_stop.held - at_stop.server)
    # The two counts may be a second apart: connections lost meanwhile are not held by the server any more. What it
    # refuses, it never holds; the client does until it has read so.
    full = tcp.failed.get("server-full", 0)
    # Connections in the backlog then may have been served since, when earlier ones had ended.
    backlog = max(tcp.unproven, at_stop.backlog or 0)
    fewer = [("backlog", backlog), ("server-full", full), *_ordered(tcp.dropped)]
    held = CountPair("held when stop was asked", at_stop.held, at_stop.server, fewer, _not_noticed(tcp, server))
    if at_stop.backlog is None or not (waiting or at_stop.backlog):
        return [held]
    # A connection that its client has closed or given up stays in the backlog until the server accepts it.
    dead = [("backlog", tcp.unproven), ("abandoned", tcp.abandoned)]
    dead.append(("connect-timeout", tcp.failed.get("connect-timeout", 0)))
    return [held, CountPair("in the backlog then", waiting, at_stop.backlog, fewer, dead)]


def _not_noticed(tcp: Connections, server: ServerSide) -> Bounds:
    return [("earlier", server.held_before), ("closing", _ended(tcp))]


def _wrong(clients: Counts) -> Bounds:
    """Wrong replies by name, as far as they can be distinguished from unsolicited data: either ends its connection."""
    wrong: int = clients.messages.wrong
    named = [(name, count) for name, count in _ordered(clients.connections.dropped) if name in WRONG]
    return named if sum(count for _, count in named) == wrong else [("wrong", wrong)]


def _messages(clients: Counts, server: ServerSide, grown: Mapping[str, Any], wire: WireFormat) -> list[CountPair]:
    tcp, messages = clients.connections, clients.messages
    unknown = _incomparable(wire.framing, server.about.get("framing", wire.framing))
    # These models treat the data of one recv as a message: that may be a part of one that was cut.
    cut = 0 if server.about.get("model") in ("sync", "tutorial") else messages.cut
    unanswered = explain(messages.unanswered - cut, _ordered(messages.unanswered_by))[0].items()
    # An error line is a wrong reply for the client; the server counts neither a reply nor a message.
    lines = min(messages.wrong, tcp.dropped.get("wrong", 0))
    sent, came = messages.sent, messages.answered + messages.wrong
    # What the server has not read when a connection ends, it never counts; a server may answer a one-way message, too.
    missed = [*unanswered, *_wrong(clients), ("oneway", messages.oneway)]
    untaken = [*unanswered, ("pushed", messages.pushed), ("oneway", messages.oneway)]
    return [
        CountPair("messages", sent, grown.get("messages_total"), missed, sure={"cut": cut}, unknown=unknown),
        CountPair("replies", came, grown.get("replies_total"), [("wrong", lines)], untaken, unknown=unknown),
    ]


def _unasked(clients: Counts, grown: Mapping[str, Any]) -> list[CountPair]:
    """Compare unsolicited messages, received or not, with the replies that the server counted beyond its messages."""
    tcp, messages = clients.connections, clients.messages
    refused = sum(tcp.dropped.get(name, 0) for name in WRONG) - messages.wrong
    came = messages.pushed + max(0, refused)
    replies, received = grown.get("replies_total"), grown.get("messages_total")
    extra = None if replies is None or received is None else max(0, replies - received)
    if not came and not extra:
        return []
    unread = "sent unasked: some of it may have been unread at the end"
    return [CountPair("sent unasked", came, extra, [("pushed", messages.pushed)], unread)]


def _incomparable(clients: str, server: str) -> str:
    if "chunk" in (clients, server):
        return (
            "messages and replies: in chunk framing a message is whatever one recv brings, so the server's count is "
            "not the clients'; the bytes account for them"
        )
    if clients != server:
        return f"messages and replies: the clients' framing ({clients}) is not the server's ({server})"
    return ""


def _bytes(clients: Counts, server: ServerSide, grown: Mapping[str, Any], wire: WireFormat) -> list[CountPair]:
    tcp, messages, size = clients.connections, clients.messages, clients.bytes
    told = tcp.failed.get("server-full", 0) + tcp.dropped.get("server-full", 0)
    message, reply = _sizes(messages, size.sent, wire)
    missed = [*_ordered(messages.unanswered_by), *_wrong(clients), ("oneway", messages.oneway)]
    fewer, more = _in_bytes(missed, message), _in_bytes(missed, reply)
    if server.about.get("model") == "sync":
        fewer = "bytes to the server: the sync model calls recv once, and what that does not bring is lost"
    if messages.pushed:
        more = "bytes from the server: unsolicited data may have been unread at the end"
    moved = grown.get("bytes_total") or {}
    sure = {"server-full": told * REFUSAL}
    return [
        CountPair("bytes to the server", size.sent, moved.get("in"), fewer),
        CountPair("bytes from the server", size.received, moved.get("out"), _uncounted(grown), more, sure),
    ]


def _uncounted(grown: Mapping[str, Any]) -> Bounds:
    """Return a bound for bytes that killed processes of the server sent but did not count: one send of each."""
    held = (grown.get("closed_total") or {}).get("lost", 0)
    missing = grown.get("processes_wanted", 0) - grown.get("processes", 0)
    return [("lost", LAST_SEND * (grown.get("respawns_total", 0) + missing))] if held else NONE


def _sizes(messages: Messages, sent: int, wire: WireFormat) -> tuple[int | None, int | None]:
    """Return the bytes of a message and, at most, of its reply; None if not all were of the run's SIZE."""
    end = 0 if wire.framing == "chunk" else 1
    message = (wire.size or 0) + end
    if wire.size is None or not (messages.sent - messages.cut) * message <= sent <= messages.sent * message:
        return None, None
    return message, max(GREETING + end if wire.app == "hello" else message, ERROR_LINE)


def _in_bytes(missed: Bounds, each: int | None) -> Bounds | str:
    """Return a bound for the bytes of messages without a correct reply, `each` at most; none if all were answered."""
    if not any(count for _, count in missed):
        return NONE
    if each is None:
        return "bytes: messages without a right reply were lost in whole or in part, and not all were of one size"
    return [(event, count * each) for event, count in missed]


def _added(grown: Mapping[str, Any], *names: str) -> int | None:
    """Add up counters, also those by label; None if one is missing."""
    values = [grown.get(name) for name in names]
    if None in values:
        return None
    return sum(sum(value.values()) if isinstance(value, Mapping) else int(value or 0) for value in values)
