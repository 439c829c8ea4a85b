"""The way through: statements and recommendations in, an `Analysis` out, with or without a model.

Pure of Dagster, files and environment; clock and seed are arguments. Whatever a model does, the result is
complete: what is always said is said, and where a choice fails the deterministic narrative stands, with the
reason.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from chimera_pipeline.analysis import ask as asking
from chimera_pipeline.analysis import gpu, narrative
from chimera_pipeline.analysis import probe as probing
from chimera_pipeline.analysis import prose as prosing
from chimera_pipeline.analysis import select as selecting
from chimera_pipeline.analysis.calls import Caller, unexplained
from chimera_pipeline.analysis.catalogue import Catalogue, QueryKind, Run
from chimera_pipeline.analysis.menu import CAVEAT_KINDS, Aliases, ranked
from chimera_pipeline.analysis.model import ANSWERS, Agreement, Analysis, Chosen, Mode, Probe
from chimera_pipeline.analysis.profiles import Persona, Profile
from chimera_pipeline.analysis.providers.protocol import ModelError, ModelInfo, Provider
from chimera_pipeline.analysis.recommendations import Recommendation
from chimera_pipeline.records import Claim, Fact, Statement

MAX_ACTIONS = 8
WITHHELD = "(a sentence of the model, not published)"


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def analyse(
    statements: Sequence[Statement],
    recommendations: Sequence[Recommendation] = (),
    *,
    provider: Provider | None,
    profile: Profile,
    agent: str = "analyst",
    unavailable: str = "no model was asked for",
    facts: Mapping[str, Fact] | None = None,
    entities: Iterable[str] = (),
    period: str = "all",
    seed: int | None = None,
    probe: Probe | None = None,
    queries: Mapping[QueryKind, Run] | None = None,
    now: Callable[[], dt.datetime] = _utc_now,
    wait: Callable[[float], None] = time.sleep,
) -> Analysis:
    """One agent at work. `unavailable` says why `provider` is None. Never raises ModelError.

    `facts` (by id) and `entities` name what must not travel in a prompt; `probe` is a stored result for this
    model (`Analysis.probe` holds the one to store); `queries` replaces built-in answers of mode ask; `seed`
    defaults to the profile's.
    """
    persona: Persona = getattr(profile, agent)
    why = unavailable if provider is None else "there is no statement to choose"
    out = _deterministic(statements, recommendations, profile, persona, agent, why)
    if provider is None or not statements:
        return _claimed(out, statements, period, persona.max_words)
    try:
        info = provider.describe()
    except ModelError as error:
        out.reason = str(error)
        return _claimed(out, statements, period, persona.max_words)
    caller = Caller(provider, profile, info, agent, period, now)
    known = facts or {}
    aliases = Aliases.of([*(fact.entity for fact in known.values()), *entities])
    work = _Work(statements, recommendations, known, aliases, persona, queries or {}, wait)
    work.seed = profile.seed if seed is None else seed
    with gpu.sampled(now) as samples:
        try:
            out.probe = probing.known(info.digest, probe) or probing.probe(caller)
        except ModelError as error:
            out.reason = str(error)
        else:
            work.choose(out, caller)
    out.gpu_samples = tuple(samples)
    out.model = _described(provider, info)
    # Where a model runs is known only once it has run.
    out.calls = tuple({**row, "hardware": row["hardware"] or out.model.device} for row in caller.rows)
    out.gaps = (*gpu.unused(profile, out.model), *unexplained(out.calls))
    return _claimed(out, statements, period, persona.max_words)


def _deterministic(
    statements: Sequence[Statement],
    recommendations: Sequence[Recommendation],
    profile: Profile,
    persona: Persona,
    agent: str,
    reason: str,
) -> Analysis:
    chosen = tuple(Chosen(item.statement_id, item.role, "code") for item in narrative.choose(list(statements)))
    return Analysis(
        agent=agent,
        mode=Mode.DETERMINISTIC,
        reason=reason,
        profile=profile.name,
        persona=persona.prompt.strip(),
        chosen=chosen,
        recommendations=tuple(recommendations[:MAX_ACTIONS]),
        total=len(statements),
    )


@dataclass(slots=True)
class _Work:
    """One agent's material on its way through asking, choosing and writing."""

    statements: Sequence[Statement]
    recommendations: Sequence[Recommendation]
    facts: Mapping[str, Fact]
    aliases: Aliases
    persona: Persona
    queries: Mapping[QueryKind, Run]
    wait: Callable[[float], None]
    seed: int = 0

    def choose(self, out: Analysis, caller: Caller) -> None:
        """Fill `out` with what the model chose; where it fails `out` keeps the deterministic narrative."""
        reads = out.probe is not None and out.probe.reads
        free = reads and caller.profile.mode != "select"
        offered = self._asked(out, caller) if free and self.facts else self.statements
        if offered is None:
            return
        task = selecting.Task(
            offered, self.recommendations, self.aliases, self.persona, self.seed, free, not reads, self.wait
        )
        found = selecting.select(caller, task)
        out.attempts += tuple(found.attempts)
        if not found.done or found.menu is None:
            out.reason = found.reason
            return
        _take(out, found, self.statements, self.recommendations)
        out.mode = Mode.ASK if out.queries else Mode.SELECT
        out.reason, out.ties_only = "", task.ties_only
        if free and caller.profile.mode == "prose":
            self._write(out, caller, found)

    def _asked(self, out: Analysis, caller: Caller) -> Sequence[Statement] | None:
        """The statements that the model's queries brought; None where the server is of no further use."""
        persona = self.persona.text(caller.profile.num_ctx)
        catalogue = Catalogue.of(self.statements, self.facts, self.aliases)
        asked = asking.Asked()
        try:
            asking.ask(caller, catalogue, asked, persona=persona, seed=self.seed, run=self.queries)
        except ModelError as error:
            if not error.retryable:
                out.reason = str(error)
                return None
        out.queries, out.attempts = tuple(asked.queries), out.attempts + tuple(asked.attempts)
        return asking.pool(asked.found, self.statements) if asked.queries else self.statements

    def _write(self, out: Analysis, caller: Caller, found: selecting.Selection) -> None:
        """Sentences around what was chosen; whatever fails here leaves the plain statements."""
        assert found.menu is not None
        told = {chosen.statement_id for chosen in out.chosen if chosen.by == "model"}
        items = [item for item in found.menu.items if item.statement.id in told]
        try:
            written = prosing.write(
                caller,
                items,
                self.facts,
                self.aliases,
                persona=self.persona.text(caller.profile.num_ctx),
                seed=self.seed,
            )
        except ModelError as error:
            out.reason = f"no prose: {error}"
            return
        out.attempts += tuple(written.attempts)
        out.dropped = dict(written.dropped)
        out.sentences = tuple(written.sentences)
        if out.sentences:
            out.mode = Mode.PROSE


