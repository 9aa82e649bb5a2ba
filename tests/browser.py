"""Headless Chromium for tests of pages; where there is none they skip and say so, but not in CI."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

# WebGL on the processor: the same pictures on every machine, and no display needed.
FLAGS = ("--no-sandbox", "--enable-unsafe-swiftshader", "--use-angle=swiftshader")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the system's Chromium without a window; skip the test where it is not installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing = "no Chromium on this machine: pages are not tested (apt-get install chromium)"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, width: int = 900, height: int = 600) -> Iterator[Page]:
    """Yield a page that was opened; fail if it asked for anything or complained about anything."""
    requests: list[str] = []
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": height})
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.goto(url)
    try:
        yield page
        assert [r for r in requests if not r.startswith(("data:", "blob:"))] == [page_of(url)]
        assert complaints == []
    finally:
        page.close()


def until(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression is true.

    `Page.wait_for_function` evaluates text within the page, which its content policy forbids.
    """
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within half a minute: {condition}")


def page_of(url: str) -> str:
    """Return a URL without the time in it."""
    return url.partition("#")[0]
