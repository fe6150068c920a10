"""``compounding demo``: two batches from 50 mg tablets to printed labels, through the real commands."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import click

from compounding.problems import EnvironmentFails, Problem, Refused

# 20 tablets of one lot, weighed one by one; invented, as every name and number in the demo.
TABLETS = """\
302.1 mg
303.4 mg
301.8 mg
302.9 mg
300.7 mg
304.2 mg
302.5 mg
301.3 mg
303.0 mg
302.2 mg
302.6 mg
301.1 mg
304.0 mg
302.8 mg
301.6 mg
303.3 mg
302.0 mg
301.9 mg
303.7 mg
300.9 mg
"""

SETUP = (
    'init --folder . --name "Example Compounding Pharmacy" --address "12 Sample Street, Springfield, IL 62701" '
    '--phone "(555) 010-0142" --person "ana:Ana Ortiz:pharmacist" --person "ben:Ben Fox:pharmacist" '
    '--person "tom:Tom Reed:technician" --person "kim:Kim Lane:qc" --balance "bench:0.1 mg:20 mg" '
    '--device "oral-5:5 mL oral syringe:5 mL:0.2 mL" --device "oral-10:10 mL oral syringe:10 mL:0.5 mL"'
)

# Invented passphrases: in a pharmacy they are typed, and stand in no file.
PASSPHRASES = {
    "ana": "copper kettle on a quiet hill",
    "ben": "seven herons crossed the weir",
    "tom": "a lantern under the walnut tree",
    "kim": "paper boats and winter rain",
}
PASSPHRASE_FOLDER = "passphrases"

# What is done, by whom, in what words. A command that must be refused says so.
STORY: tuple[tuple[str, str, str], ...] = (
    ("Everyone gets a key to sign with, sealed with a passphrase; the demo keeps its own in files, you would type yours.",
     "ana", "person add ana"),
    ("A pharmacist who has a key introduces the others.", "ana", "person add ben"),
    ("", "ana", "person add tom"),
    ("", "ana", "person add kim"),
    ("A pharmacist approves what shall be made here, and signs for it.", "ana", "formula approve naltrexone-capsule"),
    ("", "ana", "formula approve naltrexone-oral-liquid"),
    ("So are the words of the labels, the opioid warning first: read once, then signed.", "ana", "label text approve en"),
    ("Tablets arrive; 20 are weighed one by one, because a tablet's weight is measured and never assumed.", "tom",
     'lot receive TAB-1 --role tablet --material "naltrexone tablets" --supplier "Example Generics" --supplier-lot AB1234 '
     '--ndc 47335-326-08 --expires {expiry} --amount "100 tablets" --label-claim "50 mg" --weights tablets.txt'),
    ("Filler, with its packing statistic for the shells in use.", "tom",
     'lot receive MCC-1 --role filler --material "microcrystalline cellulose" --supplier "Example Excipients" '
     '--supplier-lot M77 --expires {expiry} --amount "1 kg" --packing "3:coni-snap:135 mg"'),
    ("Capsule shells.", "tom",
     'lot receive CAP-1 --role shell --material "gelatin capsule shells" --supplier "Example Capsules" --supplier-lot C9 '
     '--expires {expiry} --amount "1000 capsules" --size 3 --maker coni-snap'),
    ("What the liquid needs.", "tom",
     'lot receive ASC-1 --role ingredient --material "ascorbic acid" --supplier "Example Chemicals" --supplier-lot A5 --expires {expiry} --amount "100 g"'),
    ("", "tom",
     'lot receive BEN-1 --role ingredient --material "sodium benzoate" --supplier "Example Chemicals" --supplier-lot B6 --expires {expiry} --amount "100 g"'),
    ("", "tom",
     'lot receive GLY-1 --role ingredient --material "glycerol" --supplier "Example Chemicals" --supplier-lot G7 --expires {expiry} --amount "1 L"'),
    ("", "tom",
     'lot receive WAT-1 --role ingredient --material "purified water" --supplier "Example Chemicals" --supplier-lot W8 --expires {expiry} --amount "5 L"'),
    ("A slip of the decimal point: 15 mg instead of 1.5 mg. The formula's range refuses it.", "ana",
     '! batch open naltrexone-capsule --strength "15 mg" --count 100 --from TAB-1'),
    ("The pharmacist opens the capsule batch: 100 capsules of 1.5 mg, 5 % overage on the batch.", "ana",
     'batch open naltrexone-capsule --strength "1.5 mg" --count 100 --from TAB-1 --id CAPS-1'),
    ("The worksheet for the bench, its lines still empty.", "ana", "worksheet CAPS-1 --out capsules-worksheet.pdf"),
    ("The technician works through it.", "tom", "batch step CAPS-1 1"),
    ("", "tom", "batch step CAPS-1 2"),
    ("", "tom", 'batch weigh CAPS-1 source "952.3 mg" --lot TAB-1'),
    ("", "tom", "batch step CAPS-1 3"),
    ("", "tom", 'batch weigh CAPS-1 filler "13222.0 mg" --lot MCC-1'),
    *(("", "tom", f"batch step CAPS-1 {number}") for number in (4, 5, 6, 7)),
    ("What came out, and where the mass went.", "tom",
     'batch yield CAPS-1 --made "103 capsules" --weight "18829 mg" --remainder "240 mg"'),
    ("Ten capsules, weighed one by one, against their theoretical weight.", "kim",
     'qc weights CAPS-1 "183.4 mg" "182.1 mg" "184.2 mg" "181.8 mg" "185.3 mg" "183.0 mg" "182.6 mg" "184.5 mg" "183.9 mg" "182.2 mg"'),
    ("", "kim", 'qc assay CAPS-1 "98.7 %" --laboratory "Example Laboratories"'),
    ("", "kim", 'qc observe CAPS-1 appearance "closed, clean, even off-white powder with yellow flecks" --pass'),
    ("The technician cannot verify his own work.", "tom", "! batch verify CAPS-1"),
    ("A second person can, and the pharmacist releases it.", "ben", "batch verify CAPS-1"),
    ("", "ana", "batch release CAPS-1"),
    ("The label: drawn, read back, compared, then written.", "tom",
     'label CAPS-1 --prescription 1234567 --patient "Alex Q. Sample" --prescriber "Dr. J. Example" --quantity "30 capsules" '
     '--purpose "long-term pain" --out capsules-label.pdf'),
    ("The same page again is now the compounding record.", "ana", "worksheet CAPS-1 --out capsules-record.pdf"),
    ("With the bottle goes what the patient is told: a leaflet, the check-ups, a card for the wallet.", "tom",
     "leaflet L00000018 --out capsules-leaflet.pdf --html capsules-leaflet.html"),
    ("Now the liquid: 60 mL of 1 mg/mL, for doses of 4.5 mg.", "ana",
     'batch open naltrexone-oral-liquid --concentration "1 mg/mL" --volume "60 mL" --dose "4.5 mg" --from TAB-1 --id LIQ-1'),
    ("", "ana", "worksheet LIQ-1 --out liquid-worksheet.pdf"),
    ("", "tom", "batch step LIQ-1 1"),
    ("", "tom", "batch step LIQ-1 2"),
    ("", "tom", 'batch weigh LIQ-1 source "363.0 mg" --lot TAB-1'),
    ("", "tom", 'batch weigh LIQ-1 "ascorbic acid" "300.4 mg" --lot ASC-1'),
    ("", "tom", "batch step LIQ-1 3"),
    ("A reading far off is a fact: it is recorded, and holds the batch.", "tom",
     '! batch weigh LIQ-1 "sodium benzoate" "66.0 mg" --lot BEN-1'),
    ("Weighed again, with the reason.", "tom",
     'batch weigh LIQ-1 "sodium benzoate" "60.2 mg" --lot BEN-1 --reason "took the excess off the boat"'),
    ("", "tom", 'batch weigh LIQ-1 glycerol "12 mL" --lot GLY-1'),
    ("", "tom", "batch step LIQ-1 4"),
    ("", "tom", 'batch weigh LIQ-1 vehicle "60 mL" --lot WAT-1'),
    ("", "tom", "batch step LIQ-1 5"),
    ("", "tom", "batch step LIQ-1 6"),
    ("", "tom", 'batch yield LIQ-1 --made "60 mL"'),
    ("", "kim", 'qc assay LIQ-1 "0.991 mg/mL" --laboratory "Example Laboratories"'),
    ("", "kim", 'qc observe LIQ-1 appearance "even, slightly hazy, pale yellow; sediment spreads on shaking" --pass'),
    ("", "kim", "qc observe LIQ-1 pH 3.6"),
    ("", "kim", 'qc observe LIQ-1 volume "60 mL"'),
    ("", "ben", "batch verify LIQ-1"),
    ("", "ana", "batch release LIQ-1"),
    ("", "tom",
     'label LIQ-1 --prescription 1234568 --patient "Robin Sample" --prescriber "Dr. J. Example" --quantity "60 mL" --out liquid-label.pdf'),
    ("", "ana", "worksheet LIQ-1 --out liquid-record.pdf"),
    ("Every byte of the record is checked.", "ana", "journal verify"),
)  # fmt: skip

FILES = (
    ("capsules-worksheet.pdf", "the capsule worksheet before work began"),
    ("capsules-record.pdf", "the same page, now the compounding record"),
    ("capsules-label.pdf", "a label for 30 capsules"),
    ("capsules-leaflet.pdf", "what the patient is told with it; also as HTML"),
    ("liquid-worksheet.pdf", "the liquid worksheet before work began"),
    ("liquid-record.pdf", "its compounding record, with the second weighing"),
    ("liquid-label.pdf", "a label for the bottle"),
    ("settings.toml", "who works here, and with what"),
    ("journal.sqlite", "the record; compounding journal verify checks it"),
    ("keys", "the sealed keys that everyone signs with"),
    ("passphrases", "the demo's passphrases, which in a pharmacy nobody writes down"),
)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default="compounding-demo")
def demo(folder: Path) -> None:
    """Make one capsule and one liquid batch in a fresh FOLDER, from tablets to printed label."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused(
            Problem(
                "demo.exists",
                f"{folder} is not empty: nothing was changed. Name a folder that is not there yet",
                str(folder),
            )
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tablets.txt").write_text(TABLETS)
    write_passphrases(folder)
    _say("An invented pharmacy: two pharmacists, a technician, a QC person, one balance.")
    _run(SETUP, folder, None)
    from datetime import UTC, datetime

    expiry = f"{datetime.now(UTC).year + 2}-12-31"
    for says, person, command in STORY:
        if says:
            _say(says)
        _run(command.removeprefix("! ").format(expiry=expiry), folder, person, refused=command.startswith("! "))
    click.echo(f"\nMade in {folder}:")
    for name, what in FILES:
        click.echo(f"  {name:<24}{what}")
    click.echo(f"\nLook at them:     xdg-open {folder / 'capsules-label.pdf'}")
    click.echo(f"Ask the record:   compounding --settings {folder / 'settings.toml'} batch show LIQ-1")


