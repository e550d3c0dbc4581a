"""Public names, repeated here on purpose: a test compares each with its source."""

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
    "generator-limit",
)
# The servers of the lab's story, in its order.
STORY = ("sync", "threaded", "prefork", "busy", "select", "poll", "epoll", "asyncio", "tutorial")
# The files that the master writes; `lab` adds logs/.
ARTEFACTS = {
    "verdict.json",
    "junit.xml",
    "summary.md",
    "timeline.csv",
    "stats.csv",
    "failures.csv",
    "latency.hlog",
    "report.html",
    "locust.html",
    "env.json",
}
