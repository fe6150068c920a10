"""Who signs, with what, and when not: through the command line, with keys that are cheap to open."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from compounding.cli import demo
from compounding.data_files import data_folder
from compounding.store.journal import Journal
from tests.bench import Bench, begun, carried_on, forget_what_was_seen, ran, stocked, words_approved
from tests.enforced import rule
from tests.pages import alike, run_all, shown_in
from tests.store.killing import LONG, ROOT, SEED, tell

RACES = 1000 if LONG else 10
PAGES = Path(__file__).parent.parent / "docs" / "how-to"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Everyone has a key, the lots are there, and a liquid is made and tested, verified by nobody yet."""
    bench = stocked(tmp_path_factory.mktemp("signed"), signed=True)
    carried_on(bench, "LIQ-1", "batch verify")
    return bench


@pytest.fixture
def bench(kept: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(kept.folder, tmp_path / "bench")
    return Bench(tmp_path / "bench")


def spoken(bench: Bench, person: str, words: str) -> None:
    """Let a person's passphrase file say something else."""
    (bench.folder / "passphrases" / f"{person}.txt").write_text(words + "\n")


def last(bench: Bench) -> tuple[str, list[tuple[str, str, str]]]:
    """Kind of the last entry, and who signed it, under which name, meaning what."""
    with Journal.open(bench.journal, "main") as journal:
        entry = journal.entries()[-1]
    return entry.kind, [(each.person, each.name, each.meaning) for each in entry.signing]


# ---- signing facts ----


@rule("REC-01", "REC-02")
def test_a_verification_and_a_release_are_signed_and_the_journal_verifies(bench: Bench) -> None:
    bench.do("batch verify LIQ-1", "ben")
    kind, ((person, name, meaning),) = last(bench)
    assert (kind, person, name) == ("verified", "ben", "Ben Fox")
    assert meaning.startswith("I compared this record with its formula")
    bench.do("batch release LIQ-1")
    assert last(bench)[0] == "released"
    assert bench.head()


@rule("REC-03")
def test_the_page_that_is_signed_is_kept_with_the_signature_and_has_its_digest(bench: Bench) -> None:
    page = bench.do("batch show LIQ-1").out.splitlines()
    bench.do("batch verify LIQ-1", "ben")
    with Journal.open(bench.journal, "main") as journal:
        entry = journal.entries()[-1]
    assert entry.shown and list(entry.shown) == page[: len(entry.shown)] and len(entry.shown) > 8
    assert entry.signing[0].shown == sha256("\n".join(entry.shown).encode()).hexdigest()
    bench.do("batch export LIQ-1 --out {folder}/LIQ-1.batch")
    line = next(line for line in (bench.folder / "LIQ-1.batch").read_text().splitlines() if '\\"verified\\"' in line)
    assert json.loads(json.loads(line)["raw"])["shown"] == list(entry.shown)


def test_without_a_passphrase_nothing_is_signed(bench: Bench) -> None:
    shutil.rmtree(bench.folder / "passphrases")
    refused = bench.run("batch verify LIQ-1", "ben")
    assert (refused.code, refused.codes) == (2, ["passphrase.missing"])
    assert "batch verify" not in bench.do("batch show LIQ-1").out
    assert last(bench)[0] != "verified"


@rule("REC-08")
def test_a_wrong_passphrase_is_refused_and_recorded_and_after_five_the_key_rests(bench: Bench) -> None:
    spoken(bench, "ben", demo.PASSPHRASES["tom"])
    for _ in range(5):
        refused = bench.run("batch verify LIQ-1", "ben")
        assert (refused.code, refused.codes) == (1, ["passphrase.wrong"])
        assert last(bench) == ("passphrase-refused", [])
    spoken(bench, "ben", demo.PASSPHRASES["ben"])
    assert bench.run("batch verify LIQ-1", "ben").codes == ["key.rests"]
    assert bench.head()


@rule("REC-08")
def test_the_passphrase_never_stands_in_the_journal_or_in_the_settings(bench: Bench) -> None:
    bench.do("batch verify LIQ-1", "ben")
    spoken(bench, "ben", "another four words entirely")
    bench.run("batch release LIQ-1", "ben")
    for file in (bench.journal, bench.folder / "settings.toml", *(bench.folder / "keys").iterdir()):
        assert demo.PASSPHRASES["ben"].encode() not in file.read_bytes()
        assert b"four words entirely" not in file.read_bytes()


@rule("REC-09")
def test_who_made_it_never_verifies_it_and_no_signature_is_asked_for(bench: Bench) -> None:
    spoken(bench, "tom", "not even asked for this one")
    refused = bench.run("batch verify LIQ-1", "tom")
    assert set(refused.codes) == {"verify.own-work", "person.role"}


@rule("REC-04")
def test_one_person_cannot_sign_as_another_with_a_key_of_their_own(bench: Bench) -> None:
    """Renaming in the settings gives nobody the key of another."""
    spoken(bench, "ben", demo.PASSPHRASES["ana"])
    assert bench.run("batch verify LIQ-1", "ben").codes == ["passphrase.wrong"]


@rule("REC-04")
def test_a_role_in_the_settings_alone_does_not_make_a_pharmacist(bench: Bench) -> None:
    settings = bench.folder / "settings.toml"
    settings.write_text(
        settings.read_text().replace('"Kim Lane"\nroles = ["qc"]', '"Kim Lane"\nroles = ["pharmacist"]')
    )
    assert bench.run("batch verify LIQ-1", "kim").codes == ["person.role"]


def test_with_signatures_required_nothing_is_signed_before_there_is_a_key(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    settings = bench.folder / "settings.toml"
    for person, command in _making():
        bench.do(command, person)
    settings.write_text(settings.read_text().replace('signatures = "optional"', 'signatures = "required"'))
    assert bench.run("batch verify LIQ-1", "ben").codes == ["key.none"]
    settings.write_text(settings.read_text().replace('signatures = "required"', 'signatures = "optional"'))
    bench.do("batch verify LIQ-1", "ben")
    assert last(bench) == ("verified", [])


def _making() -> list[tuple[str, str]]:
    from tests.bench import story

    before = [*story("lot receive"), *((who, what) for who, what in story("LIQ-1") if ".pdf" not in what)]
    return before[: next(place for place, (_, what) in enumerate(before) if "batch verify" in what)]


@rule("REC-01")
def test_once_there_is_a_key_the_settings_cannot_make_signatures_optional(bench: Bench) -> None:
    settings = bench.folder / "settings.toml"
    settings.write_text(settings.read_text().replace('signatures = "required"', 'signatures = "optional"'))
    bench.do("person retire ben --with kim --reason left")
    settings.write_text(settings.read_text().replace("retired = true\n", ""))
    assert bench.run("batch verify LIQ-1", "ben").codes == ["key.ended"]


@rule("REC-06")
def test_a_retired_key_signs_nothing_new_and_what_it_signed_still_verifies(bench: Bench) -> None:
    bench.do("batch verify LIQ-1", "ben")
    bench.do("person retire ben --with tom --reason left")
    assert bench.run("batch release LIQ-1", "ben").codes == ["person.retired"]
    bench.do("batch release LIQ-1")
    assert bench.head()


# ---- people and keys ----


@rule("REC-05")
def test_the_first_key_needs_nobody_and_each_later_one_a_pharmacist(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    from tests.bench import passphrases

    passphrases(tmp_path)
    bench.do("person add tom", "tom")
    assert [person for person, _, _ in last(bench)[1]] == ["tom"]
    bench.do("person add ana", "ana")  # tom is no pharmacist: nobody could introduce her
    assert [person for person, _, _ in last(bench)[1]] == ["ana"]
    assert bench.run("person add kim", "tom").codes == ["key.signers"]
    bench.do("person add kim", "ana")
    assert [person for person, _, _ in last(bench)[1]] == ["kim", "ana"]
    assert bench.head()


def test_a_new_person_joins_the_settings_with_the_key(bench: Bench) -> None:
    spoken(bench, "ben", demo.PASSPHRASES["ben"])
    (bench.folder / "passphrases" / "lee.txt").touch(0o600)
    spoken(bench, "lee", "some words that lee remembers")
    assert bench.run("person add lee").codes == ["person.unknown"]
    bench.do(["person", "add", "lee", "--name", 'Lee "O\'Hara" Çelik', "--role", "technician", "--role", "qc"])
    (lee,) = [each for each in bench.do("person list --json").json["people"] if each["id"] == "lee"]
    assert (lee["name"], lee["roles"]) == ('Lee "O\'Hara" Çelik', ["technician", "qc"])
    assert lee["keys"][0]["created"] and not lee["keys"][0]["ended"]


@rule("REC-05")
def test_a_lost_passphrase_takes_a_new_key_and_two_others(bench: Bench) -> None:
    bench.do("batch verify LIQ-1", "ben")
    spoken(bench, "ben", "a new set of words for ben")
    asked = "person add ben --reason forgotten"
    assert bench.run("person add ben").codes == ["key.reason"]
    assert bench.run(asked).codes == ["key.signers"]
    assert bench.run(f"{asked} --with ana").codes == ["key.signers"]
    assert bench.run(f"{asked} --with ana", "ben").codes == ["key.signers"]
    assert bench.run(f"{asked} --with kim", "tom").codes == ["key.signers"]  # two persons, and no pharmacist
    assert bench.run(f"{asked} --with kim --unvouched").codes == ["key.vouched"]
    before = {file.name for file in (bench.folder / "keys").iterdir()}
    bench.do(f"{asked} --with kim")
    assert [person for person, _, _ in last(bench)[1]] == ["ben", "ana", "kim"]
    after = {file.name for file in (bench.folder / "keys").iterdir()}
    assert (len(before - after), len(after - before)) == (1, 1)  # the old sealed key is gone
    (ben,) = [each for each in bench.do("person list --json").json["people"] if each["id"] == "ben"]
    assert [key["why"] for key in ben["keys"]] == ["replaced", ""]
    bench.do("batch release LIQ-1", "ben")
    assert bench.head()


@rule("REC-05")
def test_in_a_pharmacy_of_two_a_new_key_of_the_pharmacist_is_marked_for_ever(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    from tests.bench import passphrases

    passphrases(tmp_path)
    bench.do("person add ana")
    bench.do("person add tom")
    spoken(bench, "ana", "words that tom has chosen")
    asked = "person add ana --reason forgotten"
    for person in ("tom", "ana"):
        assert bench.run(asked, person).codes == ["key.nobody-vouches"]
    assert bench.run(f"{asked} --unvouched", "ana").codes == ["key.signers"]  # who is there signs
    bench.do(f"{asked} --unvouched", "tom")
    assert [person for person, _, _ in last(bench)[1]] == ["ana", "tom"]
    assert bench.do("journal verify --json").json["notes"] == [
        "Entry 3: nobody could vouch for this key of Ana Ortiz: only the sheet signed by hand does"
    ]
    assert "Entry 3: nobody could vouch" in bench.do("journal verify").out
    assert "signs, nobody vouched" in bench.do("person list").out


@rule("REC-05")
def test_alone_a_new_key_is_marked_too_and_once_there_was_a_pharmacist_nobody_introduces_another_alone(
    tmp_path: Path,
) -> None:
    bench = begun(tmp_path)
    from tests.bench import passphrases

    passphrases(tmp_path)
    bench.do("person add ana")
    assert bench.run("person add ana --reason forgotten").codes == ["key.nobody-vouches"]
    bench.do("person add ana --reason forgotten --unvouched")
    bench.do("person add tom")
    bench.do("person revoke ana --reason stolen", "tom")
    assert bench.run("person add ben", "tom").codes == ["key.nobody-vouches"]
    bench.do("person add ben --unvouched", "tom")
    assert len(bench.do("journal verify --json").json["notes"]) == 2


@rule("REC-06")
def test_a_revoked_key_ends_at_once_by_one_person_and_its_file_opens_nothing(bench: Bench) -> None:
    bench.do("person revoke ben --reason stolen --since 3", "kim")
    assert bench.run("batch verify LIQ-1", "ben").codes == ["key.ended"]
    assert bench.run("person revoke ben --reason stolen", "kim").codes == ["key.none"]
    assert bench.head()


@rule("REC-07")
def test_what_a_stolen_key_signed_is_listed_and_holds_its_batch_until_it_is_confirmed(bench: Bench) -> None:
    bench.do("batch verify LIQ-1", "ben")
    bench.do("batch release LIQ-1")
    words_approved(bench)
    (verified,) = [each["entry"] for each in bench.do("batch show LIQ-1 --json").json["verified"]]
    assert bench.run("person revoke ben --reason stolen --since 1").codes == ["key.since"]
    assert bench.run("person revoke ben --reason stolen --since 9999").codes == ["key.since"]
    told = bench.do(f"person revoke ben --reason stolen --since {verified} --json").json
    assert [(each["entry"], each["kind"], each["about"]) for each in told["doubtful"]] == [(verified, "verified", "batch:LIQ-1")]
    assert f"revoked in entry {told['revoked']}, in doubt since entry {verified}" in bench.do("person list").out
    assert bench.do("batch show LIQ-1 --json").json["doubted"] == [verified]
    assert f"entry {verified} (verified), signed by Ben Fox: in doubt" in bench.do("batch show LIQ-1").out
    assert "released, held" in bench.do("batch list").out
    assert f"person confirm {verified}" in bench.do("status").out
    assert bench.run("certificate LIQ-1 --json").codes == ["certificate.held", "signature.doubtful"]
    assert f"Entry {verified}: its signature" in bench.do("journal verify").out
    label = 'label LIQ-1 --prescription 7 --patient P --prescriber D --quantity "30 mL" --out {folder}/label.pdf'
    assert bench.run(label, "tom").codes == ["signature.doubtful"]
    assert bench.run("label sticker LIQ-1 released --out {folder}/sticker.pdf").codes == ["label.held"]
    bench.do("batch export LIQ-1 --out {folder}/held.batch")
    assert "released, HELD BY the doubtful signature" in ran(["verify", str(bench.folder / "held.batch")]).out
    asked = f"person confirm {verified}"
    assert bench.run(asked).codes == ["signature.reason"]
    assert bench.run(f"{asked} --reason seen", "tom").codes == ["person.role", "signature.own-work"]
    assert bench.run("person confirm 1 --reason seen").codes == ["signature.not-doubted"]
    bench.do(f"{asked} --reason 'his initials are on the worksheet'")
    assert last(bench)[0] == "signature-confirmed"
    assert bench.run(f"{asked} --reason again").codes == ["signature.not-doubted"]
    bench.do(label, "tom")
    assert bench.do("journal verify --json").json["notes"] == []
    bench.do("batch export LIQ-1 --out {folder}/free.batch")
    assert "  released; 0" in ran(["verify", str(bench.folder / "free.batch")]).out


@rule("REC-07")
def test_a_formula_whose_approval_is_in_doubt_is_approved_anew_or_confirmed(bench: Bench) -> None:
    bench.do("formula approve naltrexone-capsule", "ben")
    with Journal.open(bench.journal, "main") as journal:
        approved = journal.head().size
    bench.do(f"person revoke ben --reason stolen --since {approved}")
    settings = bench.folder / "settings.toml"
    settings.write_text(re.sub(r"(?m)^unapproved_formula.*$", 'unapproved_formula = "refuse"', settings.read_text()))
    opened = 'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1'
    assert bench.run(opened).codes == ["formula.not-approved"]
    bench.do(f"person confirm {approved} --reason 'read again'")
    bench.do(opened)
    assert bench.head()


@rule("REC-08")
@pytest.mark.parametrize(
    ("words", "code"), [("too short", "passphrase.weak"), ("ana ana ana ana ana ana", "passphrase.weak")]
)
def test_a_weak_passphrase_makes_no_key(bench: Bench, words: str, code: str) -> None:
    spoken(bench, "tom", words)
    head = bench.head()
    assert bench.run("person add tom --reason new --with ben").codes == [code]
    assert bench.head() == head


def test_a_refused_key_leaves_no_file(bench: Bench) -> None:
    before = sorted((bench.folder / "keys").iterdir())
    spoken(bench, "ana", "the wrong words of ana here")
    spoken(bench, "tom", "new words that nobody knows")
    assert bench.run("person add tom --reason new --with ben").codes == ["passphrase.wrong"]
    assert sorted((bench.folder / "keys").iterdir()) == before


@rule("REC-08")
def test_everything_secret_is_read_by_its_owner_alone(bench: Bench) -> None:
    for file in (bench.folder / "keys").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (bench.folder / "passphrases" / "ben.txt").chmod(0o644)
    assert bench.run("batch verify LIQ-1", "ben").codes == ["passphrase.readable"]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda file: file.unlink(), "key.missing"),
        (lambda file: file.write_bytes(b"{}"), "key.not-sealed"),
        (lambda file: file.write_bytes(file.read_bytes().replace(b'"person":"', b'"person":"x')), "key.other"),
    ],
)
def test_a_spoiled_key_file_signs_nothing(bench: Bench, spoil: Callable[[Path], object], code: str) -> None:
    for file in (bench.folder / "keys").iterdir():
        spoil(file)
    assert bench.run("batch verify LIQ-1", "ben").codes == [code]


@rule("REC-03")
def test_what_is_shown_must_not_change_before_it_is_signed(bench: Bench) -> None:
    """Between the page and the signature somebody records a failing result: the first answer is not signed for it."""
    from compounding.cli import signing

    class Meddling(signing.Signing):
        def signers(self, fact: object) -> tuple:  # type: ignore[type-arg, override]
            made = super().signers(fact)  # type: ignore[arg-type]
            if not meddled:
                meddled.append(True)
                Bench(bench.folder).do("qc observe LIQ-1 pH 3.7", "kim")
            return made

    meddled: list[bool] = []
    original, signing.Signing = signing.Signing, Meddling  # type: ignore[misc]
    try:
        assert bench.run("batch verify LIQ-1", "ben").codes == ["signature.changed"]
    finally:
        signing.Signing = original  # type: ignore[misc]
    assert meddled
    assert last(bench)[0] == "tested"


# ---- one batch for an inspector ----


@rule("REC-32")
def test_an_exported_batch_verifies_without_journal_or_settings(bench: Bench, tmp_path: Path) -> None:
    bench.do("batch verify LIQ-1", "ben")
    bench.do("batch release LIQ-1")
    said = bench.do("batch export LIQ-1 --out {folder}/LIQ-1.batch")
    assert "signed by Ana Ortiz" in said.out
    file = shutil.copy(bench.folder / "LIQ-1.batch", tmp_path / "elsewhere.batch")
    shutil.rmtree(bench.folder)
    checked = ran(["verify", str(file)])
    assert checked.code == 0, checked.err
    for words in ("Batch LIQ-1", "released", "Ben Fox (ben): I compared this record", "Everything holds"):
        assert words in checked.out
    said = ran(["verify", str(file), "--json"]).json
    assert (said["holds"], said["problems"]) == (True, []) and said["says"] == checked.out.splitlines()


@rule("REC-32")
def test_the_verifier_runs_by_itself(bench: Bench) -> None:
    bench.do("batch export LIQ-1 --out {folder}/LIQ-1.batch")
    program = data_folder("verifier") / "verify_batch.py"
    asked = [sys.executable, "-I", str(program), str(bench.folder / "LIQ-1.batch")]
    alone = subprocess.run(asked, capture_output=True, text=True, check=False, cwd="/", env={})
    assert (alone.returncode, alone.stderr) == (0, "")
    assert "open; 0 attached files" in alone.stdout


def at_one_instant(bench: Bench, *commands: tuple[float, str, str]) -> None:
    """Run commands that begin together, each after its own delay, with its person."""
    secrets = str(bench.folder / "passphrases")
    words = [(delay, ["--as", person, "--passphrase-file", secrets, *typed.split()]) for delay, person, typed in commands]
    asked = [sys.executable, "-m", "tests.store.crowd", str(len(words)), str(bench.folder / "settings.toml"), "commands"]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*asked, json.dumps(words)], cwd=ROOT, env=surroundings, capture_output=True, check=True)


