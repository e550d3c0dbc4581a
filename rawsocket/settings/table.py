"""Every setting of master and workers, in one table. Pure: the lab imports it for the settings that it shares.

- RUN: what a run does.
- OPTIONS and THRESHOLDS: what the users do and what the verdict judges. These are flags on Locust's command line and
  fields of the page's form as well.
- PROCESS: where a process of the lab finds the others. HOLDFAST_* variables, no flags; compose.yaml or lab sets them.

SCENARIO can be any text here: the program that reads it checks that the file exists.
"""

from rawsocket.settings.endpoints import COLLECTOR, METRICS
from rawsocket.settings.row import (
    ADDRESS,
    ADDRESSES,
    BOOLEAN,
    DAY_S,
    DURATION,
    JSON,
    NAMES,
    PASSWORD,
    PORT,
    TEXT,
    Kind,
    Setting,
    number,
    one_of,
    whole,
)
from rawsocket.settings.thresholds import THRESHOLDS as THRESHOLDS  # a part of this table
from rawsocket.target import DEFAULT as OWN_SERVER
from rawsocket.target import parse as parse_target

LARGEST_SIZE = 1 << 24
#: The lag of a worker, p99 in milliseconds, that a run may have. Measured: 1 to 10 ms for two workers with 400 users
#: each on two cores, with one to eight busy loops beside them; 3 to 18 ms with 10,000 users at a message a second each;
#: 95 ms and more for a worker that runs for 5 ms of every 100.
DEFAULT_LAG_LIMIT_MS = 50
#: Seconds from the end of the ramp to the steady window. By then the effects of the ramp are over, and what the server
#: counted during the ramp is too old to be shown beside a steady second (master/server_probe.py: STALE_S).
STEADY_AFTER_S = 2.0


def _target(text: str) -> str:
    try:
        return parse_target(text).url
    except ValueError as error:
        raise ValueError(str(error).removeprefix(f"target {text!r}: ")) from None


def _usage(text: str) -> str:
    if text != ENGINE and not text.isdecimal():
        raise ValueError(f"expected {ENGINE}, or the id of a process")
    return text


TARGET = Kind(_target, "tcp://HOST:PORT")
ENGINE = "engine"
USAGE = Kind(_usage, "engine|PID")

RUN = (
    Setting("users", whole(1), "800", "users of a run; one user holds one connection",
            "fits into what select holds, 1000"),
    Setting("rate", number(0, above=True), "200", "users started a second",
            "800 users are there after 4 s"),
    Setting("time", DURATION, "60s", "length of a run, its ramp included (60s, 2m, 1h30m)",
            "a steady window of about 54 s"),
    Setting("workers", whole(0, 1000), "2", "worker containers (or processes)",
            "one worker uses one processor; two show that held connections add up"),
    Setting("scenario", TEXT, "hold", "what the users do: a file of locustfiles/ or conversations/, without its suffix",
            "holding connections is the purpose"),
    Setting("headless", BOOLEAN, "false", "true: run once without the page, and end with the verdict as exit code",
            "the page starts and stops runs by default"),
    Setting("verbose", BOOLEAN, "no", "yes: a run without the page prints all figures and the ledger before its result",
            "the short result says what decided; the report has the rest"),
    Setting("sources", ADDRESSES, None, "addresses that a worker connects from, in turn (a,b); unset: as routed",
            "one address has about 28,000 ports to one target"),
    Setting("spread", BOOLEAN, "no", "yes: connect to all addresses of the target's name in turn, not to the first",
            "most names with several addresses are one server"),
    Setting("reconnect_jitter", BOOLEAN, "yes",
            "no: users wait exactly 0.5, 1, 2 s ... before they reconnect, not a random part of it",
            "clients that come back all at once overload a server"),
    Setting("target", TARGET, None, "tcp://host:port (or tls://host:port) to load instead of the lab's own server",
            "load goes only where the user says"),
    Setting("target_metrics", METRICS, None,
            "Prometheus endpoint of the target: up to eight series are shown",
            "what the server does is in its own metrics"),
    Setting("otel_exporter_otlp_endpoint", COLLECTOR, None,
            "collector that the figures go to each second, by OTLP over HTTP",
            "OpenTelemetry's own name of the variable"),
    Setting("scenario_settings", JSON, None, "settings that the scenario declares, as JSON: {\"TOPIC\": \"news\"}",
            "compose passes a fixed list of variables"),
    Setting("wait", DURATION, None, "how long to wait for a TARGET that is still starting (30s, 2m); unset: not at all",
            "a wrong address is an error at once"),
    Setting("check", one_of("auto", "yes", "no"), "auto",
            "auto: a conversation is played once before a run; yes: any session; no: nothing",
            "10,000 users should not start a conversation that fails for one"),
    # Files as the workers see them. Locust has --tls-cert and --tls-key for its page, so these are no flags of Locust.
    Setting("tls_ca", TEXT, None, "PEM file of the certificates that a tls:// target may have or be issued by",
            "unset: those that the system trusts"),
    Setting("tls_name", TEXT, None, "server name that is asked for (SNI) and that the certificate must have",
            "unset: the target's host"),
    Setting("tls_cert", TEXT, None, "PEM file of the client's certificate; {number} stands for the user's number",
            "few servers want one"),
    Setting("tls_key", TEXT, None, "PEM file of its key, without a password; unset: it is in TLS_CERT",
            "{number} as in TLS_CERT"),
    Setting("tls_verify", BOOLEAN, "yes", "no: any certificate of the target is accepted",
            "a server that only claims to be the target must not be loaded unnoticed"),
)  # fmt: skip

