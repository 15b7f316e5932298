"""Adapters of outside scanners: how each is called, and how its report is read."""
