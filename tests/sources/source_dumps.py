"""A small sound dump of every source, in the shape that its owner publishes, and what it must become."""

from __future__ import annotations

from dump_shape import Dump
from media_dumps import MEDIA
from reading_dumps import READINGS
from shop_dumps import SHOPS

DUMPS: dict[str, tuple[str, Dump]] = {**MEDIA, **SHOPS, **READINGS}
