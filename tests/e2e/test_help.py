"""What the command says of itself: help with examples that work, completion in shells, near misses, colours."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from chimera_pipeline.cli import app, main
from tests.e2e.test_cli import chimera

COMMAND = str(Path(sys.executable).with_name("chimera"))
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7])(?:;\d+)*m")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that lead to it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(typer.main.get_command(app)))


def examples(command: Any) -> list[str]:
    """The lines under "Examples:" of a command's help."""
    head, _, lines = (command.epilog or "").partition("Examples:")
    assert head == ""
    return [line.strip() for line in lines.splitlines() if line.strip()]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_example_in_a_help_is_a_command_that_is_understood(words: tuple[str, ...]) -> None:
    lines = examples(COMMANDS[words])
    assert lines
    for line in lines:
        assert len(line) <= 76, "it would wrap on a terminal of 80 columns"
        typed = shlex.split(line, comments=True)
        assert typed[: len(words) + 1] == ["chimera", *words]
        COMMANDS[words].make_context(" ".join(words), typed[len(words) + 1 :])


def test_the_help_shows_the_examples_and_flags_take_no_value(tmp_path: Path) -> None:
    long, short = (chimera("run", option, cwd=tmp_path) for option in ("--help", "-h"))
    assert long.stdout == short.stdout
    assert (long.returncode, long.stderr) == (0, "")
    assert "chimera run results/ --period month" in long.stdout
    assert "{ARTIFACTS}" in long.stdout
    assert not re.search(r"--strict +<bool>", long.stdout)
    assert "Exit codes: 0 ok" in chimera("--help", cwd=tmp_path).stdout


