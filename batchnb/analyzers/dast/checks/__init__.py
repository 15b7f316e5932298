"""The checks of the embedded probe. Each proves what it reports by a twin request that must not show it."""
