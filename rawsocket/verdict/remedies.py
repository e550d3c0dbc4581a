"""Pure: what to do about the causes that have more than one remedy, and what is known of a missed threshold."""

import math

from rawsocket.settings.thresholds import named
from rawsocket.verdict import threshold_words, words
from rawsocket.verdict.judge import Check
from rawsocket.verdict.observed import Facts

SELECT_HOLDS = 1000  # connections of a process with select: its descriptors end at 1,024
BUSY = 0.9  # share of a core from which on a process of the server has no time left
EXPLAINS = 0.5  # of a latency: from there on the server's longest turn explains it
MESSAGES = "min_messages_s"
Said = tuple[str, str] | None  # a text, and what to do; None: this is not the cause
ONE_PROCESS = ("", "sync", "tutorial", "busy", "threaded", "prefork")  # models that PROCESSES can't share, "": unknown
TOO_SMALL = "the load was too small"
KEPT_UP = "the server kept up"
BOUND_TO_1024 = ("select", "tutorial")
LESS = "Raise EVERY or lower USERS"

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
        select = "" if model == "select" else "MODEL=select with "
        return f"Set MODEL=epoll, or {select}PROCESSES=auto and MAX_CONNECTIONS={wanted}."
    wanted = max(wanted, cap + 1)
    epoll = " or MODEL=epoll" if model == "select" and cap >= SELECT_HOLDS else ""
    return f"Set MAX_CONNECTIONS={wanted}{epoll}."


def shortage(example: str) -> tuple[str, str]:
    """Return what the generator's machine has none left of, by the example of an error, and what to do."""
    return next(((what, remedy) for said, what, remedy in _SHORTAGES if said in example), _UNKNOWN)


def of_end(facts: Facts, part: str) -> str:
    """Return what to do about the server, or a worker, that has ended: find out why."""
    fact = facts.fact(part)
    if fact and fact.killed:
        return "Look for who killed it: the kernel's log (dmesg) names a process killed for lack of memory."
    name = fact.part if fact else "server" if part == "server" and facts.server else ""
    return f"Look in the log of the {part}{f' (logs/{name}.log)' if name else ''} for why."


def of_threshold(facts: Facts, check: Check) -> tuple[str, str]:
    """Return a missed threshold in words, with what is known about it, and what to do."""
    if remedy := of_few_messages(facts, check):
        return _too_small(check), remedy
    why, remedy = of_slow_replies(facts, check)
    return f"{words.sentence(threshold_words.text(check.name, check.limit, check.actual))}{why}", remedy


def _too_small(check: Check) -> str:
    meant = named(check.name)
    of = f" of {meant.row}" if meant.row else ""
    measured = f"{words.number(check.actual or 0.0, check.limit)} of {words.number(check.limit)} messages a second{of}"
    return f"{words.sentence(TOO_SMALL)} for {meant.threshold.variable}: {measured}; {KEPT_UP}"


def of_few_messages(facts: Facts, check: Check) -> str:
    """Return what to do if the load was too small for the messages a second that were demanded, else ""."""
    figures = facts.figures
    if not check.name.startswith(MESSAGES) or figures.loop.closed or figures.failures or figures.missing:
        return ""
    if figures.waiting > (figures.messages_s or 0.0):
        return ""
    if not (facts.every_s and facts.users and check.actual):
        return "Lower EVERY, or raise USERS."
    share = check.actual / check.limit
    step = 10.0 ** (math.floor(math.log10(facts.every_s * share)) - 1)
    every = math.floor(facts.every_s * share / step) * step
    users = facts.users / share
    step = max(1.0, 10.0 ** (math.floor(math.log10(users)) - 1))
    return f"Lower EVERY to {every:.4g}, or raise USERS to {math.ceil(users / step) * step:.0f}."


def of_slow_replies(facts: Facts, check: Check) -> tuple[str, str]:
    """Return what is known about a latency above its limit: the server's loop, its CPU, or the queue before it."""
    if threshold_words.unit(check.name) != "ms" or not check.actual:
        return "", ""
    turn_ms, share = facts.observed.loop_lag_s * 1000, facts.figures.loop.server_share
    if turn_ms >= EXPLAINS * check.actual:
        return f". A turn of the server's loop took {words.milliseconds(turn_ms)}", "Keep its loop free of long work."
    if share is not None and share >= BUSY:
        return f". A process of the server used {words.percent(share)} of a core", _less_for_each_process(facts)
    sent_ms = _sent_late_ms(facts, check)
    if sent_ms is not None:
        waited = words.milliseconds(sent_ms)
        return f". Messages waited for the reply before them: from sent it was {waited}", f"{LESS}."
    return "", f"{LESS}, or look at the server's CPU and loop."


def _sent_late_ms(facts: Facts, check: Check) -> float | None:
    """Return the p99 from sent of the slowest row that `check` judges and whose messages were sent late, if any.

    Each row is compared with itself: a figure of the scenario's own has no time from sent, and must not make messages
    look as if they had waited.
    """
    meant, rows = named(check.name), facts.figures.rows
    limited = {one.row for one in map(named, (one.name for one in facts.checks)) if one.threshold is meant.threshold}
    judged = [meant.row] if meant.row else [name for name, row in rows.items() if row.judged and name not in limited]
    late = [
        (row.p99_ms, row.sent_p99_ms)
        for row in (rows[name] for name in judged if name in rows)
        if row.p99_ms is not None and row.p99_ms > check.limit
        and row.sent_p99_ms is not None and row.sent_p99_ms < EXPLAINS * row.p99_ms
    ]  # fmt: skip
    return max(late)[1] if late else None


def missed_latency(facts: Facts) -> str:
    """Return the first latency that was missed, as the end of a sentence: '; p99 latency from due 4.77 s', or ""."""
    late = [one for one in facts.checks if one.ok is False and one.actual and threshold_words.unit(one.name) == "ms"]
    return "".join(f"; {threshold_words.title(one.name)} {words.milliseconds(one.actual or 0)}" for one in late[:1])


def _less_for_each_process(facts: Facts) -> str:
    if facts.model in ONE_PROCESS:
        return f"{LESS}, or make the server faster."
    return f"{LESS}, or set PROCESSES={2 * int(facts.server.get('processes_wanted') or 1)} (or auto)."


def level(facts: Facts) -> Said:
    """Return why the first level of a load shape that did not pass decides, and what to do; None if none does."""
    levels = facts.figures.levels
    if levels is None or not (levels.missed or levels.doubts):
        return None
    missed = [check for check in levels.checks if check.ok is False]
    why, remedy = _of_level(facts, missed[0]) if missed else ("", "")
    return f"{words.sentence(levels.line)}{why}", remedy


def _of_level(facts: Facts, check: Check) -> tuple[str, str]:
    if remedy := of_few_messages(facts, check):
        return f". {words.sentence(TOO_SMALL)}: {KEPT_UP}", remedy
    return of_slow_replies(facts, check)