def test_a_value_after_a_flag_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    done = chimera("run", "data", "--strict", "true", cwd=tmp_path)
    assert done.returncode == 2
    assert "unexpected extra argument" in done.stderr


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls the command in this process, in an empty folder; what it says on stderr when it ends with exit code 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in [name for name in os.environ if name.startswith("CHIMERA_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str, **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            main()
        signal.signal(signal.SIGTERM, handler)
        assert ended.value.code == 2
        return " ".join(capsys.readouterr().err.replace("│", " ").split())

    return call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quarantin"], "Did you mean 'quarantine'?"),
        (["run", "data", "--perod", "all"], "--period"),
        (["profiles", "lst"], "Did you mean 'list'?"),
        (["run", "data", "--period", "monthly"], "did you mean 'month'?"),
        (["run", "data", "--period", "2025-1"], "did you mean '2025-01'?"),
        (["run", "data", "--period", "2025/10"], "did you mean '2025-10'?"),
        (["run", "data", "--period", "2025-q3"], "did you mean '2025-Q3'?"),
        (["backfill", "data", "--from", "2025-W3", "--to", "2025-W05"], "did you mean '2025-W03'?"),
        (["run", "data", "--profile", "basline"], "did you mean 'baseline'?"),
        (["run", "data", "--profile", "zzz"], "profiles are baseline"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_near_miss_names_what_was_meant(told: Callable[..., str], arguments: list[str], said: str) -> None:
    assert said in told(*arguments)


@pytest.mark.parametrize(
    ("file", "environment", "said"),
    [
        (
            "",
            {"CHIMERA_TRUST_FILE_TIME": "1"},
            "CHIMERA_TRUST_FILE_TIME is no setting; did you mean 'trust_file_times'",
        ),
        ("", {"CHIMERA_LIMITS__MAX_ROW": "1"}, "CHIMERA_LIMITS__MAX_ROW: limits.max_row is no setting; did you mean "),
        ("sede = 1\n", {}, "chimera.toml: sede is no setting; did you mean 'seed'"),
        ("[limits]\nmax_column = 1\n", {}, "chimera.toml: limits.max_column is no setting; did you mean 'max_columns'"),
    ],
)
def test_a_misspelled_setting_names_its_place_and_the_nearest(
    told: Callable[..., str], tmp_path: Path, file: str, environment: dict[str, str], said: str
) -> None:
    (tmp_path / "chimera.toml").write_text(file)
    assert said in told("facts", **environment)


def test_a_period_without_a_report_names_those_that_have_one(told: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "chimera-out" / "reports" / "2025-09").mkdir(parents=True)
    (tmp_path / "chimera-out" / "reports" / "2025-09" / "facts.json").touch()
    assert "reports are there of 2025-09" in told("facts", "--period", "2025-10")


def completed(folder: Path, shell: str, line: str, **environment: str) -> list[str]:
    """What the shell would offer at the end of `line`, asked as its completion function asks."""
    if shell == "bash":
        words = line.split(" ")
        asked = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    else:
        asked = {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CHIMERA_")}
    variables = kept | asked | {"_CHIMERA_COMPLETE": f"complete_{shell}"} | environment
    done = subprocess.run([COMMAND], cwd=folder, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    found = done.stdout
    if shell == "zsh":
        return re.findall(r'"([^":]+)":', found) or re.findall(r'"([^"]+)"', found)
    return [entry.split("\t")[0] for entry in found.splitlines() if entry]


@pytest.mark.parametrize(
    ("shell", "line", "offered"),
    [
        ("bash", "chimera quar", {"quarantine"}),
        ("bash", "chimera run data --fail", {"--fail-on-regression"}),
        ("bash", "chimera run data --llm ol", {"ollama"}),
        ("bash", "chimera run data --profile chimera-", {"chimera-a"}),
        ("bash", "chimera run data --period ", {"all", "month", "week", "day", "quarter", "2025-09"}),
        ("zsh", "chimera profiles ", {"compare", "list"}),
        ("zsh", "chimera run data --period q", {"quarter"}),
        ("fish", "chimera quar", {"quarantine"}),
        ("fish", "chimera run data --llm ol", {"ollama"}),
    ],
)
def test_a_shell_completes_commands_options_and_values(
    tmp_path: Path, shell: str, line: str, offered: set[str]
) -> None:
    (tmp_path / "chimera-out" / "reports" / "2025-09").mkdir(parents=True)
    (tmp_path / "chimera-out" / "reports" / "2025-09" / "facts.json").touch()
    found = set(completed(tmp_path, shell, line))
    assert offered <= found
    assert all(word.startswith(line.split(" ")[-1]) for word in found)


def test_a_wrong_settings_file_does_not_break_completion(tmp_path: Path) -> None:
    assert completed(tmp_path, "bash", "chimera run data --period mo", CHIMERA_PERIODD="x") == ["month"]


def test_bash_itself_completes_with_the_script_that_is_installed(tmp_path: Path) -> None:
    script = (
        f'export PATH={Path(COMMAND).parent}:$PATH; eval "$(_CHIMERA_COMPLETE=source_bash chimera)"; '
        "COMP_WORDS=(chimera doc); COMP_CWORD=1; _chimera_completion chimera; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip(), done.stderr) == ("doctor", "")


def on_a_terminal(*arguments: str, cwd: Path, **environment: str) -> str:
    """What the command prints where stdout is a terminal."""
    parent, child = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "CI", "FORCE_COLOR")}
    process = subprocess.Popen(
        [COMMAND, *arguments], cwd=cwd, stdin=child, stdout=child, stderr=child,
        env=kept | {"TERM": "xterm-256color"} | environment,
    )  # fmt: skip
    os.close(child)
    chunks = []
    while True:
        try:
            chunk = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(parent)
    process.wait(60)
    return b"".join(chunks).decode("utf-8", "replace")


@pytest.mark.parametrize("arguments", [("--help",), ("rn",)])
def test_colours_are_for_terminals_and_obey_no_color(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert COLOUR.search(on_a_terminal(*arguments, cwd=tmp_path))
    assert not COLOUR.search(on_a_terminal(*arguments, cwd=tmp_path, NO_COLOR="1"))
    assert not COLOUR.search(on_a_terminal(*arguments, cwd=tmp_path, TERM="dumb"))
    done = chimera(*arguments, cwd=tmp_path)
    assert "\x1b" not in done.stdout + done.stderr


def test_the_flag_for_no_colours_is_as_the_variable(tmp_path: Path) -> None:
    plain, coloured = (on_a_terminal(*flag, "doctor", "--llm", "none", cwd=tmp_path) for flag in (["--no-color"], []))
    assert COLOUR.search(coloured)
    assert not COLOUR.search(plain)
    assert plain.startswith("ok ")
