"""Pure: what to do about the causes that have more than one remedy."""

from rawsocket.verdict import threshold_words, words
from rawsocket.verdict.judge import Check
from rawsocket.verdict.observed import Facts

SELECT_HOLDS = 1000  # connections of a process with select: its descriptors end at 1,024
BUSY = 0.9  # share of a core from which on a process of the server has no time left
EXPLAINS = 0.5  # of a latency: from there on the server's longest turn explains it
MESSAGES = "min_messages_s"
BOUND_TO_1024 = ("select", "tutorial")

# What the text of an error of the generator's machine begins with: what it has none left of, and what to do.
_SHORTAGES = (
    ("assign requested address", "no source port left", "Set SOURCES to more addresses, or use more workers."),
    ("Too many open files", "no descriptor left", "Use more workers, or raise the hard limit on open files."),
    ("buffer space", "no memory left for sockets", "Lower USERS, or use more machines."),
    ("allocate memory", "no memory left", "Lower USERS, or use more machines."),
    (
        "connection-tracking table",
        "no entry left in its table of tracked connections",
        "Wait some minutes, or raise net.netfilter.nf_conntrack_max.",
    ),
)
_UNKNOWN = ("no source port, descriptor or memory left", "Use workers on other machines, or a lower rate of connects.")


def cap(model: str, cap: int | None, wanted: int) -> str:
    """Return what to do about a server at its cap, where `wanted` connections are wanted."""
    if cap is None:
        return "Raise the server's limit of connections, or lower USERS."
    if model in BOUND_TO_1024 and max(wanted, cap) > SELECT_HOLDS:
        return f"Set MODEL=epoll, or PROCESSES=auto with MAX_CONNECTIONS={wanted}."
    wanted = max(wanted, cap + 1)
    epoll = " or MODEL=epoll" if model == "select" and cap >= SELECT_HOLDS else ""
    return f"Set MAX_CONNECTIONS={wanted}{epoll}."


def shortage(example: str) -> tuple[str, str]:
    """Return what the generator's machine has none left of, by the example of an error, and what to do."""
    return next(((what, remedy) for said, what, remedy in _SHORTAGES if said in example), _UNKNOWN)


def of_threshold(facts: Facts, check: Check) -> tuple[str, str]:
    """Return what is known about a missed threshold, and what to do."""
    return of_few_messages(facts) if check.name.startswith(MESSAGES) else of_slow_replies(facts, check)


def of_few_messages(facts: Facts) -> tuple[str, str]:
    """Return whether the load was too small for the messages a second that were demanded: the server kept up."""
    figures = facts.figures
    if figures.loop.closed or figures.failures or figures.missing or figures.waiting > (figures.messages_s or 0.0):
        return "", ""
    return ". The server kept up: the load asked for no more", "Lower EVERY, or raise USERS."


def of_slow_replies(facts: Facts, check: Check) -> tuple[str, str]:
    """Return what is known about a latency above its limit: the server's loop, its CPU, or the queue before it."""
    if threshold_words.unit(check.name) != "ms" or not check.actual:
        return "", ""
    turn_ms, share = facts.observed.loop_lag_s * 1000, facts.figures.loop.server_share
    sent, due = (facts.figures.latency_ms.get(kind) for kind in ("from_sent", "from_due"))
    if turn_ms >= EXPLAINS * check.actual:
        return f". A turn of the server's loop took {words.milliseconds(turn_ms)}", "Keep its loop free of long work."
    if share is not None and share >= BUSY:
        return f". A process of the server used {words.percent(share)} of a core", "Lower the load, or add PROCESSES."
    if sent and due and sent["p99"] < EXPLAINS * due["p99"]:
        waited = words.milliseconds(sent["p99"])
        return f". Messages waited for the reply before them; from sent it is {waited}", "Lower the load."
    return "", "Lower the load, or look at the server's CPU and loop."


def level(facts: Facts) -> tuple[str, str] | None:
    """Return why the first level of a load shape that did not pass decides, and what to do; None if none does."""
    levels = facts.figures.levels
    if levels is None or not (levels.missed or levels.doubts):
        return None
    missed = [check for check in levels.checks if check.ok is False]
    why, remedy = of_threshold(facts, missed[0]) if missed else ("", "")
    return f"{words.sentence(levels.line)}{why}", remedy
