"""Running an analysed app: its ports, its dependencies, its sandbox."""

from batchnb.tools.launch.errors import AppNotRunningError
from batchnb.tools.launch.ports import AppPorts, PortManager, PortRule
from batchnb.tools.launch.start import Launched, LaunchRequest, bubblewrap, launched
from batchnb.tools.launch.usage import Usage

__all__ = [
    "AppNotRunningError",
    "AppPorts",
    "LaunchRequest",
    "Launched",
    "PortManager",
    "PortRule",
    "Usage",
    "bubblewrap",
    "launched",
]
