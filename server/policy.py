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
