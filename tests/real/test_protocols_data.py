"""Databases and caches: what we counted is what the server counted, to the message."""

import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

import subprocess

from locustfiles.protocols.memcached_binary import MemcachedBinaryUser
from locustfiles.protocols.memcached_text import MemcachedUser
from locustfiles.protocols.postgresql_scram import PostgresUser
from locustfiles.protocols.redis_commands import RedisUser
from locustfiles.protocols.redis_pubsub import RedisPublisher, RedisSubscriber
from rawsocket import Session
from rawsocket.measurement.recorder import RECORDER
from tests.real.protocol_load import load
from tests.real.real_server import RealServer


def test_redis_commands(redis: RealServer) -> None:
    rows = load(RedisUser, redis.target, enough={"LRANGE": 100})
    counted = redis.wait_for("cmdstat_quit", rows["QUIT"])
    for name in ("DEL", "RPUSH", "SET", "GET", "LRANGE", "QUIT"):
        assert rows[name] == counted[f"cmdstat_{name.lower()}"], name


class CountingPublisher(RedisPublisher):
    """Adds up how many subscribers got each message: the server says so in its replies."""

    delivered = 0

    def session(self) -> Session:
        steps, value = super().session(), None
        while True:
            value = yield steps.send(value)
            if value is not None:
                CountingPublisher.delivered += int(value[1:])


def test_redis_pubsub(redis: RealServer) -> None:
    def settled() -> bool:
        return RECORDER.pushed == CountingPublisher.delivered

    rows = load([RedisSubscriber, CountingPublisher], redis.target, 5, {"SUBSCRIBE": 4, "news": 100}, settled)
    counted = redis.growth()
    assert rows["PUBLISH"] == counted["cmdstat_publish"]
    assert rows["SUBSCRIBE"] == counted["cmdstat_subscribe"] == 4
    assert rows["push"] == rows["news"] == CountingPublisher.delivered


def test_memcached_text(memcached: RealServer) -> None:
    rows = load(MemcachedUser, memcached.target, enough={"get": 200})
    counted = memcached.growth()
    assert rows["set"] + rows["set noreply"] == counted["cmd_set"]
    assert rows["get"] == counted["get_hits"]


def test_memcached_binary(memcached: RealServer) -> None:
    rows = load(MemcachedBinaryUser, memcached.target, enough={"get": 400})
    counted = memcached.growth()
    assert rows["set"] == counted["cmd_set"] == 5
    assert rows["get"] == counted["get_hits"]
    assert counted["get_misses"] == 0


def test_postgresql_scram(postgresql: RealServer) -> None:
    def ask(*queries: str) -> str:
        command = ["psql", "-XAt", "-h", "127.0.0.1", "-p", str(postgresql.port), "-U", "holdfast", "postgres"]
        options = [option for query in queries for option in ("-c", query)]
        return subprocess.run([*command, *options], check=True, capture_output=True, text=True).stdout

    ask("create role load login password 'secret'", "create table seen (by int)", "grant all on seen to load")
    options = {"pg_user": "load", "pg_password": "secret", "pg_database": "postgres"}
    query = "insert into seen values (pg_backend_pid())"
    rows = load(PostgresUser, postgresql.target, enough={"query": 100}, pg_query=query, **options)
    assert ask("select count(*), count(distinct by) from seen") == f"{rows['query']}|{rows['login']}\n"
    assert rows["login"] == rows["terminate"] == 5
