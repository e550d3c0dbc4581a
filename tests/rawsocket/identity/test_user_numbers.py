from collections.abc import Callable

from rawsocket.identity.user_numbers import Numbers

Tell = tuple[int, int, list[int]]  # run, wanted, back


class FakeUser:
    """A user that notes its number."""

    def __init__(self) -> None:
        self.number: int | None = None

    def start_as(self, number: int) -> None:
        assert self.number is None
        self.number = number


class Bench:
    """Numbers with a master that the test plays; `tell()` sends what has been collected."""

    def __init__(self) -> None:
        self.told: list[Tell] = []
        self.soon: list[Callable[[], None]] = []
        self.numbers = Numbers()
        self.numbers.connect(lambda *message: self.told.append(message), self.soon.append)

    def add(self, count: int) -> list[FakeUser]:
        users = [FakeUser() for _ in range(count)]
        for user in users:
            self.numbers.add(user)
        return users

    def tell(self) -> list[Tell]:
        due, self.soon[:] = list(self.soon), []
        for function in due:
            function()
        told, self.told = self.told, []
        return told


def of(users: list[FakeUser]) -> list[int | None]:
    return [user.number for user in users]


def test_a_process_without_a_master_numbers_its_users_from_0() -> None:
    numbers, users = Numbers(), [FakeUser() for _ in range(4)]
    for user in users[:3]:
        numbers.add(user)
    numbers.leave(users[1], 1)
    numbers.add(users[3])
    assert of(users) == [0, 1, 2, 1]


def test_the_numbers_of_a_batch_are_wanted_in_one_message() -> None:
    bench = Bench()
    users = bench.add(3)
    assert (bench.tell(), bench.tell()) == ([(0, 3, [])], [])
    bench.numbers.receive(0, [4, 7])
    assert of(users) == [4, 7, None]
    more = bench.add(1)
    assert bench.tell() == [(0, 1, [])]
    bench.numbers.receive(0, [1, 2])
    assert of(users + more) == [4, 7, 1, 2]


def test_the_numbers_of_users_that_ended_go_back_in_one_message() -> None:
    bench = Bench()
    users = bench.add(3)
    bench.tell()
    bench.numbers.receive(0, [0, 1, 2])
    bench.numbers.leave(users[2], 2)
    bench.numbers.leave(users[0], 0)
    assert bench.tell() == [(0, 0, [2, 0])]


def test_a_number_that_comes_after_its_user_has_ended_goes_back() -> None:
    bench = Bench()
    early, late = bench.add(2)
    bench.tell()
    bench.numbers.leave(early, None)
    bench.numbers.receive(0, [5, 6])
    assert (early.number, late.number) == (None, 5)
    assert bench.tell() == [(0, 0, [6])]


def test_a_user_that_starts_takes_a_number_that_is_on_its_way_to_one_that_has_ended() -> None:
    bench = Bench()
    early = bench.add(1)
    bench.tell()
    bench.numbers.leave(early[0], None)
    late = bench.add(1)
    assert bench.tell() == []
    bench.numbers.receive(0, [3])
    assert of(early + late) == [None, 3]


def test_numbers_of_an_earlier_run_do_not_count() -> None:
    bench = Bench()
    bench.add(2)
    bench.tell()
    bench.numbers.begin_run()
    users = bench.add(1)
    assert bench.tell() == [(1, 1, [])]
    bench.numbers.receive(0, [8, 9])
    bench.numbers.receive(1, [0])
    assert of(users) == [0]
