"""`python -m rawsocket master|worker`: the processes of a lab, in a container or on the host alike.

`python -m rawsocket check` plays one round of the scenario on one connection (check/program.py).

Settings come from the environment and are checked before Locust is imported: an invalid one gives one line on
stderr and exit code 2. Then Locust runs in this process, so its signals and its exit code are those of
this process.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rawsocket import target_check
from rawsocket.conversation import plan as conversation
from rawsocket.settings import declared, find_scenario
from rawsocket.settings.plan import Plan, UsageError, from_environ, read_setting, tls_settings, without_empty
from rawsocket.target import parse as parse_target

USAGE = "usage: python -m rawsocket master|worker|check (settings come from the environment: USERS, RATE, TIME, ...)"
CONVERSATION = Path(__file__).parent / "conversation" / "locustfile.py"
LINGER_S = 300.0
INTERRUPTED = 130


def scenario_folders() -> list[Path]:
    """Return the folders of scenarios, from HOLDFAST_LOCUSTFILES."""
    return find_scenario.folders(read_setting(os.environ, "HOLDFAST_LOCUSTFILES"))


def master_arguments(plan: Plan) -> list[str]:
    """Return Locust's command line for the master. Never `--headless`: the page is up in every mode."""
    return [
        "locust",
        "--master",
        f"--locustfile={locustfile(plan)}",
        f"--host={plan.target}",
        f"--users={plan.users}",
        f"--spawn-rate={plan.rate:g}",
        f"--web-host={plan.page_host}",
        f"--web-port={plan.page_port}",
        *(["--web-login"] if plan.page_password else []),
        f"--master-bind-host={plan.master_bind}",
        f"--master-bind-port={plan.master_port}",
        *(f"--{name.replace('_', '-')}={value}" for name, value in plan.options.items()),
    ]


def worker_arguments(plan: Plan) -> list[str]:
    """Return Locust's command line for a worker; the lab's flags come from the master with each run."""
    return [
        "locust",
        "--worker",
        f"--locustfile={locustfile(plan)}",
        f"--host={plan.target}",
        f"--master-host={plan.master_host}",
        f"--master-port={plan.master_port}",
    ]


def locustfile(plan: Plan) -> Path:
    """Return the file that has the user classes."""
    return CONVERSATION if plan.conversation else find_scenario.find(plan.scenario, scenario_folders())


def check_ports(plan: Plan) -> None:
    """Check, before Locust starts, that the master's two ports are free."""
    for host, port, name in (
        (plan.page_host, plan.page_port, "HOLDFAST_PAGE_PORT"),
        (plan.master_bind, plan.master_port, "HOLDFAST_MASTER_PORT"),
    ):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise UsageError(
                    f"cannot listen on {host}:{port}: {error.strerror}; end what uses it, or set {name} to a free port"
                ) from None


def check_sources(plan: Plan) -> None:
    """Check, before the run, that this machine has the source addresses."""
    for source in plan.sources:
        with socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((source, 0))
            except OSError as error:
                raise UsageError(
                    f"SOURCES={','.join(plan.sources)}: {source} can't be used: {error.strerror}; "
                    "name addresses that this machine (or container) has"
                ) from None


def settings_of_scenario(plan: Plan) -> dict[str, str]:
    """Return {variable: text} of the settings that the scenario declares, if they are given."""
    try:
        if plan.conversation:
            conversation.load(plan.conversation)
            return {}
        return declared.checked(declared.read(locustfile(plan)), os.environ, plan.scenario)
    except ValueError as error:
        raise UsageError(str(error)) from None


def check_tls(plan: Plan) -> None:
    """Check, before the run, that the files of TLS can be used; only after Locust has patched the process."""
    from rawsocket.engine.tls.configuration import Tls
    from rawsocket.engine.tls.context import context_for

    try:
        tls = Tls().with_defaults(**tls_settings(os.environ))
        if parse_target(plan.target).tls and not tls.is_per_user:
            context_for(tls)
    except ValueError as error:
        raise UsageError(str(error)) from None


