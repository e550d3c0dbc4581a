"""Drills by signals: processes and containers that are frozen, killed and restarted."""
