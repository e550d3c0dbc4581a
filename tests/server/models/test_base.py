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


def test_each_promise_is_said_once() -> None:
    assert len({promise.value for promise in Promise}) == len(Promise)


def test_what_is_not_excepted_is_promised() -> None:
    assert Half.promises == {Promise.ANSWERS, Promise.STOPS}
    assert Half.exceptions[Promise.CAP] == "it is half of one"
    assert Whole.promises == set(Promise)


def test_what_a_model_does_not_state_is_the_plainest() -> None:
    assert (Half.backlog, Half.default_cap, Half.wall) == (1024, None, None)
    assert (Half.scales, Half.preforks, Half.prints) == (False, False, False)
