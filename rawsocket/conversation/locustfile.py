"""What Locust loads if a run plays a conversation: the user class of the plan that HOLDFAST_CONVERSATION names."""

import os

from rawsocket.conversation.plan import load
from rawsocket.conversation.user import user_class

User = user_class(load(os.environ["HOLDFAST_CONVERSATION"]))
