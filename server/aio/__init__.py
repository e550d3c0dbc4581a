"""Connections on asyncio's event loop."""
