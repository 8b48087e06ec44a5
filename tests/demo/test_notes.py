"""The note platform as its own script meets it: search, notes, comments, accounts, tokens, challenges."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from demo.corpus import load_corpus
from demo.notes.gate import ACCOUNT_REFUSED, NETWORK_REFUSED, TOKEN_DAYS, Challenge
from demo.notes.server import NotesServer
from demo.notes.shapes import count_text
from demo.records import NOTES, Article, Corpus
from demo.world import SentItem, State, UnknownTargetError, World
from tests.demo.visits import Answer, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBT = "信用卡逾期"
COMMENTS = "/api/sns/web/v2/comment/page"
STATE = re.compile(r"window\.__INITIAL_STATE__=(.*?)</script>", re.DOTALL)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.fixture
def world(corpus: Corpus) -> World:
    return World(corpus)


@pytest.fixture
def notes(world: World) -> Iterator[NotesServer]:
    with NotesServer(world) as running:
        yield running


@pytest.fixture
def visitor(notes: NotesServer) -> Visitor:
    found = Visitor(notes)
    found.sign_in()
    return found


def start_state(answer: Answer) -> dict[str, Any]:
    """Read a page's state as the page's own script does, with ``undefined`` for null."""
    found = STATE.search(answer.text)
    assert found
    assert "undefined" in found[1]
    state: dict[str, Any] = json.loads(re.sub(r"(?<=[:,\[])undefined(?=[,}\]])", "null", found[1]))
    return state


def tricked(world: World, trick: str) -> Article:
    return next(note for note in world.corpus.of(NOTES) if note.trick == trick)


def ordinary(world: World, *, comments: int = 0) -> Article:
    found = (it for it in world.corpus.of(NOTES) if not it.trick and it.section == "debt")
    return next(note for note in found if len(note.comments) >= comments)


def test_more_than_thirty_notes_stand_behind_page_two_and_the_last_page_has_some(visitor: Visitor) -> None:
    pages = visitor.pages(DEBT)
    shown = [[item["id"] for item in page if item["model_type"] == "note"] for page in pages]
    assert [len(page) for page in shown[:-1]] == [20] * (len(pages) - 1)
    assert 0 < len(shown[-1]) < 20
    assert sum(len(page) for page in shown[2:]) >= 30
    everything = [key for page in shown for key in page]
    assert len(everything) == len(set(everything))
    assert {item["model_type"] for page in pages for item in page} == {"note", "rec_query", "hot_query"}


def test_both_queries_of_the_demo_together_find_every_note(visitor: Visitor, world: World) -> None:
    found = visitor.tokens(DEBT) | visitor.tokens("退保")
    assert set(found) == {note.note_id for note in world.corpus.of(NOTES)}
    assert visitor.search("量子纠缠").data == {"has_more": False}


def test_items_differ_in_the_order_and_presence_of_their_keys(visitor: Visitor) -> None:
    cards = [it["note_card"] for page in visitor.pages(DEBT) for it in page if it["model_type"] == "note"]
    assert len({tuple(card) for card in cards}) > 20
    assert {"image_list" in card for card in cards} == {True, False}
    counts = [card["interact_info"]["liked_count"] for card in cards]
    assert all(isinstance(count, str) for count in counts)
    assert "9.7万" in counts


@pytest.mark.parametrize(
    ("number", "shown"), [(0, "0"), (9999, "9999"), (10_000, "1万"), (97_000, "9.7万"), (120_400, "12万")]
)
def test_counts_are_shown_as_the_pages_show_them(number: int, shown: str) -> None:
    assert count_text(number) == shown


def test_an_opened_note_has_its_text_topics_and_milliseconds(visitor: Visitor, world: World) -> None:
    tokens = visitor.tokens(DEBT)
    for note in (it for it in world.corpus.of(NOTES) if it.section == "debt" and not it.trick):
        (item,) = visitor.feed(note.note_id, tokens[note.note_id]).data["items"]
        card = item["note_card"]
        assert (card["title"], card["note_id"]) == (note.title, note.note_id)
        assert card["desc"] == "\n".join(
            [note.text, *[" ".join(f"#{it}[话题]#" for it in note.topics)][: bool(note.topics)]]
        )
        assert card["time"] == int(note.published_at.timestamp() * 1000)
        assert card["user"]["user_id"] == note.author.uid
        assert card["user"]["xsec_token"] != card["xsec_token"]


def test_comments_come_in_pages_with_one_reply_and_a_cursor_for_the_others(visitor: Visitor, world: World) -> None:
    note = next(it for it in world.corpus.of(NOTES) if it.key == "nvi1")
    token = visitor.tokens(DEBT)[note.note_id]
    asked = {"note_id": note.note_id, "xsec_token": token}
    cursor, more, threads = "", True, []
    while more:
        data = visitor.get(COMMENTS, cursor=cursor, **asked).data
        threads += data["comments"]
        cursor, more = data["cursor"], data["has_more"]
        assert cursor == data["comments"][-1]["id"]
    assert [it["id"] for it in threads] == [it.element_id for it in note.comments if it.parent is None]
    thread = next(it for it in threads if it["sub_comment_has_more"])
    replies = [it for it in note.comments if it.parent == thread["id"]]
    assert int(thread["sub_comment_count"]) == len(replies)
    path = "/api/sns/web/v2/comment/sub/page"
    rest = visitor.get(path, root_comment_id=thread["id"], num="10", cursor=thread["sub_comment_cursor"], **asked)
    shown = [*thread["sub_comments"], *rest.data["comments"]]
    assert [it["id"] for it in shown] == [it.element_id for it in replies]
    assert {it["target_comment"]["id"] for it in shown} == {thread["id"]}


def test_a_note_opens_with_any_of_its_tokens_and_with_no_other(visitor: Visitor, world: World) -> None:
    note = ordinary(world)
    first = visitor.tokens(DEBT)[note.note_id]
    world.now += timedelta(hours=5)
    second = visitor.tokens(DEBT)[note.note_id]
    assert first != second
    page = f"/explore/{note.note_id}"
    for token in (first, second):
        assert visitor.get(page, xsec_token=token).status == 200
    user_token = visitor.feed(note.note_id, first).data["items"][0]["note_card"]["user"]["xsec_token"]
    for wrong in (user_token, visitor.tokens("退保").popitem()[1], "AB", "x", "AB数"):
        assert visitor.feed(note.note_id, wrong).code == 300031
        moved = visitor.get(page, xsec_token=wrong)
        assert moved.status == 302
        assert re.match(r"/404/sec_.+error_code=300031&error_msg=%E5%BD%93", moved.headers["Location"])
        assert "当前笔记暂时无法浏览" in visitor.get(moved.headers["Location"]).text
    assert visitor.get(page).status == 302


def test_tokens_go_stale_with_time_and_when_the_platform_says_so(
    visitor: Visitor, world: World, notes: NotesServer
) -> None:
    note = ordinary(world)
    token = visitor.tokens(DEBT)[note.note_id]
    world.now += timedelta(days=TOKEN_DAYS, seconds=1)
    assert visitor.feed(note.note_id, token).code == 300031
    fresh = visitor.tokens(DEBT)[note.note_id]
    assert visitor.feed(note.note_id, fresh).code == 0
    notes.gate.expire_tokens()
    assert visitor.feed(note.note_id, fresh).code == 300031
    assert visitor.feed(note.note_id, visitor.tokens(DEBT)[note.note_id]).code == 0


def test_a_search_lists_notes_that_cannot_be_opened(visitor: Visitor, world: World) -> None:
    tokens = visitor.tokens(DEBT)
    deleted, unavailable = tricked(world, "deleted"), tricked(world, "unavailable")
    assert visitor.feed(deleted.note_id, tokens[deleted.note_id]).code == -510000
    assert "笔记不存在" in visitor.get(f"/explore/{deleted.note_id}", xsec_token=tokens[deleted.note_id]).text
    assert visitor.feed(unavailable.note_id, tokens[unavailable.note_id]).code == 300031
    banned = tricked(world, "banned")
    profile = visitor.get(banned.author.path).text
    assert "已被封禁" in profile
    assert banned.title not in profile
    assert visitor.get("/api/sns/web/v1/user_posted", user_id=banned.author.uid).data["notes"] == []
    assert visitor.get("/api/sns/web/v1/user/otherinfo", target_user_id=banned.author.uid).code != 0


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.GONE, "笔记不存在"),
        (State.MISSING, "页面不见了"),
        (State.AUTHOR_DELETED, "笔记已被删除"),
    ],
)
def test_a_removed_note_says_so_and_leaves_the_search(
    visitor: Visitor, world: World, state: State, words: str
) -> None:
    note = ordinary(world)
    token = visitor.tokens(DEBT)[note.note_id]
    world._change(world.locate("xiaohongshu", note.note_id), world.now, state)
    assert words in visitor.get(f"/explore/{note.note_id}", xsec_token=token).text
    assert visitor.feed(note.note_id, token).code == -510000
    assert note.note_id not in visitor.tokens(DEBT)


def test_a_vanished_comment_takes_its_replies_along(visitor: Visitor, world: World) -> None:
    note = next(it for it in world.corpus.of(NOTES) if it.key == "nvi1")
    reply = next(it for it in note.comments if it.parent)
    token = visitor.tokens(DEBT)[note.note_id]
    world._change(world.locate("xiaohongshu", str(reply.parent)), world.now, State.VANISHED)
    body = visitor.get(COMMENTS, note_id=note.note_id, xsec_token=token).text
    assert str(reply.parent) not in body
    assert reply.element_id not in body


def test_a_banned_account_takes_its_notes_along(visitor: Visitor, world: World) -> None:
    note = ordinary(world)
    token = visitor.tokens(DEBT)[note.note_id]
    item = SentItem(item="1", platform="xiaohongshu", native_id=note.author.uid, url="", kind="account")
    world._change(world.locate(item.platform, item.native_id), world.now, State.BANNED)
    assert visitor.feed(note.note_id, token).code == -510000
    assert "已被封禁" in visitor.get(note.author.path).text
    with pytest.raises(UnknownTargetError):
        world.locate("xiaohongshu", "f" * 24)


def test_a_direct_page_holds_the_note_in_its_state(visitor: Visitor, world: World) -> None:
    note = ordinary(world)
    page = visitor.get(f"/explore/{note.note_id}", xsec_token=visitor.tokens(DEBT)[note.note_id])
    state = start_state(page)
    shown = state["note"]["noteDetailMap"][note.note_id]["note"]
    assert (shown["noteId"], shown["title"], shown["user"]["userId"]) == (note.note_id, note.title, note.author.uid)
    assert isinstance(shown["interactInfo"]["likedCount"], str)
    assert state["user"]["loggedIn"] is True


def test_a_profile_holds_its_owner_in_the_state_and_in_its_calls(visitor: Visitor, world: World) -> None:
    author = next(it for it in world.corpus.of(NOTES) if it.key == "nis3").author
    state = start_state(visitor.get(author.path))
    info = state["user"]["userPageData"]["basicInfo"]
    assert (info["nickname"], info["desc"]) == (author.name, author.bio)
    assert [it["type"] for it in state["user"]["userPageData"]["interactions"]] == [
        "follows",
        "fans",
        "interaction",
    ]
    other = visitor.get("/api/sns/web/v1/user/otherinfo", target_user_id=author.uid).data
    assert (other["basic_info"]["red_id"], other["basic_info"]["desc"]) == (info["redId"], author.bio)
    posted = visitor.get("/api/sns/web/v1/user_posted", user_id=author.uid, num="30", cursor="").data
    assert posted["cursor"] == posted["notes"][-1]["note_id"]
    assert visitor.feed(posted["notes"][0]["note_id"], posted["notes"][0]["xsec_token"]).code == 0


def test_a_guest_searches_and_reads_nothing(notes: NotesServer, visitor: Visitor, world: World) -> None:
    guest = Visitor(notes)
    note = ordinary(world)
    token = visitor.tokens(DEBT)[note.note_id]
    assert guest.search(DEBT).code == guest.feed(note.note_id, token).code == -101
    assert guest.get(COMMENTS, note_id=note.note_id, xsec_token=token).code == -101
    own = "/api/sns/web/v1/user/selfinfo"
    assert guest.get(own).data["guest"] is True
    assert visitor.get(own).data["result"]["success"] is True
    notes.gate.expire_sessions()
    assert visitor.search(DEBT).code == -101
    visitor.sign_in()
    assert visitor.search(DEBT).code == 0


def test_the_twin_shows_some_of_the_notes_and_knows_nobody_from_here(visitor: Visitor, world: World) -> None:
    with NotesServer(world, twin=True) as rednote:
        stranger = Visitor(rednote, visitor.cookie)
        assert stranger.search(DEBT).code == -101
        stranger.sign_in()
        assert stranger.cookie != visitor.cookie
        here, there = visitor.tokens(DEBT), stranger.tokens(DEBT)
        assert set(there) < set(here)
        key = next(iter(there))
        assert stranger.feed(key, here[key]).code == 300031
        assert rednote.base.startswith("http://localhost:")


def test_a_session_outlives_the_server(world: World, visitor: Visitor) -> None:
    with NotesServer(World(world.corpus)) as again:
        assert Visitor(again, visitor.cookie).search(DEBT).code == 0


@pytest.mark.parametrize(
    ("kind", "status", "named"),
    [(Challenge.STATUS_461, 461, True), (Challenge.STATUS_471, 471, True), (Challenge.BARE_461, 461, False)],
)
def test_a_challenge_stops_everything_until_a_person_passes_it(
    visitor: Visitor, notes: NotesServer, kind: Challenge, status: int, named: bool
) -> None:
    notes.gate.challenge_after(2, kind=kind)
    assert [visitor.search(DEBT).status for _ in range(3)] == [200, 200, status]
    answer = visitor.search(DEBT)
    assert ("Verifytype" in answer.headers, "Verifyuuid" in answer.headers) == (named, named)
    moved = visitor.get("/explore")
    assert moved.status == 302
    assert "请通过验证" in visitor.get(moved.headers["Location"]).text
    assert visitor.get("/avatar/x.png").status == 200
    passed = visitor.ask("POST", "/website-login/captcha", b"redirect=//elsewhere")
    assert passed.headers["Location"] == "/explore"
    assert visitor.search(DEBT).status == 200


def test_a_challenge_may_come_as_a_page_or_as_a_code(visitor: Visitor, notes: NotesServer) -> None:
    notes.gate.challenge_after(0, kind="page")
    page = visitor.get("/search_result", keyword=DEBT)
    assert (page.status, "请通过验证" in page.text) == (200, True)
    for refusal in (NETWORK_REFUSED, ACCOUNT_REFUSED):
        notes.gate.refuse_after(0, refusal)
        assert visitor.search(DEBT).code == refusal.code
        assert visitor.get("/explore").status == 200
    notes.gate.lift()
    assert visitor.search(DEBT).code == 0


def test_pictures_are_small_files_of_the_platforms_own(visitor: Visitor) -> None:
    (first, second) = (it for it in visitor.search(DEBT).data["items"][:2])
    paths = [it["note_card"]["cover"]["url_default"].removeprefix(visitor.notes.base) for it in (first, second)]
    pictures = [visitor.get(path) for path in paths]
    assert pictures[0].body != pictures[1].body
    for picture in pictures:
        assert len(picture.body) < 5000
        with Image.open(BytesIO(picture.body)) as image:
            image.load()
            assert image.size == (120, 160)


def test_what_is_not_there_and_what_is_not_understood(visitor: Visitor) -> None:
    assert visitor.get("/nothing").status == visitor.get("/user/profile/nobody").status == 404
    assert visitor.get("/api/sns/web/v1/nothing").status == 404
    search = "/api/sns/web/v1/search/notes"
    for body in (b"", b"[]", b"{", b'{"keyword": 1, "page": "x"}', b'{"page": 0}', b"\xff"):
        assert visitor.ask("POST", search, body).status == 200
    assert visitor.post(search, {"keyword": DEBT, "page": -1}).code != 0
    assert visitor.ask("GET", "/explore").headers["Cache-Control"] == "no-store"
    assert [hit.site for hit in visitor.notes.hits] == ["notes"] * len(visitor.notes.hits)
