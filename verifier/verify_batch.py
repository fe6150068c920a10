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
    order        opened, made, verified after the last work and result, released, labelled: each after what it rests on;
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
import datetime
import hashlib
import json
import sys

FORMAT = "compounding-batch-export/1"
ENTRY_TYPE = b"application/vnd.compounding.entry.v1+json"
EXPORT_TYPE = b"application/vnd.compounding.batch-export.v1+json"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
LARGEST = 256 * 1024 * 1024  # bytes of a file that is looked at

PARTS = {"body", "head", "idempotency_key", "kind", "person", "reason", "schema", "sequence", "site", "subjects", "time", "workstation"}  # fmt: skip
BY_PHARMACISTS = ("formula-approved", "deviation-accepted", "investigation-closed", "verified", "released", "rejected")
BY_ANY_ROLE = ("key-created", "key-retired", "key-revoked")
SIGNED_BY = {kind: {"pharmacist"} for kind in BY_PHARMACISTS} | {kind: set() for kind in BY_ANY_ROLE}
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
        self.sequence, self.kind, self.person = int(said["sequence"]), str(said["kind"]), str(said["person"])
        self.body, self.subjects, self.time = dict(said["body"]), list(said["subjects"]), str(said["time"])
        self.reason, self.site = str(said["reason"]), str(said["site"])
        self.head_size, self.head_root = int(said["head"]["size"]), unhex(said["head"]["root"], 32)
        self.signing = [{name: str(each[name]) for name in ("key", "meaning", "name", "person", "shown")} for each in said.get("signing", [])]  # fmt: skip
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
                raise Altered(f"signature.wrong entry {self.sequence} was not signed by {each['name']} as it stands")


# ---- who may do what, after what ----


