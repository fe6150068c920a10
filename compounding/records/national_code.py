"""The National Drug Code of the USA, as containers print it and as it is compared.

A container prints ten digits in three parts; shortage lists, insurers and wholesalers print eleven. Only the hyphens
say which part lacks its leading zero, so ten digits without hyphens could be three different packages.
"""

from __future__ import annotations

import re

from compounding.problems import NotUnderstood, Problem

# Labeler, product, package: how many digits each part may have together.
_PRINTED = frozenset({(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)})
_WHOLE = (5, 4, 2)


def national_code(typed: str) -> str:
    """A National Drug Code in eleven digits, 5-4-2, whichever way its container prints it.

    Raises:
        NotUnderstood: not of the form 4-4-2, 5-3-2, 5-4-1 or 5-4-2, nor eleven digits.

    Source:
        openfda-ndc (4-4-2 and 5-3-2); ashp-shortages (5-4-2)

    Example:
        >>> national_code("47335-326-08")
        '47335-0326-08'
    """
    parts = typed.split("-")
    if re.fullmatch(r"[0-9]{11}", typed):
        parts = [typed[:5], typed[5:9], typed[9:]]
    digits = all(re.fullmatch(r"[0-9]+", part) for part in parts)
    if not digits or tuple(len(part) for part in parts) not in _PRINTED:
        text = f"{typed!r} is not a National Drug Code: write it with its hyphens as on the container, such as 47335-326-08"
        raise NotUnderstood(Problem("ndc.not-understood", text, typed))
    return "-".join(part.zfill(length) for part, length in zip(parts, _WHOLE, strict=True))