OPTIONS = (
    Setting("every", number(0, DAY_S), "10", "seconds between two messages of a connection; 0: silent",
            "enough traffic to see that a connection lives"),
    Setting("size", whole(1, LARGEST_SIZE), "20", "bytes of a message's payload",
            "16 MiB at most: a worker keeps each message until its reply is complete"),
    Setting("timeout", number(0, DAY_S, above=True), "10",
            "seconds until a connect, a send or a reply counts as failed", "no caller waits longer"),
    Setting("app", one_of("hello", "echo", "work"), "echo", "what the server answers",
            "an echo shows that the reply belongs to the message"),
    Setting("pace", one_of("open", "closed"), "open",
            "open: messages due on a fixed grid; closed: after the reply",
            "a slow server must not slow the load down"),
    Setting("arrivals", one_of("even", "poisson"), "even", "how the connects of a second are spread",
            "even connects make runs comparable"),
    Setting("max_lag_ms", number(0, above=True), str(DEFAULT_LAG_LIMIT_MS),
            "limit of a worker's p99 lag in milliseconds; above it the run is unknown",
            "lateness adds to each latency; raise it only on a busy machine, where your thresholds are far above"),
    Setting("framing", one_of("line", "chunk"), "line", "how messages are separated, on both sides",
            "TCP keeps no message boundaries, a newline does"),
)  # fmt: skip


def _process(name: str, kind: Kind, default: str | None, help: str, why: str) -> Setting:
    return Setting(name, kind, default, help, why, prefix="HOLDFAST_")


PROCESS = (
    _process("server", TARGET, OWN_SERVER.url, "tcp://host:port of the lab's own server, for when TARGET is unset",
             "its name and port in compose.yaml"),
    _process("server_admin", TEXT, "http://server:8687",
             "address of the server's /metrics; empty: none, as with TARGET",
             "its name and port in compose.yaml"),
    _process("server_name", TEXT, None, "what runs in the place of the lab's own server, for page and report",
             "unset: the lab's own server, or a TARGET"),
    _process("server_wait", number(0), "0", "seconds that the master waits before it starts until that server listens",
             "the lab's own server says itself that it is ready"),
    _process("server_usage", USAGE, None,
             "where its CPU and memory come from: engine (the lab tells), or the id of its process; unset: nowhere",
             "a server of the user's has no counters that we know"),
    _process("target", TARGET, None, "the only target that workers load; set by `python -m rawsocket` from TARGET",
             "a host typed into the page must not become a target"),
    _process("conversation", TEXT, None,
             "JSON file with the plan of a conversation, which users then play; SCENARIO is its name",
             "workers need neither the conversation's own file nor YAML"),
    _process("check_target", BOOLEAN, "true", "whether the master connects to TARGET before a run without the page",
             "a server that counts its connections may want only those of the run"),
    _process("way_out", BOOLEAN, "true", "whether workers reach targets outside of their own network",
             "compose.yaml sets false: its network for the load has no way out"),
    _process("page_host", TEXT, "127.0.0.1", "address that the page is served on", "nothing is public by default"),
    _process("page_published", ADDRESS, "127.0.0.1",
             "address under which this machine publishes the page; any but a loopback needs HOLDFAST_PAGE_PASSWORD",
             "in a container the page is on all addresses, and its host decides on one"),
    _process("page_user", TEXT, "holdfast", "name for the page's login", "one person, or one team, uses a lab"),
    _process("page_password", PASSWORD, None, "password for the page's login; unset: no login",
             "on this machine alone the page needs none"),
    _process("page_port", PORT, "8089", "port of the page", "Locust's own"),
    _process("page_names", NAMES, "localhost,127.0.0.1,[::1],master",
             "host names under which the page accepts a change (a,b)",
             "another site must not press the page's buttons by a name of its own"),
    _process("master", TEXT, "127.0.0.1", "address of the master, for the workers",
             "one machine is the default"),
    _process("master_port", PORT, "5557", "port of the master, for the workers", "Locust's own"),
    _process("master_bind", TEXT, "127.0.0.1", "address that the master accepts workers on",
             "nothing is public by default"),
    _process("master_published", TEXT, None,
             "address under which others reach the port of the workers; unset: HOLDFAST_MASTER_BIND",
             "a container listens on all addresses, and its network decides who reaches it"),
    _process("cluster_key", PASSWORD, None,
             "key that master and workers share: they authenticate each other and encrypt; unset: neither",
             "on one machine the lab makes one for each start"),
    _process("linger", BOOLEAN, "true", "whether a headless worker stays until it is stopped, 300 s at most",
             "a worker that leaves first makes compose stop the master before it has a verdict"),
    _process("runs", TEXT, None, "folder that a run's artefacts are written to; unset: none are written",
             "a run from the page is looked at there"),
    _process("run_folders", BOOLEAN, "false", "true: a run from the page has a folder of its own below HOLDFAST_RUNS",
             "a second run must not overwrite the files of the first"),
    _process("locustfiles", TEXT, "locustfiles", "folders of scenarios; the first that has SCENARIO wins (A:B)",
             "a folder outside of a clone has own scenarios, and Holdfast its built-in ones"),
    _process("progress", one_of("text", "json"), "text",
             "how a master without the page reports: text, or json: a line a second and the result",
             "compose alone shows the master's lines as they are"),
    _process("min_life_s", number(0), "0", "seconds that the master stays at least",
             "compose loses the exit code of a master that ends while the workers start; compose.yaml sets 8"),
)  # fmt: skip

TABLE = (*RUN, *OPTIONS, *THRESHOLDS, *PROCESS)
BY_NAME = {setting.variable: setting for setting in TABLE}