def test_what_is_recorded_while_somebody_signs_is_on_the_signed_page_or_after_it(kept: Bench, tmp_path: Path) -> None:
    """Its reader saw the page of the record as it was before; or as it was with the entry; or signed nothing."""
    alone = Bench(shutil.copytree(kept.folder, tmp_path / "alone"))
    alone.do("batch verify LIQ-1", "ben")
    page = shown_of(alone)["verified"][1]
    before = after = refused = 0
    for number in range(RACES):
        forget_what_was_seen()
        bench = Bench(shutil.copytree(kept.folder, tmp_path / "race", dirs_exist_ok=False))
        delay = random.Random(f"{SEED} {number}").uniform(-0.05, 0.1)
        at_one_instant(
            bench,
            (max(-delay, 0), "ben", "batch verify LIQ-1"),
            (max(delay, 0), "kim", "qc observe LIQ-1 appearance cloudy --fail"),
        )
        found = shown_of(bench)
        if "verified" not in found:
            refused += 1
        elif found["verified"][0] < found["tested"][0]:
            before += 1
            assert found["verified"][1] == page, number
        else:
            after += 1
            assert found["verified"][1] != page, number
        assert bench.run("journal verify").code == 0, number
        shutil.rmtree(bench.folder)
    assert before + after + refused == RACES and before and after + refused
    tell("recorded while somebody signs", runs=RACES, fired=after + refused, lost=0)


