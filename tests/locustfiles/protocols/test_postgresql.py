import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from locustfiles.protocols import _postgresql as pg

NONCE = "rOprNGfwEbeRWgbNEkqO"
CHALLENGE = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
LAST = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="


def test_proof_is_that_of_rfc_7677():
    assert pg.prove(b"pencil", f"n=user,r={NONCE}", CHALLENGE) == LAST


def test_login_names_its_mechanism_and_answers_without_the_name_of_the_user():
    login = pg.ScramLogin("pencil", NONCE)
    assert login.hello == b"p\0\0\0\x32SCRAM-SHA-256\0\0\0\0\x1cn,,n=,r=" + NONCE.encode()
    challenge = pg.MESSAGE.frame(b"R", b"\0\0\0\x0b" + CHALLENGE.encode())
    assert pg.is_challenge(challenge)
    assert login.answer(challenge)[5:].decode() == pg.prove(b"pencil", f"n=,r={NONCE}", CHALLENGE)


def test_each_login_has_a_nonce_of_its_own():
    assert pg.ScramLogin("a").nonce != pg.ScramLogin("a").nonce


def test_startup_names_user_and_database():
    assert pg.startup("me", "mine") == b"\0\3\0\0user\0me\0database\0mine\0\0"


def test_reply_is_ready_and_right():
    row, error, ready = (pg.MESSAGE.frame(kind, b"I") for kind in (b"D", b"E", b"Z"))
    assert pg.is_ready([row, ready])
    assert not pg.is_ready([row])
    assert pg.succeeded([row, ready])
    assert not pg.succeeded([error, ready])
    assert pg.offers_scram(pg.MESSAGE.frame(b"R", b"\0\0\0\x0aSCRAM-SHA-256\0\0"))
    assert not pg.offers_scram(pg.MESSAGE.frame(b"R", b"\0\0\0\x05salt"))
    assert pg.query("select 1") == b"Q\0\0\0\x0dselect 1\0"
