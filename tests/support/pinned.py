"""Names that the outside relies on, written down once more than in the code: a test holds each against its source."""

FAILURES = (
    "refused",
    "connect-timeout",
    "server-full",
    "reset",
    "closed",
    "reply-timeout",
    "send-timeout",
    "short",
    "too-long",
    "wrong",
    "tls",
)
# The servers of the story that the lab tells, in its order.
STORY = ("sync", "threaded", "prefork", "busy", "select", "poll", "epoll", "asyncio", "tutorial")
# What the master writes; `lab` adds logs/.
ARTEFACTS = {
    "verdict.json",
    "junit.xml",
    "summary.md",
    "timeline.csv",
    "stats.csv",
    "failures.csv",
    "latency.hlog",
    "report.html",
    "env.json",
}
