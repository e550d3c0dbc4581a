"""Connecting: names and their addresses, source addresses, connect attempts, and what their errors mean."""
