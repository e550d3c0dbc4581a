"""Pure: the cause of a verdict that is not a pass, where the figures know it, with what to do about it.

Strategy: a table of small functions, CAUSES. Each looks at all that is known and returns a text with its remedy, or
nothing. The first one in the table that returns something is the cause; a new cause is one row.

The order follows the rules of judge.py, so that the cause explains the verdict and not only a figure: first what makes
any run unknown, then what broke the server, wrong replies, doubts about the generator, what the server refused or did
not do, and last a missed threshold by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rawsocket.verdict import faults, remedies, saturation, threshold_words, words
from rawsocket.verdict.judge import PASS
from rawsocket.verdict.observed import Facts, Silence

TUTORIAL, WALL = "tutorial", 1000  # its descriptors end at 1,024, some of which are not connections
LEFT = 0.05  # share of the connections that may be open although the server has ended
SILENT_S = 3.0
AT_THE_END_S = 1.0  # what lasted until this long before the stop lasted until then: the run is looked at once a second


@dataclass(frozen=True)
class Cause:
    """Why a run did not pass: a name for programs, a sentence for people, and what to do, "" if that is not known."""

    name: str
    text: str
    remedy: str = ""


Said = tuple[str, str] | None  # text and remedy


def cause(outcome: str, facts: Facts) -> Cause | None:
    """Return the cause of a verdict, None if the run passed or the figures don't know it."""
    if outcome == PASS:
        return None
    for name, function in CAUSES:
        if said := function(facts):
            text, remedy = said
            return Cause(name, text.rstrip("."), remedy.rstrip("."))
    return None


# -- what makes any run unknown -----------------------------------------------------------------------------------


def _interrupted(facts: Facts) -> Said:
    if not facts.figures.interrupted:
        return None
    of = f" of {words.seconds(facts.time_s)}" if facts.time_s else ""
    when = f"after {words.seconds(facts.at_stop_s)}{of}" if facts.at_stop_s else "before its end"
    return f"The run was interrupted {when}", "Run it again to its end."


def _out_of_memory(facts: Facts) -> Said:
    killed = [one for one in facts.lab if one.name == "out-of-memory"]
    if not killed:
        return None
    setting = "SERVER_MEM" if killed[0].part.startswith("server") else "WORKER_MEM"
    return words.sentence(killed[0].text), f"Raise {setting}, or lower USERS."


def _broken(facts: Facts) -> Said:
    if not facts.figures.run_faults:
        return None
    return words.sentence(facts.figures.run_faults[0]), "Look in the master's log (logs/master.log)."


def _scenario(facts: Facts) -> Said:
    reasons = faults.scenario(facts.figures.scenario_errors)
    remedy = "Correct the scenario; the worker's log (logs/worker-1.log) has the traceback."
    return (words.sentence(reasons[0]), remedy) if reasons else None


def _refused_by_worker(facts: Facts) -> Said:
    if facts.figures.attempted or not facts.notes:
        return None
    return words.sentence(facts.notes[0]), ""


def _no_workers(facts: Facts) -> Said:
    came, wanted = len(facts.figures.workers), facts.figures.workers_wanted
    if came >= max(wanted, 1):
        return None
    said = f"Only {came} of {words.count(wanted, 'worker')} came" if came else "No worker came"
    return said, "Look in the workers' logs (logs/worker-1.log) for why."


def _worker_lost(facts: Facts) -> Said:
    if not (lost := [worker for worker in facts.figures.workers if worker.lost]):
        return None
    more = f", and {words.count(len(lost) - 1, 'more worker')}" if lost[1:] else ""
    name, fact = words.sentence(lost[0].label), facts.fact("worker")
    text = fact.said(name) if fact else f"{name} was lost: {lost[0].lost}"
    return f"{text}{more}", remedies.of_end(facts, "worker")


# -- what broke the server ----------------------------------------------------------------------------------------


def _gone(facts: Facts) -> bool:
    """Return whether connections that were made are gone, and no new ones can be made.

    A few may still count as open: a worker has not noticed their end.
    """
    made = facts.counts.connections.connected
    return bool(facts.failed("refused")) and facts.held_at_stop < made * LEFT