def shown_of(bench: Bench) -> dict[str, tuple[int, str]]:
    """Of the last entry of each kind its place, and the digest of what was shown to its signer."""
    with Journal.open(bench.journal, "main") as journal:
        return {each.kind: (each.sequence, each.signing[0].shown if each.signing else "") for each in journal.entries()}


def test_an_export_replaces_no_file_and_knows_its_head(bench: Bench) -> None:
    bench.do("batch export LIQ-1 --out {folder}/LIQ-1.batch")
    assert bench.run("batch export LIQ-1 --out {folder}/LIQ-1.batch").codes == ["file.exists"]
    code = bench.do("journal head").out.split()[0]
    assert bench.run(["verify", "{folder}/LIQ-1.batch", "--head", code]).code == 0
    other = code.translate(str.maketrans("0123456789", "1234567890"))
    assert bench.run(["verify", "{folder}/LIQ-1.batch", "--head", other]).code == 1
    assert bench.run("verify {folder}/none.batch").code == 2
    refused = bench.run(["verify", "{folder}/LIQ-1.batch", "--head", other, "--json"])
    assert (refused.code, [each["code"] for each in refused.json["problems"]]) == (1, ["verify.head.other"])
    none = bench.run("verify {folder}/none.batch --json")
    assert (none.code, [each["code"] for each in none.json["problems"]]) == (2, ["verify.cannot-tell"])