def prepare(role: str) -> Plan:
    """Read the settings and set the variables that Locust, the scenario and the library read."""
    plan = from_environ(os.environ, find_scenario.names(*scenario_folders()))
    # LOCUST_HEADLESS and its like would change what the command line below asks for.
    locusts = {name for name in os.environ if name.startswith("LOCUST_")}
    for name in (set(os.environ) - set(without_empty(os.environ))) | locusts:
        del os.environ[name]
    if role == "master":
        check_ports(plan)
    elif role == "worker":
        check_sources(plan)
    if plan.foreign and not plan.wait_s:  # with WAIT, its name may become known only while the run waits for it
        target_check.look_up(parse_target(plan.target))
    if role == "master" and plan.server_wait_s and not plan.headless:  # a headless run waits for it, headless.py
        target_check.wait_for_server(parse_target(plan.target), plan.server_wait_s, _say)
    os.environ["HOLDFAST_TARGET"] = plan.target
    os.environ.update(settings_of_scenario(plan))
    if role == "check":
        return plan
    sys.argv = master_arguments(plan) if role == "master" else worker_arguments(plan)
    return plan


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def run(role: str, plan: Plan) -> int:
    """Run Locust to its end; return the exit code."""
    import gevent
    import locust.main

    from rawsocket import locust_patches, scenario_file
    from rawsocket.attach import attach
    from rawsocket.master.messages import cluster_key

    main_greenlet = gevent.getcurrent()
    locust_patches.read_no_config_files()
    locust_patches.hide_warnings()
    locust_patches.load_locustfiles_through(scenario_file.load)
    sockets = cluster_key.Sockets(plan, lambda error: gevent.kill(main_greenlet, error))
    locust_patches.prepare_sockets_through(sockets.prepare)
    if role == "master" and (warning := cluster_key.exposed(plan)):
        _say(warning)
    if role == "worker":
        check_tls(plan)
    attachment = attach(plan)
    try:
        locust.main.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if role == "worker" and plan.headless and plan.linger and not attachment.signalled:
        stay()
    return code


def check(plan: Plan) -> int:
    """Play the scenario once; return the exit code."""
    import locust

    from rawsocket import locust_patches
    from rawsocket.check import program

    assert locust.__version__  # it has patched the process
    locust_patches.hide_warnings()
    check_tls(plan)
    return program.run(plan, str(locustfile(plan)))


def stay() -> None:
    """Wait for SIGTERM or SIGINT, bounded; the hub is not run any more, so plain signal handlers are set."""
    import gevent.monkey

    from rawsocket.worker.agent import linger

    caught: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _: caught.append(signum))
    linger(LINGER_S, lambda: bool(caught), gevent.monkey.get_original("time", "sleep"))


def main(arguments: Sequence[str]) -> int:
    """Run the program for these arguments; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in ("master", "worker", "check"):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        plan = prepare(arguments[0])
        # Until Locust sets its own: as process 1, no signal would end this process.
        signal.signal(signal.SIGTERM, _leave)
        if arguments[0] == "check":
            return check(plan)
        return run(arguments[0], plan)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _leave(*_: object) -> NoReturn:
    sys.exit(INTERRUPTED if "--master" in sys.argv else 0)


def outlive_start(started: float) -> None:
    """Stay until HOLDFAST_MIN_LIFE_S seconds after `started` (of the monotonic clock), or until a signal comes.

    compose loses the exit code of a master that ends while it still starts the workers (1.29, 2.26), or hangs.
    """
    try:
        left = started + float(read_setting(os.environ, "HOLDFAST_MIN_LIFE_S")) - time.monotonic()
    except UsageError:
        return  # `main` has printed the reason
    if left > 0:
        signal.sigtimedwait({signal.SIGTERM, signal.SIGINT}, left)


def whole_life() -> int:
    """Run the process from its start to its end."""
    started = time.monotonic()
    code = main(sys.argv[1:])
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    outlive_start(started)
    return code


if __name__ == "__main__":
    sys.exit(whole_life())
