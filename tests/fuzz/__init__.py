"""The fuzzer: `make fuzz` sends bytes of any kind to every server model and to the pure code of both wire formats."""
