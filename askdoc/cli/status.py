"""`askdoc status`: what is indexed, and what has changed since."""

from __future__ import annotations

import sys

from askdoc.cli.exit_status import ANSWERED, FAILED
from askdoc.cli.options import IndexOption, JsonOption
from askdoc.cli.streams import writing

EXAMPLE = "Example: askdoc status --index ~/papers/index"


def status(index: IndexOption = None, as_json: JsonOption = False) -> int:
    """Show what is indexed, what has changed and what was skipped. Exit status 2 if the index is damaged."""
    from askdoc.outputs.status import write_status, write_status_as_json
    from askdoc.status import status as status_of

    state = status_of(index)
    with writing():
        (write_status_as_json if as_json else write_status)(state, sys.stdout)
    return FAILED if state.damaged else ANSWERED
