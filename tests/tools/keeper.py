"""A kernel with a worker, to be killed: `python keeper.py FUNCTION`; prints what the function sends."""

import json
import sys
from pathlib import Path

from batchnb.tools.cancellation import CancelToken, Deadline
from batchnb.tools.workers.pool import default_pool

sys.path.insert(0, str(Path(__file__).parent))
FUNCTION, ARGUMENTS = sys.argv[1:]
default_pool().call(
    f"acts:{FUNCTION}",
    json.loads(ARGUMENTS),
    deadline=Deadline.after(50),
    cancel=CancelToken(),
    on_message=lambda message: print(json.dumps(message), flush=True),
)
