"""What the tests of the tools share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # so that tests say `import acts`, and workers do
