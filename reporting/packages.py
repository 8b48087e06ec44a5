"""The package of a batch: built from frozen rows alone, so that building it again gives the same bytes."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reporting.channel import ChannelSpec
from reporting.columns import COLUMNS
from reporting.container import Member, digest, write_container_file
from reporting.files import copy_whole, file_hash, sync_folder
from reporting.render.letter import MAX_ROWS, letter_docx, letter_pdf
from reporting.render.page import index_html
from reporting.render.pdf import PdfUnavailableError
from reporting.render.reply_form import reply_form
from reporting.render.sheets import lines_json, object_json, table_csv, table_xlsx
from reporting.rows import FrozenItem, account_rows, capture_facts, item_row, network_rows, post_facts
from reporting.signing import load_signer, signature_file
from reporting.weeks import shown_time
from storage import batches, submissions
from storage.dossiers import sealed_contacts
from storage.errors import EvidenceError, TransitionError
from storage.evidence import evidence_path, put_bytes, read_bytes
from storage.leases import process_start
from storage.screenshots import NOT_TAKEN
from storage.sealing import load_sealer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reporting.container import Entry
    from reporting.signing import Signer
    from storage.batches import Batch
    from storage.engine import Store
    from storage.records import Json

FORMAT = "qingyuan-package/1"

SENDER = ("institution", "authority", "department", "person", "contact", "pledge")
"""What a letter says of its sender; an empty value leaves its paragraph out."""

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"

_ACCOUNT_COLUMNS = (
    ("platform", "平台"),
    ("account", "账号编号"),
    ("handle", "平台号"),
    ("nickname", "昵称"),
    ("items", "本批报送编号"),
    ("earlier_items", "此前报送编号"),
    ("came_back", "处置后再现次数"),
)
_NETWORK_COLUMNS = (("network", "团伙编号"), ("basis", "关联依据"), ("items", "本批报送编号"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """All that a package is built from, read from the frozen rows of one batch."""

    batch: Batch
    spec: ChannelSpec
    export: Json
    items: tuple[FrozenItem, ...]
    template: bytes
    evidence_root: Path

    @property
    def facts(self) -> Json:
        """What the letter and the page say of the batch."""
        return {
            "batch": self.batch.code,
            "subject": self.spec.letter.subject,
            "recipient": self.spec.letter.recipient,
            "channel": self.spec.title.zh,
            **{key: self.export.get(key) or "" for key in SENDER},
            "count": len(self.items),
            "date": shown_time(self.export["at"]),
        }


def read_frozen(store: Store, code: str) -> Frozen:
    """Return what a batch's package is built from.

    Raises:
        NotFoundError: there is no such batch.
        TransitionError: it was not frozen for an export yet.
        EvidenceError: the letter's template was damaged in the store.
    """
    with store.read() as conn:
        one = batches.get_batch(conn, code)
        if one.frozen is None or "export" not in one.frozen:
            raise TransitionError("batch", code, one.state, "package")
        spec = ChannelSpec.model_validate(one.frozen["channel"])
        kept = [item for item in submissions.submissions_of_batch(conn, one.number) if item.frozen is not None]
        ids = {use["contact"] for item in kept if item.frozen for use in item.frozen["contacts"]}
        sealed = sealed_contacts(conn, ids) if spec.contacts == "full" else {}
    export = one.frozen["export"]
    sealer = load_sealer(store.keys_root) if sealed else None
    opened = {key: sealer.open(value) for key, value in sealed.items()} if sealer else {}
    items = tuple(
        FrozenItem(
            item=item.item,
            dossier=item.frozen or {},
            last_seen_live=export["last_seen_live"].get(item.item),
            contacts=opened,
        )
        for item in kept
    )
    template = read_bytes(store.evidence_root, export["template"])
    return Frozen(
        batch=one, spec=spec, export=export, items=items, template=template, evidence_root=store.evidence_root
    )


def make_letter_pdf(store: Store, code: str) -> Json:
    """Set the letter of a frozen batch in pages, store them, and return ``{sha256, size, fonts}``, or ``{why}``.

    Other fonts give other pages, so what was made once is kept with the evidence and goes into the package as is.

    Raises:
        NotFoundError, TransitionError, EvidenceError: as :func:`read_frozen`.
    """
    frozen = read_frozen(store, code)
    if frozen.export.get("pdf_template") is None:
        return {"why": frozen.export.get("no_pdf") or "the channel's letter has no template for a PDF"}
    template = read_bytes(store.evidence_root, frozen.export["pdf_template"])
    rows = [item_row(one, frozen.spec, ()) for one in frozen.items[:MAX_ROWS]]
    try:
        made = letter_pdf(template, frozen.facts, rows)
    except PdfUnavailableError as error:
        return {"why": str(error)}
    return {"sha256": put_bytes(store.evidence_root, made.data), "size": len(made.data), "fonts": list(made.fonts)}


def build_package(frozen: Frozen, signer: Signer, target: Path) -> list[Entry]:
    """Write the package into a new file and return its entries.

    Pictures are streamed from the store and checked on the way, all else waits in a folder ``members`` beside the
    target: memory does not grow with them.

    Raises:
        EvidenceError: a stored picture is missing or does not match its hash any more.
    """
    pictures = {one.item: one.dossier["screenshot"] for one in frozen.items if one.dossier["screenshot"]}
    spool = _Spool(target.with_name("members"))
    members = [*_evidence(frozen, pictures, spool), *_tables(frozen, pictures, spool)]
    entries = [digest(member) for member in members]
    _check_stored(entries, frozen, pictures)
    manifest = _manifest(frozen, entries, signer)
    signed = signature_file(signer.public.key_id, _valid_from(signer), signer.sign(manifest))
    members += [Member(name=MANIFEST, data=manifest), Member(name=SIGNATURE, data=signed)]
    return write_container_file(target, members)


@dataclass(frozen=True, slots=True)
class _Spool:
    """A folder in which members wait as files, so that memory does not grow with their number."""

    folder: Path

    def member(self, name: str, data: bytes) -> Member:
        """Write a member's bytes and return it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Member(name=name, path=path)


