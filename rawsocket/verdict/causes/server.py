"""Pure: causes that are the server's: what broke it, what it refused, and what it did not do."""

from rawsocket.verdict import remedies, words
from rawsocket.verdict.observed import Facts, Silence
from rawsocket.verdict.remedies import Said

TUTORIAL, WALL = "tutorial", 1000  # its descriptors end at 1,024, some of which are not connections
REFUSED = "Connection refused"  # what the machine of the server says, or one on the way; all else is this machine's
LEFT = 0.05  # share of the connections that may be open although the server has ended
SILENT_S = 3.0
AT_THE_END_S = (
    2.0  # what lasted until this long before the stop lasted until then: a look a second, at a report a second
)

# -- what broke the server ----------------------------------------------------------------------------------------


def _is_gone(facts: Facts) -> bool:
    """Return whether connections that were made are gone, and no new ones can be made.

    A few may still count as open: a worker has not noticed their end.
    """
    made = facts.counts.connections.connected
    return bool(facts.failed("refused")) and facts.held_at_stop < made * LEFT


def tutorial_wall(facts: Facts) -> Said:
    """The tutorial's server met descriptor 1,024."""
    if facts.model != TUTORIAL or not _is_gone(facts) or facts.counts.connections.connected < WALL:
        return None
    text = "The tutorial's server crashed: select can't watch descriptor 1,024"
    if facts.wanted > WALL:
        return text, remedies.cap(facts.model, WALL, facts.wanted)
    return text, "Set MODEL=select, which refuses what it can't hold, or MODEL=epoll."


def restarted(facts: Facts) -> Said:
    """The server was restarted."""
    if (at_s := facts.observed.restarted_at_s) is None:
        return None
    when, fact = f"{words.seconds(at_s)} after the start", facts.fact("server")
    text = f"The server was restarted {when}{fact.said(': it') if fact else ''}"
    return text, remedies.of_end(facts, "server")


def gone(facts: Facts) -> Said:
    """The server ended."""
    if not _is_gone(facts) or _without_a_path(facts):
        return None
    lost = sum(facts.counts.connections.dropped.values())
    at_s = facts.observed.server_lost_at_s
    when = "" if at_s is None else f" {words.seconds(at_s)} after the start"
    fact = facts.fact("server")
    ended = fact.said("The server", when) if fact else f"The server ended{when}"
    text = f"{ended}: {words.count(lost, 'connection')} lost, then connects were refused"
    return text, remedies.of_end(facts, "server")


def unreachable(facts: Facts) -> Said:
    """Nothing says that the server ended, but it could not be reached any more."""
    if not _is_gone(facts) or not _without_a_path(facts):
        return None
    lost = words.count(sum(facts.counts.connections.dropped.values()), "connection")
    text = f"{facts.target} could not be reached any more: {lost} lost, then {facts.examples['refused']}"
    return text, "Look at the network on the way to it, and whether its machine still runs."


def _without_a_path(facts: Facts) -> bool:
    """Return whether connects failed before they came to the server's machine: it refused none of them."""
    example = facts.examples.get("refused", "")
    return bool(example) and REFUSED not in example and not facts.fact("server")


def process_lost(facts: Facts) -> Said:
    """A process of the server was replaced."""
    number, cut = facts.observed.processes_lost, facts.observed.connections_lost
    if not number:
        return None
    processes = words.count(number, "process", "processes")
    text = f"{words.sentence(processes)} of the server ended and {'was' if number == 1 else 'were'} replaced"
    return f"{text}: {words.count(cut, 'connection')} cut", remedies.of_end(facts, "server")


def wrong(facts: Facts) -> Said:
    """Replies did not match."""
    wrong, example = facts.figures.wrong, facts.figures.example
    if not wrong:
        return None
    flood = " (the tutorial's server sends its last reply again and again)" if facts.model == TUTORIAL else ""
    seen = f"; for example, {example}" if example else ""
    text = f"{words.sentence(words.count(wrong, 'reply'))} did not match the message sent{flood}{seen}"
    return text, "Compare the examples in failures.csv with what the server should answer."


# -- what the server refused, or did not do -----------------------------------------------------------------------


def unknown_name(facts: Facts) -> Said:
    """The name can not be resolved."""
    if "can't be resolved" not in facts.examples.get("refused", "") or facts.counts.connections.connected:
        return None
    return f"The name in {facts.target} is unknown", "Correct TARGET; in containers, the name is looked up there."


def nothing_listening(facts: Facts) -> Said:
    """Every connect was refused."""
    refused = facts.failed("refused")
    if not refused or facts.counts.connections.connected:
        return None
    example = facts.examples.get("refused", "")
    if example and REFUSED not in example:
        return f"{facts.target} can't be reached: {example}", "Check TARGET and the network."
    text = f"Nothing listens at {facts.target}: all {words.count(refused, 'connect')} were refused"
    return text, "Start the server, or correct TARGET."


