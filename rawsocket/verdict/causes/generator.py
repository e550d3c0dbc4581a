"""Pure: causes of a run that says nothing about the server: it was cut short, broke, or its generator was the limit."""

from rawsocket.verdict import remedies, run_errors, saturation, words
from rawsocket.verdict.observed import Facts
from rawsocket.verdict.remedies import Said

# -- what makes any run unknown -----------------------------------------------------------------------------------


def interrupted(facts: Facts) -> Said:
    """Somebody ended it."""
    if not facts.figures.interrupted:
        return None
    of = f" of {words.seconds(facts.time_s)}" if facts.time_s else ""
    when = f"after {words.seconds(facts.at_stop_s)}{of}" if facts.at_stop_s else "before its end"
    return f"The run was interrupted {when}", "Run it again to its end."


def out_of_memory(facts: Facts) -> Said:
    """The kernel killed a part of the lab."""
    killed = [one for one in facts.lab if one.name == "out-of-memory"]
    if not killed:
        return None
    setting = "SERVER_MEM" if killed[0].part.startswith("server") else "WORKER_MEM"
    return words.sentence(killed[0].text), f"Raise {setting}, or lower USERS."


def broken(facts: Facts) -> Said:
    """A task of the master, or a worker, has failed."""
    if not facts.figures.run_errors:
        return None
    return words.sentence(facts.figures.run_errors[0]), "Look in the master's log (logs/master.log)."


def scenario(facts: Facts) -> Said:
    """The scenario raised an exception."""
    reasons = run_errors.scenario(facts.figures.scenario_errors)
    remedy = "Correct the scenario; the worker's log (logs/worker-1.log) has the traceback."
    return (words.sentence(reasons[0]), remedy) if reasons else None


def refused_by_worker(facts: Facts) -> Said:
    """A worker refused a setting, and nothing was measured."""
    if facts.figures.attempted or not facts.notes:
        return None
    return words.sentence(facts.notes[0]), ""


def no_workers(facts: Facts) -> Said:
    """Fewer workers came than were wanted."""
    came, wanted = len(facts.figures.workers), facts.figures.workers_wanted
    if came >= max(wanted, 1):
        return None
    said = f"Only {came} of {words.count(wanted, 'worker')} came" if came else "No worker came"
    return said, "Look in the workers' logs (logs/worker-1.log) for why."


def worker_lost(facts: Facts) -> Said:
    """A worker was lost."""
    if not (lost := [worker for worker in facts.figures.workers if worker.lost]):
        return None
    more = f", and {words.count(len(lost) - 1, 'more worker')}" if lost[1:] else ""
    name, fact = words.sentence(lost[0].label), facts.fact("worker")
    text = fact.said(name) if fact else f"{name} was lost: {lost[0].lost}"
    return f"{text}{more}", remedies.of_end(facts, "worker")


# -- doubts about the generator -----------------------------------------------------------------------------------


def shortage(facts: Facts) -> Said:
    """The generator's machine ran short."""
    number = facts.figures.limited
    if not number:
        return None
    what, remedy = remedies.shortage(facts.figures.limit_example)
    return f"The load generator's machine had {what} ({words.times(number)})", remedy


def nothing_measured(facts: Facts) -> Said:
    """No connection was attempted."""
    if facts.figures.attempted:
        return None
    return "Nothing was measured: no connection was attempted", "Give the run users, and more TIME."


def too_short(facts: Facts) -> Said:
    """It ended before its steady window."""
    if facts.figures.levels is not None or (facts.figures.steady_s and facts.figures.held_min is not None):
        return None
    return "The run ended before 2 s after its ramp had passed", "Set TIME above USERS / RATE + 3 s."


def saturated(facts: Facts) -> Said:
    """A worker was late."""
    for worker in facts.figures.workers:
        if found := saturation.main_cause(worker, facts.figures.max_lag_ms):
            text, remedy = found
            return words.sentence(text), f"{words.sentence(remedy)}."
    return _too_few_reports(facts)


def _too_few_reports(facts: Facts) -> Said:
    limit = facts.figures.max_lag_ms
    doubts = saturation.doubts(facts.figures.workers, limit)
    return (words.sentence(doubts[0]), "Raise TIME.") if doubts else None
