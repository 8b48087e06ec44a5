"""The look-up order of the browser."""

from __future__ import annotations

import json
from pathlib import Path

import playwright
import pytest
from playwright.sync_api import sync_playwright

from crawler.chromium import find_chromium, playwright_chromium
from storage.errors import SettingsError


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the installed Playwright would put its Chromium, below an empty folder."""
    listed = Path(playwright.__file__).parent / "driver" / "package" / "browsers.json"
    names = json.loads(listed.read_text("utf-8"))["browsers"]
    revision = next(entry["revision"] for entry in names if entry["name"] == "chromium")
    monkeypatch.delenv("QINGYUAN_CHROMIUM", raising=False)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    return tmp_path / "browsers" / f"chromium-{revision}" / "chrome-linux64" / "chrome"


def test_named_browser_wins_over_playwrights_and_the_systems(own: Path, tmp_path: Path) -> None:
    program(own)
    named = program(tmp_path / "named")
    system = program(tmp_path / "system")
    assert find_chromium(str(named), system=system) == named


def test_variable_names_the_browser(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(own)
    monkeypatch.setenv("QINGYUAN_CHROMIUM", str(program(tmp_path / "named")))
    assert find_chromium() == tmp_path / "named"


def test_playwrights_own_wins_over_the_systems(own: Path, tmp_path: Path) -> None:
    system = program(tmp_path / "system")
    assert find_chromium(system=system) == system
    program(own)
    assert find_chromium(system=system) == own


def test_other_revision_of_playwrights_browser_is_not_taken(own: Path, tmp_path: Path) -> None:
    program(tmp_path / "browsers" / "chromium-1" / "chrome-linux64" / "chrome")
    assert playwright_chromium() is None


def test_named_browser_that_is_missing_is_never_replaced(own: Path, tmp_path: Path) -> None:
    system = program(tmp_path / "system")
    with pytest.raises(SettingsError, match="cannot be run"):
        find_chromium(str(tmp_path / "missing"), system=system)


def test_missing_browser_says_what_to_install(own: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="playwright install chromium") as caught:
        find_chromium(system=tmp_path / "system")
    assert caught.value.code == "missing_file"


def test_playwright_agrees_about_its_place(own: Path) -> None:
    """The place is read from files; the driver itself must say the same."""
    with sync_playwright() as driver:
        expected = Path(driver.chromium.executable_path)
    assert expected.parent.parent == own.parent.parent
    assert expected.name == own.name
