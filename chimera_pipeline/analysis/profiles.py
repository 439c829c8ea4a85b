"""Agent profiles and personas, from `schemas/profiles.yaml`, which documents every field.

Unknown keys and unknown names are errors that say what there is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chimera_pipeline import wording
from chimera_pipeline.analysis.providers.protocol import Deadlines, Options
from chimera_pipeline.contracts import schemas
from chimera_pipeline.errors import ContractError, UsageError

SMALL_CONTEXT = 1024

_Model = TypeVar("_Model", bound=BaseModel)


class Persona(BaseModel):
    """Who the model is told to be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    prompt: str
    brief: str
    max_words: int | None = Field(None, gt=0)

    def text(self, num_ctx: int) -> str:
        """The persona as it is sent with a context of `num_ctx` tokens."""
        return (self.brief if num_ctx < SMALL_CONTEXT else self.prompt).strip()


class _Bounds(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_s: float = Field(3.0, gt=0)
    first_token_s: float = Field(120.0, gt=0)
    idle_s: float = Field(60.0, gt=0)
    total_s: float = Field(300.0, gt=0)
    max_bytes: int = Field(1 << 20, gt=0)


class Profile(BaseModel):
    """Options and personas of a run; the fields are documented in `schemas/profiles.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    model: str | None = None
    num_gpu: int | None = Field(None, ge=0)
    num_ctx: int = Field(ge=256)
    temperature: float = Field(0.0, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=0)
    repeat_penalty: float | None = Field(None, gt=0)
    seed: int = 7
    mode: Literal["auto", "select", "ask", "prose"] = "auto"
    menu_limit: int = Field(24, ge=3, le=60)
    max_findings: int = Field(6, ge=1, le=12)
    collector: Persona
    analyst: Persona
    bounds: _Bounds = Field(default_factory=_Bounds, alias="deadlines")

    @property
    def deadlines(self) -> Deadlines:
        """Bounds of one call."""
        return Deadlines(**self.bounds.model_dump())

    def options(self, num_predict: int, *, seed: int | None = None, temperature: float | None = None) -> Options:
        """The options of one call with room for `num_predict` tokens."""
        return Options(
            num_ctx=self.num_ctx,
            num_predict=num_predict,
            seed=self.seed if seed is None else seed,
            temperature=self.temperature if temperature is None else temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            repeat_penalty=self.repeat_penalty,
            num_gpu=self.num_gpu,
        )

    def shown(self) -> dict[str, int | float | str]:
        """The options as a report shows them; what is not set reads "default"."""
        keys = ("num_gpu", "num_ctx", "temperature", "top_p", "top_k", "repeat_penalty", "seed")
        return {key: "default" if getattr(self, key) is None else getattr(self, key) for key in keys}


def load(name: str, path: Path | None = None, *, seed: int | None = None) -> Profile:
    """The profile called `name`, from the file `path` or from the shipped one, with another seed where one is given.

    Raises UsageError for an unknown name, ContractError for a wrong file.
    """
    found = every(path)
    if name in found:
        profile = found[name]
        return profile if seed is None else profile.model_copy(update={"seed": seed})
    raise UsageError(f"profile {name!r} does not exist{wording.did_you_mean(name, found, 'profiles')}")


def every(path: Path | None = None) -> dict[str, Profile]:
    """The shipped profiles and those of `path`, which come first where names are equal. Raises ContractError."""
    shipped = profiles(schemas.folder() / "profiles.yaml")
    return shipped if path is None else {**shipped, **profiles(path)}


@lru_cache(maxsize=8)
def profiles(path: Path) -> dict[str, Profile]:
    """Every profile of a file by name. Raises ContractError naming file, entry and key."""
    document = schemas.load(path)
    if not isinstance(document, dict) or set(document) != {"personas", "profiles"}:
        raise ContractError(f"{path.name}: expected the keys personas and profiles")
    personas = {name: _built(path, f"personas.{name}", Persona, entry) for name, entry in document["personas"].items()}
    out = {}
    for name, entry in document["profiles"].items():
        fields = dict(entry)
        for agent in ("collector", "analyst"):
            if fields.get(agent) not in personas:
                raise ContractError(
                    f"{path.name}: profiles.{name}.{agent} is {fields.get(agent)!r}, expected one of "
                    f"{', '.join(sorted(personas))}"
                )
            fields[agent] = personas[fields[agent]]
        out[name] = _built(path, f"profiles.{name}", Profile, {"name": name, **fields})
    return out


def _built(path: Path, where: str, kind: type[_Model], entry: Any) -> _Model:
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ContractError(f"{path.name}: {where}.{key}: {first['msg'].lower()}") from error
