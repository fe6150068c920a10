"""Labels and worksheets to spoil; all names and numbers are invented."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from compounding.documents.stocks import read_stock
from compounding.documents.templates import read_template
from compounding.documents.texts import read_auxiliary, read_warning
from compounding.records.analysis import AnalysisText, AttachmentLine, ResultLine, ValuesLine
from compounding.records.label import LabelText
from compounding.records.worksheet import (
    CalculationLine,
    CheckLine,
    ComponentLine,
    Notice,
    OriginLine,
    SignatureLine,
    StepLine,
    WorksheetText,
    YieldLine,
)

GOLDEN = Path(__file__).parent.parent / "golden"
TEMPLATE = read_template()
ROLL = read_stock("4x2")
TALL = read_stock("4x3")
SMALL = read_stock("2.25x1.25")
SAY = read_auxiliary()

CAPSULE = LabelText(
    pharmacy_name="Example Compounding Pharmacy",
    pharmacy_address="12 Sample Street, Springfield, IL 62701",
    pharmacy_phone="(555) 010-0142",
    patient="Alex Q. Sample",
    drug="naltrexone hydrochloride",
    strength="1.5 mg",
    dosage_form="capsule",
    directions="Take 1 capsule by mouth at bedtime.",
    purpose="long-term pain",
    prescription="1234567",
    quantity="30 capsules",
    prescriber="Dr. J. Example",
    filled_on="2026-11-22",
    batch="LDN-2026-0001",
    beyond_use_date="2027-05-20",
    compounded_on="2026-11-21",
    storage="Store at 20 °C to 25 °C (68 °F to 77 °F).",
    route="For oral use.",
    warning=read_warning(),
    auxiliary=(SAY["children"],),
    compounded_statement="Compounded preparation",
    identifier="L0000042D",
)

LIQUID = replace(
    CAPSULE,
    strength="1 mg per mL",
    dosage_form="oral suspension",
    directions="Take 1.5 mL (1.5 mg) by mouth at bedtime.",
    quantity="60 mL",
    batch="LDN-2026-0002",
    beyond_use_date="2026-12-26",
    storage="Keep in a refrigerator, 2 °C to 8 °C (36 °F to 46 °F).",
    auxiliary=(SAY["shake-well"], SAY["children"]),
    identifier="L0000043N",
)

# 109 characters: three steps of a titration in one sentence.
TITRATION = (
    "Take 1 capsule at bedtime for 7 nights, then 2 capsules for 7 nights, then 3 capsules every night at bedtime."
)

# What stickers, samples, syringes and auxiliary labels say beside it.
FULL = replace(
    CAPSULE,
    dose="1.5 mL (1.5 mg)",
    person="Ana Ortiz",
    acted_on="2026-11-22",
    reason="no assay yet",
    sentence=SAY["children"],
)

# The longest words that a label of each kind may meet.
LONGEST = replace(
    FULL,
    pharmacy_name="Example Compounding Pharmacy and Infusion Centre of Greater Springfield",
    pharmacy_address="Suite 1204, 12345 North Sample Boulevard, Springfield, IL 62701-1234",
    patient="Maximiliana-Konstantina Featherstonehaugh-Sample",
    strength="1.5 mg per mL",
    dosage_form="oral suspension",
    directions="Take 1.5 mL (2.25 mg) at bedtime for 7 nights, then 2 mL (3 mg) for 7 nights, then 3 mL (4.5 mg) every night.",
    purpose="long-term pain after an operation of the lower back",
    prescriber="Dr. Maximilian Featherstonehaugh-Example",
    quantity="1,000 mL",
    storage="Keep in a refrigerator, 2 °C to 8 °C (36 °F to 46 °F). Protect from light.",
    auxiliary=(SAY["shake-well"], SAY["oral-syringe"], SAY["children"]),
    dose="12.25 mL (18.375 mg)",
    ingredients="ascorbic acid, sodium benzoate, glycerol, purified water, tablet excipients with lactose",
    person="Maximilian Featherstonehaugh-Example",
    reason="weights outside the limits; deviation not yet judged by a pharmacist",
    sentence="Keep out of the reach and sight of children.",
)

BLANK = WorksheetText(
    title="Worksheet",
    record="LDN-2026-0001",
    formula="naltrexone-capsule",
    formula_version="1",
    formula_digest="sha256:4b8f0c9a2d7e61f5b3a8c4d9e0f1726354a5b6c7d8e9f0a1b2c3d4e5f6071829",
    product="Naltrexone hydrochloride capsules",
    strength="1.5 mg in each capsule",
    quantity="100 capsules",
    prepared_on="",
    beyond_use_date="2027-05-20",
    beyond_use_reason="180 days for a nonaqueous preparation; no component expires before [usp-795]",
    storage="20 °C to 25 °C, in a tight, light-resistant container",
    balance="AX-204, reads 0.1 mg, minimum weight 20 mg",
    head="3f2a-91bc",
    container="Tight, light-resistant amber vial with a child-resistant cap",
    warnings=(
        Notice("OPIOID ANTAGONIST", "Naltrexone blocks opioids. Anyone who takes opioids does not handle the powder."),
    ),
    components=(
        ComponentLine(
            *("Naltrexone hydrochloride tablets 50 mg, powdered", "NTX-24117", "2027-08-31"),
            *("952.56 mg", "952.6 mg", "942.9 mg", "962.3 mg"),
        ),
        ComponentLine(
            *("Microcrystalline cellulose PH-101", "MCC-0091", "2028-02-29"),
            *("12,547.44 mg", "12.5474 g", "12.422 g", "12.673 g"),
        ),
    ),
    origins=(
        OriginLine("NTX-24117", "naltrexone tablets", "Example Generics", "AB1234", "47335-0326-08"),
        OriginLine("MCC-0091", "microcrystalline cellulose", "Example Excipients", "M77"),
    ),
    calculations=(
        CalculationLine(1, "Active, with 5 % overage", "1.5 mg × 100 capsules × 1.05 = 157.5 mg"),
        CalculationLine(2, "Tablet powder", "157.5 mg ÷ (50 mg per tablet) × (302.4 mg per tablet) = 952.56 mg"),
    ),
    steps=(
        StepLine(1, "Confirm with a second person that the tablets are naltrexone, not naloxone."),
        StepLine(2, "Crush 4 tablets to a fine powder, and pass it through a 60 mesh sieve."),
    ),
    checks=(
        CheckLine("Appearance", "white, closed, no cracks, no powder outside"),
        CheckLine("Assay", "90.0 % to 110.0 % of label"),
    ),
    yields=(YieldLine("Capsules filled", "100"),),
    signatures=(SignatureLine("I made this batch"), SignatureLine("I checked it and did not make it")),
)

FILLED = replace(
    BLANK,
    title="Compounding record",
    prepared_on="2026-11-21",
    components=tuple(
        replace(line, weighed=weighed, by="M. Carter", at="2026-11-21 09:12 UTC")
        for line, weighed in zip(BLANK.components, ("952.4 mg", "12.5481 g"), strict=True)
    ),
    steps=tuple(replace(line, done_by="M. Carter", at="2026-11-21 09:20 UTC") for line in BLANK.steps),
    checks=tuple(
        replace(line, observed=seen, verdict="pass", person="J. Example", at="2026-11-21 11:02 UTC")
        for line, seen in zip(BLANK.checks, ("white, closed, clean", "99.2 %"), strict=True)
    ),
    yields=(YieldLine("Capsules filled", "100", "99"),),
    description="White capsules of size 3, closed and dry, filled with an even powder.",
    deviations=("One shell cracked while closing. Accepted by J. Example: the yield stays within its limits.",),
    signatures=tuple(
        replace(line, name=name, at="2026-11-21 11:20 UTC")
        for line, name in zip(BLANK.signatures, ("Morgan Carter", "Jamie Example"), strict=True)
    ),
)

ANALYSIS = AnalysisText(
    title="Certificate of analysis",
    record="LDN-2026-0001",
    pharmacy="Example Compounding Pharmacy",
    address="12 Sample Street, Springfield, IL 62701, (555) 010-0142",
    product="Naltrexone hydrochloride capsules",
    strength="1.5 mg in each capsule",
    strength_basis="Strength is naltrexone hydrochloride; it is not the base.",
    quantity="99 capsules",
    prepared_on="2026-11-21",
    released_on="2026-11-22",
    beyond_use_date="2027-05-20",
    storage="20 °C to 25 °C, protected from light",
    container="Tight, light-resistant amber vial with a child-resistant cap",
    formula="naltrexone-capsule",
    formula_version="1",
    formula_digest="sha256:4b8f0c9a2d7e61f5b3a8c4d9e0f1726354a5b6c7d8e9f0a1b2c3d4e5f6071829",
    conclusion=Notice("RELEASED", "All 2 results meet the limits of the formula. Jamie Example released the batch."),
    results=(
        ResultLine(
            *("capsule weights", "10 capsules weighed one by one", "90 to 110 % of theory"),
            *("gross 99.3 to 101.3 %", "pass", "J. Example, 2026-11-21"),
        ),
        ResultLine(
            *("assay", "HPLC; Example Laboratories, report of 2026-11-22", "90.0 to 110.0 % of label"),
            *("99.2 % of label", "pass", "J. Example, 2026-11-22"),
        ),
    ),
    head="3f2a-91bc",
    values=(ValuesLine("capsule weights", ", ".join(["183.4 mg", "182.1 mg", "184.2 mg", "181.8 mg", "185.3 mg"] * 2)),),
    notes=("These are tests of this batch.", "Not done: water activity."),
    attachments=(AttachmentLine("report-77.pdf", "assay", "1,640 bytes", "3b" * 32),),
    signatures=(
        SignatureLine("Compounded by", "Morgan Carter", "2026-11-21 09:20 UTC"),
        SignatureLine("Released by", "Jamie Example", "2026-11-22 11:20 UTC"),
    ),
)


def golden(name: str, text: str) -> None:
    """Compare with the kept text; with WRITE_GOLDEN set, keep the new one for review."""
    path = GOLDEN / name
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
