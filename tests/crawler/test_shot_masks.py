"""Pictures of targets in real Chromium: other people's marks, drawn in a colour of their own, leave no pixel."""

from __future__ import annotations

import asyncio
import io
import threading
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from playwright.async_api import async_playwright

from crawler.shot_masks import COVER, MAX_HEIGHT, MaskRules, Shot
from crawler.shots import masked_shot, masked_shot_async
from tests.support.browser import LAUNCH_ARGUMENTS

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

RULES = MaskRules(element="article", others=(".reply", ".avatar"), own=("13900001111", "王先生债务咨询"))
WORDS = "停息挂账，找王先生债务咨询，电话 13900001111"
STYLE = """<meta charset=utf-8><style>
body { margin: 0; background: #fff; color: #000; font: 24px sans-serif } article { width: 700px }
.own { color: #00f; font-weight: bold } .other, .reply { color: #f0f; font-weight: bold }
.avatar { width: 40px; height: 40px; background: #f0f }
</style>"""
OWN = f"<p class=own>{WORDS}</p>"
REPLY = "<div class=reply>读者甲 想了解</div>"
IMAGE = "<svg class=picture width=60 height=30><rect width=60 height=30 fill='#0f0'></rect></svg>"


def shot_of(page: Page, body: str, rules: MaskRules = RULES, **wanted: Any) -> Shot:
    page.set_content(f"<html>{STYLE}{body}</html>")
    return masked_shot(page, rules, **wanted)


def read(shot: Shot) -> Image.Image:
    assert shot.png is not None, shot.why
    return Image.open(io.BytesIO(shot.png)).convert("RGB")


def count(picture: Image.Image, wanted: str) -> int:
    """Count pixels: others' magenta, the offender's blue, pictures' green, covers; blends of magenta count."""
    found = 0
    for number, (red, green, blue) in picture.getcolors(picture.width * picture.height) or []:  # type: ignore[misc]
        is_magenta = min(red, blue) - green > 60
        kinds = {
            "others": is_magenta,
            "own": blue > 200 and max(red, green) < 30,
            "picture": (red, green, blue) == (0, 255, 0),
            "covers": (red, green, blue) == COVER,
        }
        found += number if kinds[wanted] else 0
    return found


