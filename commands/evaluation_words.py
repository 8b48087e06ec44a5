"""The words of the page of figures: Chinese first, then English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.records import CATEGORY_TITLES, CONTACT_TITLES, LABEL_TITLES

if TYPE_CHECKING:
    from collections.abc import Mapping

Title = tuple[str, str]

PLATFORMS: dict[str, Title] = {
    "xiaohongshu": ("小红书", "Xiaohongshu"),
    "weibo": ("微博", "Weibo"),
    "douyin": ("抖音", "Douyin"),
    "kuaishou": ("快手", "Kuaishou"),
    "bilibili": ("哔哩哔哩", "Bilibili"),
    "zhihu": ("知乎", "Zhihu"),
    "tieba": ("贴吧", "Tieba"),
    "douban": ("豆瓣", "Douban"),
    "heimao": ("黑猫投诉", "Heimao complaints"),
    "wechat_article": ("微信公众号", "WeChat article"),
    "web": ("网页", "Web page"),
}
PLACES: dict[str, Title] = {
    "title": ("标题", "Title"),
    "text": ("正文", "Text"),
    "name": ("昵称", "Nickname"),
    "bio": ("简介", "Bio"),
    "comments": ("评论", "Comments"),
}
DISGUISES: dict[str, Title] = {
    "plain": ("无伪装", "None"),
    "homophone": ("谐音", "Homophones"),
    "similar_glyph": ("形近字", "Similar glyphs"),
    "mixed_script": ("夹拼音", "Pinyin syllable"),
    "pinyin_initials": ("拼音首字母", "Pinyin initials"),
    "inserted_symbols": ("插入符号", "Inserted symbols"),
    "spaces": ("插入空格", "Spaces"),
    "zero_width": ("零宽字符", "Zero width"),
    "traditional": ("繁体", "Traditional"),
    "emoji_substitution": ("表情替字", "Emoji for characters"),
    "circled_digits": ("带圈数字", "Circled digits"),
    "chinese_numerals": ("中文数字", "Chinese numerals"),
    "unit_shorthand": ("单位暗语", "Unit shorthand"),
    "fee_code": ("收费暗语", "Fee code"),
    "nickname_code": ("称呼暗语", "Code words"),
    "contact_alias": ("联系方式别称", "Contact alias"),
    "image_contact": ("图中联系方式", "Contact in a picture"),
    "euphemism": ("委婉说法", "Euphemism"),
    "coded_story": ("整篇隐喻", "Coded story"),
    "cross_account": ("跳转账号", "Other account"),
    "staged_qa": ("托儿问答", "Staged questions"),
    "warning_opening": ("先警示后推销", "Warning that pitches"),
}
DIFFICULTIES: dict[str, Title] = {
    "plain": ("直白", "Plain"),
    "disguised": ("有伪装", "Disguised"),
    "hard": ("疑难", "Hard"),
}
FIELDS: dict[str, Title] = {
    "title": ("标题", "Title"),
    "text": ("正文", "Text"),
    "author.name": ("昵称", "Nickname"),
    "author.bio": ("简介", "Bio"),
    "parent": ("上文", "Answers to"),
}
COMMENT_FIELDS: dict[str, Title] = {
    "text": ("评论", "Comment"),
    "author": ("评论者", "Commenter"),
    "author.bio": ("评论者简介", "Commenter's bio"),
}
TARGETS: dict[str, Title] = {
    "post": ("帖子", "Post"),
    "comment": ("评论", "Comment"),
    "account": ("账号", "Account"),
}
CHANGES: dict[str, Title] = {
    "newly_flagged": ("新命中", "Newly flagged"),
    "newly_cleared": ("不再命中", "No longer flagged"),
    "relabelled": ("标签改变", "Label changed"),
    "recategorised": ("类别改变", "Categories changed"),
}
CATEGORIES: dict[str, Title] = {key.value: title for key, title in CATEGORY_TITLES.items()}
LABELS: dict[str, Title] = {key.value: title for key, title in LABEL_TITLES.items()}
CONTACTS: dict[str, Title] = {key.value: title for key, title in CONTACT_TITLES.items()}


def titled(key: str, words: Mapping[str, Title]) -> Title:
    """Return the title of a key; one without words stands as it is."""
    return words.get(key, (key, ""))


def field_title(field: str) -> Title:
    """Return the title of a field of a post line, comments counted from 1."""
    if not field.startswith("comments["):
        return titled(field, FIELDS)
    index, _, name = field.removeprefix("comments[").partition("].")
    number = int(index) + 1
    zh, en = titled(name, COMMENT_FIELDS)
    return f"{zh} {number}", f"{en} {number}"
