"""Where the wiring looks for models."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera_pipeline import settings as settings_module
from chimera_pipeline.orchestration import agents


def test_the_embedded_model_is_put_together_once_for_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chosen = settings_module.load(out=tmp_path / "out")
    assert agents.where(chosen).cache == tmp_path / "cache" / "chimera_pipeline"


def test_without_a_cache_folder_the_output_folder_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chosen = settings_module.load(out=tmp_path / "out")
    assert agents.where(chosen).cache == tmp_path / "out" / ".chimera" / "models"


def test_the_address_of_ollama_is_taken_from_its_own_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9999")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert agents.where(settings_module.load(out=tmp_path / "out")).ollama_host == "127.0.0.1:9999"
