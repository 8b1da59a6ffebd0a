"""Waiting for what another process, a thread or a page does."""

import time


def until(condition, seconds=120):
    """Wait for ``condition()`` and return what it gave; fail when it does not come within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"nothing happened within {seconds} s"
        time.sleep(0.05)
    return value


def wait_for(page, condition, seconds=60):
    """The same in the page's own loop: a sleep would hold up the requests that the test lets through."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"nothing happened within {seconds} s"
        page.wait_for_timeout(50)
    return value
