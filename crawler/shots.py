"""Taking the picture of a target alone, with other people covered; for both kinds of Playwright page.

The page is held still, looked at, photographed and looked at again: where the two looks differ, the covers may have
missed, and there is no picture. Everything is asked through the debugging protocol in a world of its own, so what a
page's script has replaced (``getBoundingClientRect`` and the like) is never called.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from playwright.sync_api import Error as PlaywrightError

from crawler.shot_masks import (
    LETTER_PAD,
    MAX_HEIGHT,
    MIN_PIXELS,
    NoShotError,
    Plan,
    Shot,
    cover,
    find_target,
    make_plan,
)
from crawler.shot_snapshot import STYLES, Rect, read_snapshot

if TYPE_CHECKING:
    from collections.abc import Generator

    from playwright.async_api import Page as AsyncPage
    from playwright.sync_api import Page

    from crawler.shot_masks import MaskRules
    from crawler.shot_snapshot import Snapshot

TRIES = 3
"""How often a page is looked at that does not hold still."""

_PAUSE_SECONDS = 0.15
_SLANT = 0.15  # of the height, by which italics lean over
_MARGIN = 24  # pixels of the viewport beyond the target

_PREPARE = """function () {
  const changed = [];
  const unseen = ["SCRIPT", "STYLE", "LINK", "META", "TEMPLATE", "HEAD"];
  const fade = node => {
    if (unseen.includes(node.tagName)) return;
    changed.push([node, node.getAttribute("style")]);
    for (const [name, value] of [["opacity", "0"], ["transition", "none"], ["animation", "none"]])
      node.style?.setProperty(name, value, "important");
  };
  for (let node = this; node; ) {
    const parent = node.parentNode;
    if (parent) for (const other of parent.children) if (other !== node) fade(other);
    node = parent instanceof ShadowRoot ? parent.host : parent;
  }
  for (const drawing of document.querySelectorAll("svg")) drawing.pauseAnimations?.();
  globalThis.qingyuanChanged = changed;
  globalThis.qingyuanScroll = [scrollX, scrollY];
}"""
_SCROLL = "function () { this.scrollIntoView({block: 'start', inline: 'nearest', behavior: 'instant'}); }"
_RESTORE = """(() => {
  for (const [node, style] of globalThis.qingyuanChanged ?? [])
    style === null ? node.removeAttribute("style") : node.setAttribute("style", style);
  for (const drawing of document.querySelectorAll("svg")) drawing.unpauseAnimations?.();
  if (globalThis.qingyuanScroll) scrollTo(...globalThis.qingyuanScroll);
})()"""
_LETTERS = """function (part) {
  const [start, end] = JSON.parse(part);
  const range = document.createRange();
  range.setStart(this, start);
  range.setEnd(this, end);
  const boxes = [...range.getClientRects()];
  return JSON.stringify(boxes.map(box => [box.x + scrollX, box.y + scrollY, box.width, box.height]));
}"""


@dataclass(frozen=True, slots=True)
class _Call:
    """One command of the debugging protocol."""

    method: str
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Resize:
    """Another height of the viewport; 0 puts the first one back."""

    height: int


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture of a part of the viewport."""

    clip: Rect


@dataclass(frozen=True, slots=True)
class _Wait:
    """A pause in which late parts of the page may find their place."""

    seconds: float


_Step = _Call | _Resize | _Picture | _Wait


def masked_shot(page: Page, rules: MaskRules, *, freeze: bool = True) -> Shot:
    """Return the picture of a target alone with other people covered, or why there is none.

    ``freeze`` stops the page's scripts: right for strangers' pages that are closed afterwards, wrong for an
    application that is to go on working, because what it was waiting for is lost.
    """
    session = page.context.new_cdp_session(page)
    size = page.viewport_size or {"width": 1280, "height": 900}
    steps = _steps(rules, size["height"], freeze=freeze)
    answer: Any = None
    failed: PlaywrightError | None = None
    is_resized = False  # a new size lays the whole page out anew, so an old one is put back only where it was left
    try:
        while True:
            step = steps.send(answer) if failed is None else steps.throw(failed)
            answer, failed = None, None
            try:
                if isinstance(step, _Call):
                    answer = session.send(step.method, step.params)
                elif isinstance(step, _Resize) and (step.height or is_resized):
                    page.set_viewport_size({**size, "height": step.height or size["height"]})
                    is_resized = True
                elif isinstance(step, _Picture):
                    answer = page.screenshot(clip=_clip(step), animations="allow", caret="initial", scale="css")
                elif isinstance(step, _Wait):
                    page.wait_for_timeout(step.seconds * 1000)
            except PlaywrightError as error:
                failed = error
    except StopIteration as done:
        return cast("Shot", done.value)
    finally:
        session.detach()


async def masked_shot_async(page: AsyncPage, rules: MaskRules, *, freeze: bool = True) -> Shot:
    """Do what :func:`masked_shot` does with a page of the asynchronous Playwright."""
    session = await page.context.new_cdp_session(page)
    size = page.viewport_size or {"width": 1280, "height": 900}
    steps = _steps(rules, size["height"], freeze=freeze)
    answer: Any = None
    failed: PlaywrightError | None = None
    is_resized = False  # a new size lays the whole page out anew, so an old one is put back only where it was left
    try:
        while True:
            step = steps.send(answer) if failed is None else steps.throw(failed)
            answer, failed = None, None
            try:
                if isinstance(step, _Call):
                    answer = await session.send(step.method, step.params)
                elif isinstance(step, _Resize) and (step.height or is_resized):
                    await page.set_viewport_size({**size, "height": step.height or size["height"]})
                    is_resized = True
                elif isinstance(step, _Picture):
                    clip = _clip(step)
                    answer = await page.screenshot(clip=clip, animations="allow", caret="initial", scale="css")
                elif isinstance(step, _Wait):
                    await page.wait_for_timeout(step.seconds * 1000)
            except PlaywrightError as error:
                failed = error
    except StopIteration as done:
        return cast("Shot", done.value)
    finally:
        await session.detach()