def full(facts: Facts) -> Said:
    """It refused connects at its cap."""
    refused = facts.failed("server-full")
    if not refused:
        return None
    cap = facts.server.get("max_connections")
    holds = f"{words.count(cap, 'connection')} (its cap)" if cap else words.count(facts.peak, "connection")
    text = f"The server holds {holds} and refused {words.count(refused, 'connect')}"
    return text, remedies.cap(facts.model, cap, facts.wanted)


def descriptors(facts: Facts) -> Said:
    """It could not accept."""
    number = int(facts.server.get("accept_errors_total", 0))
    if not number or not facts.figures.failures:
        return None
    return f"The server could not accept {words.times(number)}: it had no descriptor left", (
        "Raise the server's limit of open files (ulimit -n)."
    )


def tls(facts: Facts) -> Said:
    """TLS failed."""
    failed = facts.failed("tls")
    if not failed:
        return None
    why = facts.examples.get("tls", "")
    return f"TLS failed {words.times(failed)}{f': {why}' if why else ''}", "Check TLS_CA, the name and the certificate."


def silent(facts: Facts) -> Said:
    """It sent nothing, though replies were outstanding."""
    if not (found := _silence(facts)):
        return None
    waiting = words.count(found.overdue, "reply")
    lasted = " until the end" if found.from_s + found.seconds > facts.at_stop_s - AT_THE_END_S else ""
    text = f"The server was silent for {words.seconds(found.seconds)}{lasted}, from {words.seconds(found.from_s)} on"
    end = f"{words.seconds(found.from_s)} to {words.seconds(found.from_s + found.seconds)}"
    remedy = f"Look at what the server did from {end} of the run: it was stopped, blocked or overloaded."
    return f"{text}: {waiting} overdue{remedies.missed_latency(facts)}", remedy


def _silence(facts: Facts) -> Silence | None:
    """Return the silence that explains missing replies, timeouts or late replies; None if there is none."""
    figures = facts.figures
    if figures.missing:
        return Silence(max(0.0, facts.at_stop_s - figures.oldest_s), figures.oldest_s, figures.missing)
    longest = facts.observed.longest
    return longest if longest and longest.seconds >= SILENT_S else None


def overdue(facts: Facts) -> Said:
    """Some of its connections got no replies while others did, and a latency or a timeout was missed for that."""
    found, late = facts.observed.overdue, remedies.missed_latency(facts)
    if not found or not (late or facts.failed("reply-timeout")):
        return None
    end = f"{words.seconds(found.from_s)} to {words.seconds(found.from_s + found.seconds)}"
    remedy = f"Look at what the server did from {end} of the run: a part of it was stopped, blocked or overloaded."
    return f"{words.sentence(found.afterwards())}{late}", remedy


def silent_accept(facts: Facts) -> Said:
    """On more connections than allowed no byte ever arrived."""
    silent = facts.figures.silent_connections
    missed = [check for check in facts.checks if check.ok is False and check.name == "max_silent_connections"]
    if not missed:
        return None
    text = f"No byte ever arrived on {words.count(silent, 'connection')}: the server may not have accepted them"
    return text, "Check that the server accepts connections and serves all that it accepts."


def feed_silent(facts: Facts) -> Said:
    """Its pushes stopped, and a rate was too low for that."""
    silence = facts.observed.feed
    if not silence or not any(check.ok is False and check.name.startswith(remedies.MESSAGES) for check in facts.checks):
        return None
    text = words.sentence(silence.afterwards(facts.at_stop_s))
    return text, f"Look at what the server did {words.seconds(silence.from_s)} after the start of the run."


_KINDS = {
    "connect-timeout": "{n} had no answer in time",
    "reset": "{n} were reset by the server or the network",
    "closed": "{n} were closed by the server",
    "reply-timeout": "{n} had no whole reply in time",
    "send-timeout": "{n} could not be sent in time: the server did not read",
    "refused": "{n} were refused",
}


def failures(facts: Facts) -> Said:
    """The most frequent failure, if failures are what the run failed by."""
    if not any(check.ok is False and check.name.startswith("max_failures") for check in facts.checks):
        return None
    counted = {name: facts.failed(name) for name in _KINDS}
    name = max(counted, key=lambda one: counted[one])
    if not counted[name]:
        return None
    noun = "connect" if name in ("connect-timeout", "refused") else "connection"
    text = _KINDS[name].format(n=words.sentence(words.count(counted[name], noun)))
    return text.replace(" were ", " was ") if counted[
        name
    ] == 1 else text, "Look in the server's log; failures.csv has examples."
