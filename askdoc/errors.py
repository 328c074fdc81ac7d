"""Everything that askdoc raises on purpose.

AskdocError                  a message (what happened) and a hint (what to type or do next)
├── UsageError               the request makes no sense: an empty question, -k 0
├── LoadError                a file cannot be turned into text; costs that file, never the run
├── ModelError               weights are missing, damaged or of the wrong kind
├── IndexMissingError        there is no index where one was looked for
├── IndexDamagedError        an index file is missing, cut short or altered
├── IndexMismatchError       the index is of another format, or was made with other weights or settings
├── IndexBusyError           another process is writing the index
└── WriteError               the disk is full, or the folder cannot be written

Interrupted                  no error but the user's wish: a KeyboardInterrupt that says what is kept
"""


class AskdocError(Exception):
    """An error with a remedy: `message` says what happened, `hint` what to do next."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(AskdocError):
    """The request makes no sense as it stands."""


class LoadError(AskdocError):
    """A file cannot be turned into text."""

    def __init__(self, message: str, *, hint: str = "the other files are not affected") -> None:
        super().__init__(message, hint=hint)


class ModelError(AskdocError):
    """Weights are missing, damaged or of the wrong kind."""


class IndexMissingError(AskdocError):
    """There is no index where one was looked for."""


class IndexDamagedError(AskdocError):
    """A file of the index is missing, cut short or altered."""


class IndexMismatchError(AskdocError):
    """The index is of another format, or was made with other weights or settings."""


class IndexBusyError(AskdocError):
    """Another process is writing the index."""


class WriteError(AskdocError):
    """The disk is full, or the folder cannot be written."""


class Interrupted(KeyboardInterrupt):
    """Indexing was interrupted by the user: `message` says what is kept, `hint` how to go on."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
