"""One small file for each concurrency model, behind the interface in `base.py`.

`tests/server/models/test_contract.py` holds every model to its promises. A new model is a file here and a line in this
table. This file is a pure table: it imports nothing, so the settings and the lab can read it without loading a model.
"""

#: The name of each model, which is the name of its file, and its class there.
MODELS: dict[str, str] = {
    "sync": "SyncModel",
    "threaded": "ThreadedModel",
    "prefork": "PreforkModel",
    "busy": "BusyModel",
    "select": "SelectModel",
    "poll": "PollModel",
    "epoll": "EpollModel",
    "asyncio": "AsyncioModel",
    "tutorial": "TutorialModel",
}
