"""Grounded selection: one menu, one schema, at most three tries, and a reason where it fails.

Try 2 repeats with the codes of what was wrong, never with text of the model. Try 3 has temperature 0, a
smaller menu and the slots shape. A server that is away, hangs or is no model server ends it at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chimera_pipeline.analysis import schema as shapes
from chimera_pipeline.analysis import verify
from chimera_pipeline.analysis.calls import Caller
from chimera_pipeline.analysis.menu import Aliases, Item, Menu, build
from chimera_pipeline.analysis.model import Attempt
from chimera_pipeline.analysis.profiles import SMALL_CONTEXT, Persona
from chimera_pipeline.analysis.prompt import CONTROL_HINT, MARGIN_TOKENS, control, size
from chimera_pipeline.analysis.providers.protocol import (
    Failure,
    Message,
    ModelError,
    Options,
    Schema,
)
from chimera_pipeline.analysis.recommendations import Recommendation
from chimera_pipeline.analysis.verify import Pick, Violation
from chimera_pipeline.records import Statement

TRIES = 3
_ACTIONS_OFFERED = 6


@dataclass(slots=True)
class Selection:
    """The picks with the menu and actions that they refer to, or the reason why there are none."""

    picks: list[Pick] = field(default_factory=list)
    menu: Menu | None = None
    settled: list[Pick] = field(default_factory=list)
    actions: tuple[shapes.Action, ...] = ()
    offered: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    reason: str = ""

    @property
    def done(self) -> bool:
        """Whether there is an answer that may be used."""
        return bool(self.picks)


@dataclass(frozen=True, slots=True)
class Task:
    """Everything that one selection needs besides the caller."""

    statements: Sequence[Statement]
    recommendations: Sequence[Recommendation]
    aliases: Aliases
    persona: Persona
    seed: int
    picks_shape: bool = False
    ties_only: bool = False
    wait: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class _Round:
    """One try, ready to be sent."""

    menu: Menu
    shown: tuple[Item, ...]
    actions: tuple[shapes.Action, ...]
    questions: tuple[shapes.Question, ...]
    settled: tuple[Pick, ...]
    limits: shapes.Limits
    schema: Schema
    messages: list[Message]
    options: Options
    word: str
    estimate: int
    use_slots: bool


def select(caller: Caller, task: Task) -> Selection:
    """Let the model choose. Never raises ModelError: a failure is a reason."""
    out = Selection()
    codes: tuple[str, ...] = ()
    shrink, transient = 1.0, 0
    for number in range(1, TRIES + 1):
        last = number == TRIES
        prepared = _prepare(caller, task, number, codes, shrink * (0.5 if last else 1.0), last)
        if isinstance(prepared, str):
            out.reason = out.reason or prepared
            return out
        try:
            reply = caller.ask(prepared.messages, prepared.schema, prepared.options)
        except ModelError as error:
            out.attempts.append(_attempt(number, prepared, str(error.kind)))
            out.reason = str(error)
            if error.kind is Failure.CONTEXT_EXCEEDED:
                shrink *= 0.6
                continue
            transient += 1
            if not error.retryable or transient == 2:
                out.reason += f"; gave up after {number} {'try' if number == 1 else 'tries'}"
                return out
            task.wait(1.0)
            continue
        wrong = verify.refused(reply, prepared.options, prepared.estimate)
        if not wrong:
            answer = _read(reply.text, prepared)
            if not isinstance(answer, Violation):
                out.attempts.append(_attempt(number, prepared))
                out.picks, out.settled = answer, list(prepared.settled)
                out.menu, out.actions, out.offered = prepared.menu, prepared.actions, len(prepared.shown)
                out.reason = ""
                return out
            wrong = (answer,)
        if Violation.PROMPT_CUT in wrong or Violation.CONTEXT_FULL in wrong:
            shrink *= 0.6
        codes = tuple(str(code) for code in wrong)
        out.attempts.append(_attempt(number, prepared, *codes))
        out.reason = f"the model's answer was refused: {verify.MEANING[wrong[0]]}"
    out.reason += f"; gave up after {TRIES} tries"
    return out


def _attempt(number: int, prepared: _Round, *problems: str) -> Attempt:
    return Attempt("select", number, len(prepared.shown), problems)


def _read(text: str, prepared: _Round) -> list[Pick] | Violation:
    if not prepared.use_slots:
        return verify.picks(text, prepared.menu, prepared.actions, prepared.limits, prepared.word)
    return verify.slots(text, prepared.questions, prepared.word)


def _prepare(caller: Caller, task: Task, number: int, codes: tuple[str, ...], share: float, last: bool) -> _Round | str:
    """The try that fits the context, or a sentence why none does."""
    profile = caller.profile
    small = profile.num_ctx < SMALL_CONTEXT
    limits = shapes.Limits(
        supports=2 if small else profile.max_findings - 1,
        caveats=1 if small else 2,
        actions=0 if small or task.ties_only else 2,
    )
    recommendations = task.recommendations if limits.actions else ()
    actions = offered_actions(recommendations, task.statements, task.aliases)
    persona = task.persona.text(profile.num_ctx)
    word, choices = shapes.words(task.seed, number)
    limit = max(3, round(profile.menu_limit * share))
    use_slots = last or small or not task.picks_shape
    while limit >= 3:
        fixed = _messages(persona, word, (), actions, (), codes, use_slots)
        room = profile.num_ctx - size(fixed) - MARGIN_TOKENS
        # The schema depends on the menu: first room for a full answer, then the size of the real one.
        room = round((room - _answer_room(limits, use_slots)) * min(1.0, 0.4 + 0.6 * share))
        menu = build(task.statements, task.aliases, room_tokens=room, limit=limit, seed=task.seed + number)
        if menu is None:
            return (
                f"num_ctx {profile.num_ctx} has no room for three of {len(task.statements)} statements; "
                "the choice was made by rule"
            )
        every = shapes.questions(menu, actions, limits, ties_only=task.ties_only)
        asked = tuple(item for item in every if len(item.answers) > 1)
        settled = tuple(Pick(item.ids[0], item.role) for item in every if len(item.answers) == 1)
        if not asked:
            return "no two statements rank as equals, so that nothing was left to a model that breaks ties only"
        open_ids = {short for item in asked for short in item.ids}
        shown = tuple(item for item in menu.items if not task.ties_only or item.id in open_ids)
        schema = (
            shapes.slots_schema(asked, choices) if use_slots else shapes.picks_schema(menu, actions, limits, choices)
        )
        messages = _messages(persona, word, asked, actions, shown, codes, use_slots)
        predict, estimate = shapes.worst_tokens(schema), size(messages)
        if estimate + predict + MARGIN_TOKENS <= profile.num_ctx:
            options = profile.options(predict, seed=task.seed + number - 1, temperature=0.0 if last else None)
            return _Round(
                menu, shown, actions, asked, settled, limits, schema, messages, options, word, estimate, use_slots
            )
        limit = min(limit, len(menu.items)) - 1
    return f"num_ctx {profile.num_ctx} is too small for a choice; it was made by rule"


def _answer_room(limits: shapes.Limits, use_slots: bool) -> int:
    decisions = 1 + limits.supports + limits.caveats + limits.actions
    return 40 + decisions * (16 if use_slots else 30)


def offered_actions(
    recommendations: Sequence[Recommendation],
    statements: Sequence[Statement],
    aliases: Aliases,
) -> tuple[shapes.Action, ...]:
    """Recommendations under short ids, each paired by code with a statement of the same facts."""
    by_fact = {fact: item.id for item in reversed(statements) for fact in item.fact_ids}
    return tuple(
        shapes.Action(
            f"A{i}",
            item.id,
            aliases.mask(item.text),
            next((by_fact[fact] for fact in item.fact_ids if fact in by_fact), None),
        )
        for i, item in enumerate(recommendations[:_ACTIONS_OFFERED], start=1)
    )


def _messages(
    persona: str,
    word: str,
    asked: Sequence[shapes.Question],
    actions: Sequence[shapes.Action],
    shown: Sequence[Item],
    codes: Sequence[str],
    use_slots: bool,
) -> list[Message]:
    system = f"{control(word)}\n{persona}"
    lines = ["True statements:", *(f"{item.id}: {item.text}" for item in shown)]
    if actions:
        lines += ["Actions:", *(f"{action.id}: {action.text}" for action in actions)]
    if codes:
        lines.append(f"The last answer was refused: {', '.join(codes)}.")
    lines.append("Answer with one JSON object.")
    lines.append(CONTROL_HINT)
    if use_slots:
        lines += [f'"{item.key}": the most important of {" ".join(item.answers)}' for item in asked]
    else:
        lines.append(
            '"findings": the statements that matter most for a decision, each with its id and role: '
            "one headline, the rest support; gaps and limits are caveat."
        )
        if actions:
            lines.append('"actions": the ids of the actions that follow.')
    return [Message("system", system), Message("user", "\n".join(lines))]
