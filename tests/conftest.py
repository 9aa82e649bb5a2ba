"""What every test runs under."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    # A shell that runs the suite in the background ignores SIGINT, and children inherit that:
    # the tests that press Ctrl-C on a command would test nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
