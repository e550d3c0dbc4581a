"""Ports for labs of tests."""

from lab import page_client


def lab_ports() -> dict[str, str]:
    """Return free ports for page and server. Two calls of `free_port` may give the same one."""
    page_port, server_port = page_client.free_ports(2)
    return {"PAGE_PORT": str(page_port), "SERVER_PORT": str(server_port)}
