"""JSON lines: schema 1, one object per line."""

from __future__ import annotations

from askdoc.outputs.json import JsonOutput


class JsonLinesOutput(JsonOutput):
    """One line per reply, so that many replies can be read as they arrive."""

    indent = None
