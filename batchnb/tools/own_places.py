"""Where batchnb keeps what is its own on this machine, and the environment variables that say so."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from batchnb.records.errors import InvalidValueError
from batchnb.tools.kit.environment import INSTALLERS_VARIABLE, installer_settings
from batchnb.tools.kit.places import VARIABLE as TOOLS_VARIABLE
from batchnb.tools.kit.places import folder

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE_VARIABLE = "BATCHNB_CACHE"
PLAIN_VARIABLES = ("BATCHNB_RULES", "BATCHNB_OSV")
"""Folders of the user's own: rules for opengrep, advisories. No default."""


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of what can be made again: environments of apps, replies of models.

    It is the one that `BATCHNB_CACHE` names, else `~/.cache/batchnb`; need not exist.

    Raises:
        InvalidValueError: if the variable names no absolute path.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(CACHE_VARIABLE, "")
    if named and not Path(named).is_absolute():
        raise InvalidValueError("cache folder", named, "give an absolute path", CACHE_VARIABLE)
    return Path(named) if named else account_home() / ".cache" / "batchnb"


def account_home() -> Path:
    """Return the home folder of the user's account, not `$HOME`: a worker process has one of its own."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:  # a user without an account, as in some containers
        return Path(os.path.expanduser("~"))  # noqa: PTH111 - the same, without raising


def own_variables() -> dict[str, str]:
    """Return the variables that tell a worker process, whose HOME is an empty folder, where all that is.

    And by which settings of the user an app's packages are fetched: in one variable, so that nothing else in
    the worker goes by them.
    """
    given = {name: os.environ[name] for name in PLAIN_VARIABLES if os.environ.get(name)}
    places = {TOOLS_VARIABLE: str(folder()), CACHE_VARIABLE: str(cache_folder())}
    return {**given, **places, INSTALLERS_VARIABLE: json.dumps(installer_settings(), sort_keys=True)}
