"""What a model states, and what follows from it."""

from server.models.base import Model, Promise, all_but
from server.service import Service


class Half(Model):
    exceptions = all_but(Promise.ANSWERS, Promise.STOPS, why="it is half of one")

    def serve(self, service: Service) -> None:
        raise NotImplementedError


class Whole(Model):
    def serve(self, service: Service) -> None:
        raise NotImplementedError


def test_each_promise_has_its_own_text() -> None:
    assert len({promise.value for promise in Promise}) == len(Promise)


def test_a_model_promises_all_but_its_exceptions() -> None:
    assert Half.promises == {Promise.ANSWERS, Promise.STOPS}
    assert Half.exceptions[Promise.CAP] == "it is half of one"
    assert Whole.promises == set(Promise)


def test_the_defaults_of_a_model() -> None:
    assert (Half.backlog, Half.default_cap, Half.fd_setsize) == (1024, None, None)
    assert (Half.multi_process, Half.preforks, Half.prints) == (False, False, False)