def _tutorial_wall(facts: Facts) -> Said:
    if facts.model != TUTORIAL or not _gone(facts) or facts.counts.connections.connected < WALL:
        return None
    text = "The tutorial's server crashed: select can't watch descriptor 1,024"
    if facts.wanted > WALL:
        return text, remedies.cap(facts.model, WALL, facts.wanted)
    return text, "Set MODEL=select, which refuses what it can't hold, or MODEL=epoll."


def _restarted(facts: Facts) -> Said:
    if (at_s := facts.observed.restarted_at_s) is None:
        return None
    when, fact = f"{words.seconds(at_s)} after the start", facts.fact("server")
    text = f"The server was restarted {when}{fact.said(': it') if fact else ''}"
    return text, remedies.of_end(facts, "server")


def _server_gone(facts: Facts) -> Said:
    if not _gone(facts):
        return None
    lost = sum(facts.counts.connections.dropped.values())
    at_s = facts.observed.server_lost_at_s
    when = "" if at_s is None else f" {words.seconds(at_s)} after the start"
    fact = facts.fact("server")
    ended = fact.said("The server", when) if fact else f"The server ended{when}"
    text = f"{ended}: {words.count(lost, 'connection')} lost, then connects were refused"
    return text, remedies.of_end(facts, "server")


def _process_lost(facts: Facts) -> Said:
    number, cut = facts.observed.processes_lost, facts.observed.connections_lost
    if not number:
        return None
    processes = words.count(number, "process", "processes")
    text = f"{words.sentence(processes)} of the server ended and {'was' if number == 1 else 'were'} replaced"
    return f"{text}: {words.count(cut, 'connection')} cut", remedies.of_end(facts, "server")


def _wrong(facts: Facts) -> Said:
    wrong, example = facts.figures.wrong, facts.figures.example
    if not wrong:
        return None
    flood = " (the tutorial's server sends its last reply again and again)" if facts.model == TUTORIAL else ""
    seen = f"; for example, {example}" if example else ""
    text = f"{words.sentence(words.count(wrong, 'reply'))} did not match the message sent{flood}{seen}"
    return text, "Compare the examples in failures.csv with what the server should answer."


# -- doubts about the generator -----------------------------------------------------------------------------------


def _generator_limit(facts: Facts) -> Said:
    number = facts.figures.limited
    if not number:
        return None
    what, remedy = remedies.shortage(facts.figures.limit_example)
    return f"The load generator's machine had {what} ({words.times(number)})", remedy


def _nothing_measured(facts: Facts) -> Said:
    if facts.figures.attempted:
        return None
    return "Nothing was measured: no connection was attempted", "Give the run users, and more TIME."


def _too_short(facts: Facts) -> Said:
    if facts.figures.levels is not None or (facts.figures.steady_s and facts.figures.held_min is not None):
        return None
    return "The run ended before 2 s after its ramp had passed", "Set TIME above USERS / RATE + 3 s."


def _saturated(facts: Facts) -> Said:
    for worker in facts.figures.workers:
        if found := saturation.main_cause(worker, facts.figures.max_lag_ms):
            text, remedy = found
            return words.sentence(text), f"{words.sentence(remedy)}."
    return _too_few_reports(facts)


def _too_few_reports(facts: Facts) -> Said:
    limit = facts.figures.max_lag_ms
    doubts = [said for worker in facts.figures.workers if (said := saturation.doubt(worker, limit))]
    return (words.sentence(doubts[0]), "Raise TIME.") if doubts else None


# -- what the server refused, or did not do -----------------------------------------------------------------------


def _unknown_name(facts: Facts) -> Said:
    if "can't be resolved" not in facts.examples.get("refused", "") or facts.counts.connections.connected:
        return None
    return f"The name in {facts.target} is unknown", "Correct TARGET; in containers, the name is looked up there."


