"""The batch engine: plans, runs, watches, cancels and stores. Knows no notebook and no frame."""
