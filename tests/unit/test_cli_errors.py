"""What the command says of an error: one line, or with --debug and for a defect where it was raised, never a secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chimera_pipeline.cli import entry
from chimera_pipeline.errors import InputError
from chimera_pipeline.orchestration.auditing import audit_file

SECRET = "sk-qzxwvkqzxwvkqzxwvk12"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIqzxwvk\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("error", "debug", "code"),
    [(InputError(f"cannot read {SECRET}"), True, 74), (KeyError(f"api_key={SECRET}\x1b[31m"), False, 1),
     (ValueError(f"https://bob:qzxwvk99@host/ {KEY}"), False, 1)],
)  # fmt: skip
def test_an_error_of_any_library_is_shown_without_secrets_and_control_characters(
    error: Exception, debug: bool, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(entry.DEBUG, "1" if debug else "")
    with pytest.raises(SystemExit) as ended, entry.orderly():
        raise error
    said = capsys.readouterr().err
    assert ended.value.code == code
    assert "qzxwvk" not in said
    assert "Traceback" in said
    assert type(error).__name__ in said
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", said)


def test_what_a_library_meets_on_the_disk_is_one_line_and_no_defect(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, entry.orderly():
        raise OSError(28, "No space left on device", "/out/x\x1b.parquet")
    assert ended.value.code == 74
    assert capsys.readouterr().err == "chimera: /out/x\\x1b.parquet: No space left on device\n"


@pytest.mark.parametrize("hidden", ["\x1b[31m{}\x1b[0m", "\u200b{}", "\x1b]0;title\x07{}", "9\u200b99.9"])
def test_a_number_that_a_reader_sees_is_audited_whatever_is_hidden_in_it(tmp_path: Path, hidden: str) -> None:
    facts = (
        '{"schema_version": "1.0", "facts": [{"metric": "mean decode throughput", "entity": "tiny:1b", '
        '"value": 102.2, "unit": "tokens/s", "n": 5}]}'
    )
    (tmp_path / "facts.json").write_text(facts)
    report = tmp_path / "report.md"
    report.write_text(
        f"The mean decode throughput of tiny:1b is {hidden.format('999.9')} tokens/s.\n", encoding="utf-8"
    )
    found = audit_file(report, out=tmp_path, facts=tmp_path / "facts.json")
    assert str(found.verdict) == "contradicted"
    assert "\x1b" not in found.sentences[0].text
