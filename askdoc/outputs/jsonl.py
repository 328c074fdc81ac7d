"""JSON lines: schema 1, one object on a line."""

from __future__ import annotations

from askdoc.outputs.json import JsonOutput


class JsonLinesOutput(JsonOutput):
    """One line for each reply, so that many replies can follow one another and be read as they come."""

    indent = None
