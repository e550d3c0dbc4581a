"""The public interfaces, written out: names, defaults, fields.

tests/meta/test_interfaces.py holds the programs to them.
A line here changes only with a reason that a user would accept. More may be added to what the programs offer.
"""

#: `python -m lab VERB`, and each is a make target.
COMMANDS = ("setup", "up", "down", "load", "ci", "report", "status", "logs", "clean", "bench-load", "bench-server")

#: The lab's variables and their defaults, "" for those that are unset. TIME is 30s for `ci`.
VARIABLES = {
    "USERS": "800",
    "RATE": "200",
    "TIME": "60s",
    "WORKERS": "2",
    "SCENARIO": "hold",
    "EVERY": "10",
    "SIZE": "20",
    "TIMEOUT": "10",
    "TARGET": "",
    "WAIT": "",
    "MODEL": "select",
    "APP": "echo",
    "PACE": "open",
    "ARRIVALS": "even",
    "SOURCES": "",
    "MAX_CONNECTIONS": "",
    "PROCESSES": "1",
    "FRAMING": "line",
    "PAGE_PORT": "8089",
    "SERVER_PORT": "8686",
    "ENGINE": "auto",
    "BASE_IMAGE": "",
    "SERVER_CPUS": "0",
    "SERVER_MEM": "1g",
    "WORKER_CPUS": "0",
    "WORKER_MEM": "1g",
    "MIN_HELD": "",
    "MAX_FAILURES": "0",
    "MAX_P99_MS": "1000",
    "MIN_MESSAGES_S": "",
}

#: Flags of `python -m server` and their defaults; each is also a variable: --max-message is SERVER_MAX_MESSAGE.
SERVER_FLAGS = {
    "--host": "127.0.0.1",
    "--port": "8686",
    "--admin-host": "127.0.0.1",
    "--admin-port": "8687",
    "--model": "select",
    "--processes": "1",
    "--framing": "line",
    "--app": "hello",
    "--work-ms": "10",
    "--block-ms": "0",
    "--log-sync": "no; tutorial: yes",
    "--max-connections": "as descriptors allow; select: 1000; threaded: 4000; prefork: 8; sync: 1",
    "--at-cap": "refuse",
    "--max-message": "65536",
    "--idle-timeout": "0",
    "--message-timeout": "30",
    "--drain-timeout": "5",
    "--backlog": "1024; sync, tutorial: 10",
    "--tls-cert": "unset",
    "--tls-key": "unset",
    "--log-level": "info",
}

#: Metrics of the server, with their labels.
SERVER_METRICS = {
    "holdfast_server_connections": (),
    "holdfast_server_max_connections": (),
    "holdfast_server_accepted_total": (),
    "holdfast_server_refused_total": (),
    "holdfast_server_closed_total": ("reason",),
    "holdfast_server_messages_total": (),
    "holdfast_server_replies_total": (),
    "holdfast_server_bytes_total": ("direction",),
    "holdfast_server_loop_lag_seconds": (),
    "holdfast_server_loop_turns_total": (),
    "holdfast_server_backlog": (),
    "holdfast_server_info": ("app", "framing", "model"),
    "holdfast_server_log_dropped_total": (),
    "holdfast_server_unfinished_total": (),
    "holdfast_server_accept_errors_total": (),
    "holdfast_server_processes": (),
    "holdfast_server_processes_wanted": (),
    "holdfast_server_respawns_total": (),
    "holdfast_server_process_connections": ("process",),
    "holdfast_server_process_accepted_total": ("process",),
    "holdfast_server_process_refused_total": ("process",),
    "holdfast_server_process_closed_total": ("process", "reason"),
    "holdfast_server_process_messages_total": ("process",),
    "holdfast_server_process_replies_total": ("process",),
    "holdfast_server_process_bytes_total": ("direction", "process"),
    "holdfast_server_process_loop_lag_seconds": ("process",),
    "holdfast_server_process_pid": ("process",),
    "holdfast_server_process_memory_bytes": ("process",),
    "holdfast_server_process_cpu_seconds_total": ("process",),
    "process_cpu_seconds_total": (),
    "process_resident_memory_bytes": (),
    "process_open_fds": (),
    "process_max_fds": (),
}

#: How a connection can end, by the server's count: `reason` of holdfast_server_closed_total.
CLOSED_REASONS = (
    *("client", "reset", "timed-out", "idle", "message-timeout", "too-long", "answered", "drain", "cut", "lost"),
    *("failed", "tls"),
)

#: Metrics of the master, with their labels. A counter by reason is there once it has counted something.
LOAD_METRICS = {
    "holdfast_load_held": (),
    "holdfast_load_users": (),
    "holdfast_load_workers": (),
    "holdfast_load_running": (),
    "holdfast_load_server_held": (),
    "holdfast_load_connects_total": (),
    "holdfast_load_connects_attempted_total": (),
    "holdfast_load_drops_total": ("reason",),
    "holdfast_load_reconnects_total": (),
    "holdfast_load_messages_total": ("outcome",),
    "holdfast_load_bytes_total": ("direction",),
    "holdfast_load_failures_total": (),
    "holdfast_load_events_total": ("kind",),
    "holdfast_load_latency_seconds": ("kind", "quantile"),
    "holdfast_load_latency_seconds_count": ("kind",),
    "holdfast_load_latency_seconds_sum": ("kind",),
    "holdfast_load_worker_lag_seconds": ("worker",),
    "holdfast_load_worker_lag_max_seconds": ("worker",),
    "holdfast_load_worker_cpu_share": ("worker",),
}

#: Fields of /lab/state.json.
STATE = {"state", "users", "held", "server_held", "server", "server_processes", "workers"}
STATE_SERVER = {"model", "max_connections", "messages_s", "cpu_share", "processes", "processes_wanted", "respawns"}
STATE_PROCESS = {"process", "held"}
STATE_WORKER = {"id", "state", "users", "held", "lost", "cpu_share", "lag_p99_ms", "lag_max_ms", "report_age_s"}

#: Fields of verdict.json, by the path to them.
VERDICT_SCHEMA = 1
VERDICT = {
    "": {
        *("schema", "verdict", "exit_code", "reasons", "run", "held", "connections", "messages", "latency_ms"),
        *("generator", "server", "thresholds", "ledger"),
    },
    "run": {"scenario", "users", "rate", "time_s", "workers", "target", "started_utc", "ended_utc"},
    "held": {"steady_min", "peak", "server_steady_min"},
    "connections": {"attempted", "connected", "failed", "dropped", "reconnects"},
    "messages": {
        *("due", "sent", "answered", "wrong", "late", "unanswered", "unsent", "waiting", "missing"),
        *("oldest_waiting_s", "per_s"),
    },
    "latency_ms": {"connect", "from_sent", "from_due", "first_byte"},
    "generator": {"workers"},
    "ledger": {"reconciled", "rows", "events", "unknown", "workers"},
}
PERCENTILES = {"p50", "p95", "p99", "p99_9", "max"}
THRESHOLD = {"name", "limit", "actual", "ok", "title", "unit", "text"}

#: Columns of timeline.csv and failures.csv, the first ones of stats.csv, and its rows of each run; a message has
#: the name that the request has.
TIMELINE = "time_utc,elapsed_s,users,held,server_held,connects_s,messages_s,failures_s,p50_ms,p99_ms"
STATS = "type,name,requests,failures,bytes,p50_ms,p95_ms,p99_ms,p99_9_ms,max_ms"
FAILURES_CSV = "type,name,failure,count,example"
REQUEST_TYPE = "TCP"
ROWS = ("connect", "reconnect", "drop")
