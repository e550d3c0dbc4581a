"""Half of the connections lose what the server sends: it hears its users, and they don't hear it."""

from lab.drills.namespace import rules
from lab.drills.network.black_hole import BlackHole


class BlackHoleOneWay(BlackHole):
    """Drops what the server sends to half of the connections."""

    name = "black-hole-one-way"
    text = "half of the connections lose all packets from the server; theirs arrive"
    ways = (rules.FROM_SERVER,)
