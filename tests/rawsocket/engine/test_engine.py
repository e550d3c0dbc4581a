import locust  # isort: skip  # noqa: F401  patches the process before anything else is imported

from rawsocket.engine import engine
from rawsocket.engine.engine import Engine


def test_a_process_has_one_engine():
    assert engine.engine() is engine.engine()


def test_reactor_is_created_on_first_use():
    made = Engine()
    assert "reactor" not in vars(made)
    assert made.deadlines._reactor is made.reactor
    made.reactor.close()
