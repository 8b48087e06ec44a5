"""Screenshots of the pages of clues: the whole page for the desk, the target alone for the package."""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright

from crawler.adapters import load_adapter
from crawler.browser import VIEWPORT_WIDTH, opened_browser
from crawler.launch import refusal
from crawler.reading import PageRead, judge
from crawler.robots import USER_AGENT_NAME, judge_robots
from crawler.shot_masks import MAX_HEIGHT, OTHERS, UNMARKED, MaskRules, Shot
from crawler.shot_targets import find_place
from crawler.shots import masked_shot
from crawler.urls import netloc, origin
from crawler.watch import Access
from storage.dossiers import dossiers, own_words
from storage.engine import CHUNK_ROWS
from storage.errors import AccessError, EvidenceError, SettingsError
from storage.evidence import add_capture, put_bytes, read_bytes
from storage.records import CaptureFacts, Json, ReadOutcome, TargetKind
from storage.runs import last_run
from storage.screenshots import (
    ELEMENT,
    SCREENSHOT,
    clues_without_screenshot,
    find_page_shot,
    note_failed_screenshot,
    set_screenshot,
    shot_headers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page, Playwright

    from crawler.adapters import AdapterConfig
    from crawler.watch import SourceConfig
    from storage.engine import Store, Unit
    from storage.screenshots import ShotTarget

    Progress = Callable[[int, int | None], None]
    Said = tuple[str, tuple[str, ...]]

AGAIN_AFTER = timedelta(hours=20)
"""A page that could not be shown is not visited again before."""

_SETTLE_SECONDS = 0.3


@dataclass(slots=True)
class _Capture:
    """One call of `capture`."""

    store: Store
    now: datetime
    chromium: str | None
    no_sandbox: bool
    contact: str
    overlays: Path | None
    captured: int = 0
    failed: int = 0
    problems: list[Json] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Shots:
    """What was taken of one page."""

    url: str
    status: int
    page: bytes
    elements: dict[int, Shot]


def capture_clues(
    store: Store,
    sources: Sequence[SourceConfig],
    *,
    now: datetime,
    chromium: str | None = None,
    no_sandbox: bool = False,
    contact: str = "",
    overlays: Path | None = None,
    progress: Progress | None = None,
) -> Json:
    """Take the screenshots that clues lack; return ``{captured, failed, problems}``.

    Both count clues. Sources read from files are skipped. Those read in the operator's browser are not visited
    again: the pictures that the crawl took while a note was open are linked to its clues. Only the source's own
    host is reached, at its own pace; a challenge or login wall stops its source. A page that could not be shown is
    tried again by a later call, not before 20 hours have passed.
    """
    job = _Capture(store, now, chromium, no_sandbox, contact, overlays)
    _link_all(job, [source.name for source in sources if source.access is Access.OPERATOR])
    visited = (Access.OPEN, Access.VISITOR)
    by_name = {source.name: source for source in sources if source.access in visited}
    targets = _targets(store, list(by_name), now)
    groups = _by_origin(targets)
    done = 0
    if groups:
        with sync_playwright() as playwright:
            for (name, _), group in groups.items():
                _capture_origin(job, playwright, by_name[name], group)
                done += len(group)
                if progress is not None:
                    progress(done, len(targets))
    return {"captured": job.captured, "failed": job.failed, "problems": job.problems}


def _targets(store: Store, names: list[str], now: datetime) -> list[ShotTarget]:
    found: list[ShotTarget] = []
    with store.read() as conn:
        while page := clues_without_screenshot(
            conn, names, tried_before=now - AGAIN_AFTER, after=found[-1].clue_id if found else 0
        ):
            found += page
    return found


def _link_all(job: _Capture, names: list[str]) -> None:
    """Give the clues of sources read in the operator's browser the pictures that were taken on the way."""
    targets = _targets(job.store, names, job.now)
    for start in range(0, len(targets), CHUNK_ROWS):
        with job.store.write(job.now) as unit:
            for target in targets[start : start + CHUNK_ROWS]:
                job.captured += _link(unit, target)


def _link(unit: Unit, target: ShotTarget) -> bool:
    """Link the picture of a clue's note; its crop shows the note and is nobody else's."""
    taken = find_page_shot(unit.conn, target.source, target.page_url)
    if taken is None:
        return False
    capture_id = taken["id"]
    if target.kind is not TargetKind.POST:
        headers = shot_headers(None, "the picture was taken of the whole note")
        names = ("run_id", "url", "at", "method", "sha256", "size", "status", "kind")
        capture_id = add_capture(unit, CaptureFacts(**{name: taken[name] for name in names}, headers=headers))
    set_screenshot(unit, target.clue_id, sha256=taken["sha256"], capture_id=capture_id)
    return True


def _by_origin(targets: Sequence[ShotTarget]) -> dict[tuple[str, tuple[str, int]], list[ShotTarget]]:
    groups: dict[tuple[str, tuple[str, int]], list[ShotTarget]] = defaultdict(list)
    for target in targets:
        groups[target.source, origin(target.page_url)].append(target)
    return groups


def _capture_origin(
    job: _Capture, playwright: Playwright, source: SourceConfig, group: Sequence[ShotTarget]
) -> None:
    """Visit the pages of one host; what stands in the way of all of them is one problem."""
    why = refusal(source, job.now) or ("stopped" if source.name in job.stopped else None)
    if why is not None:
        _fail(job, source, group, why)
        return
    url = group[0].page_url
    settings = {"chromium": job.chromium, "no_sandbox": job.no_sandbox, "contact": job.contact}
    try:
        with opened_browser(playwright, source, url, **settings) as context:  # type: ignore[arg-type]  # each by its own name
            _visit_all(job, source, context, group)
    except AccessError as error:
        _fail(job, source, group, str(error))
    except SettingsError as error:
        if error.code == "missing_file":
            raise
        _fail(job, source, group, error.detail)


def _visit_all(job: _Capture, source: SourceConfig, context: BrowserContext, group: Sequence[ShotTarget]) -> None:
    pages: dict[str, list[ShotTarget]] = defaultdict(list)
    for target in group:
        pages[target.page_url].append(target)
    adapter = load_adapter(source.platform, overlays=job.overlays)
    for number, (url, targets) in enumerate(pages.items()):
        if source.name in job.stopped:
            _fail(job, source, targets, "the source is stopped")
            continue
        if number:
            time.sleep(source.budget.delay_seconds)
        try:
            _check_robots(job, source, url)
            shots = _shoot(job, source, adapter, context, targets)
        except (AccessError, EvidenceError, PlaywrightError) as error:
            _fail(job, source, targets, f"{url}: {str(error).splitlines()[0][:200]}")
        else:
            _keep(job, targets, shots)


def _check_robots(job: _Capture, source: SourceConfig, url: str) -> None:
    """Refuse a page that the robots.txt of the source's last run disallows."""
    if source.access is Access.OPERATOR:
        return
    with job.store.read() as conn:
        run = last_run(conn, source.name)
    noted = run.robots.get(netloc(url)) if run else None
    if not noted or noted["rule"] != "rules" or not noted["sha256"]:
        return
    body = read_bytes(job.store.evidence_root, noted["sha256"])
    if not judge_robots(200, body).allows(url, USER_AGENT_NAME):
        raise AccessError(source.name, "robots.txt disallows it")


def _shoot(
    job: _Capture,
    source: SourceConfig,
    adapter: AdapterConfig,
    context: BrowserContext,
    targets: Sequence[ShotTarget],
) -> _Shots:
    url = targets[0].page_url
    page = context.new_page()
    try:
        answer = page.goto(url, wait_until="load")
        if answer is None:
            raise AccessError(source.name, "no answer")
        read = PageRead(
            url=page.url,
            asked_url=url,
            status=answer.status,
            body=page.content().encode(),
            at=job.now,
            headers=answer.headers,
        )
        judged = judge(read, adapter)
        if judged.stops:
            job.stopped.add(source.name)
        if judged.outcome is not ReadOutcome.OK:
            raise AccessError(source.name, judged.marker or judged.outcome.value)
        _settle(page)
        picture = _whole(page)
        said = _said(job, targets)
        elements = {one.clue_id: _element(page, source, one, read, said[one.clue_id]) for one in targets}
        return _Shots(page.url, answer.status, picture, elements)
    finally:
        page.close()


def _settle(page: Page) -> None:
    """Wait until the page's fonts are there; one that never says so is shown as it is after a moment."""
    with contextlib.suppress(PlaywrightError):
        page.wait_for_function("document.fonts.status === 'loaded'", timeout=_SETTLE_SECONDS * 1000)


def _said(job: _Capture, targets: Sequence[ShotTarget]) -> dict[int, Said]:
    """Return what each target's offender wrote, and the name and contacts in it."""
    with job.store.read() as conn:
        found = dossiers(conn, [target.clue_id for target in targets])
    return {key: own_words(dossier) for key, dossier in found.items()}


def _whole(page: Page) -> bytes:
    height = page.evaluate("Math.max(document.documentElement.scrollHeight, document.body?.scrollHeight ?? 0)")
    if height <= MAX_HEIGHT:
        return page.screenshot(full_page=True, animations="disabled")
    clip = {"x": 0, "y": 0, "width": VIEWPORT_WIDTH, "height": MAX_HEIGHT}
    return page.screenshot(full_page=True, animations="disabled", clip=clip)  # type: ignore[arg-type]  # a FloatRect


def _element(page: Page, source: SourceConfig, target: ShotTarget, read: PageRead, said: Said) -> Shot:
    """Return the target alone, other people covered, or why there is none."""
    place = find_place(source, target, read)
    if place is None:
        return Shot(why=UNMARKED)
    words, own = said
    others = (*OTHERS, source.comments.item) if source.comments else OTHERS
    rules = MaskRules(element=place.css, index=place.index, others=others, own=own, words=words, mixed=place.mixed)
    return masked_shot(page, rules)


def _keep(job: _Capture, targets: Sequence[ShotTarget], shots: _Shots) -> None:
    root = job.store.evidence_root
    page_sha = put_bytes(root, shots.page)
    crops = {clue_id: put_bytes(root, shot.png) for clue_id, shot in shots.elements.items() if shot.png}
    facts = CaptureFacts(
        url=shots.url,
        at=job.now,
        method="browser",
        sha256=page_sha,
        size=len(shots.page),
        status=shots.status,
        headers={"content-type": "image/png"},
        kind=SCREENSHOT,
    )
    with job.store.write(job.now) as unit:
        for target in targets:
            crop, shot = crops.get(target.clue_id), shots.elements[target.clue_id]
            if crop is not None:
                size = len(shot.png or b"")
                add_capture(unit, replace(facts, url=target.url, kind=ELEMENT, sha256=crop, size=size))
            capture_id = add_capture(unit, replace(facts, headers=shot_headers(crop, shot.why)))
            set_screenshot(unit, target.clue_id, sha256=page_sha, capture_id=capture_id)
    job.captured += len(targets)


def _fail(job: _Capture, source: SourceConfig, targets: Sequence[ShotTarget], why: str) -> None:
    with job.store.write(job.now) as unit:
        note_failed_screenshot(unit, [target.clue_id for target in targets])
    job.failed += len(targets)
    entry: Json = {"code": "blocked" if source.name in job.stopped else "failed", "id": source.name, "message": why}
    if entry not in job.problems:
        job.problems.append(entry)
