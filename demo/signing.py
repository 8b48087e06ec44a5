"""Signing in to the demo's note platform in the source's own browser profile, without a window.

At the real platform a person does this with ``sources login``, in a visible browser; only the demo's own sign-in
page has no password and may be passed by a program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crawler.adapters import load_adapter
from crawler.profiles import open_profile
from crawler.watch import load_watch

if TYPE_CHECKING:
    from pathlib import Path

NOTES_SOURCE = "demo_notes"


def sign_in(root: Path, address: str) -> None:
    """Send the sign-in form at ``address`` from the profile of the demo's note source; doing it again is harmless.

    A demo folder that was made without the note platform is left as it is.
    """
    source = next((it for it in load_watch(root / "watch.yml") if it.name == NOTES_SOURCE), None)
    if source is None:
        return
    adapter = load_adapter(source.platform)
    with open_profile(source, adapter, root / "profiles", headless=True) as context:
        page = context.new_page()
        page.goto(address)
        page.click("button[type=submit]")
        page.wait_for_url("**/explore")
