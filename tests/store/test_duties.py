"""Each rule about keys, duties and order is broken once, by writing past the command line: tool and offline verifier name it.

The stories are written straight into a journal, as somebody with the file and a key could. Then they are exported and
judged again by the program for inspectors, which shares nothing with the tool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from compounding import quantities
from compounding.store import keys
from compounding.store.export import export_batch
from compounding.store.journal import Journal, Signer, Signing
from compounding.store.verify import verify
from compounding.work.tally import measured
from tests.enforced import rule
from tests.store.journals import START, draft
from tests.store.pen import (
    ASIDE,
    BATCH,
    CLOCK,
    CONCLUDED,
    INQUIRY,
    LABEL,
    LOT,
    NAMES,
    OPENED,
    PLANNED,
    RESAMPLED,
    RESUMED,
    RETEST,
    TESTED,
    VERIFIED,
    WEIGHED,
    YIELDED,
    Pen,
    after,
    closing,
    exported,
    failed,
    investigated,
    named,
    offline,
    planned,
    retested,
    told_of,
)


def test_a_story_that_keeps_every_rule_holds_in_the_tool_and_offline(pen: Pen) -> None:
    pen.dispensed()
    assert verify(pen.journal) == []
    told: list[str] = []
    assert offline["check"](exported(pen), told) == []
    assert sum("signed by" in line for line in told) == 9
    assert pen.journal.short_code() in told[0]


@rule("REC-25", "REC-30")
def test_a_clock_and_an_older_copy_that_a_pharmacist_signed_for_hold_and_both_say_so(pen: Pen) -> None:
    pen.write("clock-confirmed", "ana", CLOCK, "ana", subject="journal:clock", back=3)
    pen.write("journal-resumed", "ana", RESUMED, "ana", subject="journal:resumed")
    pen.labelled()
    notes: list[str] = []
    assert verify(pen.journal, notes=notes) == []
    assert [note.split(":")[0] for note in notes] == ["Entry 5", "Entry 6"]
    told: list[str] = []
    assert offline["check"](exported(pen), told) == []
    assert sum("NOTE" in line for line in told) == 2


@rule("REC-03")
@pytest.mark.parametrize("page", [("Batch B-1: 10 capsules", "assay: pass"), ("Batch B-1: 10 capsules", "assay: fail")])
def test_the_page_that_is_kept_is_the_one_that_was_signed(pen: Pen, page: tuple[str, ...]) -> None:
    pen.tested()
    digest = sha256(b"Batch B-1: 10 capsules\nassay: pass").hexdigest()
    key = pen.keys["ben"]
    signer = Signer(Signing("ben", NAMES["ben"], key.public, "as it says", digest), key.sign)
    pen.journal.append([draft("verified", "batch:B-1", person="ben", body=BATCH, signers=(signer,), shown=page, minute=60)], {})
    good = page[1] == "assay: pass"
    assert [each.code for each in verify(pen.journal)] == ([] if good else ["verify.signature"])
    assert named(offline["check"](exported(pen), [])) == ([] if good else ["signature.shown"])


@rule("REC-05")
def test_a_key_that_nobody_could_vouch_for_holds_and_is_named_by_both_for_ever(tmp_path: Path) -> None:
    """A pharmacist and a technician: nobody can vouch for a new key of the pharmacist, and its signatures say so."""
    with Journal.create(tmp_path / "journal.db", "main") as journal:
        pen = Pen(journal)
        pen.key("ana")
        pen.key("tom", "ana", by="ana")
        old = pen.keys["ana"].public
        pen.keys["ana"] = keys.new_key()
        entry = pen.key("ana", "tom", by="tom", replaces=old, unvouched=True)
        pen.made()
        notes: list[str] = []
        assert verify(journal, notes=notes) == []
        assert [note.split(":")[0] for note in notes] == [f"Entry {entry}"]
        told: list[str] = []
        assert offline["check"](exported(pen), told) == []
        assert [line for line in told if "NOTE" in line and f"entry {entry}:" in line and "nobody could vouch" in line]


@pytest.mark.parametrize("disposition", ["release", "reject"])
def test_an_investigation_that_a_second_person_closed_lets_the_batch_go_or_rejects_it(
    pen: Pen, disposition: str
) -> None:
    end = ("label-printed", "tom", LABEL) if disposition == "release" else ("rejected", "ana", BATCH, "ana")
    again = planned(2), RETEST, retested(2), RESAMPLED, planned(1, "new"), retested(3)
    investigated("released", *again, *CONCLUDED, closing("ben", disposition), end)(pen)
    assert verify(pen.journal) == [] and offline["check"](exported(pen), []) == []


def in_doubt(begin: str, *entries: tuple[Any, ...]) -> Callable[[Pen], object]:
    """A beginning that Ben verified (entry 11), his key revoked with that in doubt, and what came after."""

    def story(pen: Pen) -> None:
        getattr(pen, begin)()
        pen.revoked_since("ben", 11)
        for kind, person, body, *signers in entries:
            pen.write(kind, person, body, *signers)

    return story


CONFIRMED = ("signature-confirmed", "ana", BATCH | {"entry": 11}, "ana")


@rule("REC-07")
@pytest.mark.parametrize(
    ("story", "verdict"),
    [
        (in_doubt("labelled"), "released, HELD BY the doubtful signature of entry 11 (verified)"),
        (in_doubt("verified"), "open, HELD BY the doubtful signature of entry 11 (verified)"),
        (in_doubt("released", CONFIRMED, ("label-printed", "tom", LABEL), ("dispensed", "tom", LABEL)), "released"),
        (in_doubt("verified", ("verified", "ana", BATCH, "ana"), ("released", "ana", BATCH, "ana")), "released"),
    ],
)
def test_a_signature_in_doubt_holds_its_batch_until_it_is_confirmed_or_another_takes_its_place(
    pen: Pen, story: Callable[[Pen], object], verdict: str
) -> None:
    story(pen)
    notes: list[str] = []
    assert verify(pen.journal, notes=notes) == []
    assert [note.split(" ")[1] for note in notes] == (["11:"] if "HELD" in verdict else [])
    assert told_of(pen) == verdict


def without_ben(pen: Pen) -> None:
    pen.end("key-revoked", "ben", "ana")
    pen.verified()


def replaced(pen: Pen, *others: str, by: str = "ana", **changed: Any) -> None:
    old = pen.keys["ben"].public
    pen.opened()
    pen.keys["ben"] = keys.new_key()
    pen.key("ben", *others, by=by, **({"replaces": old} | changed))


def with_the_key_of_ana(pen: Pen) -> None:
    pen.made()
    pen.keys["ben"] = pen.keys["ana"]
    pen.write("verified", "ben", BATCH, "ben")


def unknown_key(pen: Pen) -> None:
    pen.made()
    pen.keys["ben"] = keys.new_key()
    pen.write("verified", "ben", BATCH, "ben")


def one_key_for_two(pen: Pen) -> None:
    pen.opened()
    ben = pen.keys["ben"].public
    pen.keys["ben"] = pen.keys["ana"]
    pen.key("ben", "ana", "tom", by="ana", replaces=ben)


def deviation(by: str) -> Callable[[Pen], object]:
    def story(pen: Pen) -> None:
        pen.opened()
        entry = pen.weighed("2 mg", by, within=False) if by != "nothing" else 1
        pen.write("deviation-accepted", "ana", BATCH | {"entry": entry}, "ana")

    return story


BROKEN: dict[str, tuple[Callable[[Pen], object], str, str]] = {
    "nobody signed": (after("made", "verified", "ben", BATCH), "duty-unsigned", "duty.unsigned"),
    "the maker verifies": (
        lambda pen: (pen.made(), pen.weighed(by="ben"), pen.write("verified", "ben", BATCH, "ben")),
        "duty-own-work", "duty.own-work",
    ),
    "a technician verifies": (after("made", "verified", "kim", BATCH, "kim"), "duty-role", "duty.role"),
    "another signs": (after("made", "verified", "ana", BATCH, "ben"), "duty-signer", "duty.signer"),
    "one signs twice": (after("made", "verified", "ben", BATCH, "ben", "ben"), "duty-signed-twice", "duty.signed-twice"),
    "two sign": (after("made", "verified", "ben", BATCH, "ben", "ana"), "duty-signer", "duty.signer"),
    "an unknown key": (unknown_key, "duty-key-unknown", "duty.key-unknown"),
    "the key of another": (with_the_key_of_ana, "duty-key-of-another", "duty.key-of-another"),
    "another printed name": (
        lambda pen: (pen.made(), pen.write("verified", "ben", BATCH, "ben", name="Dr. Ben Fox")),
        "duty-key-of-another", "duty.key-of-another",
    ),
    "a revoked key": (without_ben, "duty-key-ended", "duty.key-ended"),
    "a retired key": (
        lambda pen: (pen.end("key-retired", "ben", "ana", "tom"), pen.verified()), "duty-key-ended", "duty.key-ended",
    ),
    "one alone retires": (
        lambda pen: (pen.opened(), pen.end("key-retired", "ben", "ana")), "duty-too-few-signers", "duty.too-few-signers",
    ),
    "unsigned end of a key": (
        lambda pen: (pen.opened(), pen.end("key-revoked", "ben")), "duty-unsigned", "duty.unsigned",
    ),
    "an ended key is ended": (
        lambda pen: (pen.opened(), pen.end("key-revoked", "ben", "ana"), pen.end("key-revoked", "ben", "ana")),
        "duty-key-ended", "duty.key-ended",
    ),
    "a technician and quality control replace": (
        lambda pen: replaced(pen, "tom", "kim"), "duty-too-few-signers", "duty.too-few-signers",
    ),
    "a technician alone replaces when the other pharmacist is gone": (
        lambda pen: (pen.end("key-revoked", "ana", "tom"), pen.end("key-revoked", "kim", "tom"), replaced(pen, "tom", by="tom")),
        "duty-unvouched", "duty.unvouched",
    ),
    "a technician makes a pharmacist once no pharmacist has a key": (
        lambda pen: (pen.opened(), pen.end("key-revoked", "ana", "tom"), pen.end("key-revoked", "ben", "tom"),
                     pen.key("eve", by="tom")),
        "duty-unvouched", "duty.unvouched",
    ),
    "a key says falsely that nobody could vouch for it": (
        lambda pen: replaced(pen, "ana", "tom", unvouched=True), "duty-unvouched", "duty.unvouched",
    ),
    "of those who are there not all sign what nobody vouches for": (
        lambda pen: (pen.end("key-revoked", "ana", "tom"), replaced(pen, "kim", by="kim", unvouched=True)),
        "duty-too-few-signers", "duty.too-few-signers",
    ),
    "one alone replaces": (lambda pen: replaced(pen, "ana"), "duty-too-few-signers", "duty.too-few-signers"),
    "a replacement says nothing of the old key": (
        lambda pen: replaced(pen, "ana", "tom", replaces=None), "duty-replaces", "duty.replaces",
    ),
    "a key not in hand": (
        lambda pen: replaced(pen, "ana", "tom", key=keys.new_key().public), "duty-possession", "duty.possession",
    ),
    "one key for two people": (one_key_for_two, "duty-key-taken", "duty.key-taken"),
    "an own deviation": (deviation("ana"), "duty-own-deviation", "duty.own-deviation"),
    "a deviation of nothing": (deviation("nothing"), "duty-deviation-unknown", "order.deviation"),
    "verified before it was made": (after("opened", "verified", "ben", BATCH, "ben"), "duty-not-made", "order.not-made"),
    "released unverified": (after("tested", "released", "ana", BATCH, "ana"), "duty-not-verified", "order.not-verified"),
    "work after the verification": (
        lambda pen: (pen.verified(), pen.weighed(), pen.write("released", "ana", BATCH, "ana")),
        "duty-not-verified", "order.not-verified",
    ),
    "a result after the verification": (
        after("verified", ("tested", "kim", TESTED), ("released", "ana", BATCH, "ana")), "duty-not-verified", "order.not-verified",
    ),
    "a result set aside after the verification": (
        failed("tested", PLANNED, RETEST, VERIFIED, ASIDE, *CONCLUDED, closing("ben"), ("released", "ana", BATCH, "ana")),
        "duty-not-verified", "order.not-verified",
    ),
    "work after the release": (after("released", "yielded", "tom", YIELDED), "duty-batch-state", "order.batch-state"),
    "released twice": (after("released", "released", "ana", BATCH, "ana"), "duty-batch-state", "order.batch-state"),
    "labelled before release": (after("verified", "label-printed", "tom", LABEL), "duty-batch-state", "order.batch-state"),
    "tested after rejection": (
        lambda pen: (pen.opened(), pen.write("rejected", "ana", BATCH, "ana"), pen.write("tested", "kim", TESTED)),
        "duty-batch-state", "order.batch-state",
    ),
    "opened twice": (lambda pen: (pen.opened(), pen.write("batch-opened", "ana", OPENED)),
        "duty-batch-twice", "order.batch-twice"),
    "a lot received twice": (
        lambda pen: (pen.opened(), pen.write("lot-received", "tom", LOT), pen.weighed()),
        "duty-lot-twice", "order.lot-twice",
    ),
    "a lot in quarantine": (
        lambda pen: (
            pen.opened(),
            pen.write("lot-quarantined", "kim", {"lot": "L-1"}),
            pen.weighed(),
        ),
        "duty-lot-held", "order.lot",
    ),
    "released under investigation": (
        investigated("verified", ("released", "ana", BATCH, "ana")), "duty-investigated", "order.held",
    ),
    "labelled under investigation": (
        investigated("released", ("label-printed", "tom", LABEL)), "duty-investigated", "order.held",
    ),
    "closed by who tested again": (
        failed("made", PLANNED, ("tested", "ben", *RETEST[2:]), *CONCLUDED, closing("ben")),
        "duty-own-investigation", "duty.own-investigation",
    ),
    "closed by who set the result aside": (
        failed("made", ("result-invalidated", "ben", INQUIRY, "ben"), *CONCLUDED, closing("ben")),
        "duty-own-investigation", "duty.own-investigation",
    ),
    "closed by who concluded": (
        investigated("made", ("investigation-concluded", "ben", INQUIRY), closing("ben")),
        "duty-own-investigation", "duty.own-investigation",
    ),
    "closed by a technician": (investigated("made", closing("tom")), "duty-role", "duty.role"),
    "closed unsigned": (
        investigated("made", ("investigation-closed", "ben", INQUIRY | {"disposition": "release"})),
        "duty-unsigned", "duty.unsigned",
    ),
    "closed before it was opened": (
        after("made", *closing("ben")), "duty-investigation-unknown", "order.investigation",
    ),
    "rejected after the release, though the investigation let it go": (
        investigated("released", *CONCLUDED, closing("ben"), ("rejected", "ana", BATCH, "ana")),
        "duty-batch-state", "order.batch-state",
    ),
    "closed though nothing was concluded": (
        investigated("made", closing("ben")), "duty-not-concluded", "order.not-concluded",
    ),
    "closed though a retest came after the conclusion": (
        failed("made", PLANNED, *CONCLUDED, RETEST, closing("ben")), "duty-not-concluded", "order.not-concluded",
    ),
    "an investigation opened twice": (
        investigated("made", ("investigation-opened", "kim", INQUIRY)),
        "duty-investigation-twice", "order.investigation-twice",
    ),
    "released with a test that failed": (
        after("tested", ("tested", "kim", TESTED | {"verdict": "fail"}), VERIFIED, ("released", "ana", BATCH, "ana")),
        "duty-unfit", "order.held",
    ),
    "released though its second stage is missing": (
        after("made", ("tested", "kim", TESTED | {"verdict": "test_20_more"}), VERIFIED, ("released", "ana", BATCH, "ana")),
        "duty-unfit", "order.held",
    ),
    "released without a test that its formula asks for": (
        after("made", ("verified", "ben", BATCH, "ben"), ("released", "ana", BATCH, "ana")), "duty-unfit", "order.held",
    ),
    "released though the retest of a result that was set aside is missing": (
        failed("tested", PLANNED, ASIDE, *CONCLUDED, closing("ben"), VERIFIED, ("released", "ana", BATCH, "ana")),
        "duty-unfit", "order.held",
    ),
    "tested again without a plan": (failed("made", RETEST), "duty-retest-not-planned", "order.retest"),
    "tested again once too often": (failed("made", PLANNED, RETEST, retested(2)), "duty-retest-too-many", "order.retest"),
    "tested again on a new sample without a plan": (
        failed("made", planned(2), RETEST, RESAMPLED, retested(2)), "duty-retest-not-planned", "order.retest",
    ),
    "a retest that is older than its plan": (
        failed("made", PLANNED, retested(1, "2026-02-27")), "duty-retest-before-plan", "order.retest",
    ),
    "retests fixed twice": (failed("made", PLANNED, planned(5)), "duty-retest-planned", "order.retest"),
    "a second stage of what waits for none": (
        after("tested", "tested", "kim", TESTED | {"joins": 10}), "duty-joins", "order.joins",
    ),
    "labelled though a later test failed": (
        after("released", ("tested", "kim", TESTED | {"verdict": "fail"}), ("label-printed", "tom", LABEL)),
        "duty-unfit", "order.held",
    ),
    "verified with a deviation that nobody settled": (
        lambda pen: (pen.made(), pen.weighed("2 mg", within=False), pen.write("verified", "ben", BATCH, "ben")),
        "duty-not-made", "order.not-made",
    ),
    "verified before every line was weighed": (
        after("opened", ("step-done", "tom", BATCH | {"number": 1}), ("yielded", "tom", YIELDED),
              ("verified", "ben", BATCH, "ben")),
        "duty-not-made", "order.not-made",
    ),
    "verified before every step was done": (
        lambda pen: (pen.opened(), pen.weighed(), pen.write("yielded", "tom", YIELDED), pen.write("verified", "ben", BATCH, "ben")),
        "duty-not-made", "order.not-made",
    ),
    "steps in another order": (
        after("opened", "step-done", "tom", BATCH | {"number": 2}), "duty-step-order", "order.step",
    ),
    "a reading that says it is inside its limits": (
        lambda pen: (pen.opened(), pen.weighed("2 mg")), "duty-limits", "order.limits",
    ),
    "a line that the plan does not have": (
        lambda pen: (pen.opened(), pen.weighed(line="sugar")), "duty-line-unknown", "order.line",
    ),
    "a deviation accepted twice": (
        lambda pen: (entry := [pen.opened(), pen.weighed("2 mg", within=False)][1],
                     pen.write("deviation-accepted", "ana", BATCH | {"entry": entry}, "ana"),
                     pen.write("deviation-accepted", "ana", BATCH | {"entry": entry}, "ana")),
        "duty-deviation-unknown", "order.deviation",
    ),
    "released from a lot that was quarantined since": (
        after("verified", ("lot-quarantined", "kim", {"lot": "L-1"}), ("released", "ana", BATCH, "ana")),
        "duty-lot-held", "order.held",
    ),
    "recalled before the release": (after("verified", "recalled", "ana", BATCH), "duty-batch-state", "order.batch-state"),
    "labelled after the recall": (
        after("released", ("recalled", "ana", BATCH), ("label-printed", "tom", LABEL)), "duty-batch-state", "order.batch-state",
    ),
    "dispensed after the recall": (
        after("labelled", ("recalled", "ana", BATCH), ("dispensed", "tom", LABEL)), "duty-batch-state", "order.batch-state",
    ),
    "said to be released after the recall": (
        after("released", ("recalled", "ana", BATCH), ("sticker-printed", "tom", BATCH | {"template": "released", "labels": ["S-1"]})),
        "duty-batch-state", "order.batch-state",
    ),
    "said to be released in two pieces after the recall": (
        after("released", ("recalled", "ana", BATCH), ("sticker-printed", "tom", BATCH | {"template": "released-two-piece", "labels": ["S-1"]})),
        "duty-batch-state", "order.batch-state",
    ),
    "dispensed before the release": (after("verified", "dispensed", "tom", LABEL), "duty-batch-state", "order.batch-state"),
    "dispensed without a label": (after("released", "dispensed", "tom", LABEL), "duty-label", "order.label"),
    "dispensed twice": (after("dispensed", "dispensed", "tom", LABEL), "duty-dispensed-twice", "order.dispensed-twice"),
    "dispensed otherwise than the label says": (
        after("labelled", "dispensed", "tom", LABEL | {"quantity": "9 capsules"}),
        "duty-dispensed-otherwise", "order.dispensed-otherwise",
    ),
    "dispensed under a label that another took the place of": (
        after("labelled", ("label-printed", "tom", LABEL | {"label": "L2", "replaces": LABEL["label"]}), ("dispensed", "tom", LABEL)),
        "duty-label", "order.label",
    ),
    "dispensed under a label that was never printed": (
        after("labelled", ("print-failed", "tom", LABEL), ("dispensed", "tom", LABEL)), "duty-label", "order.label",
    ),
    "one label twice": (after("labelled", "label-printed", "tom", LABEL), "duty-label-twice", "order.label-twice"),
    "labels for more than was made": (
        after("labelled", "label-printed", "tom", LABEL | {"label": "L2", "quantity": "1 capsule"}),
        "duty-too-much", "order.too-much",
    ),
    "dispensed under investigation": (
        investigated("labelled", ("dispensed", "tom", LABEL)), "duty-investigated", "order.held",
    ),
    "an entry dated before the one before it": (
        lambda pen: (pen.opened(), pen.write("weighed", "tom", WEIGHED, back=5)), "duty-clock", "order.clock",
    ),
    "a clock set back by nobody": (
        lambda pen: (pen.opened(), pen.write("clock-confirmed", "ana", CLOCK, subject="journal:clock", back=5)),
        "duty-unsigned", "duty.unsigned",
    ),
    "an older copy that nobody signed for": (
        lambda pen: (pen.opened(), pen.write("journal-resumed", "ana", RESUMED, subject="journal:resumed")),
        "duty-unsigned", "duty.unsigned",
    ),
    "an older copy that a technician signed for": (
        lambda pen: (pen.opened(), pen.write("journal-resumed", "tom", RESUMED, "tom", subject="journal:resumed")),
        "duty-role", "duty.role",
    ),
    "released though its verification is in doubt": (
        in_doubt("verified", ("released", "ana", BATCH, "ana")), "duty-doubt", "order.held",
    ),
    "labelled though its verification is in doubt": (
        in_doubt("released", ("label-printed", "tom", LABEL)), "duty-doubt", "order.held",
    ),
    "dispensed though its verification is in doubt": (
        in_doubt("labelled", ("dispensed", "tom", LABEL)), "duty-doubt", "order.held",
    ),
    "a signature confirmed that is in no doubt": (after("verified", *CONFIRMED), "duty-not-doubted", "order.confirmed"),
    "a verification in doubt confirmed by its maker": (
        lambda pen: (pen.opened(), pen.weighed(by="ana"), pen.write("step-done", "tom", BATCH | {"number": 1}),
                     pen.write("yielded", "tom", YIELDED), pen.write("tested", "kim", TESTED),
                     pen.write("verified", "ben", BATCH, "ben"), pen.revoked_since("ben", 11), pen.write(*CONFIRMED)),
        "duty-own-work", "duty.own-work",
    ),
    "a signature confirmed by nobody's hand": (
        in_doubt("verified", CONFIRMED[:3]), "duty-unsigned", "duty.unsigned",
    ),
    "more weighed than the lot held": (
        lambda pen: (pen.opened(), pen.weighed("10.001 mg", high="11 mg")), "duty-lot-below-zero", "order.lot-below-zero",
    ),
    "more thrown away than the lot held": (
        after("made", ("lot-discarded", "tom", {"lot": "L-1", "amount": "9.5 mg"}), ("lot-measured", "tom", {"lot": "L-1"})),
        "duty-lot-below-zero", "order.lot-below-zero",
    ),
    "more than a count left": (
        lambda pen: (pen.opened(), pen.write("lot-adjusted", "tom", {"lot": "L-1", "was": "10 mg", "counted": "0.5 mg"}),
                     pen.weighed()),
        "duty-lot-below-zero", "order.lot-below-zero",
    ),
}  # fmt: skip


MADE_HERE = LOT | {"lot": "L-2", "made_here": {"batch": "B-1"}}
# What rests on other batches than the one that is exported, or on all that was taken from a lot: the journal alone shows it.
IN_THE_JOURNAL: dict[str, tuple[Callable[[Pen], object], str]] = {
    "a lot made of a batch that is not released": (after("verified", "lot-received", "tom", MADE_HERE), "duty-batch-state"),
    "a lot made of a batch under investigation": (
        investigated("released", ("lot-received", "tom", MADE_HERE)), "duty-investigated",
    ),
    "a lot cleared though its batch is under investigation": (
        after("released", ("lot-received", "tom", MADE_HERE), ("lot-quarantined", "kim", {"lot": "L-2"}),
              ("investigation-opened", "kim", INQUIRY), ("lot-cleared", "kim", {"lot": "L-2"})),
        "duty-investigated",
    ),
    "a count that says the record had another amount": (
        after("made", "lot-adjusted", "tom", {"lot": "L-1", "was": "8 mg", "counted": "7 mg"}), "duty-lot-otherwise",
    ),
    "a revocation that is not about the batch whose verification it puts in doubt": (
        lambda pen: (pen.verified(), pen.revoked_since("ben", 11, subject="")), "duty-doubt-unlisted",
    ),
    "a lot used in another unit than it is counted in": (
        after("opened", "lot-discarded", "tom", {"lot": "L-1", "amount": "1 mL"}), "duty-lot-unit",
    ),
    "a lot that two batches together take more from than it held": (
        lambda pen: (pen.made(), pen.write("batch-opened", "ana", OPENED | {"batch": "B-2"}),
                     pen.write("weighed", "tom", WEIGHED | {"batch": "B-2", "reading": "9.1 mg", "high": "10 mg"})),
        "duty-lot-below-zero",
    ),
}  # fmt: skip


# The rule that each story breaks.
PROVES: Mapping[str, tuple[str, ...]] = {
    "REC-01": (
        "nobody signed",
        "a technician verifies",
        "two sign",
        "one signs twice",
        "unsigned end of a key",
        "closed by a technician",
        "closed unsigned",
        "an older copy that nobody signed for",
        "an older copy that a technician signed for",
        "a signature confirmed by nobody's hand",
    ),
    "REC-04": (
        "another signs",
        "an unknown key",
        "the key of another",
        "another printed name",
        "one key for two people",
    ),
    "REC-05": (
        "one alone retires",
        "a technician and quality control replace",
        "a technician alone replaces when the other pharmacist is gone",
        "a technician makes a pharmacist once no pharmacist has a key",
        "a key says falsely that nobody could vouch for it",
        "of those who are there not all sign what nobody vouches for",
        "one alone replaces",
        "a replacement says nothing of the old key",
        "a key not in hand",
    ),
    "REC-06": (
        "a revoked key",
        "a retired key",
        "an ended key is ended",
    ),
    "REC-07": (
        "released though its verification is in doubt",
        "labelled though its verification is in doubt",
        "dispensed though its verification is in doubt",
        "a signature confirmed that is in no doubt",
        "a verification in doubt confirmed by its maker",
        "a revocation that is not about the batch whose verification it puts in doubt",
    ),
    "REC-09": (
        "the maker verifies",
        "work after the verification",
        "a result after the verification",
        "a result set aside after the verification",
    ),
    "REC-10": (
        "an own deviation",
        "a deviation of nothing",
        "a deviation accepted twice",
        "verified with a deviation that nobody settled",
        "a reading that says it is inside its limits",
    ),
    "REC-11": (
        "verified before it was made",
        "verified before every line was weighed",
        "verified before every step was done",
        "steps in another order",
        "a line that the plan does not have",
        "opened twice",
    ),
    "REC-13": (
        "released with a test that failed",
        "labelled though a later test failed",
    ),
    "REC-14": (
        "released though the retest of a result that was set aside is missing",
        "tested again without a plan",
        "tested again once too often",
        "tested again on a new sample without a plan",
        "a retest that is older than its plan",
        "retests fixed twice",
        "a second stage of what waits for none",
        "released though its second stage is missing",
    ),
    "REC-15": (
        "closed by who tested again",
        "closed by who set the result aside",
        "closed by who concluded",
        "closed before it was opened",
        "closed though nothing was concluded",
        "closed though a retest came after the conclusion",
        "an investigation opened twice",
    ),
    "REC-16": (
        "released unverified",
        "released under investigation",
        "released without a test that its formula asks for",
        "released from a lot that was quarantined since",
        "released twice",
        "work after the release",
        "tested after rejection",
        "rejected after the release, though the investigation let it go",
    ),
    "REC-17": (
        "labelled before release",
        "labelled under investigation",
        "said to be released after the recall",
        "said to be released in two pieces after the recall",
        "one label twice",
        "labels for more than was made",
    ),
    "REC-18": (
        "dispensed before the release",
        "dispensed without a label",
        "dispensed twice",
        "dispensed otherwise than the label says",
        "dispensed under a label that another took the place of",
        "dispensed under a label that was never printed",
        "dispensed under investigation",
    ),
    "REC-19": (
        "recalled before the release",
        "labelled after the recall",
        "dispensed after the recall",
    ),
    "REC-20": (
        "more weighed than the lot held",
        "more thrown away than the lot held",
        "more than a count left",
        "a count that says the record had another amount",
        "a lot used in another unit than it is counted in",
        "a lot that two batches together take more from than it held",
        "a lot received twice",
    ),
    "REC-21": (
        "a lot in quarantine",
        "a lot made of a batch that is not released",
        "a lot made of a batch under investigation",
        "a lot cleared though its batch is under investigation",
    ),
    "REC-30": (
        "an entry dated before the one before it",
        "a clock set back by nobody",
    ),
}


def stories(of: Mapping[str, Any]) -> list[Any]:
    """Stories, each marked with the rule that it breaks."""
    rules = {story: id for id, broken in PROVES.items() for story in broken}
    return [pytest.param(story, marks=rule(rules[story]), id=story) for story in of]


@pytest.mark.parametrize("story", stories(IN_THE_JOURNAL))
def test_a_rule_that_rests_on_more_than_one_batch_is_named_by_the_tool(pen: Pen, story: str) -> None:
    break_it, code = IN_THE_JOURNAL[story]
    break_it(pen)
    (problem,) = verify(pen.journal)
    assert problem.code == f"verify.{code}"


@rule("REC-20")
def test_tablets_shells_and_readings_that_are_replaced_are_counted_as_the_bench_counts_them(pen: Pen) -> None:
    """Crushed tablets stay used, a powder weighed again is taken once, and a lot may be used up to the last."""
    pen.write("lot-received", "tom", LOT | {"lot": "T-1", "role": "tablet", "amount": "4 tablets"})
    pen.write("lot-received", "tom", LOT | {"lot": "S-1", "role": "shell", "amount": "11 capsules"})
    pen.opened()
    for reading in ("9.5 mg", "10 mg", "0.5 mg", "1 mg"):
        pen.weighed(reading, low="0.1 mg", high="10 mg")
    for tablets in (4, 3):
        pen.weighed(lot="T-1", tablets=tablets, reading="1000 mcg")
    pen.write("step-done", "tom", BATCH | {"number": 1})
    entry = draft("yielded", "batch:B-1", "lot:S-1", person="tom", body=YIELDED | {"shells_used": 11}, minute=60)
    pen.journal.append([entry], {})
    assert verify(pen.journal) == [] and offline["check"](exported(pen), []) == []
    again = draft("yielded", "batch:B-1", "lot:S-1", person="tom", body=YIELDED | {"shells_used": 12}, minute=61)
    pen.journal.append([again], {})
    assert [problem.code for problem in verify(pen.journal)] == ["verify.duty-lot-below-zero"]
    assert named(offline["check"](exported(pen), [])) == ["order.lot-below-zero"]
    assert verify(pen.journal)[0].where == f"entry {pen.journal.head().size}"


@pytest.mark.parametrize("amount", ["1mg", "-1 mg", "1_0 mg", " 1 mg", "1.0000000001 mg", "1e3 mg", "1 furlong", "mg", ""])
def test_what_is_no_amount_is_never_counted(amount: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        measured(amount)


@pytest.mark.parametrize("unit", sorted(quantities._UNITS))
def test_every_unit_of_the_bench_is_counted_as_the_bench_reads_it(unit: str) -> None:
    read = quantities.quantity(f"1.5 {unit}")
    if unit.startswith("day") or unit == "mm":
        return  # no lot and no yield is counted so
    what, amount = measured(f"1.5 {unit}")
    unit_of = {"mass": ("mg", 10**15), "volume": ("mL", 10**9)}.get(what, (what, 10**9))
    assert quantities.amount(read, unit_of[0]) * unit_of[1] == amount


@pytest.mark.parametrize("story", stories(BROKEN))
def test_a_broken_rule_is_named_by_the_tool_and_by_the_offline_verifier(pen: Pen, story: str) -> None:
    break_it, tool, inspector = BROKEN[story]
    break_it(pen)
    (problem,) = verify(pen.journal)
    assert problem.code == f"verify.{tool}"
    exporter = "ben" if "ana" in story and pen.keys["ben"] is not pen.keys["ana"] else "ana"
    assert inspector in named(offline["check"](exported(pen, exporter), []))


@pytest.mark.parametrize("story", [*BROKEN, *IN_THE_JOURNAL])
def test_after_a_trusted_head_a_broken_rule_is_named_as_by_a_verification_from_the_first_entry(pen: Pen, story: str) -> None:
    {**BROKEN, **IN_THE_JOURNAL}[story][0](pen)
    (problem,) = verify(pen.journal)
    trusted = int(problem.where.split()[1]) - 1
    assert verify(pen.journal, trusted=trusted) == [problem]


def test_what_stands_in_no_order_at_all_is_found(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "journal.db", "main") as journal:
        Pen(journal).write("weighed", "tom", BATCH)
        assert [problem.code for problem in verify(journal)] == ["verify.duty-batch-unknown"]


def test_before_the_first_key_nothing_needs_to_be_signed(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "journal.db", "main") as journal:
        pen = Pen(journal)
        pen.made()
        pen.write("verified", "ben", BATCH)
        assert verify(journal) == []
        content = export_batch(journal, "B-1", START, None, None, {})
        assert offline["check"](content, []) == []
