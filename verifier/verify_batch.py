#!/usr/bin/env python3
"""Check the exported record of one batch. No network, no database, no settings; nothing of the tool that wrote it.

    python3 verify_batch.py FILE [--head CODE]

FILE is what `compounding batch export` writes: JSON objects, one a line.

    1. what is exported: the batch, and the head of the journal (name of the log, number of entries, root);
    2. one line for each entry: its bytes as text, its signatures, the hashes that lead from it to the root, and for a
       signed entry the hashes that show that the journal which its signers saw is the beginning of this one;
    3. one line for each attached file: its SHA-256 and its content in base 64;
    4. the signature of whoever exported it, over every byte above.

What is checked, and what an answer means:

    bytes        every entry belongs to the journal with this head (RFC 6962), so none was changed, moved or slipped in;
    signatures   each is by the key that it names, over the bytes of its entry (Ed25519 in a DSSE frame);
    keys         each key was introduced before it signed, by those who must, and was not ended yet;
    duties       whoever verified took no part in making; nobody accepted their own deviation; a pharmacist did both;
    order        opened, made, verified after the last work, released, labelled: each after what it rests on;
    files        each attachment has the digest that an entry names.

Exit code 0: everything holds. 1: something was altered or a duty was broken; each is named. 2: it cannot be told
(the file cannot be read, or is no such export).

What a file cannot show by itself: that the journal behind it is the pharmacy's own. For that, compare the printed head
with a worksheet, label or certificate that was on paper at the time, and the fingerprints of the keys with the sheets
that their owners signed by hand. And that no entry about the batch was left out rests on the last signature.

Needs Python 3.10 or later and the package `cryptography`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys

FORMAT = "compounding-batch-export/1"
ENTRY_TYPE = b"application/vnd.compounding.entry.v1+json"
EXPORT_TYPE = b"application/vnd.compounding.batch-export.v1+json"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
LARGEST = 256 * 1024 * 1024  # bytes of a file that is looked at

PARTS = {"body", "head", "idempotency_key", "kind", "person", "reason", "schema", "sequence", "site", "subjects", "time", "workstation"}  # fmt: skip
SIGNED_BY = {
    "formula-approved": {"pharmacist"},
    "deviation-accepted": {"pharmacist"},
    "investigation-closed": {"pharmacist"},
    "verified": {"pharmacist"},
    "released": {"pharmacist"},
    "rejected": {"pharmacist"},
    "key-created": set(),  # any role
    "key-retired": set(),
    "key-revoked": set(),
}
MAKING = {"weighed", "step-done", "yielded"}


class CannotTell(Exception):
    """The file is not one that can be judged."""


class Altered(Exception):
    """Something does not hold. The first word is a name that never changes."""


# ---- bytes ----


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def unhex(text: object, length: int | None = None) -> bytes:
    """Bytes from small hexadecimal digits, and from nothing else."""
    if isinstance(text, str):
        try:
            data = bytes.fromhex(text)
        except ValueError:
            data = b""
        if data.hex() == text and (length is None or len(data) == length):
            return data
    raise CannotTell(f"{str(text)[:70]!r} is not {length or 'some'} bytes in hexadecimal")


def strict(text: str) -> dict:
    """A JSON object in which no key stands twice and no number has a point."""

    def pairs(found: list) -> dict:
        if len({key for key, _ in found}) < len(found):
            raise ValueError("a key stands twice")
        return dict(found)

    def no_number(text: str) -> None:
        raise ValueError(f"{text} has no exact form")

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_float=no_number, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise CannotTell(f"a line is not JSON as it is exported: {error}") from None
    if not isinstance(value, dict):
        raise CannotTell("a line is no JSON object")
    return value


def code_of(data: bytes) -> str:
    """The first 130 bits of a digest in 26 characters, as they stand on paper."""
    bits = int.from_bytes(data, "big") >> (8 * len(data) - 130)
    text = "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(26)))
    return "-".join(text[at : at + 4] for at in range(0, 26, 4))


def head_code(origin: str, size: int, root: bytes) -> str:
    return code_of(sha(f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()))


def typed_code(text: str) -> str:
    """A code as somebody typed it, in the spelling of `code_of`."""
    plain = "".join(text.split()).replace("-", "").upper().translate(str.maketrans("OIL", "011"))
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))


# ---- the tree of RFC 6962 ----


def leaf_of(body: bytes, signatures: bytes) -> bytes:
    return sha(b"\0", b"signed-entry/v1 %d " % len(body) + body + signatures if signatures else body)


def root_from(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes | None:
    """The root that a leaf and the hashes beside its way lead to; None if they do not fit the tree."""
    place, last, node = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return None
        if place % 2 or place == last:
            node = sha(b"\1", step, node)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            node = sha(b"\1", node, step)
        place, last = place // 2, last // 2
    return node if last == 0 else None


def is_beginning(first: int, first_root: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    """Whether the tree with the first root is the beginning of the other one (RFC 9162, 2.1.4.2)."""
    if first == 0:
        return first_root == sha(b"") and not proof
    if first == size:
        return first_root == root and not proof
    steps = [first_root, *proof] if first & (first - 1) == 0 else proof
    if first > size or not steps:
        return False
    place, last = first - 1, size - 1
    while place % 2:
        place, last = place // 2, last // 2
    earlier = later = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            earlier, later = sha(b"\1", step, earlier), sha(b"\1", step, later)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            later = sha(b"\1", later, step)
        place, last = place // 2, last // 2
    return last == 0 and earlier == first_root and later == root


# ---- signatures ----


def signed(key: str, signature: bytes, kind: bytes, content: bytes) -> bool:
    """Whether this key signed these bytes as this kind of thing."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    frame = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(content), content)
    try:
        Ed25519PublicKey.from_public_bytes(unhex(key, 32)).verify(signature, frame)
    except (InvalidSignature, ValueError):
        return False
    return True


