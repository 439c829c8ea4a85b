"""What the gate does not support is withheld: better that a report loses a sentence than its reader the report.

In: the material of a report, its view, its Markdown and what the gate says. Out: the material without the findings,
answers and recommendations that stand in an offending line. Tables are not touched: what offends there refuses the
report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from chimera_pipeline import wording
from chimera_pipeline.audit.gate import GateResult
from chimera_pipeline.orchestration.material import Material
from chimera_pipeline.report import markdown

REASON = "audit"


def without_offences(
    material: Material, view: Mapping[str, Any], text: str, result: GateResult
) -> tuple[Material, list[str]]:
    """The material without the sentences in offending lines, and those sentences."""
    rows = text.split("\n")
    bad = [rows[line - 1] for line in sorted(result.lines)]
    withheld: list[str] = []

    def stands(parts: Iterable[Mapping[str, Any]]) -> bool:
        parts = list(parts)
        printed = markdown.told(view, parts)
        if any(printed in row for row in bad):
            withheld.append("".join(part["text"] for part in parts))
            return False
        return True

    def advised(entry: Mapping[str, Any]) -> bool:
        if any(markdown.figures_as_code(entry["text"]) in row for row in bad):
            withheld.append(entry["text"])
            return False
        return True

    analysis = dict(material.analysis)
    told = {True: iter(view["caveats"]), False: iter(view["findings"])}
    analysis["findings"] = [choice for choice in analysis["findings"] if stands(next(told[choice["role"] == "caveat"]))]
    analysis["recommendations"] = [entry for entry in analysis["recommendations"] if advised(entry)]
    questions = []
    for asked, shown in zip(analysis.get("questions", ()), view["questions"], strict=True):
        sound = [stands(parts) for parts in shown["sentences"]]  # each of them, so that each is recorded
        questions.append(asked if all(sound) else {**asked, "statement_ids": []})
    analysis["questions"] = questions
    ids = zip(material.brief["statement_ids"], view["brief"], strict=True)
    brief = {**material.brief, "statement_ids": [name for name, parts in ids if stands(parts)]}
    if withheld:
        counted = wording.count(len(set(withheld)), "sentence")
        told_why = analysis["narrative"]["reason"].rstrip(".")
        reason = f"{told_why}; {counted} withheld, since the audit of the report did not support it."
        analysis["narrative"] = {**analysis["narrative"], "reason": reason}
    return replace(material, analysis=analysis, brief=brief), withheld


def marked(claims: pd.DataFrame, withheld: Iterable[str]) -> pd.DataFrame:
    """Table `claims` with the withheld sentences as such."""
    hit = claims["text"].isin(set(withheld))
    out = claims.copy()
    out.loc[hit, "status"], out.loc[hit, "reason"] = "withheld", REASON
    return out
