"""The figures that the docs quote, and the programs that print them: see run.py."""
