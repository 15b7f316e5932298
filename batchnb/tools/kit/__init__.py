"""Our own tools folder: what cannot come with pip into batchnb's own environment, pinned, in one place."""

from batchnb.tools.kit.finding import Status, find, node, overview
from batchnb.tools.kit.installing import Outcome, State, install
from batchnb.tools.kit.parts import PARTS, Part, choose
from batchnb.tools.kit.places import folder

__all__ = [
    "PARTS",
    "Outcome",
    "Part",
    "State",
    "Status",
    "choose",
    "find",
    "folder",
    "install",
    "node",
    "overview",
]
