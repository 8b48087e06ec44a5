"""`qingyuan init`: makes a workspace."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.context import UsageError, context, open_store
from storage.errors import InputError
from storage.records import Actor, Role

if TYPE_CHECKING:
    from datetime import datetime

    from settings import Workspace

_SETTINGS = """\
# Settings of this Qingyuan workspace. Everything here is optional; what is commented out shows the default.

# A PostgreSQL URL instead of the SQLite file qingyuan.db (or QINGYUAN_DATABASE_URL in the environment).
# database_url = "postgresql://user:password@host/database"

[institution]
# Shown in takedown letters; until it is named here, nothing is exported.
# name = "（机构名称）"
# Stands in the crawler's user agent, so that a site owner can reach you: a page or an e-mail address.
# contact = ""
# For the letters: the paper that requests rest on (an agreement, an authorisation, with its number), who answers
# questions, and your pledge that what is said is true (承诺). Empty ones are left out.
# authority = ""
# department = ""
# person = ""
# pledge = ""
# Your own accounts, as platform:native_id; what they post is never a clue.
# own_accounts = []

[browser]
# Path of a Chromium; empty = look for one.
# chromium = ""
# true = without Chromium's sandbox, for sources with private: true only (as root those run so anyway).
# no_sandbox = false

[packages]
# Before a package is made, every target must have been seen live within this many hours.
# live_within_hours = 24
# The covering letter as PDF beside the docx, where pango and a Chinese font are installed.
# letter_pdf = true

[mail]
# The server through which mail leaves; the password stands in the environment: QINGYUAN_MAIL_PASSWORD.
# host = ""
# port = 587
# security = "starttls"   # or "tls" (port 465), "none" (inside the house, without a password)
# user = ""
# sender = "takedown@bank.example"
# The only certificate authority trusted, for a server of the house (PEM); empty = the system's.
# ca_file = ""
# timeout_seconds = 60

[desk]
# host = "127.0.0.1"
# port = 8000
# idle_minutes = 15
# absolute_hours = 8
# language = "zh"
# The address that people open, and what a reverse proxy with TLS needs (docs/operations.md).
# public_url = "https://desk.example.com"
# secure_cookies = false
# trusted_proxies = []
# Prometheus metrics: "off", "loopback", or "token" (QINGYUAN_METRICS_TOKEN in the environment).
# metrics = "off"

[logs]
# level = "info"
# max_megabytes = 20
# keep = 10

[notify]
# What needs a person, by mail (server in [mail]) and by one webhook: wecom, dingtalk, feishu or plain.
# mail_to = []
# webhook_url = ""
# webhook_kind = "wecom"
# webhook_private = false
# webhook_ca_file = ""
# language = "zh"
# again_hours = 24
# authorisation_days = 14

[schedule]
# When `qingyuan schedule` starts what: cron in Asia/Shanghai, "" = never. Sources have theirs in watch.yml.
# screen_posts = "*/10 * * * *"
# cluster = "*/10 * * * *"
# capture = "*/30 * * * *"
# recheck = "15 * * * *"
# draft = "0 18 * * fri"      # each channel's batch of the week whose cut-off has passed
# notify = "*/5 * * * *"
# summary = "30 18 * * fri"
# reading_at_once = 2         # crawls, rechecks and screenshots at the same time
"""

_WATCH = """\
# What this workspace reads. Every key is described in docs/watch.md.
sources: []
# sources:
#   - name: my-forum
#     platform: web            # or feed
#     access: open             # open, visitor, operator (with a basis), import
#     base_url: https://forum.example.cn
#     start: [/sitemap.xml]
#     article: ^/thread/
#     schedule: "0 */6 * * *"  # cron, Asia/Shanghai; without it only started by hand
#     budget: {pages_per_run: 500, delay_seconds: 2, quiet_hours: "23:00-07:00"}
#   - name: tips
#     platform: xiaohongshu
#     access: import           # files handed over, read with: qingyuan import FILE --source tips
"""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; must be new or empty.")],
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the first admin's password from standard input.")
    ] = False,
) -> None:
    """Make a workspace: commented settings, keys, the database, and the first admin (named admin)."""
    root = folder.expanduser().resolve()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UsageError(f"{root} is not empty; nothing was changed", field="DIR")
    password = read_password(from_stdin=password_stdin)
    make_workspace(root, password=password, now=context.now())
    context.out.obj({"data": str(root)})
    context.out.note(f"Next: list what to read in {root / 'watch.yml'}, then: qingyuan --data {root} run")


def make_workspace(
    root: Path, *, password: str, now: datetime, settings: str = _SETTINGS, watch: str = _WATCH
) -> Workspace:
    """Make the folders, files, keys, database and first admin of a workspace and return it."""
    from reporting.signing import make_package_key
    from settings import SETTINGS_FILE, WATCH_FILE, load_workspace
    from storage.migrate import upgrade
    from storage.sealing import make_contact_key
    from storage.users import FIRST_ADMIN, add_user, check_password

    check_password(password, name=FIRST_ADMIN)  # before anything is made
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    (root / SETTINGS_FILE).write_text(settings, "utf-8")
    (root / WATCH_FILE).write_text(watch, "utf-8")
    for name in ("evidence", "packages", "overlays"):
        (root / name).mkdir(exist_ok=True)
    for kind in ("lexicons", "data", "suppressions", "gold", "sources", "channels", "templates"):
        (root / "overlays" / kind).mkdir(exist_ok=True)
    for name in ("keys", "profiles"):
        (root / name).mkdir(mode=0o700, exist_ok=True)
    made = load_workspace(root)
    make_contact_key(made.keys)
    make_package_key(made.keys, now=now)
    store = open_store(made)
    upgrade(store.engine)
    with store.write(now) as unit:
        made_by = Actor(name="init", role=Role.ADMIN, via="cli")
        add_user(unit, FIRST_ADMIN, role=Role.ADMIN, password=password, actor=made_by)
    store.close()
    return made


def read_password(*, from_stdin: bool) -> str:
    """Return a password typed twice, or one line of standard input.

    Raises:
        InputError: it is empty, or the two differ.
        UsageError: there is no terminal to ask at.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif os.isatty(0):
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise InputError("bad_field", "the two passwords differ", field="password")
    else:
        raise UsageError("no terminal to ask at: use --password-stdin", field="password")
    if not password:
        raise InputError("bad_field", "the password is empty", field="password")
    return password
