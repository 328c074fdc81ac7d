"""Opening a file in the person's editor, at a line."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from askdoc.errors import UsageError

# How each editor takes a line number; an editor that is not listed here gets only the file.
_PLUS = ("vi", "vim", "nvim", "gvim", "nano", "emacs", "emacsclient", "kak", "micro", "joe", "jed", "ne", "gedit")
_GOTO = ("code", "code-insiders", "codium", "cursor", "windsurf")
_COLON = ("subl", "hx", "helix", "zed", "lapce")


def chosen_editor() -> str | None:
    """The editor of $VISUAL or $EDITOR."""
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or None


def open_in_editor(editor: str, file: Path, *, line: int | None) -> None:
    """Open a file and wait until the editor is closed."""
    try:
        subprocess.run(editor_command(editor, file, line=line), check=False)
    except OSError as error:
        raise UsageError(f"{editor} cannot be started: {error.strerror}", hint="set VISUAL or EDITOR") from error


def editor_command(editor: str, file: Path, *, line: int | None) -> list[str]:
    """The command that opens a file, at its line if the editor takes one."""
    words = shlex.split(editor, posix=os.name != "nt")
    name = Path(words[0]).stem.lower() if words else ""
    if line is None:
        return [*words, str(file)]
    if name in _PLUS:
        return [*words, f"+{line}", str(file)]
    if name in _GOTO:
        return [*words, "--goto", f"{file}:{line}"]
    return [*words, f"{file}:{line}" if name in _COLON else str(file)]
