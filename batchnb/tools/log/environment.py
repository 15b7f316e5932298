"""The secrets that this process knows: values of environment variables whose names say so."""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from urllib.parse import quote

SHORTEST = 8
"""Characters that a value needs to be taken for a secret; shorter ones are words that occur anywhere."""

_NAME = re.compile(
    r"(?:TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)S?(?:_|$)"
    r"|(?:^|_)(?:API|ACCESS|AUTH|PRIVATE|SECRET|SIGNING)?KEYS?(?:_|$)"  # not MONKEY, not KEYBOARD_LAYOUT
    r"|(?:^|_)(?:PASS|PASSPHRASE|PAT)(?:_|$)|_PWD$"  # not COMPASS, not PWD, which is a folder
)


def secret_values() -> tuple[str, ...]:
    """Return every text to hide, longest first: the values as they are, and as JSON and URLs write them."""
    names = [name for name in list(os.environb) if _looks_secret(name)]
    values = (os.environb.get(name, b"") for name in names)  # `get`: another thread may have removed it
    return _spellings(tuple(value for value in values if len(value) >= SHORTEST))


@lru_cache(maxsize=4096)
def _looks_secret(name: bytes) -> bool:
    return _NAME.search(os.fsdecode(name).upper().replace("-", "_")) is not None


@lru_cache(maxsize=4)
def _spellings(values: tuple[bytes, ...]) -> tuple[str, ...]:
    found = set()
    for raw in values:
        value = os.fsdecode(raw)
        if not os.path.exists(value):  # noqa: PTH110 - Path.exists raises on a long value
            # (a path, as in GOOGLE_APPLICATION_CREDENTIALS, is no secret itself)
            found |= {value, value.strip(), repr(value)[1:-1], json.dumps(value)[1:-1], quote(raw, safe="")}
    return tuple(sorted((text for text in found if len(text) >= SHORTEST), key=len, reverse=True))
