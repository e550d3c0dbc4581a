"""A conversation with local processes: its plan reaches master and workers, and so do the settings that it implies."""

from pathlib import Path

from tests.support.conversation_runs import check_run


def test_users_of_local_processes_play_the_conversation(tmp_path: Path) -> None:
    check_run("native", tmp_path)
