"""Records and closed word lists of screening: what goes in, what comes out.

Nothing here knows how a verdict is reached. The output line of ``verdict_line`` is the one that
``qingyuan screen`` writes and that the storage of verdicts keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Role(StrEnum):
    """What a finding says about the text."""

    TOPIC = "topic"
    OFFER = "offer"
    PROMISE = "promise"
    FEE = "fee"
    CONTACT = "contact"
    WARNING = "warning"
    VICTIM = "victim"
    LICENSED = "licensed"
    OTHER_TRADE = "other_trade"
    VOICE = "voice"


class Band(StrEnum):
    """How the verdict orders the queue."""

    FLAGGED = "flagged"
    UNSURE = "unsure"
    CLEAR = "clear"


class Label(StrEnum):
    """The seven classes of the codebook."""

    CLUE = "clue"
    EDUCATION = "education"
    NEWS = "news"
    VICTIM = "victim"
    LEGIT = "legit"
    UNRELATED = "unrelated"
    UNSURE = "unsure"


class ContactKind(StrEnum):
    """Ways to reach a seller that are found in public text."""

    WECHAT = "wechat"
    QQ = "qq"
    PHONE = "phone"
    TELEGRAM = "telegram"
    URL = "url"
    ACCOUNT_JUMP = "account_jump"
    QR = "qr"


class TargetKind(StrEnum):
    """Where the provider speaks."""

    POST = "post"
    COMMENT = "comment"
    ACCOUNT = "account"


class Category(StrEnum):
    """The kinds of illegal solicitation: the fourteen of the field, and card cash-out."""

    ANTI_COLLECTION = "anti_collection"
    AGENCY_COMPLAINT = "agency_complaint"
    INTEREST_SUSPENSION = "interest_suspension"
    CREDIT_REPAIR = "credit_repair"
    SURRENDER = "surrender"
    FEE_REFUND = "fee_refund"
    DEBT_RESTRUCTURE = "debt_restructure"
    LOAN_BROKER = "loan_broker"
    AB_LOAN = "ab_loan"
    DEBT_MULE = "debt_mule"
    SCRIPT_TEACHING = "script_teaching"
    FORGED_DOCS = "forged_docs"
    PII_TRADE = "pii_trade"
    IMPERSONATION = "impersonation"
    CARD_CASHOUT = "card_cashout"


# Shown titles: Chinese first, then English.
CATEGORY_TITLES: dict[Category, tuple[str, str]] = {
    Category.ANTI_COLLECTION: ("反催收、停催", "Anti-collection"),
    Category.AGENCY_COMPLAINT: ("代理投诉、代写投诉", "Complaint agency"),
    Category.INTEREST_SUSPENSION: ("停息挂账、延期分期代办", "Interest suspension agency"),
    Category.CREDIT_REPAIR: ("征信修复", "Credit record repair"),
    Category.SURRENDER: ("代理退保", "Policy surrender agency"),
    Category.FEE_REFUND: ("退息退费、投顾退费", "Fee refund agency"),
    Category.DEBT_RESTRUCTURE: ("债务优化、垫资过桥", "Debt restructuring"),
    Category.LOAN_BROKER: ("非法贷款中介", "Illegal loan brokerage"),
    Category.AB_LOAN: ("AB贷", "AB loan"),
    Category.DEBT_MULE: ("职业背债", "Debt mule recruiting"),
    Category.SCRIPT_TEACHING: ("卖话术、收徒、招代理", "Script sale and recruiting"),
    Category.FORGED_DOCS: ("假证明", "Forged documents"),
    Category.PII_TRADE: ("个人信息买卖", "Personal data trade"),
    Category.IMPERSONATION: ("冒充监管、律师、银行", "Impersonation"),
    Category.CARD_CASHOUT: ("信用卡套现、代还", "Card cash-out and repayment"),
}

LABEL_TITLES: dict[Label, tuple[str, str]] = {
    Label.CLUE: ("线索", "Clue"),
    Label.EDUCATION: ("教育提示", "Education"),
    Label.NEWS: ("新闻报道", "News"),
    Label.VICTIM: ("借款人、受害人", "Borrower or victim"),
    Label.LEGIT: ("持牌机构", "Licensed service"),
    Label.UNRELATED: ("无关", "Unrelated"),
    Label.UNSURE: ("待定", "Unsure"),
}

BAND_TITLES: dict[Band, tuple[str, str]] = {
    Band.FLAGGED: ("命中", "Flagged"),
    Band.UNSURE: ("待定", "Unsure"),
    Band.CLEAR: ("排除", "Clear"),
}

CONTACT_TITLES: dict[ContactKind, tuple[str, str]] = {
    ContactKind.WECHAT: ("微信", "WeChat"),
    ContactKind.QQ: ("QQ", "QQ"),
    ContactKind.PHONE: ("电话", "Phone"),
    ContactKind.TELEGRAM: ("电报", "Telegram"),
    ContactKind.URL: ("网址", "Link"),
    ContactKind.ACCOUNT_JUMP: ("跳转账号", "Account jump"),
    ContactKind.QR: ("二维码", "QR code"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentText:
    """One comment below a post, as a visitor sees it."""

    text: str = ""
    author_name: str = ""
    author_bio: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostText:
    """Every public text of one post, comment or profile; absent fields are empty strings."""

    id: str
    platform: str = ""
    kind: str = ""
    title: str = ""
    text: str = ""
    author_name: str = ""
    author_bio: str = ""
    verified: bool = False
    verified_as: str = ""
    parent: str = ""
    comments: tuple[CommentText, ...] = ()

    def fields(self) -> Iterator[tuple[str, str]]:
        """Yield (field name, text) of every field that holds text, in reading order."""
        own = (
            ("title", self.title),
            ("text", self.text),
            ("author.name", self.author_name),
            ("author.bio", self.author_bio),
            ("parent", self.parent),
        )
        for name, value in own:
            if value:
                yield name, value
        for index, comment in enumerate(self.comments):
            yield from comment_fields(index, comment)


def comment_fields(index: int, comment: CommentText) -> Iterator[tuple[str, str]]:
    """Yield (field name, text) of the fields of one comment that hold text."""
    own = (
        (f"comments[{index}].text", comment.text),
        (f"comments[{index}].author", comment.author_name),
        (f"comments[{index}].author.bio", comment.author_bio),
    )
    for name, value in own:
        if value:
            yield name, value


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One reason: a rule and the span of a field that it points to; ``weight`` adds to the log-odds."""

    rule: str
    role: str
    field: str
    start: int
    end: int
    text: str
    view: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactFound:
    """A way to reach somebody: normalised value, and the span of the field where it stands."""

    kind: ContactKind
    value: str
    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the provider speaks; ``comment`` is the index for kind comment, else None."""

    kind: TargetKind
    comment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The engine's advice on one post; ``score`` is 0 to 100, ``bias`` and weights are log-odds."""

    flagged: bool
    band: Band
    score: float
    bias: float
    label: Label
    categories: tuple[Category, ...]
    target: Target | None
    findings: tuple[Finding, ...]
    contacts: tuple[ContactFound, ...]
    ruleset: str