@rule("REC-33")
def test_an_export_holds_each_attached_file_and_a_missing_or_a_strange_one_is_found(bench: Bench) -> None:
    (bench.folder / "report.pdf").write_bytes(b"a report")
    bench.do('qc assay LIQ-1 "98.5 %" --file {folder}/report.pdf', "kim")
    bench.do("batch export LIQ-1 --out {folder}/LIQ-1.batch")
    file = bench.folder / "LIQ-1.batch"
    assert "1 attached files" in ran(["verify", str(file)]).out
    lines = file.read_bytes().splitlines(keepends=True)
    (attached,) = [line for line in lines if b'"attachment"' in line[:20]]
    file.write_bytes(b"".join(line for line in lines if line is not attached))
    found = ran(["verify", str(file)])
    assert (found.code, found.codes) == (1, ["file.missing", "export.signature"])
    strange = attached.replace(b64encode(b"a report"), b64encode(b"another"))
    file.write_bytes(b"".join(strange if line is attached else line for line in lines))
    assert ran(["verify", str(file)]).codes == ["file.digest", "export.signature"]


@rule("REC-32")
def test_the_export_of_a_batch_shows_nothing_of_another(bench: Bench) -> None:
    carried_on(bench, "CAPS-1", "batch yield")
    bench.do("batch export LIQ-1 --out {folder}/LIQ-1.batch")
    assert b"CAPS-1" not in (bench.folder / "LIQ-1.batch").read_bytes()


