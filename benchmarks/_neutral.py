"""Sentences of everyday life, for pages and texts that hold nothing of the field."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_SUBJECTS = ["我", "她", "邻居", "同事", "孩子", "老板", "楼下的大爷", "我们班长", "表姐", "隔壁的猫"]
_TIMES = ["今天", "昨晚", "上周末", "一大早", "下班以后", "去年冬天", "刚才", "放假那几天", "中午", "雨停之后"]
_DEEDS = [
    "去菜市场买了两斤西红柿",
    "在河边走了一个小时",
    "把旧书架重新刷了一遍",
    "给阳台的花换了土",
    "排队吃到了那家面馆",
    "看完了整季的纪录片",
    "学会了做红烧排骨",
    "骑车去了植物园",
    "在图书馆坐了一下午",
    "把相册里的照片整理好了",
    "跟着视频练了半小时瑜伽",
    "坐高铁回了一趟老家",
    "修好了漏水的水龙头",
    "在操场跑了五公里",
    "给奶奶打了一通视频",
]
_FEELINGS = [
    "心情特别好",
    "有点累但是值得",
    "下次还想再来",
    "推荐给大家试试",
    "说不上来的舒服",
    "差点忘了时间",
    "味道比想象中好",
]
_MARKS = "，，，。。！～"


def neutral_text(dice: random.Random, length: int) -> str:
    """Return about so many characters of everyday life."""
    text = ""
    while len(text) < length:
        text += dice.choice(_TIMES) + dice.choice(_SUBJECTS) + dice.choice(_DEEDS) + dice.choice(_MARKS)
        if dice.random() < 1 / 3:
            text += dice.choice(_FEELINGS) + dice.choice(_MARKS)
    return text
