"""Servers that nobody here wrote, each an ordinary process on a free port of 127.0.0.1, in a temporary folder.

    with start_redis() as redis:
        ...  # redis.port, redis.target, redis.counters(), redis.wait_for("cmdstat_get", 5), redis.log()

`tests/real/conftest.py` has a fixture for each. A server that is not installed skips the test with a line, or fails it
where HOLDFAST_REQUIRE names `servers`. A new one: a function here and its line in SERVERS, its counters in
counters.py, its package in .ci/run, a smoke test in test_servers.py.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from tests.real import counters
from tests.real.real_server import RealServer, Recipe, start
from tests.support import certificates


def start_redis() -> RealServer:
    """Start Redis (package redis-server). Counters: those of INFO, for example connected_clients."""
    options = ["--port", "{port}", "--bind", "127.0.0.1", "--save", "", "--dir", "{folder}"]
    return start(Recipe("redis-server", "redis-server", options, counters.of_redis))


def start_memcached() -> RealServer:
    """Start memcached. Counters: those of `stats`, for example curr_connections."""
    return start(
        Recipe("memcached", "memcached", ["-l", "127.0.0.1", "-p", "{port}", "-U", "0"], counters.of_memcached)
    )


def start_mosquitto() -> RealServer:
    """Start the MQTT broker Mosquitto, without passwords. Counters: $SYS, for example broker/clients/connected."""
    text = "listener {port} 127.0.0.1\nallow_anonymous true\nsys_interval 1\npersistence false\nmax_connections -1\n"
    return start(Recipe("mosquitto", "mosquitto", ["-c", "{folder}/conf"], counters.of_mosquitto, {"conf": text}))


def start_nats() -> RealServer:
    """Start NATS (package nats-server). Counters: those of /varz, for example in_msgs."""
    options = ["-a", "127.0.0.1", "-p", "{port}", "-m", "{admin}"]
    return start(Recipe("nats-server", "nats-server", options, counters.of_nats))


PG_HBA = """
host all holdfast 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


def start_postgresql() -> RealServer:
    """Start PostgreSQL with the superuser `holdfast`, no password; other users need one (SCRAM).

    Counters: pg_stat_database and pg_stat_activity.
    """
    init = ["initdb", "-D", "{folder}/data", "-U", "holdfast", "-A", "trust", "-N", "--locale=C", "-E", "UTF8"]
    options = ["-D", "{folder}/data", "-p", "{port}", "-c", "listen_addresses=127.0.0.1"]
    options += ["-c", "unix_socket_directories={folder}", "-c", "fsync=off", "-c", "max_connections=300"]
    options += ["-c", "hba_file={folder}/hba"]
    recipe = Recipe(
        "postgresql", "postgres", options, counters.of_postgresql, {"hba": PG_HBA}, init, stop_signal=signal.SIGQUIT
    )
    return start(recipe)


NGINX = """
daemon off;
pid {folder}/pid;
error_log stderr;
worker_processes 1;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_timeout 600s;
  keepalive_requests 1000000;
  server {
    listen 127.0.0.1:{port};
    location = /status { stub_status; }
    location / { default_type text/plain; return 200 "hello\\n"; }
  }
}
"""


def start_nginx() -> RealServer:
    """Start nginx (package nginx-light): / is `hello`. Counters: stub_status, for example active and requests."""
    options = ["-p", "{folder}", "-e", "stderr", "-c", "{folder}/conf"]
    return start(Recipe("nginx-light", "nginx", options, counters.of_nginx, {"conf": NGINX}))


DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mailbox_idle_check_interval = 1 secs
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid={user} gid={group} home={folder}/mail/%u
}
service imap-login {
  chroot =
  inet_listener imap {
    port = {port}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    port = {admin}
  }
  inet_listener pop3s {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
"""
"""`RealServer.admin_port` is that of POP3."""


def start_dovecot() -> RealServer:
    """Start Dovecot: IMAP on `port`, POP3 on `admin_port`; any user, password `secret`. Counter: logins."""
    files = {"conf": DOVECOT}
    options = ["-F", "-c", "{folder}/conf"]
    recipe = Recipe("dovecot-imapd", "dovecot", options, counters.of_dovecot, files, stop_signal=signal.SIGKILL)
    return start(recipe)  # SIGTERM takes it seconds


NGIRCD = """[Global]
Name = irc.example.test
Info = a server of a test
Ports = {port}
Listen = 127.0.0.1
MotdPhrase = hello
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxPenaltyTime = 0
[Options]
PAM = no
DNS = no
Ident = no
SyslogFacility = local1
"""


def start_ngircd() -> RealServer:
    """Start the IRC server ngIRCd. Counters: users, channels and commands; the connection that asks is a user."""
    return start(Recipe("ngircd", "ngircd", ["-n", "-f", "{folder}/conf"], counters.of_ngircd, {"conf": NGIRCD}))


EXIM = """
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
primary_hostname = mail.example.test
keep_environment =
add_environment = PATH=/usr/bin:/bin
local_interfaces = 127.0.0.1
smtp_accept_max = 0
tls_advertise_hosts = *
tls_certificate = {folder}/certificate
tls_privatekey = {folder}/certificate
host_lookup =
rfc1413_hosts =
smtp_enforce_sync = false
acl_smtp_rcpt = accept
acl_smtp_data = discard_all
begin acl
discard_all:
  discard log_message = discarded ${if def:tls_in_cipher {encrypted}{plain}}
"""


def start_exim() -> RealServer:
    """Start Exim (package exim4-daemon-light), which takes any mail and discards it; it has STARTTLS, with the usual
    certificate of tests. Counters: received, and of these encrypted.
    """
    options = ["-C", "{folder}/conf", "-bdf", "-oX", "{port}"]
    files = {"conf": EXIM, "certificate": Path(certificates.server()).read_text()}
    return start(
        Recipe(
            "exim4-daemon-light",
            "exim4",
            options,
            counters.of_exim,
            files,
            log_file="mainlog",
            user="Debian-exim",
            needs_root=True,
        )
    )


RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imtcp" MaxSessions="5000")
input(type="imtcp" port="{port}" address="127.0.0.1")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{folder}/messages" template="raw" asyncWriting="off" flushOnTXEnd="on")
"""


def start_rsyslog() -> RealServer:
    """Start rsyslog, which takes syslog over TCP (RFC 6587) and writes the file `messages`. Counter: messages."""
    options = ["-n", "-f", "{folder}/conf", "-i", "{folder}/pid"]
    return start(Recipe("rsyslog", "rsyslogd", options, counters.of_rsyslog, {"conf": RSYSLOG}))


def start_dnsmasq() -> RealServer:
    """Start dnsmasq (package dnsmasq-base): DNS over TCP and UDP. www.example.test is 192.0.2.1, all else does not
    exist. Counters: queries for addresses, hits, misses, insertions, evictions, cachesize.
    """
    options = ["-k", "-C", "/dev/null", "-p", "{port}", "-a", "127.0.0.1", "-I", "none", "--bind-interfaces"]
    options += ["--no-resolv", "--no-hosts", "--no-poll", "--user={user}", "--group=", "--pid-file={folder}/pid"]
    options += ["--address=/example.test/192.0.2.1", "--log-facility=-", "--log-queries"]
    return start(Recipe("dnsmasq-base", "dnsmasq", options, counters.of_dnsmasq))


VSFTPD = """
listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
run_as_launching_user=YES
anonymous_enable=YES
anon_root={folder}
allow_writeable_chroot=YES
secure_chroot_dir={folder}
seccomp_sandbox=NO
xferlog_enable=YES
xferlog_std_format=NO
log_ftp_protocol=YES
vsftpd_log_file={folder}/log
"""


def start_vsftpd() -> RealServer:
    """Start the FTP server vsftpd, for anonymous users only. Counters: logins, and each command, for example PWD."""
    return start(Recipe("vsftpd", "vsftpd", ["{folder}/conf"], counters.of_vsftpd, {"conf": VSFTPD}))


PROSODY = """
pidfile = "{folder}/pid"
data_path = "{folder}"
log = { { levels = { min = "debug" }, to = "file", filename = "{folder}/log" } }
modules_enabled = { "saslauth" }
modules_disabled = { "s2s", "s2s_auth_certs", "posix", "offline" }
interfaces = { "127.0.0.1" }
c2s_ports = { {port} }
s2s_ports = { }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_hashed"
VirtualHost "example.test"
"""


def start_prosody() -> RealServer:
    """Start the XMPP server Prosody for example.test, without users. Counter: streams."""
    options = ["-F", "--config", "{folder}/prosody.cfg.lua"]
    return start(Recipe("prosody", "prosody", options, counters.of_prosody, {"prosody.cfg.lua": PROSODY}))


#: All of them, by the name of the fixture.
SERVERS: dict[str, Callable[[], RealServer]] = {
    "redis": start_redis,
    "memcached": start_memcached,
    "mosquitto": start_mosquitto,
    "nats": start_nats,
    "postgresql": start_postgresql,
    "nginx": start_nginx,
    "dovecot": start_dovecot,
    "ngircd": start_ngircd,
    "exim": start_exim,
    "rsyslog": start_rsyslog,
    "dnsmasq": start_dnsmasq,
    "vsftpd": start_vsftpd,
    "prosody": start_prosody,
}
