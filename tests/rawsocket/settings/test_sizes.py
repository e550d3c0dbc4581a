import pytest

from rawsocket.settings.sizes import MEMORY, size_bytes


@pytest.mark.parametrize(("text", "size"), [("512m", 512 << 20), ("1.5G", 1536 << 20), ("1kb", 1024), ("7", 7)])
def test_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["1m", "10", "many", "-1g"])
def test_memory_too_small_for_a_container_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at least 6m"):
        MEMORY.parse(text)
