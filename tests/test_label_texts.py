"""Labels are written in words that a pharmacist of the pharmacy read and approved; spoil one thing, expect one refusal."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from compounding.data_files import data_folder
from compounding.documents.proof import text_of
from tests.bench import Bench, begun, words_approved
from tests.released import copied, label

TEXTS = data_folder("labels") / "texts"
SPANISH = ["--language", "es", "--stock", "4x3", "--directions", "Tome 1 cápsula por la boca al acostarse."]


@pytest.fixture
def bench(ready: Bench, tmp_path: Path) -> Bench:
    return copied(ready, tmp_path / "bench")


@pytest.fixture
def unread(tmp_path: Path) -> Bench:
    """A bench whose words nobody approved."""
    return begun(tmp_path / "unread")


def own(bench: Bench, name: str, old: str, new: str, revision: int = 2, language: str = "en") -> Bench:
    """The bench with words of its own: one of ours with a change, at some revision."""
    text = (TEXTS / language / f"{name}.toml").read_text("utf-8")
    assert old in text
    text = re.sub(r"^digest = .*\n", "", text, flags=re.M).replace(old, new)
    folder = bench.folder / "texts" / language
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.toml").write_text(text.replace("revision = 1", f"revision = {revision}"), "utf-8")
    return bench.under('texts = "texts"')


def test_a_label_in_words_that_nobody_approved_is_refused_and_says_who_does_what(bench: Bench, unread: Bench) -> None:
    refused = unread.run("label auxiliary shake-well --out {folder}/aux.pdf", "tom")
    assert refused.codes == ["text.not-approved"] and "label text approve en" in refused.err
    assert not (unread.folder / "aux.pdf").exists()
    words_approved(unread)
    unread.do("label auxiliary shake-well --out {folder}/aux.pdf", "tom")
    assert label(bench).code == 0


def test_the_settings_may_have_it_told_instead(unread: Bench) -> None:
    settings = unread.folder / "settings.toml"
    settings.write_text(settings.read_text().replace('unapproved_text = "refuse"', 'unapproved_text = "warn"'))
    told = unread.do("label auxiliary shake-well --out {folder}/aux.pdf --json", "tom").json
    assert [problem["code"] for problem in told["problems"]] == ["text.not-approved"]
    # A translation is refused all the same.
    assert unread.run("label auxiliary shake-well --language es --out {folder}/es.pdf").codes == ["text.not-approved"]


def test_a_translation_is_approved_by_itself(bench: Bench) -> None:
    assert label(bench, *SPANISH, name="es").codes == ["text.not-approved"]
    assert label(bench, name="en").code == 0
    words_approved(bench, "es")
    assert label(bench, *SPANISH, name="es").code == 0
    listed = bench.do("label text list --json").json["texts"]
    assert {each["text"]: each["approved_by"] for each in listed if each["text"].startswith("es/")} == dict.fromkeys(
        ["es/auxiliary", "es/leaflet", "es/opioid", "es/sentences", "es/words"], "ana"
    )


def test_only_a_pharmacist_approves_words_and_only_once(unread: Bench) -> None:
    assert set(unread.run("label text approve en", "tom").codes) == {"person.role"}
    assert unread.run("label text approve fr").codes == ["text.unknown"]
    assert unread.run("label text approve en/warning").codes == ["text.unknown"]
    unread.do("label text approve en/opioid")
    unread.do("label text approve en")
    assert set(unread.run("label text approve en").codes) == {"text.approved"}
    unread.head()


def test_where_people_have_keys_the_words_are_shown_and_the_approval_is_signed(tmp_path: Path) -> None:
    signed = begun(tmp_path / "signed", signed=True)
    done = signed.do("label text approve en --json").json["approved"]
    assert [each["text"] for each in done] == ["en/auxiliary", "en/leaflet", "en/opioid", "en/words"]
    assert signed.run("label text approve es", "kim").codes == ["person.role"]
    assert "problems" in signed.do("journal verify --json").json
    shown = signed.do("label text show en/opioid").out
    assert "approved by Ana Ortiz on" in shown and "Do NOT take opioid pain" in shown


def test_words_whose_approval_is_in_doubt_are_approved_anew_or_confirmed(tmp_path: Path) -> None:
    signed = begun(tmp_path / "signed", signed=True)
    signed.do("label text approve en/auxiliary", "ben")
    approved = signed.do("journal verify --json").json["entries"]
    signed.do(f"person revoke ben --reason stolen --since {approved}", "ana")
    shaking = "label auxiliary shake-well --out {folder}/aux.pdf"
    assert signed.run(shaking, "tom").codes == ["text.not-approved"]
    signed.do(f"person confirm {approved} --reason 'read again'", "ana")
    signed.do(shaking, "tom")


def test_words_of_our_own_are_used_once_they_are_approved_and_ours_no_more(bench: Bench) -> None:
    mine = own(bench, "opioid", "Tell all your doctors", "Tell every doctor and dentist")
    assert label(mine).codes == ["text.not-approved"]
    mine.do("label text approve en/opioid")
    done = label(mine, "--json")
    assert done.code == 0, done.err
    assert "Tell every doctor and dentist" in " ".join(text_of((bench.folder / "label.pdf").read_bytes()).split())
    fact = bench.do("batch show CAPS-1 --json").json["labels"][0]
    assert fact["warning"] == "opioid-warning revision 2"
    # The shipped words are approved no more: the later approval stands for the text.
    assert label(bench, name="again").codes == ["text.not-approved"]


def test_approved_words_that_are_changed_need_the_next_revision(bench: Bench) -> None:
    own(bench, "words", '"Use by"', '"Use before"').do("label text approve en")
    other = own(bench, "words", '"Use by"', '"Discard after"')
    assert label(other).codes == ["text.not-approved"]
    assert other.run("label text approve en").codes == ["text.revision"]
    third = own(bench, "words", '"Use by"', '"Discard after"', revision=3)
    third.do("label text approve en")
    assert label(third).code == 0
    assert "Discard after 20" in " ".join(text_of((bench.folder / "label.pdf").read_bytes()).split())


def test_words_of_our_own_in_the_place_of_the_shipped_revision_are_refused(bench: Bench) -> None:
    mine = own(bench, "opioid", "Do NOT take", "Do take", revision=1)
    assert label(mine).codes == ["text.changed"]
    assert mine.run("label text approve en").codes == ["text.changed"]
    assert mine.run("doctor").code == 1


def test_a_language_of_our_own_is_a_folder_of_words_approved_like_any(bench: Bench) -> None:
    (bench.folder / "texts" / "de").mkdir(parents=True)
    for name in ("words", "auxiliary", "opioid", "sentences"):
        text = (TEXTS / "es" / f"{name}.toml").read_text("utf-8")
        text = re.sub(r"^digest = .*\n", "", text, flags=re.M).replace('language = "es"', 'language = "de"')
        (bench.folder / "texts" / "de" / f"{name}.toml").write_text(text, "utf-8")
    german = bench.under('texts = "texts"')
    asked = ["--language", "de", "--stock", "4x3", "--directions", "Abends 1 Kapsel einnehmen."]
    assert label(german, *asked, name="de").codes == ["text.not-approved"]
    words_approved(german, "de")
    assert label(german, *asked, name="de").code == 0
    shutil.rmtree(bench.folder / "texts")
    assert label(german, *asked, name="de2").codes == ["data.unknown"]


def test_the_doctor_says_which_words_are_not_approved(bench: Bench, unread: Bench) -> None:
    before, after = unread.run("doctor"), bench.run("doctor")
    assert before.code == 1 and "label text approve en" in before.out
    assert "not approved" not in after.out
