"""LoggerFactory: one logger per component, as in the seed (10.2). Installs no handler: that is the user's."""

from __future__ import annotations

import logging


class LoggerFactory:
    """Gives consistently named loggers: `batch_analysis.<component>`."""

    ROOT = "batch_analysis"

    @classmethod
    def create_logger(cls, component: str = "") -> logging.Logger:
        """Return the logger of a component (`job`, `task`, `storage`, `service`), or of the whole."""
        return logging.getLogger(f"{cls.ROOT}.{component}" if component else cls.ROOT)


create_logger = LoggerFactory.create_logger