PAGES = {
    "comments and avatars": f"<article>{OWN}<div class=avatar></div>{REPLY}{OWN}</article>",
    "mention, name and number in own words": (
        "<article><p class=own>停息挂账，客户<span class=other>赵</span>女士 "
        "<span class=other>138 1234 5678</span> "
        "<i>@<span class=other>小红</span></i> 证件 <b class=other>11010119900101123X</b> 已办好</p></article>"
    ),
    "a number over several elements and lines": (
        "<article><p class=own>停息挂账 <b class=other>138</b><i class=other>1234</i>\n"
        "   <u class=other>5678</u> 已办好</p></article>"
    ),
    "sticky and fixed parts over the target": (
        f"<div style='position:sticky;top:0' class=other>登录用户赵六</div><article>{OWN}{OWN}</article>"
        "<div style='position:fixed;left:100px;top:40px;z-index:99' class=other>弹幕赵六</div>"
    ),
    "fixed parts inside the target": (
        f"<article>{OWN}<div class=reply style='position:fixed;left:90px;top:100px'>弹幕赵六</div>{OWN}</article>"
    ),
    "transforms and zoom": (
        f"<article style='zoom:1.4'>{OWN}<div style='perspective:300px'><div class=reply "
        "style='transform:rotate3d(1,1,0,30deg) translate(90px,40px) scale(1.3);width:200px'>读者甲</div></div>"
        f"{OWN}<div style='rotate:8deg'>{REPLY}</div></article>"
    ),
    "text of pseudo-elements": (
        "<style>.reply::before{content:attr(data-name);position:absolute;left:300px;top:70px;visibility:visible}"
        ".reply::after{content:'游客乙';float:right}.reply{visibility:hidden}</style>"
        f"<article>{OWN}<div class=reply data-name=读者丙></div>{OWN}</article>"
    ),
    "shadow trees": (
        f"<article>{OWN}<div id=a class=reply></div><div id=b></div>{OWN}</article><script>"
        "a.attachShadow({mode:'closed'}).innerHTML='<p style=color:#f0f>读者甲</p>';"
        "b.attachShadow({mode:'closed'}).innerHTML='<p class=reply style=color:#f0f>读者乙</p>'</script>"
    ),
    "frames and canvases": (
        f"<article>{OWN}<iframe srcdoc='<b style=color:#f0f>读者甲'></iframe><canvas id=c></canvas>{OWN}</article>"
        "<script>const t=c.getContext('2d');t.fillStyle='#f0f';t.font='20px sans';"
        "t.fillText('读者乙',5,40)</script>"
    ),
    "animations": (
        "<style>@keyframes go{from{margin-left:0;top:0}to{margin-left:400px;top:60px}}"
        ".reply{position:relative;animation:go .2s infinite alternate linear}</style>"
        f"<article>{OWN}{REPLY}<marquee class=reply>读者乙</marquee>{OWN}</article>"
    ),
    "scripts that move and uncover": (
        f"<article>{OWN}{REPLY}{OWN}</article><script>"
        "Element.prototype.getBoundingClientRect=Range.prototype.getClientRects=()=>[];"
        "document.querySelectorAll=()=>[];const r=document.querySelector('.reply');r.style.position='relative';"
        "(function go(){r.style.left=Math.random()*300+'px';r.style.top=Math.random()*90+'px';"
        "requestAnimationFrame(go)})();setInterval(()=>{r.style.left='10px'},1);"
        "new MutationObserver(()=>document.body.append(r)).observe(document,"
        "{subtree:true,attributes:true})</script>"
    ),
    "style that wants everything seen": (
        "<style>*{opacity:1!important;visibility:visible!important;transition:all 9s!important}</style>"
        f"<article>{OWN}{REPLY}{OWN}</article>"
        "<div class=other style='position:absolute;top:30px;left:60px'>赵六</div>"
    ),
    "the top layer": (
        f"<article>{OWN}{OWN}{OWN}</article><div><dialog id=d class=other>赵六在线</dialog>"
        "<div popover id=p class=other style='margin:20px'>赵六</div></div>"
        "<script>d.showModal();p.showPopover()</script>"
    ),
    "columns and vertical lines": (
        f"<article><div style='columns:2'>{OWN}{REPLY * 3}</div>"
        f"<div style='writing-mode:vertical-rl;height:200px'>{REPLY}<p class=own>停息</p></div></article>"
    ),
    "drawn letters": (
        f"<article>{OWN}<div class=reply><svg width=200 height=40><text id=t x=5 y=30 fill='#f0f'>读者甲</text>"
        "</svg></div><svg width=200 height=60><use href='#t' x=20 y=20 /></svg></article>"
    ),
    "an own background shown through": (
        f"<article>{OWN}</article><div style='position:absolute;left:0;top:0;width:300px;height:90px;"
        "background:linear-gradient(#f0f,#f0f)'></div>"
    ),
}


def test_no_pixel_of_other_people_is_left(page: Page) -> None:
    found = {}
    for name, body in PAGES.items():
        page.set_content(f"<html>{STYLE}{body}</html>")
        page.wait_for_timeout(30)
        raw = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        assert count(raw, "others") > 100, f"{name}: the page shows nobody, so it proves nothing"
        picture = read(masked_shot(page, RULES))
        found[name] = count(picture, "others"), count(picture, "own") > 50
    assert found == dict.fromkeys(PAGES, (0, True))


def test_words_and_pictures_of_the_offender_stay(page: Page) -> None:
    alone = read(shot_of(page, f"<article>{OWN}{IMAGE}</article>"))
    picture = read(shot_of(page, f"<article>{OWN}{IMAGE}<p class=own>客户李女士说好</p>{REPLY}</article>"))
    assert count(alone, "covers") == 0
    assert count(picture, "covers") > 0
    assert count(picture, "picture") == 1800
    assert count(picture, "own") > count(alone, "own") > 500
    unknown = read(shot_of(page, f"<article>{OWN}</article>", MaskRules(element="article")))
    assert count(unknown, "covers") > 0, "a number that nobody knows as the offender's is covered"


