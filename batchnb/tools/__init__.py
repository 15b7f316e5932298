"""The only door to the outside: programs, staged copies of hostile files, and loggers."""
