"""The HTML report: its parts, and the page."""
