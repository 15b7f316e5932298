"""The tests of test_seed.py, section by section, and the specification's tables as data."""

from pathlib import Path

import pytest

# Their asserts explain themselves as those of a test module do.
pytest.register_assert_rewrite(*(f"seed.{path.stem}" for path in Path(__file__).parent.glob("s*.py")))
