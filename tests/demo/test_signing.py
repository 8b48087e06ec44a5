"""The demo's operator is signed in by the demo's own page, in the profile that the crawl uses."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import yaml

from crawler.adapters import load_adapter
from crawler.profiles import open_profile
from crawler.watch import load_watch
from demo.server import DemoPlatforms
from demo.signing import NOTES_SOURCE, sign_in
from demo.world import World

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sign_in_stays_in_the_profile_and_may_be_repeated(tmp_path: Path) -> None:
    with DemoPlatforms(World()) as platforms:
        (tmp_path / "watch.yml").write_text(yaml.safe_dump({"sources": platforms.watch_sources()}), "utf-8")
        for _ in range(2):
            sign_in(tmp_path, platforms.notes.sign_in_url)
        folder = tmp_path / "profiles" / NOTES_SOURCE
        assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)} == {0o700}
        (source,) = [it for it in load_watch(tmp_path / "watch.yml") if it.name == NOTES_SOURCE]
        with open_profile(source, load_adapter(source.platform), tmp_path / "profiles", headless=True) as context:
            page = context.new_page()
            page.goto(f"{platforms.notes.base}/search_result?keyword=退保")
            page.wait_for_selector("section.note-item a.cover")


def test_a_demo_folder_without_the_note_platform_is_left_alone(tmp_path: Path) -> None:
    with DemoPlatforms(World()) as platforms:
        older = platforms.watch_sources()[:2]
        (tmp_path / "watch.yml").write_text(yaml.safe_dump({"sources": older}), "utf-8")
        sign_in(tmp_path, platforms.notes.sign_in_url)
    assert not (tmp_path / "profiles").exists()
