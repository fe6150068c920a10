"""What may follow what: that the state of each lot and batch follows from the entries before, from the first to the last.

`States` reads the entries in order, asks `duties` who signed, and says of each entry why it may not stand there. It
believes no flag: of a reading it compares the numbers, of a lot it keeps the count. Kinds that it does not know are left
to those who do.

Source:
    cfr-21-11 (11.10(f), permitted sequencing of steps); usp-795; fda-oos-2022
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from compounding.problems import CompoundingError
from compounding.work.duties import KEYS, OF_THE_JOURNAL, SIGNED, Duties, DutyBroken, EntryLike
from compounding.work.tally import PLACES, BatchTally, InquiryTally, LabelTally, LotTally, measured, required_traits


class States:
    """The state that the entries so far add up to."""

    def __init__(self) -> None:
        self.duties = Duties()
        self._batches: dict[str, BatchTally] = {}
        self._lots: dict[str, LotTally] = {}
        self._signed: dict[str, list[tuple[int, str, str]]] = {}  # by key: entry, kind, batch
        self._doubted: dict[int, tuple[str, str]] = {}  # entry: kind, batch

    @property
    def notes(self) -> list[str]:
        """What is in order, and must be known all the same."""
        doubted = [f"Entry {at}: its signature ({kind}) is in doubt, and nobody confirmed it" for at, (kind, _) in self._doubted.items()]
        return self.duties.notes + doubted

    def take(self, entry: EntryLike) -> None:
        """The next entry.

        Raises:
            DutyBroken: it breaks a rule.
        """
        if entry.signing or entry.kind in SIGNED or entry.clock_set_back:
            self.duties.take(entry)
            for signing in entry.signing:
                signed = entry.sequence, entry.kind, str(entry.body.get("batch") or "")
                self._signed.setdefault(signing.key, []).append(signed)
        rule = _RULES.get(entry.kind)
        if rule:
            try:
                rule(self, entry)
            except (KeyError, TypeError, IndexError, ValueError, AttributeError, CompoundingError) as wrong:
                raise DutyBroken("body", f"it lacks what every {entry.kind} has ({wrong})") from None

    # ---- signatures in doubt ----

    def _revoked(self, entry: EntryLike) -> None:
        """Whatever the key signed since an entry is in doubt; the revocation is about each batch that it signed for."""
        since = entry.body.get("since")
        for sequence, kind, id in self._signed.get(str(entry.body["key"]), ()):
            if since is None or sequence < since or kind in (*KEYS, *OF_THE_JOURNAL):
                continue
            self._doubted[sequence] = kind, id
            if id in self._batches:
                self._batches[id].doubted[sequence] = kind
                if f"batch:{id}" not in entry.subjects:
                    raise DutyBroken("doubt-unlisted", f"it puts a signature of batch {id} in doubt, and is not about it")

    def _confirmed(self, entry: EntryLike) -> None:
        sequence = entry.body["entry"]
        kind, id = self._doubted.pop(sequence, ("", ""))
        if not kind or id != str(entry.body.get("batch") or ""):
            raise DutyBroken("not-doubted", f"the signature of entry {sequence} was not in doubt")
        if batch := self._batches.get(id):
            if kind != "released" and entry.person in batch.concerned():
                raise DutyBroken("own-work", f"{entry.person} took part in it and confirmed the {kind} of another")
            batch.doubted.pop(sequence, None)

    # ---- lots ----

    def _lot_received(self, entry: EntryLike) -> None:
        body = entry.body
        id = str(body["lot"])
        if id in self._lots:
            raise DutyBroken("lot-twice", f"lot {id} was received before")
        what, amount = measured(body["amount"])
        lot = LotTally(str(body["role"]), what, amount)
        if made_here := body.get("made_here"):
            lot.batch = str(made_here["batch"])
            _check_free(self._batch(lot.batch, "released"))
        self._lots[id] = lot

    def _lot_known(self, entry: EntryLike) -> LotTally:
        id = str(entry.body["lot"])
        if id not in self._lots:
            raise DutyBroken("lot-unknown", f"lot {id} was not received before")
        return self._lots[id]

    def _lot_held(self, entry: EntryLike) -> None:
        self._lot_known(entry).held = True

    def _lot_cleared(self, entry: EntryLike) -> None:
        lot = self._lot_known(entry)
        if lot.batch:
            _check_free(self._batch(lot.batch, "released", "recalled"))
        lot.held = False

    def _lot_adjusted(self, entry: EntryLike) -> None:
        lot, was, counted = self._lot_known(entry), measured(entry.body["was"]), measured(entry.body["counted"])
        if was != (lot.what, lot.left) or counted[0] != lot.what:
            raise DutyBroken("lot-otherwise", f"it says that the record had {entry.body['was']}, and the record had not")
        lot.left = counted[1]

    def _lot_discarded(self, entry: EntryLike) -> None:
        _take(entry, self._lot_known(entry), *measured(entry.body["amount"]))

    def _used(self, entry: EntryLike, id: str, line: str, what: str, amount: int) -> None:
        """A later reading of the same line takes the place of the earlier; of tablets once crushed the larger number."""
        lot, batch = self._lots[id], str(entry.body["batch"])
        before = lot.taken.get((batch, line), 0)
        if lot.role == "tablet":
            amount = max(amount, before)
        lot.taken[batch, line] = amount
        self._batches[batch].lots.add(id)
        _take(entry, lot, what, amount - before)

    # ---- making ----

    def _batch(self, id: str, *states: str) -> BatchTally:
        batch = self._batches.get(id)
        if batch is None:
            raise DutyBroken("batch-unknown", f"batch {id} was not opened before")
        if (batch.ended or "open") not in states:
            raise DutyBroken("batch-state", f"batch {id} was {batch.ended or 'open'}, not {' or '.join(states)}")
        return batch

    def _opened(self, entry: EntryLike) -> None:
        id, plan = str(entry.body["batch"]), entry.body["plan"]
        if id in self._batches:
            raise DutyBroken("batch-twice", f"batch {id} was opened before")
        lines = frozenset([str(line["line"]) for line in plan["lines"]])
        self._batches[id] = BatchTally(lines, len(plan["steps"]), required_traits(tuple(entry.body["formula"])))

    def _made(self, entry: EntryLike, batch: BatchTally, replaced: int) -> None:
        """Something of the making was recorded, perhaps in place of an earlier entry, and inside its limits or not."""
        batch.makers.add(entry.person)
        batch.to_verify = entry.sequence
        batch.outside.pop(replaced, None)
        if not entry.body.get("within", True):
            batch.outside[entry.sequence] = entry.person

    def _weighed(self, entry: EntryLike) -> None:
        body = entry.body
        batch, line, id = self._batch(str(body["batch"]), "open"), str(body["line"]), body.get("lot")
        if line not in batch.lines:
            raise DutyBroken("line-unknown", f"the plan has no line {line}")
        (what, read), low, high = measured(body["reading"]), measured(body["low"]), measured(body["high"])
        if body["within"] is not (low <= (what, read) <= high):
            raise DutyBroken("limits", f"it says that {body['reading']} is {'in' if body['within'] else 'out'}side its limits")
        if id:
            lot = self._lot_known(entry)
            if lot.held:
                raise DutyBroken("lot-held", f"lot {id} was in quarantine")
            tablets = ("tablet", int(body.get("tablets") or 0) * 10**PLACES)
            self._used(entry, id, line, *(tablets if lot.role == "tablet" else (what, read)))
        self._made(entry, batch, batch.read.get(line, 0))
        batch.read[line] = entry.sequence

    def _step_done(self, entry: EntryLike) -> None:
        batch = self._batch(str(entry.body["batch"]), "open")
        if entry.body["number"] != batch.done + 1 or batch.done >= batch.steps:
            raise DutyBroken("step-order", f"step {entry.body['number']} does not follow step {batch.done} of {batch.steps}")
        batch.done += 1
        self._made(entry, batch, 0)

    def _yielded(self, entry: EntryLike) -> None:
        batch = self._batch(str(entry.body["batch"]), "open")
        for id in [subject[4:] for subject in entry.subjects if subject.startswith("lot:")]:
            if id in self._lots and self._lots[id].role == "shell":
                self._used(entry, id, "shells", "capsule", int(entry.body.get("shells_used") or 0) * 10**PLACES)
        self._made(entry, batch, batch.yielded)
        batch.yielded, batch.made = entry.sequence, measured(entry.body["made"])

    def _accepted(self, entry: EntryLike) -> None:
        batch = self._batch(str(entry.body["batch"]), "open")
        author = batch.outside.pop(entry.body["entry"], None)
        if author is None:
            raise DutyBroken("deviation-unknown", f"entry {entry.body['entry']} is no open deviation of this batch")
        if author == entry.person:
            raise DutyBroken("own-deviation", f"{entry.person} accepted a deviation of their own")
        batch.to_verify = entry.sequence

    # ---- testing ----

    def _tested(self, entry: EntryLike) -> None:
        body = entry.body
        batch, id = self._batch(str(body["batch"]), "open", "released", "recalled"), str(body.get("investigation") or "")
        verdict, retest = str(body["verdict"]), body.get("retest")
        batch.to_verify = entry.sequence
        if retest:
            inquiry = self._took_part(entry)
            _check_retest(entry, inquiry)
            if verdict != "test_20_more":
                inquiry.done.add(int(retest))
        if joins := body.get("joins"):
            trait, waits, of = batch.results[joins]
            if (trait, waits) != (body["trait"], "test_20_more"):
                raise DutyBroken("joins", f"entry {joins} does not wait for a second stage of {body['trait']}")
            batch.results[joins] = (trait, "joined", of)
        # A retest counts, whatever becomes of the result that it was done for.
        batch.results[entry.sequence] = (str(body["trait"]), verdict, "" if retest else id)

    # ---- investigations ----

    def _investigated(self, entry: EntryLike) -> None:
        """An investigation begins; whoever recorded the failing result did so in the same append, and opened it."""
        batch = self._batch(str(entry.body["batch"]), "open", "released", "recalled", "rejected")
        id = str(entry.body["investigation"])
        if id in batch.investigations:
            raise DutyBroken("investigation-twice", f"investigation {id} was opened before")
        batch.investigations[id] = InquiryTally({entry.person})

    def _investigation(self, entry: EntryLike) -> InquiryTally:
        batch = self._batch(str(entry.body["batch"]), "open", "released", "recalled", "rejected")
        found = batch.investigations.get(str(entry.body["investigation"]))
        if found is None or not found.open:
            raise DutyBroken("investigation-unknown", f"investigation {entry.body['investigation']} was not open")
        found.concluded = False
        return found

    def _took_part(self, entry: EntryLike) -> InquiryTally:
        """Testing again, setting aside and concluding are not for the person who decides."""
        found = self._investigation(entry)
        found.people.add(entry.person)
        return found

    def _retest_planned(self, entry: EntryLike) -> None:
        """How many retests there are of a sample is fixed once."""
        found = self._investigation(entry)
        sample = str(entry.body.get("sample", "original"))
        if found.planned[0] == sample:
            raise DutyBroken("retest-planned", f"the retests of the {sample} sample were fixed before")
        found.planned, found.done = (sample, int(entry.body["retests"])), set()
        # The day of the plan here may still be the one before its day in UTC.
        found.earliest = (date.fromisoformat(str(entry.time)[:10]) - timedelta(days=1)).isoformat()

    def _resampled(self, entry: EntryLike) -> None:
        self._investigation(entry).sample = "new"

    def _invalidated(self, entry: EntryLike) -> None:
        self._took_part(entry).invalidated = True
        self._batches[str(entry.body["batch"])].to_verify = entry.sequence

    def _concluded(self, entry: EntryLike) -> None:
        self._took_part(entry).concluded = True

    def _investigation_closed(self, entry: EntryLike) -> None:
        batch = self._batches.get(str(entry.body["batch"]))
        concluded = batch and (known := batch.investigations.get(str(entry.body["investigation"]))) and known.concluded
        found = self._investigation(entry)
        if not concluded:
            raise DutyBroken("not-concluded", "nothing was concluded since the last thing that was found")
        if entry.person in found.people:
            raise DutyBroken("own-investigation", f"{entry.person} took part in it and closed it")
        found.open = False
        assert batch
        batch.to_reject |= entry.body["disposition"] == "reject"

    # ---- the end, and what goes out ----

    def _verified(self, entry: EntryLike) -> None:
        batch = self._batch(str(entry.body["batch"]), "open")
        if entry.person in batch.makers:
            raise DutyBroken("own-work", f"{entry.person} took part in making the batch and verified it")
        if lacks := batch.unmade():
            raise DutyBroken("not-made", f"it was not made yet as planned: {lacks}")
        batch.verified = entry.sequence
        for old in [at for at, kind in batch.doubted.items() if kind == "verified"]:  # this one takes their place
            del batch.doubted[old], self._doubted[old]

    def _released(self, entry: EntryLike) -> None:
        batch = self._batch(str(entry.body["batch"]), "open")
        if lacks := batch.unmade():
            raise DutyBroken("not-made", f"it was not made as planned: {lacks}")
        if batch.verified <= batch.to_verify:
            raise DutyBroken("not-verified", "nobody verified the batch after its last work and result")
        _check_free(batch)
        if held := [id for id in sorted(batch.lots) if self._lots[id].held]:
            raise DutyBroken("lot-held", f"lot {', '.join(held)}, of which it was made, was in quarantine")
        batch.ended = "released"

    def _rejected(self, entry: EntryLike) -> None:
        """A batch is rejected while it is open; a released one only by the disposition of an investigation."""
        batch = self._batch(str(entry.body["batch"]), "open", "released", "recalled")
        if batch.ended and not batch.to_reject:
            raise DutyBroken("batch-state", f"the batch was {batch.ended}, and no investigation decided to reject it")
        batch.ended = "rejected"

    def _recalled(self, entry: EntryLike) -> None:
        self._batch(str(entry.body["batch"]), "released").ended = "recalled"

    def _labelled(self, entry: EntryLike) -> None:
        body = entry.body
        batch = self._batch(str(body["batch"]), "released")
        _check_free(batch)
        id, old = str(body["label"]), str(body.get("replaces") or "")
        if id in batch.labels:
            raise DutyBroken("label-twice", f"label {id} was printed before")
        if old:
            _standing(batch, old).replaced = True
        batch.labels[id] = LabelTally(str(body["quantity"]), str(body["prescription"]), old)
        said = [measured(each.quantity) for each in batch.labels.values() if each.stands]
        if {what for what, _ in said} != {batch.made[0]} or sum(amount for _, amount in said) > batch.made[1]:
            raise DutyBroken("too-much", f"with its {body['quantity']} the labels say more than was made")

    def _print_failed(self, entry: EntryLike) -> None:
        """The label is void; if it was a reprint, what it should have replaced stands again."""
        batch, id = self._batches[str(entry.body["batch"])], str(entry.body["label"])
        if id in batch.stickers:
            return
        label = batch.labels[id]
        label.failed = True
        if label.replaces:
            batch.labels[label.replaces].replaced = False

    def _dispensed(self, entry: EntryLike) -> None:
        body = entry.body
        batch = self._batch(str(body["batch"]), "released")
        _check_free(batch)
        label = _standing(batch, str(body["label"]))
        if label.dispensed:
            raise DutyBroken("dispensed-twice", f"the container with label {body['label']} went out before")
        if (label.quantity, label.prescription) != (body["quantity"], body["prescription"]):
            raise DutyBroken("dispensed-otherwise", f"label {body['label']} says another quantity or prescription")
        label.dispensed = True

    def _stickered(self, entry: EntryLike) -> None:
        """A quarantine sticker can be had at any time; one that says released only while that is so."""
        labels = entry.body["labels"]
        assert isinstance(labels, list | tuple)
        self._batches[str(entry.body["batch"])].stickers.update(map(str, labels))
        if str(entry.body["template"]).partition("-")[0] == "released":  # also in two pieces
            _check_free(self._batch(str(entry.body["batch"]), "released"))


def _take(entry: EntryLike, lot: LotTally, what: str, amount: int) -> None:
    """So much leaves a lot; below zero some comes back."""
    if what != lot.what:
        raise DutyBroken("lot-unit", f"{entry.kind} takes from a lot what that lot is not counted in")
    lot.left -= amount
    if lot.left < 0:
        raise DutyBroken("lot-below-zero", f"{entry.kind} takes more from a lot than it held")


def _check_retest(entry: EntryLike, inquiry: InquiryTally) -> None:
    """A retest was fixed beforehand: its plan stands before it, counts it, and is no younger than what was found."""
    sample, retests = inquiry.planned
    if sample != inquiry.sample:
        raise DutyBroken("retest-not-planned", f"no plan for the {inquiry.sample} sample stood before this retest")
    if len(inquiry.done | {int(entry.body["retest"])}) > retests:
        raise DutyBroken("retest-too-many", f"{retests} retests of the {sample} sample were fixed beforehand")
    found = entry.body.get("found")
    if found and found < inquiry.earliest:
        raise DutyBroken("retest-before-plan", f"it was found on {found}, before its retests were fixed")


def _standing(batch: BatchTally, id: str) -> LabelTally:
    label = batch.labels.get(id)
    if label is None or not label.stands:
        raise DutyBroken("label", f"label {id} is {'void' if label else 'none of this batch'}")
    return label


def _check_free(batch: BatchTally) -> None:
    """Nothing holds a batch: no investigation is open, and its tests are done and passed."""
    if open := batch.open_investigations():
        raise DutyBroken("investigated", f"investigation {open} held the batch")
    if batch.doubted:
        doubted = ", ".join(f"{at} ({kind})" for at, kind in batch.doubted.items())
        raise DutyBroken("doubt", f"the signature of entry {doubted} was in doubt")
    if lacks := batch.unfit():
        raise DutyBroken("unfit", f"its tests held the batch: {lacks}")


_RULES: Mapping[str, Callable[[States, EntryLike], object]] = {
    "key-revoked": States._revoked,
    "signature-confirmed": States._confirmed,
    "lot-received": States._lot_received,
    "lot-measured": States._lot_known,
    "lot-quarantined": States._lot_held,
    "lot-cleared": States._lot_cleared,
    "lot-adjusted": States._lot_adjusted,
    "lot-discarded": States._lot_discarded,
    "batch-opened": States._opened,
    "weighed": States._weighed,
    "step-done": States._step_done,
    "yielded": States._yielded,
    "tested": States._tested,
    "investigation-opened": States._investigated,
    "hypothesis-stated": States._investigation,
    "retest-planned": States._retest_planned,
    "resampled": States._resampled,
    "result-invalidated": States._invalidated,
    "investigation-concluded": States._concluded,
    "investigation-closed": States._investigation_closed,
    "deviation-accepted": States._accepted,
    "verified": States._verified,
    "released": States._released,
    "rejected": States._rejected,
    "recalled": States._recalled,
    "label-printed": States._labelled,
    "print-failed": States._print_failed,
    "sticker-printed": States._stickered,
    "dispensed": States._dispensed,
}
