"""The environment of installations: the user's registries, proxies and certificates, not their other keys.

Unlike a scanner, npm and pip are to obey the user's own configuration here: what they install is ours.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTALLERS_VARIABLE = "BATCHNB_INSTALLERS"
"""Has the settings, as JSON, in a process whose other libraries must not go by them: a worker."""
_NAMES = {
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CACHE_HOME",
    "NPM_TOKEN",
    "NODE_AUTH_TOKEN",
    "NETRC",
}
_PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
# These would put the packages somewhere else than into the folder that we name.
_MISLEADING = {
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_REQUIREMENT", "PIP_CONSTRAINT"),
    *(
        "PIP_EDITABLE",
        "PIP_DRY_RUN",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_DOWNLOAD_CACHE",
        "PIP_DEST",
        "PIP_REPORT",
    ),
    *("NPM_CONFIG_PREFIX", "NPM_CONFIG_GLOBAL", "NPM_CONFIG_LOCATION", "NPM_CONFIG_NODE_OPTIONS"),
    *("NPM_CONFIG_DRY_RUN", "NPM_CONFIG_PACKAGE_LOCK_ONLY", "NPM_CONFIG_IGNORE_SCRIPTS", "NPM_CONFIG_OMIT"),
}


def install_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that npm and pip are given beside those of every tool.

    Args:
        environment: for tests; None: this process's.
    """
    environment = os.environ if environment is None else environment
    own = {name: environment[name] for name in _NAMES if name in environment}
    fixed = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**own, **installer_settings(environment), **fixed}


def installer_settings(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that say from where, and through what, npm and pip get packages.

    Args:
        environment: for tests; None: this process's, which may be a worker.
    """
    environment = os.environ if environment is None else environment
    if INSTALLERS_VARIABLE in environment:
        handed: dict[str, str] = json.loads(environment[INSTALLERS_VARIABLE])
        return handed
    return {name: value for name, value in environment.items() if _is_setting(name.upper())}


def _is_setting(name: str) -> bool:
    return (name in _PROXIES or name.startswith(("PIP_", "NPM_CONFIG_"))) and name not in _MISLEADING
