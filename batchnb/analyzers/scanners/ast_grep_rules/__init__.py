"""Our own checks of JavaScript and TypeScript, for what the linters do not see; each on ast-grep's trees."""

from batchnb.analyzers.scanners.ast_grep_rules import (
    code,
    markup,
    messages,
    navigation,
    secrets,
    storage,
    transport,
)
from batchnb.analyzers.scanners.ast_grep_rules.rule import Hit, Rule
from batchnb.analyzers.scanners.ast_grep_rules.script import Script

RULES: tuple[Rule, ...] = (
    *storage.RULES,
    *navigation.RULES,
    *messages.RULES,
    *markup.RULES,
    *transport.RULES,
    *code.RULES,
)
"""Every rule whose findings may be shown with their source line."""
SECRET_RULES: tuple[Rule, ...] = secrets.RULES
"""Rules that find secrets themselves."""

__all__ = ["RULES", "SECRET_RULES", "Hit", "Rule", "Script"]
