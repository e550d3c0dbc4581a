"""The system under test: a TCP server that holds many long connections, one small file per concurrency model.

It knows nothing of Locust or of the lab. Standard library and prometheus-client only. Start it with `python -m server`.

Where things are, from the bottom up:

- `settings.py`: every flag and variable. `protocol.py`: the wire format, pure. `policy.py`: rules for any connection.
- `system/`: sockets, signals, descriptor limits, errno values. `monitoring/`: counters, /metrics and /healthz, the log.
- `interfaces.py` and `service.py`: what the parts below need of each other, and what a model is given.
- `readiness/`: the loop, pollers, connections and accepting without blocking. `blocking/`: the same with calls that
  block. `aio/`: the same on asyncio. `inbox.py`: the input of a connection of the last two.
- `models/`: one file per concurrency model. `processes/`: several processes behind one port.
- `assembly.py` and `__main__.py`: put it all together. `work.py`: what a handler may do to spoil a loop.
"""
