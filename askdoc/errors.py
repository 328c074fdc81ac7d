"""The errors that askdoc raises.

AskdocError                  a message (what happened) and a hint (what to do next)
├── UsageError               the request makes no sense: an empty question, -k 0
├── LoadError                a file cannot be turned into text; it is skipped, and the run goes on
├── ModelError               weights are missing, damaged or of the wrong kind
├── IndexMissingError        there is no index at this place
├── IndexDamagedError        an index file is missing, cut short or altered
├── IndexMismatchError       the index is of another format, or was made with other weights or settings
├── IndexBusyError           another process is writing the index
└── WriteError               the disk is full, or the folder cannot be written

Interrupted                  not an error: a KeyboardInterrupt that says what was kept
"""


class AskdocError(Exception):
    """An error with a remedy: `message` says what happened, `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AskdocError):
    """The request makes no sense."""


class LoadError(AskdocError):
    """A file cannot be turned into text."""

    def __init__(self, message: str, *, hint: str = "the other files are not affected") -> None:
        super().__init__(message, hint=hint)


class ModelError(AskdocError):
    """Weights are missing, damaged or of the wrong kind."""


class IndexMissingError(AskdocError):
    """There is no index at this place."""


class IndexDamagedError(AskdocError):
    """A file of the index is missing, cut short or altered."""


class IndexMismatchError(AskdocError):
    """The index is of another format, or was made with other weights or settings."""


class IndexBusyError(AskdocError):
    """Another process is writing the index."""


class WriteError(AskdocError):
    """The disk is full, or the folder cannot be written."""


class Interrupted(KeyboardInterrupt):
    """The user interrupted indexing: `message` says what was kept, `hint` says how to resume."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