def _clip(step: _Picture) -> Any:  # noqa: ANN401 - a FloatRect of either API
    clip = step.clip
    return {"x": clip.x, "y": clip.y, "width": clip.width, "height": clip.height}


def _steps(rules: MaskRules, height: int, *, freeze: bool) -> Generator[_Step, Any, Shot]:
    """Yield what is to be done to the page and return the shot; what was changed is put back in the end."""
    frame = (yield _Call("Page.getFrameTree", {}))["frameTree"]["frame"]["id"]
    world = (yield _Call("Page.createIsolatedWorld", {"frameId": frame, "worldName": "qingyuan"}))[
        "executionContextId"
    ]
    try:
        yield from _hold(still=True, scripts=freeze)
        return (yield from _shoot(rules, world, height))
    except NoShotError as error:
        return Shot(why=str(error))
    except PlaywrightError as error:
        return Shot(why=f"the browser: {str(error).splitlines()[0][:200]}")
    finally:
        yield _Call("Runtime.evaluate", {"expression": _RESTORE, "contextId": world})
        yield _Resize(0)
        yield from _hold(still=False, scripts=freeze)


def _hold(*, still: bool, scripts: bool) -> Generator[_Step, Any, None]:
    if scripts:
        yield _Call("Emulation.setScriptExecutionDisabled", {"value": still})
    yield _Call("Animation.enable", {})
    yield _Call("Animation.setPlaybackRate", {"playbackRate": 0 if still else 1})
    if not still:
        yield _Call("Animation.disable", {})


def _shoot(rules: MaskRules, world: int, height: int) -> Generator[_Step, Any, Shot]:
    snapshot = yield from _look()
    target = find_target(snapshot, rules)
    key = snapshot.backend[target]
    yield from _tell(key, world, _PREPARE)
    height = yield from _make_room(make_plan(snapshot, target, rules).crop, height)
    for _ in range(TRIES):
        yield from _tell(key, world, _SCROLL)
        scroll, before = yield from _look_closely(key, rules, world)
        if before.crop.height > height:
            height = yield from _make_room(before.crop, height)
            continue
        png = yield _Picture(_moved(before.crop, -scroll[0], -scroll[1]))
        if (scroll, before) == (yield from _look_closely(key, rules, world)):
            return Shot(png=cover(png, before.crop, before.covers))
        yield _Wait(_PAUSE_SECONDS)
    raise NoShotError("the page does not hold still")


def _look() -> Generator[_Step, Any, Snapshot]:
    return read_snapshot((yield _Call("DOMSnapshot.captureSnapshot", {"computedStyles": list(STYLES)})))


def _look_closely(
    key: int, rules: MaskRules, world: int
) -> Generator[_Step, Any, tuple[tuple[float, float], Plan]]:
    """Return the scroll position and what is to be shown and covered now, letter by letter."""
    snapshot = yield from _look()
    if key not in snapshot.backend:
        raise NoShotError("the page does not hold still")
    plan = make_plan(snapshot, snapshot.backend.index(key), rules)
    rects = list(plan.covers)
    for part in plan.letters:
        asked = json.dumps([part.start, part.end])
        told = yield from _tell(snapshot.backend[part.node], world, _LETTERS, asked)
        rects += [_around(Rect(*box)) for box in json.loads(told)]
    metrics = yield _Call("Page.getLayoutMetrics", {})
    view = metrics["cssVisualViewport"]
    if view["scale"] != 1:
        raise NoShotError("the page is zoomed")
    crop = _common(plan.crop, Rect(*snapshot.scroll, view["clientWidth"], view["clientHeight"]))
    return snapshot.scroll, Plan(crop, tuple(rects), plan.letters)


def _around(letters: Rect) -> Rect:
    """Return the box of single letters with room for what slants over its ends."""
    return letters.padded(max(LETTER_PAD, _SLANT * letters.height))


def _common(crop: Rect, view: Rect) -> Rect:
    """Return the part of the target that is in view, on whole pixels."""
    x, y = max(crop.x, math.ceil(view.x)), max(crop.y, math.ceil(view.y))
    width, height = min(crop.right, math.floor(view.right)) - x, min(crop.bottom, math.floor(view.bottom)) - y
    if min(width, height) < MIN_PIXELS:
        raise NoShotError("the target cannot be brought into view")
    return Rect(x, y, width, height)


def _moved(rect: Rect, right: float, down: float) -> Rect:
    return Rect(rect.x + right, rect.y + down, rect.width, rect.height)


def _make_room(crop: Rect, height: int) -> Generator[_Step, Any, int]:
    """Give the viewport the height that the target needs; return its height."""
    wanted = min(math.ceil(crop.height), MAX_HEIGHT) + 2 * _MARGIN
    if wanted > height:
        yield _Resize(wanted)
    return max(wanted, height)


def _tell(key: int, world: int, function: str, *arguments: str) -> Generator[_Step, Any, Any]:
    """Call a function on a node of the page, in the world of its own; return what it returns."""
    resolved = yield _Call("DOM.resolveNode", {"backendNodeId": key, "executionContextId": world})
    wanted = {
        "objectId": resolved["object"]["objectId"],
        "functionDeclaration": function,
        "arguments": [{"value": one} for one in arguments],
        "returnByValue": True,
    }
    answer = yield _Call("Runtime.callFunctionOn", wanted)
    if "exceptionDetails" in answer:
        raise NoShotError("the page could not be measured")
    return answer["result"].get("value")
