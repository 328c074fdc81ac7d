"""What askdoc's exit status says. 130 is what shells report for a program that Ctrl-C ended."""

from __future__ import annotations

ANSWERED = 0  # or, for commands that answer nothing: done
NOT_ANSWERED = 1  # also: nothing found, a quotation no longer there, a gate failed
FAILED = 2
INTERRUPTED = 130
