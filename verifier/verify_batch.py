#!/usr/bin/env python3
"""Check the exported record of one batch. No network, no database, no settings; nothing of the tool that wrote it.

    python3 verify_batch.py FILE [--head CODE]

FILE is what `compounding batch export` writes: JSON objects, one a line. The first names the batch and the head of the
journal (its name, number of entries, root). Then one line for each entry: its bytes as text, its signatures, the hashes
that lead from it to the root, and for a signed one those that show that the journal which its signers saw is the beginning
of this one. Then one line for each attached file, and the signature of whoever exported it over every byte above.

What is checked: every entry belongs to the journal with this head (RFC 6962), so none was changed, moved or slipped in;
each signature is by its key over the bytes of its entry (Ed25519 in a DSSE frame); each key was introduced before, by
those who must, and not ended; nobody verified, accepted or closed what was their own; each state follows from the entries
before (made, settled, tested, verified, released, labelled, dispensed); no lot gave more than it held, as far as this
file can know; each entry names the one before it about the same batch, person or formula; every attachment is there.

Exit code 0: everything holds. 1: something was altered or a rule was broken; each is named. 2: it cannot be told (the file
cannot be read, or is no such export). What a file cannot show by itself: that the journal behind it is the pharmacy's own
(compare its head with a paper of that time, its keys with the sheets that their owners signed by hand), and that nothing
came after its last entry about the batch: that is the word of whoever exported it. Needs Python 3.11 and `cryptography`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tomllib
from datetime import datetime, timedelta
from fractions import Fraction

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "compounding-batch-export/1"
ENTRY_TYPE = b"application/vnd.compounding.entry.v1+json"
EXPORT_TYPE = b"application/vnd.compounding.batch-export.v1+json"
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
MISSHAPEN = (KeyError, TypeError, ValueError, IndexError, AttributeError)  # what comes of a part in another form
HOLDS = "Everything holds. Compare the head with a paper of that time, and the keys with the sheets signed by hand."
LARGEST = 256 * 1024 * 1024  # bytes of a file that is looked at

PARTS = {"body", "head", "idempotency_key", "kind", "person", "reason", "schema", "sequence", "site", "subjects", "time", "workstation"}  # fmt: skip
SOME_HAVE = {"signing", "clock_set_back", "previous", "shown"}
NOTED = {"journal-resumed": "an older copy of the journal went on", "clock-confirmed": "a clock was set right"}
SIGNED = {"formula-approved", "text-approved", "deviation-accepted", "investigation-closed", "verified", "released", "rejected", "signature-confirmed", *NOTED}  # fmt: skip
KEY_KINDS = {"key-created", "key-retired", "key-revoked"}  # signed by others, in any role
MAKING = {"weighed", "step-done", "yielded"}
INQUIRY = {"hypothesis-stated", "retest-planned", "resampled", "result-invalidated", "investigation-concluded", "investigation-closed"}  # fmt: skip
ALLOWED = {  # the states of a batch in which something may be recorded of it; what is not named here, in any
    **{kind: ["open"] for kind in MAKING | {"deviation-accepted", "verified", "released", "rejected"}},
    "recalled": ["released"],
    "tested": ["open", "released", "recalled"],
}
UNITS = {"kg": 10**6, "g": 10**3, "L": 10**3, "ng": Fraction(1, 10**6)} | dict.fromkeys(("mcg", "ug", "\u00b5g", "\u03bcg"), Fraction(1, 10**3))  # fmt: skip


class CannotTell(Exception):
    """The file is not one that can be judged."""


class Altered(Exception):
    """Something does not hold. The first word is a name that never changes."""


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def unhex(text: str, length: int | None = None) -> bytes:
    """Bytes from small hexadecimal digits, and from nothing else."""
    data = bytes.fromhex(text)
    if data.hex() != text or length not in (None, len(data)):
        raise ValueError(f"{text[:70]!r} is not {length or 'some'} bytes in hexadecimal")
    return data


def strict(text: str, *, sorted_keys: bool = False) -> dict:
    """A JSON object in its one spelling, so that no key stands twice."""
    try:
        value = json.loads(text)
        same = json.dumps(value, sort_keys=sorted_keys, separators=(",", ":"), ensure_ascii=False) == text
    except (ValueError, RecursionError) as error:
        raise CannotTell(f"a line is not JSON: {error}") from None
    if isinstance(value, dict) and same:
        return value
    raise CannotTell("a line is no JSON object as it is exported")


def code_of(data: bytes) -> str:
    """The first 130 bits of a digest in 26 characters, as they stand on paper."""
    bits = int.from_bytes(data, "big") >> (8 * len(data) - 130)
    text = "".join(ALPHABET[bits >> 5 * place & 31] for place in reversed(range(26)))
    return "-".join(text[at : at + 4] for at in range(0, 26, 4))


def typed_code(text: str) -> str:
    """A code as somebody typed it, in the spelling of `code_of`."""
    plain = "".join(text.split()).replace("-", "").upper().translate(str.maketrans("OIL", "011"))
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def amount(text: str) -> Fraction:
    """How much a quantity is, in mg, mL or pieces."""
    number, unit = text.split(" ")
    return Fraction(number) * UNITS.get(unit, 1)


def plain(text: str) -> str:
    """Text that steers no terminal, whatever stood in the file."""
    return "".join(character if character.isprintable() else "?" for character in text)


def climb(node: bytes, place: int, last: int, proof: list[bytes], *, only_left: bool = False) -> bytes:
    """The root that a node leads to with the hashes beside its way; of those on the right none counts if so asked."""
    for step in proof:
        if place % 2 or place == last:
            node = sha(b"\1", step, node)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        elif not only_left:
            node = sha(b"\1", node, step)
        place, last = place // 2, last // 2
    return node if last == 0 else b""


def is_beginning(first: int, first_root: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    """Whether the tree with the first root is the beginning of the other one (RFC 9162, 2.1.4.2)."""
    if first in (0, size):
        return first_root == (root if first else sha(b"")) and not proof
    node, *steps = [first_root, *proof] if first & (first - 1) == 0 else proof or [b""]
    place, last = first - 1, size - 1
    while place % 2:
        place, last = place // 2, last // 2
    return climb(node, place, last, steps, only_left=True) == first_root and climb(node, place, last, steps) == root


def signed(key: str, signature: str, kind: bytes, content: bytes) -> bool:
    """Whether this key signed these bytes as this kind of thing."""
    frame = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(content), content)
    try:
        Ed25519PublicKey.from_public_bytes(unhex(key, 32)).verify(unhex(signature, 64), frame)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


class Entry:
    """One line of an export, with its parts."""

    def __init__(self, line: dict) -> None:
        try:
            said = strict(line["raw"], sorted_keys=True)
            self.raw, self.signatures = line["raw"].encode("utf-8", "surrogatepass"), str(line["signatures"])
            self.proof, self.before = [[unhex(step, 32) for step in [] + line.get(name, [])] for name in ("proof", "before")]  # noqa: RUF005
            self.at, self.sequence, self.kind, self.person = line["sequence"], int(said["sequence"]), str(said["kind"]), str(said["person"])
            self.body, self.subjects, self.reason = dict(said["body"]), list(map(str, said["subjects"])), str(said["reason"])
            self.site, self.time = str(said["site"]), str(said["time"])
            self.head_size, self.head_root = int(said["head"]["size"]), unhex(said["head"]["root"], 32)
            self.signing = [{name: str(each[name]) for name in ("key", "meaning", "name", "person", "shown")} for each in said.get("signing", [])]  # fmt: skip
            self.previous, self.shown = said.get("previous"), "\n".join(said["shown"]).encode() if "shown" in said else None
        except MISSHAPEN as lacking:
            raise CannotTell(f"a line is no entry as it is exported ({lacking})") from None
        if set(said) - SOME_HAVE != PARTS:
            raise Altered(f"entry.parts an entry lacks a part or has one too many: {sorted(set(said) ^ PARTS)}")

    def check_bytes(self, size: int, root: bytes) -> None:
        """It is the entry at its place of the journal, and its signers saw the beginning of that journal."""
        if not self.head_size + 1 == self.sequence == self.at <= size:
            raise Altered(f"entry.place entry {self.sequence} does not say its own place")
        raw, signatures = self.raw, unhex(self.signatures)
        leaf = sha(b"\0", b"signed-entry/v1 %d " % len(raw) + raw + signatures if signatures else raw)
        if climb(leaf, self.sequence - 1, size - 1, self.proof) != root:
            raise Altered(f"entry.bytes entry {self.sequence} is not what the journal holds at its place")
        if self.signing and not is_beginning(self.head_size, self.head_root, size, root, self.before):
            raise Altered(f"entry.history entry {self.sequence} was signed on another history than this one")

    def check_signatures(self) -> None:
        if len(self.signatures) != 128 * len(self.signing):
            raise Altered(f"signature.count entry {self.sequence} does not have the signatures that it names")
        for place, each in enumerate(self.signing):
            if not signed(each["key"], self.signatures[128 * place : 128 * place + 128], ENTRY_TYPE, self.raw):
                raise Altered(f"signature.wrong entry {self.sequence} was not signed by {each['name']} as it stands here")
            if self.shown is not None and hashlib.sha256(self.shown).hexdigest() != each["shown"]:
                raise Altered(f"signature.shown entry {self.sequence} does not keep the page that {each['name']} was shown")


class Record:
    """What the entries so far say about keys, lots and the batch; who may do what, after what."""

    def __init__(self, batch: str) -> None:
        self.batch, self.state, self.to_reject = batch, "unopened", False
        self.keys, self.lots, self.labels, self.inquiries = {}, {}, {}, {}
        self.lines, self.steps, self.required = set(), 0, set()  # of the plan; traits that the formula has tested
        self.read, self.outside, self.results = {}, {}, {}  # reading of a line; whose deviation; trait, verdict, inquiry
        self.makers, self.done, self.to_verify, self.yielded, self.made, self.verified = set(), 0, 0, 0, Fraction(0), 0
        self.signed, self.doubted = {}, {}  # kind and key of signatures about the batch; those of a key in other hands
        self.last, self.time = {}, None  # the last entry about a subject, and when
        self.files, self.stickers, self.notes = set(), set(), []  # digests of attachments; ids; what holds, and must be known

    def must(self, holds: object, name: str, why: str) -> None:
        """A rule about the entry at hand."""
        if not holds:
            raise Altered(f"{name} entry {self.entry.sequence} ({self.entry.kind}, {self.entry.person}): {why}")

    def take(self, entry: Entry) -> None:
        self.entry = entry
        self.check_place(entry)
        self.check_keys(entry)
        if entry.kind in NOTED:
            self.notes.append(f"entry {entry.sequence}: {NOTED[entry.kind]}: {entry.reason}")
        if entry.kind in KEY_KINDS:
            self.take_key(entry, entry.body)
        elif entry.kind.startswith("lot-"):
            self.take_lot(entry.kind, entry.body)
        elif entry.body.get("batch") == self.batch:
            self.signed[entry.sequence] = (entry.kind, [each["key"] for each in entry.signing])
            self.take_batch(entry, entry.body)

    def check_place(self, entry: Entry) -> None:
        """Nothing is left out between two entries about one thing, and no clock went back unsaid."""
        now = datetime.fromisoformat(entry.time.removesuffix("Z"))
        self.must(not self.time or now >= self.time or entry.kind == "clock-confirmed", "order.clock", "it is dated before an entry before it")
        self.time = now - timedelta(seconds=2)  # clocks differ
        self.must(entry.previous is not None or not self.last, "entry.missing", "it does not name the entries before it")
        for subject, previous in zip(entry.subjects, entry.previous or [], strict=entry.previous is not None):
            if subject == f"batch:{self.batch}" or subject.split(":")[0] in ("person", "formula", "journal"):
                known = self.last.get(subject, 0)
                self.must(previous == known, "entry.missing", f"an entry about {subject}, {previous}, is not in this file")
            self.last[subject] = entry.sequence
        self.files |= {each.split(":")[-1] for each in entry.subjects if each.startswith("attachment:")}

    def check_keys(self, entry: Entry) -> None:
        people, of_key = [each["person"] for each in entry.signing], entry.kind in KEY_KINDS
        needs = of_key or (entry.kind in SIGNED and self.keys)
        self.must(people or not needs, "duty.unsigned", "nobody signed it, though keys were there")
        self.must(len(set(people)) == len(people), "duty.signed-twice", "one person signed it twice")
        for each in entry.signing[entry.kind == "key-created" :]:
            key = self.keys.get(each["key"])
            self.must(key, "duty.key-unknown", f"the key of {each['name']} was not introduced before")
            self.must(not key["ended"], "duty.key-ended", f"the key of {each['name']} was {key['ended']} before")
            is_theirs = (key["person"], key["name"]) == (each["person"], each["name"])
            self.must(is_theirs, "duty.key-of-another", f"it names {each['name']} and has the key of {key['name']}")
            self.must(entry.kind not in SIGNED or "pharmacist" in key["roles"], "duty.role", f"{key['name']} is no pharmacist")
        self.must(people in ([], [entry.person]) or entry.kind not in SIGNED, "duty.signer", "another person signed it")

    def take_key(self, entry: Entry, body: dict) -> None:
        """A new person is introduced by a pharmacist, a new key of a known one by two others, one of them a pharmacist."""
        person, public, ended, signers = body["person"], body["key"], "retired", {each["person"] for each in entry.signing}
        used = next((key for key in self.keys.values() if key["person"] == person and not key["ended"]), None)
        others = {key["person"]: key["roles"] for key in self.keys.values() if not key["ended"] and key["person"] != person}
        pharmacists, needed, short = {id for id, roles in others.items() if "pharmacist" in roles}, 2, False
        if entry.kind == "key-created":
            first, ended = [entry.signing[0][part] for part in ("key", "person", "name")], "replaced"
            self.must(first == [public, person, body["name"]], "duty.possession", "the key that it introduces did not sign it")
            self.must(public not in self.keys, "duty.key-taken", "the key was another one's before")
            self.must((used and used["public"]) == body.get("replaces"), "duty.replaces", "it does not name the key that it replaces")
            if all(key["person"] != person for key in self.keys.values()):
                needed = int(any("pharmacist" in key["roles"] for key in self.keys.values()))
            short = needed > 0 and (len(others) < needed or not pharmacists)
            self.must(short == bool(body.get("unvouched")), "duty.unvouched", "it hides that nobody could vouch, or says so falsely")
            if short:
                self.notes.append(f"entry {entry.sequence}: nobody could vouch for this key of {body['name']}: only the sheet signed by hand does")  # fmt: skip
            self.keys[public] = {"person": person, "name": body["name"], "roles": set(body["roles"]), "public": public, "ended": ""}
        else:
            self.must(used and used["public"] == public, "duty.key-ended", "the key that it ends is not in use")
            pharmacists = set(others)
        if entry.kind == "key-revoked":
            needed, since = 0, body.get("since") or entry.sequence
            ended = f"revoked; its signatures from entry {since} on are in doubt" if "since" in body else "revoked"
            self.doubted |= {at: kind for at, (kind, keys) in self.signed.items() if public in keys and at >= since}
        vouched = short or not needed or not others or signers & pharmacists
        enough = vouched and len(signers & set(others)) >= min(needed, len(others))
        self.must(enough, "duty.too-few-signers", f"of {', '.join(sorted(others))} too few signed, or no pharmacist")
        if used:
            used["ended"] = ended

    def take_lot(self, kind: str, body: dict) -> None:
        """This file knows all that a lot received and lost, but of what batches took of it what this one did."""
        id = body["lot"]
        if kind == "lot-received":
            self.must(id not in self.lots, "order.lot-twice", f"lot {id} was received before")
            self.lots[id] = {"held": False, "left": amount(body["amount"]), "role": body["role"], "taken": {}}
        self.must(id in self.lots, "order.lot-unknown", f"lot {id} was not received before")
        if kind in ("lot-quarantined", "lot-cleared"):
            self.lots[id]["held"] = kind == "lot-quarantined"
        elif kind in ("lot-discarded", "lot-adjusted"):
            self.use(id, amount(body["amount"]) if "amount" in body else amount(body["was"]) - amount(body["counted"]))

    def use(self, id: str, much: Fraction, line: str = "") -> None:
        """So much leaves a lot; read again for the same line it takes the place of what was read before."""
        lot = self.lots[id]
        before = lot["taken"].get(line, 0)
        if line:
            lot["taken"][line] = much = max(much, before) if lot["role"] == "tablet" else much  # crushed is crushed
        lot["left"] -= much - before
        self.must(lot["left"] >= 0, "order.lot-below-zero", f"it takes more from lot {id} than was there")

    def take_batch(self, entry: Entry, body: dict) -> None:
        kind = entry.kind
        if kind == "batch-opened":
            self.must(self.state == "unopened", "order.batch-twice", "the batch was opened before")
            tests = tomllib.loads("\n".join(body["formula"])).get("test", [])
            self.lines, self.steps = {line["line"] for line in body["plan"]["lines"]}, len(body["plan"]["steps"])
            self.state, self.required = "open", {test["trait"] for test in tests if test.get("required", True)}
        self.must(self.state != "unopened", "order.batch-unknown", "the batch was not opened before")
        goes_out = kind in ("label-printed", "dispensed") or (kind == "sticker-printed" and body["template"].startswith("released"))
        states = ["released"] if goes_out else [self.state] if kind == "rejected" and self.to_reject else ALLOWED.get(kind)
        self.must(not states or self.state in states, "order.batch-state", f"the batch was {self.state}")
        if goes_out or kind == "released":
            self.must(not self.held_by(), "order.held", f"it was held by {', '.join(self.held_by())}")
        self.stickers |= set(body["labels"] if kind == "sticker-printed" else ())
        if kind in MAKING:
            self.take_making(entry, body)
        elif kind in INQUIRY or kind in ("tested", "investigation-opened"):
            self.take_test(entry, body)
        elif kind in ("label-printed", "print-failed", "dispensed") and body["label"] not in self.stickers:
            self.take_label(kind, body)
        elif kind == "deviation-accepted":
            author = self.outside.pop(body["entry"], None)
            self.must(author, "order.deviation", "it accepts what is no open deviation of this batch")
            self.must(author != entry.person, "duty.own-deviation", "it accepts a deviation of their own")
            self.to_verify = entry.sequence
        elif kind == "signature-confirmed":
            was, took_part = self.doubted.pop(body["entry"], None), set().union(*(each["people"] for each in self.inquiries.values()))
            self.must(was, "order.confirmed", f"the signature of entry {body['entry']} was not in doubt")
            self.must(was == "released" or entry.person not in self.makers | took_part, "duty.own-work", "it was their own work")
        elif kind in ("verified", "released"):
            whole = self.lines <= self.read.keys() and self.done == self.steps and self.yielded and not self.outside
            self.must(whole, "order.not-made", "not all was weighed, done and counted, or a deviation was open")
            if kind == "verified":
                self.must(entry.person not in self.makers, "duty.own-work", "who took part in making verified")
                self.verified, self.doubted = entry.sequence, {at: was for at, was in self.doubted.items() if was != kind}
            self.must(self.verified > self.to_verify, "order.not-verified", "nobody verified after the last work and result")
        self.state = kind if kind in ("released", "rejected", "recalled") else self.state

    def take_making(self, entry: Entry, body: dict) -> None:
        replaced, within = 0, body.get("within", True)
        if entry.kind == "weighed":
            line, lot = body["line"], body.get("lot")
            self.must(line in self.lines, "order.line", f"the plan has no line {line}")
            inside = amount(body["low"]) <= amount(body["reading"]) <= amount(body["high"])
            self.must(within is inside, "order.limits", f"{body['reading']} is {'in' if inside else 'out'}side its limits")
            if lot:
                usable = lot in self.lots and not self.lots[lot]["held"]
                self.must(usable, "order.lot", f"lot {lot} was not received, or was in quarantine")
                self.use(lot, Fraction(body["tablets"]) if self.lots[lot]["role"] == "tablet" else amount(body["reading"]), line)
            replaced, self.read[line] = self.read.get(line, 0), entry.sequence
        elif entry.kind == "step-done":
            self.must(body["number"] == self.done + 1 <= self.steps, "order.step", "a step before it was not done")
            self.done += 1
        else:
            for id in [each[4:] for each in entry.subjects if each.startswith("lot:")]:
                self.use(id, Fraction(body.get("shells_used") or 0), "shells")
            replaced, self.yielded, self.made = self.yielded, entry.sequence, amount(body["made"])
        self.outside.pop(replaced, None)
        self.outside |= {} if within else {entry.sequence: entry.person}
        self.makers.add(entry.person)
        self.to_verify = entry.sequence

    def take_test(self, entry: Entry, body: dict) -> None:
        """A result, or what an investigation did about one; ``left`` are the retests that it still has to do."""
        kind, id, retest = entry.kind, body.get("investigation"), body.get("retest")
        if kind == "investigation-opened":
            self.must(id not in self.inquiries, "order.investigation-twice", f"{id} was opened before")
            self.inquiries[id] = {"open": True, "people": {entry.person}, "concluded": False, "aside": False, "left": None}
        elif kind in INQUIRY or retest:
            inquiry = self.inquiries.get(id, {"open": False})
            self.must(inquiry["open"], "order.investigation", f"investigation {id} was not open")
            if kind == "investigation-closed":
                self.must(entry.person not in inquiry["people"], "duty.own-investigation", "who took part in it closed it")
                self.must(inquiry["concluded"], "order.not-concluded", "nothing was concluded since the last finding")
                inquiry["open"], self.to_reject = False, self.to_reject or body["disposition"] == "reject"
            inquiry["concluded"], inquiry["aside"] = kind == "investigation-concluded", inquiry["aside"] or kind == "result-invalidated"
            if kind in ("result-invalidated", "investigation-concluded", "tested"):
                inquiry["people"].add(entry.person)
            if kind in ("retest-planned", "resampled"):
                self.must(kind == "resampled" or inquiry["left"] is None, "order.retest", "how many retests was fixed before")
                day = datetime.fromisoformat(entry.time[:10]) - timedelta(1)  # UTC may be a day ahead
                inquiry["left"], inquiry["day"] = body.get("retests"), f"{day:%Y-%m-%d}"
            elif retest:
                planned = inquiry["left"] and (body.get("found") or "9") >= inquiry["day"]
                self.must(planned, "order.retest", "no plan fixed this retest before it was found")
                inquiry["left"] -= body["verdict"] != "test_20_more"
        self.to_verify = entry.sequence if kind in ("tested", "result-invalidated") else self.to_verify
        if kind == "tested":
            if joined := body.get("joins"):
                self.must(self.results[joined][:2] == [body["trait"], "test_20_more"], "order.joins", f"entry {joined} waits for none")
                self.results[joined][1] = "joined"
            self.results[entry.sequence] = [body["trait"], body["verdict"], None if retest else id]

    def take_label(self, kind: str, body: dict) -> None:
        id, label, old = body["label"], self.labels.get(body["label"]), body.get("replaces")
        if kind == "print-failed":  # what it should have taken the place of stands again
            label["void"], self.labels.get(label["replaces"], {})["void"] = True, False
        elif kind == "label-printed":
            self.must(not label, "order.label-twice", f"label {id} was printed before")
            self.must(not old or not self.labels.get(old, {"void": True})["void"], "order.label", f"label {old} was void")
            self.labels.get(old, {})["void"] = True
            self.labels[id] = {"said": (body["quantity"], body["prescription"]), "replaces": old, "void": False, "out": False}
            total = sum(amount(each["said"][0]) for each in self.labels.values() if not each["void"])
            self.must(total <= self.made, "order.too-much", "the labels say more than was made")
        else:
            self.must(label and not label["void"], "order.label", f"label {id} was void, or of another batch")
            self.must(not label["out"], "order.dispensed-twice", f"the container with label {id} went out before")
            self.must(label["said"] == (body["quantity"], body["prescription"]), "order.dispensed-otherwise", "its label says another")
            label["out"] = True

    def held_by(self) -> list[str]:
        """What keeps a batch from being released, labelled or dispensed."""
        aside = {id for id, each in self.inquiries.items() if each["aside"]}
        standing = {(trait, verdict) for trait, verdict, id in self.results.values() if id not in aside}
        held = [f"{trait} ({verdict})" for trait, verdict in sorted(standing) if verdict in ("fail", "test_20_more")]
        held += [f"{trait} (not tested)" for trait in sorted(self.required - {trait for trait, _ in standing})]
        held += [f"the open investigation {id}" for id, each in self.inquiries.items() if each["open"]]
        held += [f"the retests of {id}, not done" for id in sorted(aside) if self.inquiries[id]["left"] != 0]
        held += [f"the doubtful signature of entry {at} ({kind})" for at, kind in self.doubted.items()]
        return held + [f"lot {id}, in quarantine" for id, lot in self.lots.items() if lot["held"] and self.state == "open"]


def check(content: bytes, told: list[str], head: str | None = None) -> list[str]:
    """Everything that does not hold; ``told`` receives what the file says, for people."""
    lines = content.split(b"\n")
    if len(content) > LARGEST or len(lines) < 4 or lines[-1] != b"":
        raise CannotTell("this is no exported batch, or its end is missing")
    try:
        first, *objects, last = [strict(line.decode("utf-8")) for line in lines[:-1]]
        origin, size, batch = str(first["origin"]), int(first["size"]), str(first["batch"])
        root, exporter = unhex(first["root"], 32), {name: str(first["exported"][name]) for name in ("key", "name", "person", "time")}  # fmt: skip
        exported = f"{datetime.fromisoformat(exporter['time'].removesuffix('Z')):%Y-%m-%d %H:%M} UTC"
    except MISSHAPEN as lacking:
        raise CannotTell(f"the first line lacks a part, or this is no text ({lacking})") from None
    if first.get("format") != FORMAT or set(last) != {"signature"}:
        raise CannotTell(f"this is no exported batch of a form that this program knows ({FORMAT})")
    code = code_of(sha(f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n".encode()))
    record, sequence, files, wrong = Record(batch), 0, {}, []
    told.append(f"Batch {batch} of the journal {origin}: head {code} ({size} entries)")
    for line in objects:
        try:
            if "attachment" in line:
                files[str(line["attachment"])] = hashlib.sha256(base64.b64decode(line["base64"], validate=True)).hexdigest()
                continue
            entry = Entry(line)
            sequence, before = entry.sequence, sequence
            if sequence <= before:
                raise Altered(f"entry.order entry {sequence} stands after entry {before}")
            if entry.site != origin.rpartition("/")[2]:
                raise Altered(f"entry.site entry {entry.sequence} is of the journal of {entry.site}")
            entry.check_bytes(size, root)
            entry.check_signatures()
            record.take(entry)
            for each in entry.signing:
                told.append(f"  entry {entry.sequence:>5}  {entry.time[:10]} {entry.time[11:16]} UTC  {entry.kind:<18} signed by {each['name']} ({each['person']}): {each['meaning']}")  # fmt: skip
        except (Altered, *MISSHAPEN) as found:
            wrong.append(str(found) if isinstance(found, Altered) else f"entry.body entry {sequence}, or what follows it, lacks what belongs there ({found})")  # fmt: skip
    wrong += [f"order.batch-unknown batch {batch} is not opened in this file"] if record.state == "unopened" and not wrong else []
    wrong += [f"file.digest the attachment {each[:16]} holds something else" for each in files if files[each] != each]
    wrong += [f"file.stranger no entry names the attachment {each[:16]}" for each in files if each not in record.files]
    wrong += [f"file.missing the attachment {each[:16]} is named, and is not here" for each in sorted(record.files - files.keys())]  # fmt: skip
    key, above = record.keys.get(exporter["key"]), content[: content.rstrip(b"\n").rfind(b"\n") + 1]
    if not exporter["key"]:
        wrong += ["export.unsigned keys are there, and nobody signed the export"] if record.keys else []
    elif key is None or key["ended"] or (key["person"], key["name"]) != (exporter["person"], exporter["name"]):
        wrong.append(f"export.key the key of {exporter['name']} is not in use at the end of this journal")
    elif not signed(exporter["key"], last["signature"], EXPORT_TYPE, above):
        wrong.append("export.signature the file is not as its exporter signed it")
    told += [f"  NOTE  {note}" for note in record.notes] + [f"  key {code_of(sha(bytes.fromhex(public)))}  {key['name']} ({key['person']}), {', '.join(sorted(key['roles']))}{', ' + key['ended'] if key['ended'] else ''}" for public, key in record.keys.items()]  # fmt: skip
    held = [each for each in record.held_by() if record.state != "open" or "not tested" not in each]
    told.append(f"  {record.state.upper() if record.state == 'recalled' else record.state}{', HELD BY ' * bool(held)}{', '.join(held)}; {len(files)} attached files; exported by {exporter['name'] or 'nobody named'} on {exported}")  # fmt: skip
    if head is not None and typed_code(head) != code:
        wrong.append(f"head.other the head on paper, {typed_code(head)}, is not the head of this file, {code}")
    return wrong


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
    print("\n".join(map(plain, told)))
    for name, _, why in [each.partition(" ") for each in wrong]:
        print(plain(f"ALTERED: {why} [{name}]"), file=sys.stderr)
    if wrong:
        print(f"{len(wrong)} things do not hold: this is not the record as it was made.", file=sys.stderr)
        return 1
    print(f"{HOLDS}\nThat nothing about the batch came after its last entry here is the word of whoever exported it.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
