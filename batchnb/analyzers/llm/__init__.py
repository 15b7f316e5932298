"""Asking a language model whether an app meets its requirements, and not believing it without proof."""
