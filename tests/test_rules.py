"""Each rule of the records has its proof, each proof its rule, and docs/rules.md says both."""

from __future__ import annotations

import re
from pathlib import Path

from scripts import rules
from tests.enforced import RULES
from tests.test_references import listed

ROOT = Path(__file__).parent.parent


def test_each_rule_is_proven_and_each_proof_is_of_a_rule() -> None:
    assert {id for id, *_ in rules.proofs()} == {rule.id for rule in RULES}


def test_rules_are_numbered_one_by_one() -> None:
    assert [rule.id for rule in RULES] == [f"REC-{number:02}" for number in range(1, len(RULES) + 1)]


def test_each_rule_serves_a_requirement_whose_source_is_in_the_references() -> None:
    named = {rule.id: re.findall(r"\[([a-z0-9-]+)\]", rule.serves) for rule in RULES}
    assert [id for id, keys in named.items() if not keys] == []
    assert {key for keys in named.values() for key in keys} <= set(listed())


def test_the_page_of_rules_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text("utf-8") == rules.page(), "run `make references`"
