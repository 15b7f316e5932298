"""Triage: what was decided about findings, and to which of them it applies."""
