"""The rules that the records enforce, each with the requirement that it serves.

A test that proves one carries its number, ``@rule("REC-07")``; ``scripts/rules.py`` makes docs/rules.md from both, and
tests/test_rules.py holds the page to them: a rule without a test, and a number that is no rule, are refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        id: ``REC-01`` and so on, in order, never given again.
        about: heading under which it stands.
        says: what the records enforce, in one or two sentences.
        serves: requirements, each with the key of its source in brackets.
    """

    id: str
    about: str
    says: str
    serves: str


def rule(*ids: str) -> pytest.MarkDecorator:
    """Mark a test as a proof of some rules."""
    return pytest.mark.rule(*ids)


KEYS, WORK, TESTS, OUT = "Signatures and keys", "Making and verifying", "Testing and investigating", "Release and what goes out"
STOCK, LOG, TIME, COPIES, NAMES = "Stock", "The log", "Time", "Copies, exports and workstations", "Names of patients"

_GROUPS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    (KEYS, (
        ("REC-01", "Approving a formula, accepting a deviation, verifying, releasing, rejecting, closing an investigation and whatever "
         "befalls keys or the journal itself is signed, from the first key on; a pharmacist signs all but what is about keys.",
         "21 CFR 11.10(g) authority checks, 11.50 [cfr-21-11]; ALCOA+ attributable [alcoa-plus]"),
        ("REC-02", "A signature is over every byte of its entry: printed name, time, meaning, the page that was shown, and the whole "
         "journal before it. Moved to another entry, or with one bit changed, it holds no more.",
         "21 CFR 11.50, 11.70 [cfr-21-11]"),
        ("REC-03", "The page that was signed is kept with the signature, and is the one that was shown; if anything changes before the "
         "passphrase is typed, nothing is signed.",
         "21 CFR 11.50(b) human-readable form [cfr-21-11]; ALCOA+ original [alcoa-plus]"),
        ("REC-04", "Nobody signs as another: a key belongs to one person and one printed name, and neither the settings nor a role in "
         "them lets one sign for another.",
         "21 CFR 11.100(a), 11.300(a) [cfr-21-11]; ALCOA+ attributable [alcoa-plus]"),
        ("REC-05", "A new person's key is introduced by a pharmacist; a key in place of another is signed by two others, one of them a "
         "pharmacist. Where nobody can vouch, the record says so of that key for ever.",
         "21 CFR 11.100(b), 11.200(a)(3), 11.300(c) [cfr-21-11]"),
        ("REC-06", "A key that was retired, replaced or revoked signs nothing more, by its place in the journal and not by a clock; what "
         "it signed still verifies.",
         "21 CFR 11.10(c), 11.300(b), 11.300(c) [cfr-21-11]; ALCOA+ enduring [alcoa-plus]"),
        ("REC-07", "What a key signed while it may have been in other hands is listed and holds its batches, until a pharmacist confirms "
         "it under the duties of the first signature.",
         "21 CFR 11.300(c), 11.300(d) [cfr-21-11]; ALCOA+ accurate [alcoa-plus]"),
        ("REC-08", "A wrong passphrase is refused and recorded, and after five the key rests; a weak one makes no key, and no secret lies "
         "where others can read it.",
         "21 CFR 11.200(a), 11.300(d) [cfr-21-11]; passphrases [owasp-asvs-4]"),
    )),
    (WORK, (
        ("REC-09", "Whoever took part in making a batch never verifies it; work after the verification asks for another one.",
         "people who compounded and who verified [nmac]; 21 CFR 11.10(g) [cfr-21-11]"),
        ("REC-10", "A reading or yield outside its limits is recorded, holds the batch, and is let go on by another person with a reason; "
         "whether it is inside is judged from its numbers.",
         "deviations on the record [sask]; ALCOA+ accurate, complete [alcoa-plus]"),
        ("REC-11", "Lines are those of the plan, steps are done in their order, and a batch is verified only when all is weighed, done, "
         "counted and settled.",
         "21 CFR 11.10(f) sequencing of steps [cfr-21-11]; complete compounding record [nmac]"),
        ("REC-12", "Nothing recorded is replaced: a second reading stands beside the first, with its reason.",
         "21 CFR 11.10(e) [cfr-21-11]; ALCOA+ original, complete [alcoa-plus]"),
    )),
    (TESTS, (
        ("REC-13", "A failing result opens an investigation in the same entry of the journal and holds the batch; a later result never "
         "undoes it.",
         "no testing into compliance [fda-oos-2022] [fda-oos-averaging]"),
        ("REC-14", "A result is set aside only for a cause in the test, and then what was planned beforehand is tested in its place, no "
         "more and no fewer.",
         "invalidation and number of retests [fda-oos-2022] [fda-oos-retests]"),
        ("REC-15", "An investigation is concluded before it is closed, and closed by a pharmacist who took no part in it.",
         "second-person review [fda-oos-2022]; 21 CFR 11.10(g) [cfr-21-11]"),
    )),
    (OUT, (
        ("REC-16", "A batch is released only verified, with every required test done and passed, no investigation open, no lot of it in "
         "quarantine, no signature in doubt; and after an end nothing more is made of it.",
         "review before release, from memory [usp-795]; 21 CFR 11.10(f) [cfr-21-11]"),
        ("REC-17", "Labels and stickers that say released exist only while the batch is released and nothing holds it; together labels "
         "never say more than was made, and each id is printed once.",
         "reconciliation [label-reconciliation]"),
        ("REC-18", "A container goes out once, under its label that stands, in date, as the label says; never before the release, after a "
         "recall or while the batch is held.",
         "distribution with dates and quantities, from memory [usp-795]; 21 CFR 11.10(f) [cfr-21-11]"),
        ("REC-19", "A recalled batch is neither labelled nor dispensed, and everybody who has something of it is named.",
         "recall, from memory [usp-795]"),
    )),
    (STOCK, (
        ("REC-20", "No lot holds less than nothing, whoever draws at the same moment; a count says what the record had before.",
         "component records [nmac]; ALCOA+ accurate [alcoa-plus]"),
        ("REC-21", "Nothing is weighed from a lot that is unknown or in quarantine, and a lot made here comes from a released batch "
         "that nothing holds.",
         "components in quarantine, from memory [usp-795]; 21 CFR 11.10(f) [cfr-21-11]"),
        ("REC-22", "Every portion of a lot and of a batch is somewhere: what came in is what went out and what is left.",
         "quantities of each component [nmac]; ALCOA+ complete [alcoa-plus]"),
    )),
    (LOG, (
        ("REC-23", "Every changed, removed, moved, doubled or inserted entry is found, and the first bad one is named.",
         "21 CFR 11.10(a) altered records, 11.10(e) [cfr-21-11]; Merkle tree [rfc-6962]"),
        ("REC-24", "Columns, subjects, tables, triggers and rights are what the entries say, or are named.",
         "21 CFR 11.10(a), 11.10(d) [cfr-21-11]"),
        ("REC-25", "A cut tail, an older copy and a rewritten history are found by any head on paper, and by the workstation that saw "
         "more; going on with an older copy is signed and stays on record.",
         "21 CFR 11.10(a), 11.10(c) [cfr-21-11]; ALCOA+ enduring [alcoa-plus]"),
        ("REC-26", "What was acknowledged survives a killed process, a power cut, a full or failing disk; a half entry never exists, "
         "and without a journal to write there is no paper.",
         "21 CFR 11.10(c) [cfr-21-11]; ALCOA+ enduring, contemporaneous [alcoa-plus]"),
        ("REC-27", "A decision that somebody overtook writes nothing: no lost entry, no fork, no second release.",
         "21 CFR 11.10(a) consistent performance [cfr-21-11]; ALCOA+ consistent [alcoa-plus]"),
        ("REC-28", "The tables refuse to update and delete, and the role of the bench on a server may only read and add.",
         "21 CFR 11.10(d), 11.10(e) [cfr-21-11]"),
        ("REC-29", "A text is text, whatever it holds: no command of a database, no hidden or turning character enters the record.",
         "ALCOA+ legible [alcoa-plus]; 21 CFR 11.10(h) [cfr-21-11]"),
    )),
    (TIME, (
        ("REC-30", "Order is place, not time. A clock before the last entry, or a month after it, writes nothing until a pharmacist "
         "signs that it is right.",
         "21 CFR 11.10(e) time stamps [cfr-21-11]; ALCOA+ contemporaneous [alcoa-plus]"),
        ("REC-31", "Nothing is recorded as done on a day that has not come.",
         "ALCOA+ contemporaneous [alcoa-plus]"),
    )),
    (COPIES, (
        ("REC-32", "One batch in one file proves itself without journal, settings or network, and shows nothing of others.",
         "21 CFR 11.10(b) accurate and complete copies [cfr-21-11]"),
        ("REC-33", "In such a file no entry between two others, no attachment and no line can be left out, changed or exchanged unseen, "
         "though an insider signs it again; its verdict says what holds the batch.",
         "21 CFR 11.10(a), 11.10(b) [cfr-21-11]; ALCOA+ complete [alcoa-plus]"),
        ("REC-34", "A backup is read back, restored into an empty place only, and verified; a file with one thing changed is read in "
         "nowhere.",
         "21 CFR 11.10(c) [cfr-21-11]; ALCOA+ available [alcoa-plus]"),
        ("REC-35", "A file that proves a result is kept by its digest and given back as it was, or named as lost or changed.",
         "21 CFR 11.10(c) [cfr-21-11]; ALCOA+ original [alcoa-plus]"),
    )),
    (NAMES, (
        ("REC-36", "The name of a patient is never in the log; it can be erased, and the record stays whole.",
         "data that must be erased when asked for, our judgement; ALCOA+ enduring [alcoa-plus]"),
    )),
)  # fmt: skip

RULES = tuple(Rule(id, about, says, serves) for about, group in _GROUPS for id, says, serves in group)
