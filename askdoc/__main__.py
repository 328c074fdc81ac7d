"""The program. Everything else is imported inside, so that Ctrl-C during start-up ends it quietly too."""

from __future__ import annotations

import sys

FAILED, INTERRUPTED = 2, 130


def main() -> int:
    """Run askdoc with the process's arguments and return its exit status."""
    try:
        from askdoc.cli.app import main as run

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # what compiled modules make of Ctrl-C while they load
            return INTERRUPTED
        print(f"askdoc: it is not whole: {error}\nhint: install it anew", file=sys.stderr)  # noqa: T201
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
