from __future__ import annotations

import re
from pathlib import Path

import pytest

from chimera_pipeline import settings
from chimera_pipeline.errors import SettingsError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without chimera.toml, and no settings in the environment."""
    import os

    for variable in [name for name in os.environ if name.startswith(settings.PREFIX)]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def toml(text: str) -> None:
    Path(settings.CONFIG_FILE).write_text(text, encoding="utf-8")


def test_defaults_need_nothing() -> None:
    found = settings.load()
    assert found.artifacts == "examples/artifacts"
    assert found.limits.max_rows == 5_000_000
    assert found.sources is None


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings.load().period == "month"
    toml('period = "week"\nstart = "2024-01-01"\n')
    assert settings.load().period == "week"
    monkeypatch.setenv("CHIMERA_PERIOD", "day")
    assert settings.load().period == "day"
    assert settings.load(period="quarter").period == "quarter"
    assert settings.load(period=None).period == "day"
    assert settings.load().start == "2024-01-01"


def test_limits_can_be_set_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    toml("[limits]\nmax_columns = 10\n")
    monkeypatch.setenv("CHIMERA_LIMITS__MAX_ROWS", "7")
    found = settings.load().limits
    assert (found.max_columns, found.max_rows, found.max_depth) == (10, 7, 64)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('perod = "day"\n', "perod is no setting; did you mean 'period'?"),
        ("[limits]\nmax_row = 3\n", "limits.max_row is no setting"),
        ("zzz = 1\n", "zzz is no setting; settings are"),
        ('period = "year"\n', "chimera.toml: period = 'year'"),
        ("settle_seconds = -1\n", "chimera.toml: settle_seconds = -1"),
        ("[limits]\nmax_rows = 0\n", "chimera.toml: limits.max_rows = 0"),
        ("period = \n", "chimera.toml"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_key_and_value(text: str, said: str) -> None:
    toml(text)
    with pytest.raises(SettingsError) as caught:
        settings.load()
    assert said in str(caught.value)


def test_an_unknown_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIMERA_PROFLE", "x")
    with pytest.raises(SettingsError, match="CHIMERA_PROFLE is no setting; did you mean 'profile'"):
        settings.load()


def test_an_unknown_flag_is_an_error() -> None:
    with pytest.raises(SettingsError, match="outt is no setting; did you mean 'out'"):
        settings.load(outt="x")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load().out = Path("elsewhere")  # type: ignore[misc]


def test_every_setting_says_what_it_is() -> None:
    for model in (settings.Settings, settings.Limits):
        assert [name for name, field in model.model_fields.items() if name != "limits" and not field.description] == []


def test_the_template_uncommented_gives_the_defaults(tmp_path: Path) -> None:
    optional = {name for name, field in settings.Settings.model_fields.items() if field.default is None}
    text = re.sub(r"^# (\w+ = |\[)", r"\1", settings.template(), flags=re.MULTILINE)
    kept = [line for line in text.splitlines() if line.partition(" = ")[0] not in optional]
    (tmp_path / "chimera.toml").write_text("\n".join(kept), encoding="utf-8")
    assert "max_rows = 5000000" in kept
    assert settings.load() == settings.Settings.model_construct()


def test_the_template_as_written_changes_nothing_and_names_every_setting(tmp_path: Path) -> None:
    before = settings.load()
    (tmp_path / "chimera.toml").write_text(settings.template(), encoding="utf-8")
    assert settings.load() == before
    assert [name for name in settings.Settings.model_fields if name not in settings.template()] == []


def test_a_bad_value_names_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    toml('settle_seconds = "soon"\n')
    with pytest.raises(SettingsError, match=r"^chimera\.toml: settle_seconds = 'soon'"):
        settings.load()
    monkeypatch.setenv("CHIMERA_SETTLE_SECONDS", "later")
    with pytest.raises(SettingsError, match=r"^environment variable CHIMERA_SETTLE_SECONDS: settle_seconds = 'later'"):
        settings.load()
    with pytest.raises(SettingsError, match=r"^--settle_seconds: settle_seconds = 'never'"):
        settings.load(settle_seconds="never")


def test_text_without_quotes_says_how_it_is_written() -> None:
    toml("period = month\n")
    with pytest.raises(SettingsError, match=r'line 1.*name = "value"'):
        settings.load()


@pytest.mark.parametrize(
    "line", ['alerts = "slack://qzxwvk/qzxwvk"', "openai_key = ['qzxwvk']", "alerts = [['qzxwvk']]"]
)
def test_a_wrong_value_of_a_setting_that_holds_secrets_is_not_quoted(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chimera.toml").write_text(line)
    with pytest.raises(SettingsError, match=r"chimera\.toml: .*not shown") as raised:
        settings.load()
    assert "qzxwvk" not in str(raised.value)
