"""Pure: what a stalled server must do to latencies counted from when each message was due.

A server stands still for S seconds. Each of N connections has a message due every p seconds, at a random phase, and
at most one message in flight. Take what was due x seconds after the stall began.

If catching up took no time, it would be answered when the stall ends, S - x after it was due: that is so for the
message in flight, and for those that wait behind it on their connection. So latencies are evenly spread from 0 to S,
and a share 1 - q of all M messages of a run are later than what was due at x when (N / p) x = (1 - q) M:

    L(q) = S - (1 - q) (M / N) p                            for example 2 - 0.01 * 200 * 0.1 = 1.8 s

M and not the length of the run stands in it: it is exact, it counts what the run really sent, and what a run gains or
loses at its two ends is in it.

Catching up takes time. With one message in flight, the connections take turns, in the order in which their messages
were due, and each round of N takes r seconds (N times what one message costs the slower side). Then the message that
was due at x = a + k p, the k-th of a connection with phase a, is answered in round k at the connection's own place in
it, S + (k + a / p) r = S + x r / p. That is a queue, first in, first out: everything that was due before is answered
before. With f = r / p, the share of the time that catching up leaves no room for, its latency is

    S - x (1 - f)          and so          L(q) = S - (1 - q) (M / N) p (1 - f)

which also holds for what falls due while the backlog is worked off; it is gone when S - x (1 - f) = 0. From the end of
the stall that takes D = x - S = S f / (1 - f) seconds, so 1 - f = S / (S + D). D is seen at the server, whose count of
messages is behind the line of what was due until then: what the generator says of itself is not used.
"""

from collections.abc import Sequence


def implied(quantile: float, stall_s: float, period_s: float, connections: int, messages: int, drain_s: float) -> float:
    """Seconds of latency from due that the stall implies at `quantile`; `drain_s` 0 is catching up in no time."""
    due_s = (1 - quantile) * messages / connections * period_s
    return max(0.0, stall_s - due_s * stall_s / (stall_s + drain_s))


def drain_s(bins: Sequence[int], bin_s: float, stopped_s: float, continued_s: float, rate: float) -> float:
    """Seconds from the end of the stall until the server has had all messages that were due by then.

    `bins` are the messages in bins of `bin_s`, the two moments are counted from the first bin on, `rate` is the
    messages due a second. The line is taken over half a second before the stall, so that no single bin decides;
    within a hundredth of the backlog counts as reached, for phases are not quite even.
    """
    before = int(stopped_s / bin_s)
    lead = min(before, round(0.5 / bin_s))
    # The line of what was due, through the middle of the half second before the stall.
    level = sum(bins[:before]) - sum(bins[before - lead : before]) * 0.5
    middle = (before - lead / 2) * bin_s
    count, slack = sum(bins[:before]), 0.01 * rate * (continued_s - stopped_s)
    for number in range(before, len(bins)):
        count += bins[number]
        end = (number + 1) * bin_s
        if end > continued_s and count + slack >= level + rate * (end - middle):
            return end - continued_s
    return len(bins) * bin_s - continued_s
