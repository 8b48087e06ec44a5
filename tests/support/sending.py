"""Channels that send by themselves, many exported batches at little cost, and senders that can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from reporting.channel import ChannelSpec
from reporting.sending import SendSettings, send_batch
from reporting.transports.carriers import MakeCarrier, Outlets, make_carrier
from storage.engine import Store, make_engine
from storage.errors import QingyuanError
from storage.tables import batch, submission
from tests.support import tree
from tests.support.http_inbox import SECRET
from tests.support.takedown import CHANNEL, CHANNELS, CHECKER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reporting.channel import Channel
    from reporting.transports.mail import MailServer
    from storage.records import Actor, Json

SECRET_ENV = "QINGYUAN_TEST_SECRET"


def sending_by(**transport: Any) -> dict[str, Channel]:
    """Return the channels, the partner desk with this transport, switched on."""
    one = CHANNELS[CHANNEL]
    wanted = {**one.spec.model_dump(mode="json"), "transport": {"dry_run": False, **transport}}
    return {**CHANNELS, CHANNEL: replace(one, spec=ChannelSpec.model_validate(wanted))}


def posting_to(url: str, **wanted: Any) -> dict[str, Channel]:
    """Return the channels, the partner desk sending by signed HTTP."""
    return sending_by(
        **{"kind": "webhook", "url": url, "secret_env": SECRET_ENV, "private": True, "timeout_seconds": 1, **wanted}
    )


def press_send(
    store: Store,
    channels: Mapping[str, Channel],
    code: str,
    folder: Path,
    *,
    now: datetime,
    again: bool = False,
    actor: Actor = CHECKER,
    **wanted: Any,
) -> Json:
    """Send a batch as the command does; ``mail`` is the mail server, ``carriers`` another maker of carriers."""
    carriers: MakeCarrier = wanted.get("carriers", make_carrier)
    server: MailServer | None = wanted.get("mail")
    outlets = Outlets(mail=server, environment={SECRET_ENV: SECRET}, settings_file="qingyuan.toml")
    settings = SendSettings(
        packages_root=folder / "packages", outbox_root=folder / "outbox", outlets=outlets, carriers=carriers
    )
    return send_batch(store, channels, code, again=again, settings=settings, clock=lambda: now, actor=actor)


def copies_of(store: Store, code: str, count: int, *, now: datetime) -> list[str]:
    """Add copies of an exported batch with its items, each as if it had been drafted and exported by itself."""
    first = 101  # beyond what a week has by itself
    names = [f"{code}-{number}" for number in range(first, first + count)]
    with store.write(now) as unit:
        one = dict(unit.conn.execute(sa.select(batch).where(batch.c.code == code)).one()._mapping)
        rows = unit.conn.execute(sa.select(submission).where(submission.c.batch_id == one.pop("id"))).all()
        items = [dict(row._mapping) for row in rows]
        for number, name in enumerate(names, first):
            made = sa.insert(batch).values({**one, "code": name, "number": number}).returning(batch.c.id)
            batch_id = unit.conn.execute(made).scalar_one()
            copied = [{**item, "batch_id": batch_id, "attempt": number} for item in items]
            unit.conn.execute(
                sa.insert(submission), [{k: v for k, v in item.items() if k != "id"} for item in copied]
            )
    return names


@dataclass(frozen=True, slots=True)
class Running:
    """A sender under way: its process, which may be killed."""

    pid: int

    @property
    def ended(self) -> bool:
        """Whether it is gone."""
        return not Path(f"/proc/{self.pid}").exists()

    def kill(self) -> None:
        """Kill it as the machine's own killer would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Senders:
    """Forks one process per try from one that has everything imported, so that hundreds of kills cost little."""

    def __init__(self, folder: Path, url: str) -> None:
        argv = [sys.executable, "-m", "tests.support.sending", str(folder), url]
        pipe = subprocess.PIPE
        self._parent = subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, cwd=tree.ROOT)

    def start(self, code: str, path: str, now: datetime) -> Running:
        """Start sending a batch to a path of the receiver."""
        self._say(json.dumps([code, path, now.isoformat()]))
        return Running(int(self._hear()))

    def end(self) -> tuple[int, Json]:
        """Wait for the end; return the signal that killed it (0 = none) and the answer, if there is one."""
        killed, answer = json.loads(self._hear())
        return killed, answer

    def close(self) -> None:
        """End the process that forks."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(timeout=60)
        self._parent.stdout.close()

    def _say(self, line: str) -> None:
        assert self._parent.stdin is not None
        self._parent.stdin.write(line + "\n")
        self._parent.stdin.flush()

    def _hear(self) -> str:
        assert self._parent.stdout is not None
        line = self._parent.stdout.readline()
        assert line, "the process that forks has ended"
        return line


@contextlib.contextmanager
def senders(folder: Path, url: str) -> Iterator[Senders]:
    """Give senders for a workspace folder whose batches go to a receiver's address."""
    found = Senders(folder, url)
    try:
        yield found
    finally:
        found.close()


def _serve(folder: Path, url: str) -> None:
    """Fork a sender for each line of standard input: tell its process id, then how it ended.

    The first batch is sent by this process itself: what SQLAlchemy compiles for it, the forked ones need not.
    """
    engine = make_engine(f"sqlite:///{folder}/qingyuan.db")
    store = Store(engine, evidence_root=folder / "evidence", keys_root=folder / "keys")
    for number, line in enumerate(sys.stdin):
        code, path, moment = json.loads(line)
        sending = (store, code, folder, url + path, datetime.fromisoformat(moment))
        if number == 0:
            _say(os.getpid())
            _say([0, _answer(*sending)])
            engine.dispose()  # no connection crosses a fork
            continue
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os.write(writing, json.dumps(_answer(*sending)).encode())
            os._exit(0)
        os.close(writing)
        _say(pid)
        with os.fdopen(reading) as answers:
            answer = answers.read()
        _, status = os.waitpid(pid, 0)
        _say([os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, json.loads(answer) if answer else None])


def _answer(store: Store, code: str, folder: Path, url: str, now: datetime) -> Json:
    try:
        return press_send(store, posting_to(url), code, folder, now=now)
    except QingyuanError as error:
        return {"error": error.code}


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), sys.argv[2])
