"""What is one finding: over tools (consensus) and over runs (comparison)."""
