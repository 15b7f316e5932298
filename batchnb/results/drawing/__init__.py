"""How charts look: each in an info half (plain data) and a figure half; `results.charts` is the way in."""
