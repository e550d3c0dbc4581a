"""All drills, in the order in which `lab drill list` shows them and `lab drill all` runs them."""

from lab.drills.drill import Drill

DRILLS: tuple[Drill, ...] = ()


def by_name() -> dict[str, Drill]:
    """Return the drills by name."""
    return {drill.name: drill for drill in DRILLS}