def _take(
    out: Analysis,
    found: selecting.Selection,
    statements: Sequence[Statement],
    recommendations: Sequence[Recommendation],
) -> None:
    """Turn picks into the order of telling: headline, supports, caveats, then what is always said."""
    assert found.menu is not None
    items = found.menu.by_id()
    made = [(pick, "model") for pick in found.picks] + [(pick, "code") for pick in found.settled]
    picked = [
        Chosen(items[pick.id].statement.id, pick.role, by)
        for role in ("headline", "support", "caveat")
        for pick, by in made
        if pick.role == role
    ]
    told = {item.statement_id for item in picked}
    always = [
        Chosen(item.id, "caveat" if item.kind in CAVEAT_KINDS else "support", "code")
        for item in statements
        if item.always and item.id not in told
    ]
    out.chosen = (*picked, *always)
    out.offered = found.offered
    by_model = {item.statement_id for item in picked if item.by == "model"}
    top = {item.id for item in ranked(statements)[: len(by_model)]}
    out.agreement = Agreement(len(by_model), len(by_model & top), len(statements))
    by_action = {action.id: action.recommendation_id for action in found.actions}
    first = [by_action[pick.id] for pick in found.picks if pick.role == "action"]
    order = {name: place for place, name in enumerate(first)}
    kept = sorted(recommendations, key=lambda item: order.get(item.id, len(order)))
    out.recommendations = tuple(kept[:MAX_ACTIONS])


def _within(chosen: Sequence[Chosen], by_id: Mapping[str, Statement], max_words: int) -> tuple[Chosen, ...]:
    """As many of `chosen`, in order, as stay within `max_words`."""
    kept, words = [], 0
    for item in chosen:
        words += len(by_id[item.statement_id].text.split())
        if words > max_words:
            break
        kept.append(item)
    return tuple(kept)


def _claimed(out: Analysis, statements: Sequence[Statement], period: str, max_words: int | None) -> Analysis:
    """Every sentence that is told, as a claim with the statements and facts behind it."""
    by_id = {item.id: item for item in statements}
    if max_words is not None:
        kept = _within(out.chosen, by_id, max_words)
        out.chosen, out.left_out = kept, len(out.chosen) - len(kept)
    in_prose = {name for sentence in out.sentences for name in sentence.statement_ids}
    claims = [Claim(period, sentence.text, sentence.statement_ids, sentence.fact_ids) for sentence in out.sentences]
    for chosen in out.chosen:
        item = by_id[chosen.statement_id]
        if item.id not in in_prose:
            claims.append(Claim(period, item.text, (item.id,), item.fact_ids))
    told = {name for claim in claims for name in claim.statement_ids}
    answers = [name for query in out.queries for name in query.statement_ids[:ANSWERS]]
    for item in (by_id[name] for name in dict.fromkeys(answers) if name in by_id and name not in told):
        claims.append(Claim(period, item.text, (item.id,), item.fact_ids))
    for code, count in sorted(out.dropped.items()):
        claims += [Claim(period, WITHHELD, (), (), "withheld", code)] * count
    out.claims = tuple(claims)
    return out


def _described(provider: Provider, before: ModelInfo) -> ModelInfo:
    """The model after the calls: only then is it known where it ran."""
    try:
        return provider.describe()
    except ModelError:
        return before