# ---- heads on paper ----


@rule("REC-25")
def test_a_worksheet_of_long_ago_is_a_witness(bench: Bench) -> None:
    early = bench.do("journal head").out.split()[0]
    bench.do("batch verify LIQ-1", "ben")
    shown = bench.do(["journal", "verify", "--witness", early.lower(), "--witness", f"Journal head {early}"]).out
    assert f"The head {early} is that of the first 28 entries" in shown
    after = bench.do(["journal", "verify", "--from", early, "--json"]).json
    assert after["witnesses"] == [{"head": early, "entries": 28}]
    assert bench.do("journal verify --quick").out.startswith("The journal is byte for byte as its head says: 29")
    other = ("1" if early[0] == "0" else "0") + early[1:]
    assert bench.run(["journal", "verify", "--witness", other]).codes == ["witness.misread"]
    strange = early.translate(str.maketrans("0123456789ABCDEF", "123456789ABCDEF0"))
    assert bench.run(["journal", "verify", "--witness", strange]).codes == ["witness.unknown"]
    assert bench.run(["journal", "verify", "--from", strange]).codes == ["witness.unknown"]
    assert bench.run(["journal", "verify", "--witness", "4T7K"]).codes == ["log.code"]
    assert bench.run(["journal", "verify", "--quick", "--from", early]).codes == ["verify.both"]


# ---- the pages ----


@pytest.mark.parametrize("name", ["sign-and-verify", "replace-a-lost-passphrase"])
def test_the_commands_of_the_page_say_what_it_shows(name: str, tmp_path: Path) -> None:
    demo.write_passphrases(tmp_path)
    shown = shown_in((PAGES / f"{name}.md").read_text("utf-8"))
    for each, (_, printed) in zip(shown, run_all(shown, tmp_path), strict=True):
        assert alike(printed) == alike(each.printed), each.typed
