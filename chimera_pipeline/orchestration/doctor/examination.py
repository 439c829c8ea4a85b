"""The whole examination: which lines there are, in which order, and how they are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from chimera_pipeline import settings as settings_module
from chimera_pipeline.errors import SettingsError
from chimera_pipeline.orchestration.doctor import folders, installation, instance, machine, models
from chimera_pipeline.orchestration.doctor.line import Line, Status, fail, ok
from chimera_pipeline.settings import Settings

Check = Callable[[Settings], Iterator[Line]]
_CHECKS: tuple[Check, ...] = (
    installation.interpreter,
    installation.packages,
    installation.extras,
    installation.schemas,
    folders.artifacts,
    folders.out,
    folders.own_files,
    instance.dagster_home,
    instance.engine,
    models.server,
    models.embedded_model,
    models.gpu,
    machine.ports,
    machine.clock,
    machine.locale,
)
_COLOURS = {Status.OK: "32", Status.WARN: "33", Status.FAIL: "31"}


def examine(flags: Mapping[str, Any]) -> list[Line]:
    """Every line, for the settings under these flags; for the defaults where the settings themselves are wrong."""
    lines: list[Line] = []
    try:
        chosen = settings_module.load(**flags)
        lines.append(_settings(chosen))
    except SettingsError as error:
        lines.append(fail("settings", str(error), "mend it; what follows is looked at with the default settings"))
        chosen = Settings.model_construct()
    for check in _CHECKS:
        lines += _guarded(check, chosen)
    return lines


def _guarded(check: Check, chosen: Settings) -> Iterator[Line]:
    """The lines of one check. One that breaks on an odd machine says so, and does not hide the others."""
    try:
        yield from check(chosen)
    except Exception as error:
        name = check.__name__.replace("_", " ")
        yield fail(name, f"{type(error).__name__}: {error}", "a bug of ours: file it with chimera --version")


def _settings(chosen: Settings) -> Line:
    files = settings_module.places()
    given = sorted(chosen.model_fields_set)
    return ok("settings", f"{', '.join(files) or 'no chimera.toml here'}; {', '.join(given) or 'nothing'} set")


def as_json(lines: Sequence[Line]) -> dict[str, Any]:
    """The object of `chimera doctor --json`."""
    return {
        "schema_version": "1.0",
        "checks": [
            {
                "check": line.check,
                "status": line.status.value,
                "ok": line.status is Status.OK,
                "found": line.found,
                "fix": line.fix,
            }
            for line in lines
        ],
    }


def as_text(lines: Sequence[Line], *, color: bool) -> str:
    """A line a check, its fix below, and the counts at the end."""
    out = []
    for line in lines:
        mark = f"{line.status.value:4}"
        out.append(f"{_colored(mark, line.status) if color else mark}  {line.check}: {line.found}")
        if line.fix:
            out.append(f"      {'->' if color else 'fix:'} {line.fix}")
    counts = Counter(line.status for line in lines)
    out.append(", ".join(f"{counts[status]} {status.value}" for status in Status))
    return "\n".join(out)


def _colored(text: str, status: Status) -> str:
    return f"\033[{_COLOURS[status]}m{text}\033[0m"


def failed(lines: Sequence[Line]) -> bool:
    """Whether a run would not work."""
    return any(line.status is Status.FAIL for line in lines)
