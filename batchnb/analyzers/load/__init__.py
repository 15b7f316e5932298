"""The parts of the performance analysis: what is asked, the load generator, and what its numbers mean."""
