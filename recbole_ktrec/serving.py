"""The Python interface of a service: a trained model, the data as they are now, lists.

``load`` reads a checkpoint. ``Later`` is the data set as it is now: ``Later.read`` reads its files, ``given`` returns a
model that has its histories. ``recommend``, ``recommend_from`` and ``users_for`` make lists; none of them changes the
model, so threads may ask one at the same time. ``new_items`` are those that came since, to be listed too, and
``ListedItems`` what the ``.item`` file says of all of them.

What a service should know is logged as a warning by loggers below ``recbole_ktrec``.
"""

from recbole_ktrec.commands.asked import take_held_out
from recbole_ktrec.commands.checkpoints import load, load_with_validation
from recbole_ktrec.commands.for_item import users_for
from recbole_ktrec.commands.later import Later
from recbole_ktrec.commands.listed import ListedItems
from recbole_ktrec.commands.recommend import new_items, recommend, recommend_from

__all__ = [
    "Later", "ListedItems", "load", "load_with_validation", "new_items", "recommend", "recommend_from",
    "take_held_out", "users_for",
]  # fmt: skip
