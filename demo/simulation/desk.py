"""The platform's desk that takes packages: a signed webhook over loopback that fails now and then, and its memory.

It knows a delivery by its idempotency key. A repeated key is answered and not taken twice; a package that comes
under another key is taken as a new one, so that a product that sends twice shows in what the desk received.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import secrets
import threading
import zipfile
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from demo.simulation.site import LOOPBACK

if TYPE_CHECKING:
    from demo.simulation.world import World

SECRET_VARIABLE = "SIMULATED_DESK"  # noqa: S105 - the name of a variable
"""The variable of the environment that holds the shared secret."""

CHANNEL = "partner_desk"
_UNUSED = "cac_12377"
_CHANNELS = Path(__file__).resolve().parents[2] / "reporting" / "channels"
_PATH = "/intake"


class Mood(StrEnum):
    """How the desk treats one delivery."""

    TAKES = "takes"
    BUSY = "busy"  # 503 with Retry-After, nothing taken
    TAKES_SILENTLY = "takes_silently"  # taken, and the connection is cut before the answer
    LOSES = "loses"  # cut before anything was taken


MOODS = {Mood.TAKES: 70, Mood.BUSY: 12, Mood.TAKES_SILENTLY: 10, Mood.LOSES: 8}
"""Weights of the moods; each delivery throws anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request that reached the desk."""

    key: str
    batch: str
    mood: Mood
    taken: bool


@dataclass(slots=True)
class Desk:
    """The desk of a world, listening between ``start`` and ``stop``; also usable in a ``with`` statement."""

    world: World
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    deliveries: list[Delivery] = field(default_factory=list)
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: _Server | None = None

    def has(self, batch: str) -> bool:
        """Tell a person who calls whether a batch arrived."""
        return any(one.batch == batch and one.taken for one in self.deliveries)

    def write_channel(self, folder: Path) -> None:
        """Write the channel that sends to this desk, the packaged one with a transport; the other takes nothing."""
        spec = _packaged(CHANNEL)
        spec["transport"] = {
            "kind": "webhook",
            "dry_run": False,
            "url": self.url,
            "secret_env": SECRET_VARIABLE,
            "private": True,
            "timeout_seconds": 20,
        }
        _write_channel(folder, CHANNEL, spec)
        _write_channel(folder, _UNUSED, {**_packaged(_UNUSED), "platforms": ["not_simulated"]})

    @property
    def url(self) -> str:
        """Where packages go."""
        assert self._server is not None  # noqa: S101 - it listens
        return f"http://{LOOPBACK}:{self._server.server_address[1]}{_PATH}"

    def take(self, key: str, batch: str, package: bytes) -> Mood:
        """Take a delivery as the dice say and return how; a key that was taken before is not taken again."""
        with self._lock:
            earlier = sum(one.batch == batch for one in self.deliveries)
            if any(one.key == key and one.taken for one in self.deliveries):
                return Mood.TAKES
            dice = self.world.plan.dice("desk", batch, earlier)
            mood = dice.choices(tuple(MOODS), tuple(MOODS.values()))[0]
            taken = mood in {Mood.TAKES, Mood.TAKES_SILENTLY}
            self.deliveries.append(Delivery(key=key, batch=batch, mood=mood, taken=taken))
            if taken:
                self.world.receive(items_of(package), at=self.world.now)
            return mood

    def __enter__(self) -> Self:
        self._server = _Server((LOOPBACK, 0), _Handler)
        self._server.desk = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


def _packaged(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = yaml.safe_load((_CHANNELS / f"{name}.yml").read_text("utf-8"))
    return spec


def _write_channel(folder: Path, name: str, spec: dict[str, Any]) -> None:
    (folder / f"{name}.yml").write_text(yaml.safe_dump(spec, allow_unicode=True, sort_keys=False), "utf-8")


def items_of(package: bytes) -> list[tuple[str, str]]:
    """Return the items of a package as (id, address), as its receiver reads them."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        lines = archive.read("clues.jsonl").decode().splitlines()
    return [(row["item"], row["native_id"]) for row in map(json.loads, lines)]


def is_signed(secret: str, timestamp: str, body: bytes, signature: str) -> bool:
    """Tell whether a body carries the signature that the shared secret gives it."""
    made = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v1={made}", signature)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    desk: Desk


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "desk"
    sys_version = ""
    timeout = 20
    server: _Server

    def do_POST(self) -> None:
        """Take one package."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        desk = self.server.desk
        signature = self.headers.get("X-Qingyuan-Signature", "")
        if not is_signed(desk.secret, self.headers.get("X-Qingyuan-Timestamp", ""), body, signature):
            desk.refused += 1
            self._reply(401, "bad signature")
            return
        batch = self.headers.get("X-Qingyuan-Batch", "")
        mood = desk.take(self.headers.get("Idempotency-Key", ""), batch, body)
        if mood is Mood.TAKES:
            self._reply(202, f"taken as PD-{batch}")
        elif mood is Mood.BUSY:
            self._reply(503, "busy", retry_after=60)
        else:
            self.close_connection = True

    def _reply(self, status: int, words: str, *, retry_after: int | None = None) -> None:
        data = words.encode()
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Write no log."""
