"""Every setting, in one model: flag > environment `CHIMERA_*` > `chimera.toml` > default.

Unknown keys are errors that name the nearest known key. Nothing is read at import.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from chimera_pipeline import wording
from chimera_pipeline.errors import SettingsError

CONFIG_FILE = "chimera.toml"
PREFIX = "CHIMERA_"


class Limits(BaseModel):
    """Bounds that hold before and while a file is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_file_bytes: int = Field(64 * 2**20, gt=0, description="Larger files are skipped; a csv is summed up.")
    max_csv_bytes: int = Field(8 * 2**30, gt=0, description="A larger csv is skipped, with the reason.")
    max_line_bytes: int = Field(2**20, gt=0, description="Longest line of a csv or jsonl file.")
    max_columns: int = Field(2_000, gt=0, description="Most columns of a csv file.")
    max_rows: int = Field(5_000_000, gt=0, description="Most rows of a csv or jsonl file.")
    max_depth: int = Field(64, gt=0, description="Deepest nesting of a json file.")
    max_nodes: int = Field(1_000_000, gt=0, description="Most values of a json file.")
    max_markdown_bytes: int = Field(2**20, gt=0, description="Largest markdown file that is searched for tables.")


class Settings(BaseSettings):
    """The settings of a run."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        toml_file=CONFIG_FILE,
        extra="forbid",
        frozen=True,
    )

    artifacts: str = Field("examples/artifacts", description="Folder, file or URI that holds the result files.")
    out: Path = Field(Path("chimera-out"), description="Folder of tables, reports and the manifest.")
    publish_to: str | None = Field(
        None, description="Where a copy of what is published goes: s3://bucket/prefix; a prefix for each output folder."
    )
    publish_keep: int = Field(3, ge=1, description="Generations of that copy that are kept, the current one included.")
    period: Literal["month", "week", "day", "quarter"] = Field(
        "month", description="Kind of report period of the Dagster partitions."
    )
    start: str = Field("2025-01-01", description="First day of the first report period.")
    settle_seconds: float = Field(
        0.0,
        ge=0,
        description="A file younger than this is left for the next run: it may still be written.",
    )
    trust_file_times: bool = Field(
        False,
        description="Let measurements dated only by file time enter changes, trends and history.",
    )
    history_periods: int = Field(
        12,
        ge=0,
        description="Earlier periods that the history checks hold a period against (3 at least); 0 turns them off.",
    )
    expected_dirs: list[str] = Field(
        default_factory=list, description="Folders under the root that must hold benchmark files."
    )
    sources: Path | None = Field(None, description="Folder with declarative sources of your own (YAML).")
    llm: Literal["auto", "ollama", "llamacpp", "openai", "none"] = Field(
        "auto", description="Who chooses among the proved statements."
    )
    model: str | None = Field(None, description="Model name for the chosen provider.")
    profile: str = Field("baseline", description="Agent profile.")
    profiles: Path | None = Field(None, description="File with agent profiles of your own, beside the shipped ones.")
    seed: int | None = Field(
        None, description="Seed of the model and of the order it is shown; default: the profile's."
    )
    openai_url: str | None = Field(None, description="Base URL of an OpenAI-compatible server.")
    openai_key: SecretStr | None = Field(None, description="Key for that server.")
    llm_hosts: list[str] = Field(
        default_factory=list, description="Hosts beside loopback that a model server may run on."
    )
    s3_http_hosts: list[str] = Field(
        default_factory=list, description="Hosts beside loopback whose bucket endpoint may be asked without TLS."
    )
    gguf: Path | None = Field(None, description="Model file for the provider llamacpp.")
    slo_ttft_s: float | None = Field(None, gt=0, description="Longest TTFT of a request that counts as goodput.")
    slo_tpot_s: float | None = Field(
        None, gt=0, description="Longest time per output token after the first of a request that counts as goodput."
    )
    slo_e2e_s: float | None = Field(None, gt=0, description="Longest total time of a request that counts as goodput.")
    workers: int = Field(0, ge=0, description="Processes that read artifacts; 0 is one for each core.")
    sensor_seconds: int = Field(30, ge=1, description="Least seconds between two looks of a sensor.")
    quarantine_share: float = Field(
        0.25, ge=0, le=1, description="Share of benchmark files in quarantine above which the check warns."
    )
    max_age_days: float | None = Field(
        None, gt=0, description="Age of the newest measurement above which the freshness check warns; none: no limit."
    )
    alerts: list[SecretStr] = Field(
        default_factory=list,
        description="Apprise URLs that are told of failed runs, regressions and too many files in quarantine.",
    )
    ui_url: str = Field("http://127.0.0.1:3000", description="Address of the Dagster UI, for links in alerts.")
    engine: Literal["local", "ray", "k8s"] = Field(
        "local",
        description="Where the steps of jobs run: processes of this machine, the cluster of RAY_ADDRESS, pods.",
    )
    model_gpus: float = Field(
        1.0, ge=0, description="GPUs that a step which asks a model takes of a cluster; 0 where the model is elsewhere."
    )
    retry_delay_s: float = Field(
        30.0,
        ge=0,
        description="Pause before a step whose process or machine was lost runs again (engines ray, k8s).",
    )
    limits: Limits = Field(default_factory=Limits, description="Bounds on what is read.")

    @property
    def slo(self) -> dict[str, float]:
        """The service level objective: metric of a request -> longest time in seconds; {} where none is set."""
        wanted = {"ttft_s": self.slo_ttft_s, "tpot_s": self.slo_tpot_s, "total_s": self.slo_e2e_s}
        return {metric: limit for metric, limit in wanted.items() if limit is not None}

    def portable(self) -> Settings:
        """The same settings for a process that starts in another folder or on another machine: absolute paths, and
        no secrets, which that process has in its own environment.
        """
        paths = {name: getattr(self, name) for name in ("out", "sources", "profiles", "gguf")}
        absolute: dict[str, Any] = {name: path.resolve() for name, path in paths.items() if path is not None}
        if "://" not in self.artifacts:
            absolute["artifacts"] = str(Path(self.artifacts).resolve())
        return self.model_copy(update={**absolute, "openai_key": None, "alerts": []})

    def environment(self) -> dict[str, str]:
        """The variables that lead to `portable()` again; what is not set here may be set there, as a key."""
        values = self.portable().model_dump(mode="json", exclude_none=True)
        return {
            PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value)
            for name, value in values.items()
        }

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags first, then the environment, then the project file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(**flags: Any) -> Settings:
    """The settings with `flags` on top; flags that are None count as not given. Raises SettingsError."""
    known = set(Settings.model_fields)
    for variable in os.environ:
        key = variable.removeprefix(PREFIX).split("__")[0].lower()
        if variable.startswith(PREFIX) and key not in known:
            raise SettingsError(f"environment variable {variable} is no setting{_did_you_mean(key)}")
    given = {key: value for key, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(_explain(error, given)) from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f'{CONFIG_FILE}: {error}; text stands in quotes: name = "value"') from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"{CONFIG_FILE}: {error}") from error


def places() -> list[str]:
    """Where settings other than flags come from here: the file, and the variables by name."""
    found = [CONFIG_FILE] if Path(CONFIG_FILE).is_file() else []
    return found + sorted(variable for variable in os.environ if variable.startswith(PREFIX))


def _explain(error: ValidationError, flags: Collection[str]) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            lines.append(f"{_place(key, flags)}: {key} is no setting{_did_you_mean(key)}")
        else:
            lines.append(f"{_place(key, flags)}: {key} = {_shown(key, problem['input'])}: {problem['msg'].lower()}")
    return "; ".join(lines)


def _shown(key: str, value: object) -> str:
    """A wrong value as a message quotes it; of a setting that holds secrets it is not quoted."""
    field = Settings.model_fields.get(key.split(".")[0])
    return "(not shown)" if field is not None and "SecretStr" in str(field.annotation) else repr(value)


def _place(key: str, flags: Collection[str]) -> str:
    """Where the value of a setting came from: a flag comes before the environment, and that before the file."""
    if key in flags:
        return f"--{key}"
    variable = PREFIX + key.replace(".", "__").upper()
    if variable in os.environ:
        return f"environment variable {variable}"
    return CONFIG_FILE


def _did_you_mean(key: str) -> str:
    table, _, leaf = key.rpartition(".")
    return wording.did_you_mean(leaf, Limits.model_fields if table == "limits" else Settings.model_fields, "settings")


def template() -> str:
    """A `chimera.toml` that says every setting, its default and its meaning, all commented out."""
    lines = ["# Settings of chimera_pipeline. A flag and the environment (CHIMERA_NAME) come before this file.", ""]
    tables = []
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            tables += [f"# {field.description}", f"# [{name}]"]
            for key, leaf in type(default).model_fields.items():
                tables += [f"# {leaf.description}", f"# {key} = {_toml(leaf.default)}"]
            tables.append("")
        else:
            lines += [f"# {field.description}", f"# {name} = {_toml(default)}", ""]
    return "\n".join([*lines, *tables])


def _toml(value: Any) -> str:
    """A default as TOML; where there is none, an empty string to be filled in."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return json.dumps([str(item) for item in value])
    return json.dumps("" if value is None else str(value))