def store_package(store: Store, code: str, packages_root: Path) -> tuple[str, int]:
    """Build a batch's package and store it by its SHA-256; return hash and size.

    The file appears under its final name complete or not at all: written beside, synced, renamed.

    Raises:
        NotFoundError, TransitionError, EvidenceError: as :func:`read_frozen` and :func:`build_package`.
    """
    frozen = read_frozen(store, code)
    signer = load_signer(store.keys_root)
    folder = packages_root / "sha256"
    folder.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(packages_root)
    with tempfile.TemporaryDirectory(prefix=f".making-{os.getpid()}-", dir=packages_root) as making:
        path = Path(making) / "package.part"
        build_package(frozen, signer, path)
        sha256, size = file_hash(path), path.stat().st_size
        path.replace(stored_path(packages_root, sha256))
    sync_folder(folder)
    return sha256, size


def _clear_leftovers(packages_root: Path) -> None:
    """Remove what killed processes of this machine were building."""
    for folder in packages_root.glob(".making-*"):
        owner = folder.name.split("-")[1]
        if owner.isdigit() and not process_start(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def stored_path(packages_root: Path, sha256: str) -> Path:
    """Return where a package of this hash is kept."""
    return packages_root / "sha256" / f"{sha256}.zip"


def hand_out(packages_root: Path, sha256: str, target: Path) -> None:
    """Copy a stored package to where it is wanted, whole or not at all.

    Raises:
        EvidenceError: the stored package is missing or does not match its hash.
    """
    source = stored_path(packages_root, sha256)
    if not source.exists() or file_hash(source) != sha256:
        raise EvidenceError(sha256, "the stored package is missing or was changed")
    copy_whole(source, target)


def _evidence(frozen: Frozen, pictures: Mapping[str, str], spool: _Spool) -> list[Member]:
    members = []
    for one in frozen.items:
        folder = f"evidence/{one.item}"
        members.append(spool.member(f"{folder}/post.json", object_json(post_facts(one, frozen.spec))))
        members.append(spool.member(f"{folder}/capture.json", object_json(capture_facts(one))))
        if one.item in pictures:
            members.append(Member(name=f"{folder}/post.png", path=_stored(frozen, pictures[one.item])))
    return members


def _tables(frozen: Frozen, pictures: Mapping[str, str], spool: _Spool) -> list[Member]:
    spec = frozen.spec
    rows = [item_row(one, spec, _files(one.item, pictures)) for one in frozen.items]
    shown = [(column.id, column.header) for column in spec.columns]
    every = shown + [(column.key, column.title) for column in COLUMNS if column.key not in dict(shown)]
    accounts = account_rows(frozen.items, spec)
    return [
        spool.member("clues.xlsx", table_xlsx("clues", shown, rows)),
        spool.member("clues.csv", table_csv(shown, rows)),
        spool.member("clues.jsonl", lines_json(rows)),
        spool.member("accounts.csv", table_csv(_ACCOUNT_COLUMNS, accounts)),
        spool.member("networks.csv", table_csv(_NETWORK_COLUMNS, network_rows(frozen.items))),
        spool.member("reply.xlsx", reply_form(spec.reply, rows)),
        spool.member("index.html", index_html(frozen.facts, every, rows)),
        spool.member("letter.docx", letter_docx(frozen.template, frozen.facts, rows)),
        *_letter_file(frozen),
    ]


def _files(item: str, pictures: Mapping[str, str]) -> list[str]:
    names = ["capture.json", "post.json", *(["post.png"] if item in pictures else [])]
    return [f"evidence/{item}/{name}" for name in names]


def _manifest(frozen: Frozen, entries: Sequence[Entry], signer: Signer) -> bytes:
    export = frozen.export
    return object_json(
        {
            "format": FORMAT,
            "batch": frozen.batch.code,
            "week": frozen.batch.week,
            "made_at": shown_time(export["at"]),
            "software": export["software"],
            "channel": {
                "name": frozen.batch.channel,
                "version": frozen.spec.version,
                "sha256": export["channel_sha256"],
            },
            "template": {"name": frozen.spec.letter.template, "sha256": export["template"]},
            "letter_pdf": _letter_facts(export),
            "previous": export["previous"],
            "counts": {
                "items": len(frozen.items),
                "accounts": len(account_rows(frozen.items, frozen.spec)),
                "networks": len(network_rows(frozen.items)),
                "unprobed": sum(one.last_seen_live is None for one in frozen.items),
                "members": len(entries),
            },
            "without_picture": [
                {"item": one.item, "why": one.dossier.get("no_screenshot") or NOT_TAKEN}
                for one in frozen.items
                if not one.dossier["screenshot"]
            ],
            "signed_by": {"key": signer.public.key_id, "valid_from": _valid_from(signer)},
            "files": [
                {"name": entry.name, "size": entry.size, "sha256": entry.sha256}
                for entry in sorted(entries, key=lambda entry: entry.name)
            ],
        }
    )


def _letter_facts(export: Json) -> Json:
    """Return the font families of the PDF, or why there is none."""
    made = export.get("letter_pdf") or {"why": "made by a version without it"}
    return {"why": made["why"]} if "why" in made else {"template": export["pdf_template"], "fonts": made["fonts"]}


def _letter_file(frozen: Frozen) -> list[Member]:
    made = frozen.export.get("letter_pdf") or {}
    if "sha256" not in made:
        return []
    return [Member(name="letter.pdf", path=_stored(frozen, made["sha256"]))]


def _stored(frozen: Frozen, sha256: str) -> Path:
    path = evidence_path(frozen.evidence_root, sha256)
    if not path.exists():
        raise EvidenceError(sha256, "the file is missing")
    return path


def _check_stored(entries: Sequence[Entry], frozen: Frozen, pictures: Mapping[str, str]) -> None:
    expected = {f"evidence/{item}/post.png": sha256 for item, sha256 in pictures.items()}
    expected["letter.pdf"] = (frozen.export.get("letter_pdf") or {}).get("sha256", "")
    for entry in entries:
        if expected.get(entry.name, entry.sha256) != entry.sha256:
            raise EvidenceError(expected[entry.name], "the bytes do not match their hash")


def _valid_from(signer: Signer) -> str:
    moment = signer.public.valid_from
    return moment.isoformat() if moment else ""
