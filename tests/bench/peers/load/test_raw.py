from pathlib import Path

import pytest

from tests.support.running_generator import demand_messages


@pytest.mark.parametrize("every", [0.0, 0.05])
def test_raw_holds_connections_and_sends(tmp_path: Path, every: float) -> None:
    demand_messages("raw", tmp_path, every=every)
