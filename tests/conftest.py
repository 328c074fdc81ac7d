"""Its place puts `tests/` on the import path, so that the suites share `replies.py`."""