# ---- one entry ----


class Entry:
    """One line of an export, with its parts."""

    def __init__(self, line: dict) -> None:
        raw = line.get("raw")
        if not isinstance(raw, str) or not isinstance(line.get("proof"), list):
            raise CannotTell("a line is neither an entry nor an attachment")
        self.raw = raw.encode("utf-8", "surrogatepass")
        self.signatures = unhex(line.get("signatures"))
        self.proof = [unhex(step, 32) for step in line["proof"]]
        self.before = [unhex(step, 32) for step in line.get("before", [])]
        said = strict(raw)
        if set(said) - {"signing", "clock_set_back"} != PARTS:
            raise Altered(f"entry.parts an entry lacks a part or has one too many: {sorted(set(said) ^ PARTS)}")
        try:
            self.sequence, self.kind, self.person = int(said["sequence"]), str(said["kind"]), str(said["person"])
            self.body, self.subjects, self.time = dict(said["body"]), list(said["subjects"]), str(said["time"])
            self.reason, self.site = str(said["reason"]), str(said["site"])
            self.head_size, self.head_root = int(said["head"]["size"]), unhex(said["head"]["root"], 32)
            self.signing = [{name: str(each[name]) for name in ("key", "meaning", "name", "person", "shown")} for each in said.get("signing", [])]  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise Altered(f"entry.parts an entry has a part of another kind ({error})") from None
        if json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False) != raw:
            raise Altered(f"entry.spelling entry {self.sequence} is not in its one spelling")

    def check_bytes(self, size: int, root: bytes) -> None:
        """It is the entry at its place of the journal, and its signers saw the beginning of that journal."""
        if self.head_size != self.sequence - 1 or not 0 < self.sequence <= size:
            raise Altered(f"entry.place entry {self.sequence} does not say its own place")
        if root_from(leaf_of(self.raw, self.signatures), self.sequence - 1, size, self.proof) != root:
            raise Altered(f"entry.bytes entry {self.sequence} is not what the journal holds at its place")
        if self.signing and not is_beginning(self.head_size, self.head_root, size, root, self.before):
            raise Altered(f"entry.history entry {self.sequence} was signed on another history than this one")

    def check_signatures(self) -> None:
        if len(self.signatures) != 64 * len(self.signing):
            raise Altered(f"signature.count entry {self.sequence} does not have the signatures that it names")
        for place, each in enumerate(self.signing):
            if not signed(each["key"], self.signatures[64 * place : 64 * place + 64], ENTRY_TYPE, self.raw):
                raise Altered(
                    f"signature.wrong entry {self.sequence} was not signed by {each['name']} as it stands here"
                )


# ---- who may do what, after what ----