def verdict_line(id: str, verdict: Verdict) -> dict[str, object]:  # noqa: A002 - the key's own name
    """Return the verdict as the JSON object of one output line of ``screen``."""
    return {
        "id": id,
        "flagged": verdict.flagged,
        "band": verdict.band.value,
        "score": verdict.score,
        "bias": verdict.bias,
        "label": verdict.label.value,
        "categories": [category.value for category in verdict.categories],
        "target": _target_line(verdict.target),
        "findings": [_finding_line(finding) for finding in verdict.findings],
        "contacts": [_contact_line(contact) for contact in verdict.contacts],
        "ruleset": verdict.ruleset,
    }


def _target_line(target: Target | None) -> dict[str, object] | None:
    if target is None:
        return None
    if target.comment is None:
        return {"kind": target.kind.value}
    return {"kind": target.kind.value, "comment": target.comment}


def _finding_line(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "role": finding.role,
        "field": finding.field,
        "start": finding.start,
        "end": finding.end,
        "text": finding.text,
        "view": finding.view,
        "weight": finding.weight,
    }


def _contact_line(contact: ContactFound) -> dict[str, object]:
    return {
        "kind": contact.kind.value,
        "value": contact.value,
        "field": contact.field,
        "start": contact.start,
        "end": contact.end,
    }
