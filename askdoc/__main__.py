"""The program. Slow imports are inside `main`, so that Ctrl-C during start-up ends it quietly."""

from __future__ import annotations

import sys

from askdoc.cli.exit_status import FAILED, INTERRUPTED


def main() -> int:
    """Run askdoc with the process's arguments and return its exit status."""
    try:
        from askdoc.cli.app import main as run

        return run()
    except KeyboardInterrupt:
        return INTERRUPTED
    except ImportError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # Ctrl-C while a compiled module loads arrives as this
            return INTERRUPTED
        print(f"askdoc: the installation is incomplete: {error}\nhint: reinstall askdoc", file=sys.stderr)  # noqa: T201
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
