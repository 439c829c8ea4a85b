"""The record of every model call: each becomes a row of table `llm_calls`, whether it succeeded or not.

Nothing here decides what is asked or whether an answer may be used.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chimera_pipeline import redact
from chimera_pipeline.analysis.profiles import Profile
from chimera_pipeline.analysis.providers.numbers import rate
from chimera_pipeline.analysis.providers.protocol import (
    Message,
    ModelError,
    ModelInfo,
    ModelReply,
    Options,
    Provider,
    Schema,
)
from chimera_pipeline.records import Gap, Row

TTFT = "client: request sent to first token received, model load included"
COLD_S = 0.5
UNEXPLAINED_S = 0.5
UNEXPLAINED_SHARE = 0.2


@dataclass(slots=True)
class Caller:
    """A provider with a profile, that keeps a row of each call in `rows`. `now` is the clock (UTC)."""

    provider: Provider
    profile: Profile
    info: ModelInfo
    agent: str
    period: str
    now: Callable[[], dt.datetime]
    rows: list[Row] = field(default_factory=list)

    def ask(self, messages: Sequence[Message], schema: Schema | None, options: Options) -> ModelReply:
        """One call, recorded. Raises ModelError."""
        started = self.now()
        row = self._row(messages, options, started)
        try:
            reply = self.provider.chat(messages, schema, options, self.profile.deadlines)
        except ModelError as error:
            self.rows.append(row | {"status": "failed", "error_kind": str(error.kind), "phase": "unknown"})
            raise
        self.rows.append(row | measured(reply))
        return reply

    def _row(self, messages: Sequence[Message], options: Options, started: dt.datetime) -> Row:
        prompt = json.dumps([[item.role, item.content] for item in messages], ensure_ascii=False)
        digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()
        sent = options.as_dict()
        return {
            "artifact_path": "(own call)",
            "locator": f"{self.period}/{self.agent}/{len(self.rows) + 1}",
            "series_id": series_id(self.info, sent),
            "run_id": None,
            "tool": "chimera-pipeline",
            "suite": self.agent,
            "model": redact.name(self.info.name),
            "quantization": redact.name(self.info.quantization),
            "engine": self.info.provider,
            "hardware": redact.name(self.info.device),
            "workload": self.agent,
            "prompt_id": digest[:12],
            "config": json.dumps(redact.options(sent), sort_keys=True),
            "measured_at": started.astimezone(dt.UTC).isoformat(timespec="microseconds"),
            "time_source": "content",
            "time_naive": False,
            "field_sources": None,
            "profile": self.profile.name,
            "prompt_sha256": digest,
            "options": json.dumps(sent, sort_keys=True),
        }


def measured(reply: ModelReply) -> dict[str, Any]:
    """The columns of `llm_calls` that a finished reply fills."""
    out, ttft = reply.output_tokens, reply.ttft_s
    decoded = reply.total_s - ttft if ttft is not None else None
    return {
        "status": "ok",
        "error_kind": None,
        "phase": "unknown" if reply.load_s is None else "cold" if reply.load_s > COLD_S else "warm",
        "ttft_s": ttft,
        "ttft_definition": TTFT,
        "load_s": reply.load_s,
        "prompt_eval_s": reply.prompt_eval_s,
        "eval_s": reply.eval_s,
        "total_s": reply.total_s,
        "tpot_s": decoded / (out - 1) if decoded is not None and out is not None and out > 1 else None,
        "itl_s": None,
        "prompt_tokens": reply.prompt_tokens,
        "output_tokens": out,
        "decode_tokens_per_s": rate(out, reply.eval_s),
        "end_to_end_tokens_per_s": rate(out, reply.total_s),
        "done_reason": reply.done_reason,
    }


def series_id(info: ModelInfo, options: Mapping[str, Any]) -> str:
    """The series of a call: provider, model digest and the options that shape it, the seed and size apart."""
    shape = {key: value for key, value in options.items() if key not in {"seed", "num_predict"}}
    text = json.dumps([info.provider, info.name, info.digest, shape], sort_keys=True)
    return f"llm-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def unexplained_s(row: Mapping[str, Any]) -> float | None:
    """Seconds of a call that load, prompt evaluation and decoding do not account for; None where unknown."""
    parts = [row.get(key) for key in ("total_s", "load_s", "prompt_eval_s", "eval_s")]
    if any(part is None for part in parts):
        return None
    total, *known = (float(part) for part in parts if part is not None)
    return total - sum(known)


def unexplained(rows: Sequence[Row]) -> tuple[Gap, ...]:
    """The gap `unexplained_time` over calls whose stated parts leave more than half a second and a fifth open."""
    found = [
        rest
        for row in rows
        if (rest := unexplained_s(row)) is not None
        and abs(rest) > max(UNEXPLAINED_S, UNEXPLAINED_SHARE * float(row["total_s"]))
    ]
    if not found:
        return ()
    return (
        Gap(
            kind="unexplained_time",
            table="llm_calls",
            subject="calls of this run",
            field="total_s",
            count=len(found),
            severity="warning",
            consequence="load, prompt evaluation and decoding as the server states them do not add up to the total",
            remedy="look for queueing, a proxy or a busy machine between this program and the model",
        ),
    )
