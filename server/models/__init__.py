"""One small file for each concurrency model, behind the interface in `base`; `tests/server/models/test_contract.py`
holds every model to what it promises.
"""

from server.models.base import Model
from server.models.epoll import EpollModel
from server.models.select import SelectModel
from server.models.sync import SyncModel

MODELS: dict[str, type[Model]] = {model.name: model for model in (SelectModel, EpollModel, SyncModel)}
