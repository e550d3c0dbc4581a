"""A conversation in containers: its plan reaches master and workers, and so do the settings that its file implies."""

from pathlib import Path

from tests.support.conversation_runs import check_run


def test_users_in_containers_play_the_conversation(images: None, tmp_path: Path) -> None:
    check_run("docker", tmp_path)