class Record:
    """What the entries so far say about keys, lots and the batch."""

    def __init__(self, batch: str) -> None:
        self.batch = batch
        self.keys: dict[str, dict] = {}
        self.makers: set[str] = set()
        self.authors: dict[int, str] = {}
        self.last_made = self.verified = 0
        self.state = "unopened"
        self.yielded = self.to_reject = False
        self.investigated: dict[object, set[str]] = {}  # open investigations, and who took part in each
        self.lots: dict[str, bool] = {}
        self.files: set[str] = set()
        self.notes: list[str] = []  # what holds, and must be known

    def take(self, entry: Entry) -> None:
        self.entry = entry
        self.check_keys(entry)
        kind, body = entry.kind, entry.body
        if kind.startswith("key-"):
            self.take_key(entry, body)
        elif kind.startswith("lot-") and body.get("lot") is not None:
            self.take_lot(entry)
        elif body.get("batch") == self.batch:
            self.take_batch(entry)
        self.files |= {value for value in texts_in(body) if len(value) == 64}

    def must(self, holds: object, name: str, why: str) -> None:
        """A rule about the entry at hand."""
        if not holds:
            raise Altered(f"{name} entry {self.entry.sequence} ({self.entry.kind}, {self.entry.person}): {why}")

    def check_keys(self, entry: Entry) -> None:
        roles, people = SIGNED_BY.get(entry.kind), [each["person"] for each in entry.signing]
        of_key = entry.kind.startswith("key-")
        if roles is not None and (self.keys or of_key):
            self.must(people, "duty.unsigned", "nobody signed it, though keys were there")
        self.must(len(set(people)) == len(people), "duty.signed-twice", "one person signed it twice")
        for place, each in enumerate(entry.signing):
            if entry.kind == "key-created" and place == 0:
                continue
            key = self.keys.get(each["key"], {"ended": "", "roles": set()})
            self.must(each["key"] in self.keys, "duty.key-unknown", f"the key of {each['name']} was not introduced before")
            self.must(not key["ended"], "duty.key-ended", f"the key of {each['name']} was {key['ended']} before")
            is_theirs = (key["person"], key["name"]) == (each["person"], each["name"])
            self.must(is_theirs, "duty.key-of-another", f"it names {each['name']} and has the key of {key['name']}")
            self.must(not roles or roles & key["roles"], "duty.role", f"{key['name']} is no {' or '.join(roles or ())}")
        if roles is not None and people and not of_key:
            self.must(people == [entry.person], "duty.signer", "another person signed it")

    def take_key(self, entry: Entry, body: dict) -> None:
        """A new person is introduced by a pharmacist, a new key of a known one by two others, one of them a pharmacist."""
        person, public, signers = body.get("person"), body.get("key"), {each["person"] for each in entry.signing}
        mine = [key for key in self.keys.values() if key["person"] == person]
        used = next((key for key in mine if not key["ended"]), None)
        others = {key["person"]: key["roles"] for key in self.keys.values() if not key["ended"] and key["person"] != person}
        pharmacists, short = {id for id, roles in others.items() if "pharmacist" in roles}, False
        if entry.kind == "key-created":
            first = entry.signing[0]
            in_hand = (first["key"], first["person"], first["name"]) == (public, person, body.get("name"))
            self.must(in_hand, "duty.possession", "the key that it introduces did not sign it")
            self.must(public not in self.keys, "duty.key-taken", "the key was another one's before")
            old = used["public"] if used else None
            self.must(old == body.get("replaces"), "duty.replaces", "it does not name the key that it replaces")
            needed = 2 if mine else any("pharmacist" in key["roles"] for key in self.keys.values())
            short = bool(needed) and (len(others) < needed or not pharmacists)
            self.must(short == bool(body.get("unvouched")), "duty.unvouched", "it hides that nobody could vouch, or says so falsely")
        else:
            self.must(used and used["public"] == public, "duty.key-ended", "the key that it ends is not in use")
            needed, pharmacists = 2 if entry.kind == "key-retired" else 0, set(others)
        enough = len(signers & set(others)) >= min(needed, len(others)) and (short or not needed or not others or signers & pharmacists)  # fmt: skip
        self.must(enough, "duty.too-few-signers", f"of {', '.join(sorted(others))} too few signed, or no pharmacist")
        if used:
            used["ended"] = {"key-created": "replaced", "key-retired": "retired"}.get(entry.kind, "revoked")
            if body.get("since"):
                used["ended"] += f"; its signatures from entry {body['since']} on are in doubt"
        if entry.kind == "key-created":
            roles = set(body.get("roles", ()))
            self.keys[public] = {"person": person, "name": body.get("name"), "roles": roles, "public": public, "ended": ""}
            if short:
                self.notes.append(f"entry {entry.sequence}: nobody could vouch for this key of {body.get('name')}: only the sheet signed by hand does")  # fmt: skip

    def take_lot(self, entry: Entry) -> None:
        lot = entry.body["lot"]
        if entry.kind == "lot-received":
            self.must(lot not in self.lots, "order.lot-twice", f"lot {lot} was received before")
            self.lots[lot] = False
        self.must(lot in self.lots, "order.lot-unknown", f"lot {lot} was not received before")
        if entry.kind in ("lot-quarantined", "lot-cleared"):
            self.lots[lot] = entry.kind == "lot-quarantined"

    def take_batch(self, entry: Entry) -> None:
        kind, needs, id = entry.kind, "open", entry.body.get("investigation")
        if kind == "batch-opened":
            self.must(self.state == "unopened", "order.batch-twice", "the batch was opened before")
            self.state = "open"
        self.must(self.state != "unopened", "order.batch-unknown", "the batch was not opened before")
        if kind == "label-printed":
            needs = "released"
        elif kind == "tested":
            self.must(self.state != "rejected", "order.batch-state", "the batch was rejected")
            self.authors[entry.sequence] = entry.person
        elif kind == "rejected" and self.to_reject:  # a released batch is rejected by an investigation alone
            needs = self.state
        if kind in MAKING | {"deviation-accepted", "verified", "released", "rejected", "label-printed"}:
            self.must(self.state == needs, "order.batch-state", f"the batch was {self.state}, not {needs}")
        if kind in ("released", "label-printed"):
            self.must(not self.investigated, "order.investigated", "an investigation was open")
        if kind in MAKING:
            lot = entry.body.get("lot")
            free = kind != "weighed" or not lot or not self.lots.get(lot, True)
            self.must(free, "order.lot", f"lot {lot} was not received, or was in quarantine")
            self.makers.add(entry.person)
            self.authors[entry.sequence] = entry.person
            self.last_made, self.yielded = entry.sequence, self.yielded or kind == "yielded"
        elif kind == "deviation-accepted":
            author = self.authors.get(entry.body.get("entry"))
            self.must(author, "order.deviation", "it accepts what is no reading of this batch")
            self.must(author != entry.person, "duty.own-deviation", "it accepts a deviation of their own")
            self.last_made = entry.sequence
        elif kind == "verified":
            self.must(entry.person not in self.makers, "duty.own-work", "who took part in making verified")
            self.must(self.yielded, "order.not-made", "nothing was made yet")
            self.verified = entry.sequence
        elif kind == "released":
            self.must(self.verified > self.last_made, "order.not-verified", "nobody verified after the last work")
            self.state = "released"
        elif kind == "rejected":
            self.state = "rejected"
        elif kind == "investigation-closed":
            took_part = self.investigated.pop(id, {entry.person})
            self.must(entry.person not in took_part, "duty.own-investigation", "who took part in it closed it, or it was not open")
            self.to_reject = self.to_reject or entry.body.get("disposition") == "reject"
        elif kind in ("investigation-opened", "result-invalidated", "investigation-concluded") or entry.body.get("retest"):
            self.investigated.setdefault(id, set()).add(entry.person)