@pytest.mark.parametrize(
    ("style", "why"),
    [
        ("text-shadow:0 200px #f0f", "text-shadow"),
        ("filter:drop-shadow(0 120px #f0f)", "filter"),
        ("-webkit-box-reflect:below 40px", "box-reflect"),
        ("filter:url(#move)", "filter"),
    ],
)
def test_paint_away_from_its_box_means_no_picture(page: Page, style: str, why: str) -> None:
    drawing = "<svg width=0 height=0><filter id=move><feOffset dy=150 /></filter></svg>"
    body = f"<article>{OWN}{drawing}<div style='{style}'>{REPLY}</div>{OWN}{OWN}</article>"
    shot = shot_of(page, body)
    assert shot.png is None
    assert why in str(shot.why)


def test_page_that_does_not_hold_still_means_no_picture(page: Page) -> None:
    move = "setInterval(()=>{document.querySelector('.reply').style.marginLeft=Math.random()*200+'px'},5)"
    body = f"<article>{OWN}{REPLY}{OWN}</article><script>{move}</script>"
    assert shot_of(page, body, freeze=False).why == "the page does not hold still"
    assert count(read(shot_of(page, body)), "others") == 0


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<p>nothing</p>", "does not mark"),
        ("<article style='display:none'>x</article>", "not shown"),
        (f"<article>{REPLY}</article>", "nothing of the target"),
        (f"<article><div style='height:{MAX_HEIGHT}px'></div>{OWN}</article>", "too tall"),
    ],
)
def test_target_that_cannot_be_shown_says_why(page: Page, body: str, why: str) -> None:
    shot = shot_of(page, body)
    assert shot.png is None
    assert why in str(shot.why)


def test_comment_as_target_shows_neither_post_nor_other_comments(page: Page) -> None:
    inner = "<div class='reply other'>楼中楼</div>"
    pitch = f"<div class=reply id=r style='color:#00f'>停息挂账{inner}</div>"
    body = f"<article class=other>作者 赵六{pitch}{REPLY}</article>"
    picture = read(shot_of(page, body, MaskRules(element="#r", others=(".reply",))))
    assert (count(picture, "others"), count(picture, "own") > 50, picture.height < 120) == (0, True, True)


def test_unmarked_replies_are_covered_where_they_may_stand(page: Page) -> None:
    body = f"<main>{OWN}<p class=other>楼下 读者说的话</p></main>"
    rules = MaskRules(element="main", words=WORDS, own=RULES.own, mixed=True)
    picture = read(shot_of(page, body, rules))
    assert (count(picture, "others"), count(picture, "own") > 500) == (0, True)
    assert "words" in str(shot_of(page, "<main>别的话</main>", rules).why)


def test_long_target_is_shown_whole_and_the_page_is_put_back(page: Page) -> None:
    tall = "<div style='height:2500px'></div>"
    body = f"<div style='color:red' id=x>上</div>{tall}<article>{OWN}{tall}{OWN}{REPLY * 90}</article>{tall}"
    page.set_content(f"<html>{STYLE}{body}</html>")
    page.evaluate("scrollTo(0, 40)")
    before = page.evaluate("[document.body.innerHTML, scrollY, innerHeight]")
    picture = read(masked_shot(page, RULES, freeze=False))
    assert page.evaluate("[document.body.innerHTML, scrollY, innerHeight]") == before
    assert 2500 < picture.height < 2800, "replies below the last own words are left out"
    assert count(picture, "others") == 0


def test_both_kinds_of_playwright_give_the_same_picture(page: Page, chromium_path: Path) -> None:
    body = f"<html>{STYLE}{PAGES['comments and avatars']}</html>"
    found: list[Shot] = []

    async def take() -> None:
        async with async_playwright() as playwright:
            arguments = [*LAUNCH_ARGUMENTS, "--no-sandbox"]
            browser = await playwright.chromium.launch(executable_path=chromium_path, args=arguments)
            opened = await browser.new_page(locale="zh-CN")
            await opened.set_content(body)
            found.append(await masked_shot_async(opened, RULES))
            await browser.close()

    thread = threading.Thread(target=lambda: asyncio.run(take()))
    thread.start()
    thread.join()
    page.set_content(body)
    assert read(found[0]).tobytes() == read(masked_shot(page, RULES)).tobytes()
