"""Rules that hold for a connection in every model: how much output may wait, how long a closing one lingers."""

#: A deadline that is not set (monotonic seconds).
NEVER = float("inf")

#: Bytes of waiting output over which reading pauses, and below which it resumes. HIGH_MARK is about what a socket
#: buffer takes at first; the gap keeps a slow reader from switching the loop's interest with each reply.
HIGH_MARK = 65_536
LOW_MARK = 16_384

#: How long the input of a closing connection is discarded: until the peer has been silent for LINGER_SILENCE, for
#: LINGER_SECONDS at most (nginx's lingering_timeout and lingering_time are 5 and 30 s; here room under the cap matters
#: more).
LINGER_SILENCE = 2.0
LINGER_SECONDS = 30.0

#: Seconds after the kernel until a server knows that a connection has ended. NOTICE_SECONDS: in a loop that accepts
#: itself; it looks at all its connections at least once a millisecond (see `readiness/pollers.py`). The other one: in
#: another thread or process, which first has to get the CPU, and in asyncio, which takes several turns. For so long, a
#: new connection at the cap waits for room before it is refused.
NOTICE_SECONDS = 0.01
NOTICE_ELSEWHERE_SECONDS = 0.25