def texts_in(value: object) -> list[str]:
    """Every text in a value, however deep."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for part in parts for text in texts_in(part)]


# ---- the whole file ----


def check(content: bytes, told: list[str], head: str | None = None) -> list[str]:
    """Everything that does not hold; ``told`` receives what the file says, for people."""
    lines = content.split(b"\n")
    if len(content) > LARGEST or len(lines) < 4 or lines[-1] != b"":
        raise CannotTell("this is no exported batch, or its end is missing")
    try:
        objects = [strict(line.decode("utf-8")) for line in lines[:-1]]
    except UnicodeDecodeError:
        raise CannotTell("this is no text in UTF-8") from None
    first, last = objects[0], objects[-1]
    if first.get("format") != FORMAT or set(last) != {"signature"}:
        raise CannotTell(f"this is no exported batch of a form that this program knows ({FORMAT})")
    try:
        origin, size, batch = str(first["origin"]), int(first["size"]), str(first["batch"])
        root, exporter = unhex(first["root"], 32), {name: str(first["exported"][name]) for name in ("key", "name", "person", "time")}  # fmt: skip
    except (KeyError, TypeError, ValueError):
        raise CannotTell("the first line lacks a part") from None
    wrong: list[str] = []
    code = head_code(origin, size, root)
    record, sequence, site = Record(batch), 0, origin.rpartition("/")[2]
    told.append(f"Batch {batch} of the journal {origin}: head {code} ({size} entries)")
    files = {}
    for line in objects[1:-1]:
        if "attachment" in line:
            files[str(line["attachment"])] = str(line.get("base64"))
            continue
        try:
            entry = Entry(line)
            if entry.sequence <= sequence:
                raise Altered(f"entry.order entry {entry.sequence} stands after entry {sequence}")
            sequence = entry.sequence
            if entry.site != site:
                raise Altered(f"entry.site entry {entry.sequence} is of the journal of {entry.site}")
            entry.check_bytes(size, root)
            entry.check_signatures()
            record.take(entry)
            for each in entry.signing:
                told.append(f"  entry {entry.sequence:>5}  {entry.time[:10]} {entry.time[11:16]} UTC  {entry.kind:<18} signed by {each['name']} ({each['person']}): {each['meaning']}")  # fmt: skip
        except Altered as found:
            wrong.append(str(found))
    if record.state == "unopened" and not wrong:
        wrong.append(f"order.batch-unknown batch {batch} is not opened in this file")
    for digest, text in files.items():
        try:
            held = hashlib.sha256(base64.b64decode(text, validate=True)).hexdigest()
        except ValueError:
            held = "nothing"
        if held != digest:
            wrong.append(f"file.digest the attachment {digest[:16]} holds something else")
        elif digest not in record.files:
            wrong.append(f"file.stranger no entry names the attachment {digest[:16]}")
    wrong += check_exporter(content, last["signature"], exporter, record)
    told += [f"  NOTE {note}" for note in record.notes]
    told += [f"  key {code_of(sha(bytes.fromhex(public)))}  {key['name']} ({key['person']}), {', '.join(sorted(key['roles']))}{', ' + key['ended'] if key['ended'] else ''}" for public, key in record.keys.items()]  # fmt: skip
    told.append(f"  {record.state}; {len(files)} attached files; exported by {exporter['name'] or 'nobody named'} on {exporter['time'][:10]} {exporter['time'][11:16]} UTC")  # fmt: skip
    if head is not None and typed_code(head) != code:
        wrong.append(f"head.other the head on paper, {typed_code(head)}, is not the head of this file, {code}")
    return wrong


def check_exporter(content: bytes, signature: object, exporter: dict, record: Record) -> list[str]:
    """The signature over the whole file, by a key that is in use at its end."""
    if not exporter["key"]:
        return ["export.unsigned keys are there, and nobody signed the export"] if record.keys else []
    above = content[: content.rstrip(b"\n").rfind(b"\n") + 1]
    key = record.keys.get(exporter["key"])
    if key is None or key["ended"] or (key["person"], key["name"]) != (exporter["person"], exporter["name"]):
        return [f"export.key the key of {exporter['name']} is not in use at the end of this journal"]
    if not signed(exporter["key"], unhex(signature), EXPORT_TYPE, above):
        return ["export.signature the file is not as its exporter signed it"]
    return []


def plain(text: str) -> str:
    """Text that steers no terminal, whatever stood in the file."""
    return "".join(character if character.isprintable() else "?" for character in text)


def main(arguments: list[str]) -> int:
    """Check one file and say what was found; the exit code is the answer."""
    if len(arguments) not in (1, 3) or (len(arguments) == 3 and arguments[1] != "--head"):
        print(__doc__.split("\n\n")[1].strip(), file=sys.stderr)
        return 2
    told: list[str] = []
    try:
        with open(arguments[0], "rb") as file:
            content = file.read(LARGEST + 1)
        wrong = check(content, told, arguments[2] if len(arguments) == 3 else None)
    except (OSError, CannotTell) as error:
        print(plain(f"Cannot tell: {error}"), file=sys.stderr)
        return 2
    for each in told:
        print(plain(each))
    for each in wrong:
        name, _, why = each.partition(" ")
        print(plain(f"ALTERED: {why} [{name}]"), file=sys.stderr)
    if wrong:
        print(f"{len(wrong)} things do not hold: this is not the record as it was made.", file=sys.stderr)
        return 1
    print("Everything holds. Compare the head with a paper of that time, and the keys with the sheets signed by hand.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