def _nothing_listening(facts: Facts) -> Said:
    refused = facts.failed("refused")
    if not refused or facts.counts.connections.connected:
        return None
    example = facts.examples.get("refused", "")
    if example and "Connection refused" not in example:
        return f"{facts.target} can't be reached: {example}", "Check TARGET and the network."
    text = f"Nothing listens at {facts.target}: all {words.count(refused, 'connect')} were refused"
    return text, "Start the server, or correct TARGET."


def _server_full(facts: Facts) -> Said:
    refused = facts.failed("server-full")
    if not refused:
        return None
    cap = facts.server.get("max_connections")
    holds = f"{words.count(cap, 'connection')} (its cap)" if cap else words.count(facts.peak, "connection")
    text = f"The server holds {holds} and refused {words.count(refused, 'connect')}"
    return text, remedies.cap(facts.model, cap, facts.wanted)


def _server_descriptors(facts: Facts) -> Said:
    number = int(facts.server.get("accept_errors_total", 0))
    if not number or not facts.figures.failures:
        return None
    return f"The server could not accept {words.times(number)}: it had no descriptor left", (
        "Raise the server's limit of open files (ulimit -n)."
    )


def _tls(facts: Facts) -> Said:
    failed = facts.failed("tls")
    if not failed:
        return None
    why = facts.examples.get("tls", "")
    return f"TLS failed {words.times(failed)}{f': {why}' if why else ''}", "Check TLS_CA, the name and the certificate."


def _server_silent(facts: Facts) -> Said:
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


def _silent_accept(facts: Facts) -> Said:
    silent = facts.figures.silent_connections
    missed = [check for check in facts.checks if check.ok is False and check.name == "max_silent_connections"]
    if not missed:
        return None
    text = f"No byte ever arrived on {words.count(silent, 'connection')}: the server may not have accepted them"
    return text, "Check that the server accepts connections and serves all that it accepts."


_KINDS = {
    "connect-timeout": "{n} had no answer in time",
    "reset": "{n} were reset by the server or the network",
    "closed": "{n} were closed by the server",
    "reply-timeout": "{n} had no whole reply in time",
    "send-timeout": "{n} could not be sent in time: the server did not read",
    "refused": "{n} were refused",
}


def _failures(facts: Facts) -> Said:
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


# -- a missed threshold by itself, and the ledger -------------------------------------------------------------------


def _threshold(facts: Facts) -> Said:
    missed = [check for check in facts.checks if check.ok is False]
    return remedies.of_threshold(facts, missed[0]) if missed else None


def _ledger(facts: Facts) -> Said:
    if facts.unexplained:
        return words.sentence(facts.unexplained[0]), "Look at all rows of the ledger, in the report or in verdict.json."
    return (words.sentence(facts.ledger[0]), remedies.of_end(facts, "server")) if facts.ledger else None


def _unmeasured(facts: Facts) -> Said:
    if not (checks := [check for check in facts.checks if check.ok is None]):
        return None
    return f"{words.sentence(threshold_words.title(checks[0].name))} could not be measured", ""


#: The first that applies is the cause.
CAUSES: tuple[tuple[str, Callable[[Facts], Said]], ...] = (
    ("interrupted", _interrupted),
    ("task-died", _broken),
    ("scenario", _scenario),
    ("out-of-memory", _out_of_memory),
    ("no-workers", _no_workers),
    ("refused-setting", _refused_by_worker),
    ("worker-lost", _worker_lost),
    ("tutorial-1024", _tutorial_wall),
    ("server-restarted", _restarted),
    ("server-gone", _server_gone),
    ("process-lost", _process_lost),
    ("wrong-replies", _wrong),
    ("generator-limit", _generator_limit),
    ("nothing-measured", _nothing_measured),
    ("too-short", _too_short),
    ("generator-saturated", _saturated),
    ("unknown-name", _unknown_name),
    ("nothing-listening", _nothing_listening),
    ("server-full", _server_full),
    ("server-descriptors", _server_descriptors),
    ("tls", _tls),
    ("server-silent", _server_silent),
    ("silent-connections", _silent_accept),
    ("failures", _failures),
    ("level", remedies.level),
    ("threshold", _threshold),
    ("ledger", _ledger),
    ("not-measured", _unmeasured),
)
