"""All tables of the database, by subject; imported by storage alone."""

from storage.tables.base import metadata
from storage.tables.notices import notice
from storage.tables.operation import audit_entry, run, sign_in_attempt, tombstone, user, web_session, workspace_meta
from storage.tables.reading import (
    account,
    account_observation,
    capture,
    crawl_run,
    evidence,
    frontier,
    post,
    post_revision,
)
from storage.tables.review import (
    clue,
    cluster,
    cluster_member,
    contact,
    contact_use,
    decision,
    judgement,
    suggestion,
    text_band,
    verdict,
)
from storage.tables.rules import rule_change, rule_file, ruleset
from storage.tables.screening import quarantine
from storage.tables.sending import delivery
from storage.tables.takedown import batch, observation, outcome, reply, submission, submission_event

__all__ = [
    "account",
    "account_observation",
    "audit_entry",
    "batch",
    "capture",
    "clue",
    "cluster",
    "cluster_member",
    "contact",
    "contact_use",
    "crawl_run",
    "decision",
    "delivery",
    "evidence",
    "frontier",
    "judgement",
    "metadata",
    "notice",
    "observation",
    "outcome",
    "post",
    "post_revision",
    "quarantine",
    "reply",
    "rule_change",
    "rule_file",
    "ruleset",
    "run",
    "sign_in_attempt",
    "submission",
    "submission_event",
    "suggestion",
    "text_band",
    "tombstone",
    "user",
    "verdict",
    "web_session",
    "workspace_meta",
]
