"""Pure: the latencies, counted from when each message was due, that a stall of the server must cause.

The server stops for S seconds. Each of N connections has a message due every p seconds, at a random phase, and at most
one message in flight. Take a message that was due x seconds after the stall began.

If catching up took no time, it would be answered at the end of the stall, S - x after it was due: the message in flight
as well as those that wait behind it on their connection. So latencies are evenly spread from 0 to S, and a share 1 - q
of all M messages of a run were due before x, and so are later than S - x, when (N / p) x = (1 - q) M:

    L(q) = S - (1 - q) (M / N) p                            for example 2 - 0.01 * 200 * 0.1 = 1.8 s

The formula uses M, not the length of the run: M is exact, it counts the messages that were really sent, and it includes
the gains and losses at both ends of the run.

Catching up takes time. With one message in flight, the connections proceed in rounds, in the order in which their
messages were due; a round of N takes r seconds (N times what one message costs the slower side). The message due at
x = a + k p, the k-th of a connection with phase a, is answered in round k at the connection's place in it, at
S + (k + a / p) r = S + x r / p. That is a first-in, first-out queue. With f = r / p its latency is

    S - x (1 - f)          and so          L(q) = S - (1 - q) (M / N) p (1 - f)

This also holds for messages that fall due during the backlog, which ends when S - x (1 - f) = 0. Counted from the end
of the stall that takes D = x - S = S f / (1 - f) seconds, so 1 - f = S / (S + D). D is measured at the server, as the
time for which its count of messages is behind the line of messages due. The generator's own figures are not used.
"""

from collections.abc import Sequence


def implied(quantile: float, stall_s: float, period_s: float, connections: int, messages: int, drain_s: float) -> float:
    """Return the latency from due, in seconds, that the stall must cause; `drain_s` 0: catching up takes no time."""
    due_s = (1 - quantile) * messages / connections * period_s
    return max(0.0, stall_s - due_s * stall_s / (stall_s + drain_s))


def drain_s(bins: Sequence[int], bin_s: float, stopped_s: float, continued_s: float, rate: float) -> float:
    """Return the seconds from the end of the stall until the server has received all messages due by then.

    `bins` are the messages in bins of `bin_s`; the two times are relative to the first bin; `rate` is the number of
    messages due a second. The line of messages due is fitted to the half second before the stall, so that no single
    bin decides. Phases are not quite even, so a hundredth of the backlog may be missing.
    """
    before = int(stopped_s / bin_s)
    lead = min(before, round(0.5 / bin_s))
    # The line of messages due, through the middle of the half second before the stall.
    level = sum(bins[:before]) - sum(bins[before - lead : before]) * 0.5
    middle = (before - lead / 2) * bin_s
    count, slack = sum(bins[:before]), 0.01 * rate * (continued_s - stopped_s)
    for number in range(before, len(bins)):
        count += bins[number]
        end = (number + 1) * bin_s
        if end > continued_s and count + slack >= level + rate * (end - middle):
            return end - continued_s
    return len(bins) * bin_s - continued_s
