"""Where the browser is: one look-up for the crawler, the demo, the tests and the set-up."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path

from storage.errors import SettingsError

SYSTEM_CHROMIUM = Path("/usr/bin/chromium")
INSTALL_HINT = "run 'playwright install chromium' or, as root, 'apt-get install chromium'"


def find_chromium(explicit: str | None = None, *, system: Path = SYSTEM_CHROMIUM) -> Path:
    """Return the Chromium to start: the named one, Playwright's own, or the system's.

    ``explicit`` is the setting; without it QINGYUAN_CHROMIUM is read. A named browser that is missing is an
    error and never replaced by another. Nothing is started, so this is safe inside a running event loop.

    Raises:
        SettingsError: nothing is there, or the named file cannot be run; the message says what to install.
    """
    named = explicit or os.environ.get("QINGYUAN_CHROMIUM")
    if named:
        return _named_browser(Path(named).expanduser())
    for candidate in (playwright_chromium(), system):
        if candidate is not None and _runnable(candidate):
            return candidate
    raise SettingsError("missing_file", f"no Chromium found: {INSTALL_HINT}, or set QINGYUAN_CHROMIUM")


def playwright_chromium() -> Path | None:
    """Return the Chromium that the installed Playwright downloaded, or None when it has not.

    Playwright keeps browsers below PLAYWRIGHT_BROWSERS_PATH ("0" means inside the package) or the user's
    cache, in ``chromium-<revision>/chrome-linux*``; the revision stands in its browsers.json (seen in 1.65).
    """
    spec = find_spec("playwright")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent / "driver" / "package"
    listed = package / "browsers.json"
    if not listed.is_file():
        return None
    browsers = json.loads(listed.read_text("utf-8"))["browsers"]
    revision = next((b["revision"] for b in browsers if b["name"] == "chromium"), None)
    found = sorted(_browsers_folder(package).glob(f"chromium-{revision}/chrome-linux*/chrome"))
    return found[0] if found else None


def _browsers_folder(package: Path) -> Path:
    setting = os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "")
    if setting == "0":
        return package / ".local-browsers"
    if setting:
        return Path(setting).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ms-playwright"


def _named_browser(path: Path) -> Path:
    if not _runnable(path):
        raise SettingsError("missing_file", f"{path} cannot be run; {INSTALL_HINT}", field="QINGYUAN_CHROMIUM")
    return path


def _runnable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