def write_passphrases(folder: Path) -> None:
    """A file for each person, which nobody else can read."""
    place = folder / PASSPHRASE_FOLDER
    place.mkdir(mode=0o700)
    for person, passphrase in PASSPHRASES.items():
        file = place / f"{person}.txt"
        file.touch(mode=0o600)
        file.write_text(f"{passphrase}\n")


def _say(text: str) -> None:
    click.echo(f"\n# {text}")


def _run(command: str, folder: Path, person: str | None, *, refused: bool = False) -> None:
    """Run one command as its user would; show it and what it says."""
    words = shlex.split(command)
    acting = ["--settings", "settings.toml", "--as", person] if person else []
    click.echo(f"$ compounding{f' --as {person}' if person else ''} {command}")
    done = subprocess.run(
        [sys.executable, "-m", "compounding", *acting, *words],
        cwd=folder,
        env=os.environ | {"COMPOUNDING_PASSPHRASE_FILE": PASSPHRASE_FOLDER},
        capture_output=True,
        text=True,
        check=False,
    )
    for line in (done.stdout + done.stderr).splitlines():
        if not line.startswith("Next:"):
            click.echo(f"  {line}")
    if (done.returncode == 0) is refused:
        raise EnvironmentFails(
            Problem(
                "demo.failed", f"The demo stopped at: compounding {command} (exit code {done.returncode})", str(folder)
            )
        )