class Record:
    """What the entries so far say about keys, lots and the batch."""

    def __init__(self, batch: str) -> None:
        self.batch = batch
        self.keys: dict[str, dict] = {}
        self.makers: set[str] = set()
        self.authors: dict[int, str] = {}
        self.to_verify = self.verified = 0
        self.state = "unopened"
        self.yielded = self.to_reject = False
        self.investigated: dict[object, set[str]] = {}  # open investigations, and who took part in each
        self.plans: dict[object, tuple[int, str, set]] = {}  # retests fixed, from which day on, those done
        self.lots: dict[str, bool] = {}
        self.files: set[str] = set()

    def take(self, entry: Entry) -> None:
        self.check_keys(entry)
        kind, body = entry.kind, entry.body
        if kind.startswith("key-"):
            self.take_key(entry)
        elif kind.startswith("lot-") and body.get("lot") is not None:
            self.take_lot(entry)
        elif body.get("batch") == self.batch:
            self.take_batch(entry)
        self.files |= {value for value in texts_in(body) if len(value) == 64}

    def wrong(self, entry: Entry, name: str, why: str) -> Altered:
        return Altered(f"{name} entry {entry.sequence} ({entry.kind}, {entry.person}): {why}")

    def must(self, holds: object, entry: Entry, name: str, why: str) -> None:
        if not holds:
            raise self.wrong(entry, name, why)

    def check_keys(self, entry: Entry) -> None:
        roles = SIGNED_BY.get(entry.kind)
        people = [each["person"] for each in entry.signing]
        free = roles is None or people or not (self.keys or entry.kind.startswith("key-"))
        self.must(free, entry, "duty.unsigned", "nobody signed it, though keys were there")
        self.must(len(set(people)) == len(people), entry, "duty.signed-twice", "one person signed it twice")
        for place, each in enumerate(entry.signing):
            if entry.kind == "key-created" and place == 0:
                continue
            key = self.keys.get(each["key"], {"ended": "", "name": "nobody", "person": "", "roles": set()})
            known, own = each["key"] in self.keys, (key["person"], key["name"]) == (each["person"], each["name"])
            self.must(known, entry, "duty.key-unknown", f"the key of {each['name']} was not introduced before")
            self.must(not key["ended"], entry, "duty.key-ended", f"the key of {key['name']} was {key['ended']} before")
            self.must(own, entry, "duty.key-of-another", f"it names {each['name']} and has the key of {key['name']}")
            fit = not roles or roles & key["roles"]
            self.must(fit, entry, "duty.role", f"{key['name']} is no {' or '.join(roles or ())}")
        own = roles is None or not people or entry.kind.startswith("key-") or people == [entry.person]
        self.must(own, entry, "duty.signer", "another person signed it")

    def take_key(self, entry: Entry) -> None:
        person, public = entry.body.get("person"), entry.body.get("key")
        mine = [key for key in self.keys.values() if key["person"] == person]
        used = next((key for key in mine if not key["ended"]), None)
        others = {key["person"]: key for key in self.keys.values() if not key["ended"] and key["person"] != person}
        may = set(others) if mine else {id for id, key in others.items() if "pharmacist" in key["roles"]}
        needed = min(2 if mine else 1, len(may))
        signers = [each["person"] for each in entry.signing]
        if entry.kind == "key-created":
            first = entry.signing[0]
            its_own = (first["key"], first["person"], first["name"]) == (public, person, entry.body.get("name"))
            self.must(its_own, entry, "duty.possession", "the key that it introduces did not sign it")
            self.must(public not in self.keys, entry, "duty.key-taken", "the key was another one's before")
            named = entry.body.get("replaces") == (used["public"] if used else None)
            self.must(named, entry, "duty.replaces", "it does not name the key that it replaces")
            signers = signers[1:]
        else:
            in_use = used is not None and used["public"] == public
            self.must(in_use, entry, "duty.key-ended", "the key that it ends is not in use")
        enough = entry.kind == "key-revoked" or len(set(signers) & may) >= needed
        self.must(enough, entry, "duty.too-few-signers", f"{needed} of {', '.join(sorted(may))} must sign it")
        if used:
            used["ended"] = {"key-created": "replaced", "key-retired": "retired"}.get(entry.kind, "revoked")
            if entry.body.get("since"):
                used["ended"] += f"; its signatures from entry {entry.body['since']} on are in doubt"
        if entry.kind == "key-created":
            self.keys[public] = {"person": person, "name": entry.body.get("name"), "roles": set(entry.body.get("roles", ())), "public": public, "ended": ""}  # fmt: skip

    def take_lot(self, entry: Entry) -> None:
        lot = entry.body["lot"]
        if entry.kind == "lot-received":
            self.must(lot not in self.lots, entry, "order.lot-twice", f"lot {lot} was received before")
            self.lots[lot] = False
        self.must(lot in self.lots, entry, "order.lot-unknown", f"lot {lot} was not received before")
        if entry.kind in ("lot-quarantined", "lot-cleared"):
            self.lots[lot] = entry.kind == "lot-quarantined"

    def take_batch(self, entry: Entry) -> None:
        kind, body, needs = entry.kind, entry.body, "open"
        if kind == "batch-opened":
            self.must(self.state == "unopened", entry, "order.batch-twice", "the batch was opened before")
            self.state = "open"
        self.must(self.state != "unopened", entry, "order.batch-unknown", "the batch was not opened before")
        if kind == "label-printed" or (kind == "tested" and self.state == "released"):
            needs = "released"
        elif kind == "rejected" and self.to_reject:  # a released batch is rejected by an investigation alone
            needs = self.state
        if kind in MAKING | {"tested", "deviation-accepted", "verified", "released", "rejected", "label-printed"}:
            self.must(self.state == needs, entry, "order.batch-state", f"the batch was {self.state}, not {needs}")
        if kind in ("released", "label-printed"):
            self.must(not self.investigated, entry, "order.investigated", "an investigation was open")
        if kind in MAKING:
            lot = body.get("lot")
            held = kind == "weighed" and lot and self.lots.get(lot, True)
            self.must(not held, entry, "order.lot", f"lot {lot} was not received, or was in quarantine")
            self.makers.add(entry.person)
            self.authors[entry.sequence] = entry.person
            self.to_verify, self.yielded = entry.sequence, self.yielded or kind == "yielded"
        elif kind == "deviation-accepted":
            author = self.authors.get(body.get("entry"))
            self.must(author is not None, entry, "order.deviation", "it accepts what is no reading of this batch")
            self.must(author != entry.person, entry, "duty.own-deviation", "it accepts a deviation of their own")
            self.to_verify = entry.sequence
        elif kind == "verified":
            self.must(entry.person not in self.makers, entry, "duty.own-work", "who took part in making verified")
            self.must(self.yielded, entry, "order.not-made", "nothing was made yet")
            self.verified = entry.sequence
        elif kind == "released":
            late = self.verified > self.to_verify
            self.must(late, entry, "order.not-verified", "nobody verified after the last work and result")
            self.state = "released"
        elif kind == "rejected":
            self.state = "rejected"
        elif kind == "tested":
            self.authors[entry.sequence], self.to_verify = entry.person, entry.sequence
        elif kind == "result-invalidated":
            self.to_verify = entry.sequence
        if body.get("investigation") is not None:
            self.take_inquiry(entry, body["investigation"])

    def take_inquiry(self, entry: Entry, id: object) -> None:
        """What belongs to an investigation; of the failing result that opens one, nothing is asked here."""
        kind, body = entry.kind, entry.body
        if kind == "investigation-closed":
            others = entry.person not in self.investigated.pop(id, {entry.person})
            self.must(others, entry, "duty.own-investigation", "who took part in it closed it, or it was not open")
            self.to_reject = self.to_reject or body.get("disposition") == "reject"
        elif kind == "retest-planned":
            self.must(id not in self.plans, entry, "order.retest", "the retests of this sample were fixed before")
            day = datetime.date.fromisoformat(entry.time[:10]) - datetime.timedelta(1)  # UTC may be a day ahead
            self.plans[id] = (body["retests"], day.isoformat(), set())
        elif kind == "resampled":
            self.plans.pop(id, None)
        elif kind in ("investigation-opened", "result-invalidated", "investigation-concluded") or body.get("retest"):
            self.investigated.setdefault(id, set()).add(entry.person)
        if body.get("retest"):
            fixed, day, done = self.plans.get(id, (0, "", set()))
            done.add(body["retest"])
            self.must(len(done) <= fixed, entry, "order.retest", "no plan fixed this retest beforehand")
            self.must(body.get("found", "9") >= day, entry, "order.retest", "it was found before its plan")


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
        except (KeyError, TypeError, ValueError) as error:
            wrong.append(f"entry.parts entry {sequence} or the next has a part of another kind ({error})")
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
