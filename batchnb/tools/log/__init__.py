"""The seed's logs: named loggers, files that rotate safely under several processes, no secrets in them.

`create_logger` and `bind` are all that code needs which logs; with no log files open they cost next to
nothing and print nothing. `files.LogFiles` writes `batch_analysis.log` and one file per component:

    caller's thread: logging -> front (takes what belongs to its store, never waits) -> queue
    one thread:      queue -> line (secrets and control characters out, cut) -> rotating (one lock per batch)

`redaction.redact` and `batchnb.tools.text.visible` are also for texts that go elsewhere, such as job errors.
"""

from batchnb.tools.log import live as live  # its atexit hook has to be older than those of what logs
from batchnb.tools.log.names import BoundLogger, LoggerFactory, bind, create_logger

__all__ = ["BoundLogger", "LoggerFactory", "bind", "create_logger"]
