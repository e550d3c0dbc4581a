"""PostgreSQL: each user logs in with a password (SCRAM-SHA-256), and sends a query every EVERY seconds.

The first message has no letter and so another framing than all others. Hashing the password takes long, so it is done
in a thread beside all other users. All messages up to `ready` are one reply.
"""

from locustfiles.protocols import _postgresql as pg
from rawsocket import Call, Connect, Due, Receive, Request, ScenarioSetting, Send, Session, SessionUser, SetFraming
from rawsocket.framing import LengthPrefixed

ScenarioSetting("pg_user", "load", "user of the database")
ScenarioSetting("pg_password", "secret", "the user's password", secret=True)
ScenarioSetting("pg_database", "postgres", "the database")
ScenarioSetting("pg_query", "select now()", "the query")


class PostgresUser(SessionUser):
    framing = LengthPrefixed(4, counts_header=True)
    not_judged = ("startup", "challenge", "login")

    def session(self) -> Session:
        login = pg.ScramLogin(self.option("pg_password"))
        query = pg.query(self.option("pg_query"))
        yield Connect()
        yield Send(pg.startup(self.option("pg_user"), self.option("pg_database")), "startup")
        yield SetFraming(pg.MESSAGE)
        yield Receive(expect=pg.offers_scram)
        challenge = yield Request(login.hello, "challenge", pg.is_challenge)
        answer = yield Call(login.answer, challenge, thread=True)
        yield Request(answer, "login", pg.succeeded, until=pg.is_ready)
        while True:
            yield Due(self.option("every"))
            yield Request(query, "query", pg.succeeded, until=pg.is_ready)

    def goodbye(self) -> Session:
        yield Send(pg.TERMINATE, "terminate", reply=False)
