"""From the rankings of several indexes to one list of hits."""
