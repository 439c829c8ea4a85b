"""Which provider serves, the endpoint that speaks chat completions, and the model inside the process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chimera_pipeline.analysis import gpu, profiles, recommendations
from chimera_pipeline.analysis.analyse import analyse
from chimera_pipeline.analysis.calls import Caller
from chimera_pipeline.analysis.model import Mode
from chimera_pipeline.analysis.probe import from_json, known, probe, to_json
from chimera_pipeline.analysis.providers import embedded, llamacpp
from chimera_pipeline.analysis.providers.choose import Where, choose
from chimera_pipeline.analysis.providers.openai import OpenAI
from chimera_pipeline.analysis.providers.protocol import Deadlines, Failure, Message, ModelError, Options
from chimera_pipeline.errors import ContractError, UsageError
from tests.doubles import capable_model
from tests.doubles.ollama_server import MODEL, OllamaServer
from tests.doubles.openai_server import OpenAIServer
from tests.unit.analysis import material
from tests.unit.analysis.material import FOLLOWS, NOW, READS, by_id, quick

# -- choice --------------------------------------------------------------------------------------


def test_auto_takes_ollama_where_it_has_the_model(tmp_path: Path) -> None:
    with OllamaServer() as server:
        found = choose("auto", MODEL, Where(tmp_path, ollama_host=server.host))
    assert found.provider is not None
    assert found.why.startswith("Ollama at http://127.0.0.1:")
    assert found.why.endswith("serves gemma3:latest")


def test_auto_says_why_it_went_on_to_the_model_inside_the_process(tmp_path: Path) -> None:
    with OllamaServer(models=("other:1b",)) as server:
        found = choose("auto", MODEL, Where(tmp_path, ollama_host=server.host))
    assert "model gemma3:latest is not on ollama" in found.why
    assert "inside the process" in found.why


def test_a_provider_asked_for_by_name_never_gives_way_to_another(tmp_path: Path) -> None:
    found = choose("ollama", MODEL, Where(tmp_path, ollama_host="127.0.0.1:1"))
    assert found.provider is None
    assert "ollama serve" in found.why


@pytest.mark.parametrize(
    ("llm", "says"),
    [("none", "no model was asked for"), ("openai", "needs a base URL"), ("llamacpp", "does not exist")],
)
def test_no_provider_comes_with_a_sentence(llm: str, says: str, tmp_path: Path) -> None:
    found = choose(llm, "no-such-file.gguf" if llm == "llamacpp" else None, Where(tmp_path))
    assert found.provider is None
    assert says in found.why


def test_an_unknown_provider_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        choose("gpt", None, Where(tmp_path))


# -- chat completions ----------------------------------------------------------------------------


def test_an_openai_endpoint_serves_the_same_analysis() -> None:
    with OpenAIServer(answer=capable_model.answer) as server:
        provider = OpenAI("tiny", server.url, key="k")
        found = analyse(
            material.statements(), provider=provider, profile=quick(), facts=by_id(material.facts()), now=lambda: NOW
        )
        assert server.keys[0] == "Bearer k"
        assert server.bodies[0]["response_format"]["json_schema"]["strict"] is True
    assert found.mode is Mode.ASK
    assert found.calls[0]["load_s"] is None
    assert found.calls[0]["ttft_s"] > 0


@pytest.mark.parametrize(
    ("mode", "says"),
    [("500", "failed (status 500)"), ("truncated", "was cut off"), ("error_mid", "reported an error in the middle")],
)
def test_a_failing_endpoint_is_explained(mode: str, says: str) -> None:
    with OpenAIServer(mode) as server:
        found = analyse(
            material.statements(),
            provider=OpenAI("tiny", server.url),
            profile=quick(mode="select"),
            probe=READS.__class__(None, "content"),
            now=lambda: NOW,
            wait=lambda _: None,
        )
    assert found.mode is Mode.DETERMINISTIC
    assert says in found.reason
    assert "sk-" not in repr(found)


def test_a_model_that_the_endpoint_lacks_is_named() -> None:
    with OpenAIServer() as server, pytest.raises(ModelError, match="model huge is not on"):
        OpenAI("huge", server.url).describe()


# -- inside the process --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (llamacpp.available() and embedded.installed()):
        pytest.skip("the extra llamacpp is not installed")
    return embedded.locate(tmp_path_factory.mktemp("model"))


@pytest.mark.slow
def test_the_embedded_model_chooses_and_opens_no_port(gguf: Path) -> None:
    weights = embedded.DEFAULT
    provider = llamacpp.LlamaCpp(gguf, name=weights.name, digest=weights.sha256)
    facts = material.facts()
    found = analyse(
        material.statements(),
        recommendations.offer(facts, material.gaps()),
        provider=provider,
        profile=profiles.load("baseline"),
        facts=by_id(facts),
        now=lambda: NOW,
    )
    listening = _listening_ports()
    provider.close()
    assert found.mode is Mode.SELECT, found.reason
    assert listening == set()
    assert found.model.digest == f"sha256:{weights.sha256}"
    row = found.calls[-1]
    assert row["prompt_tokens"] > 50
    assert row["eval_s"] > 0


@pytest.mark.slow
def test_a_gpu_that_was_asked_for_and_is_not_there_is_told(gguf: Path) -> None:
    import xllamacpp

    kinds = [device["type"].name for device in xllamacpp.get_device_info()]
    if any(kind.endswith("GPU") for kind in kinds):
        pytest.skip(f"this machine has a GPU: {kinds}")
    provider = llamacpp.LlamaCpp(gguf)
    try:
        provider.chat([Message("user", "hi")], None, Options(512, 4, 1, num_gpu=99), Deadlines())
        info = provider.describe()
    finally:
        provider.close()
    assert info.device == "cpu"
    assert [gap.kind for gap in gpu.unused(profiles.load("chimera-a"), info)] == ["no_gpu_used"]


def test_gpus_are_known_by_the_name_of_their_type(gguf: Path) -> None:
    from xllamacpp import ggml_backend_dev_type as kinds

    seen = {kind.name: llamacpp._sees_gpu([{"type": kind}]) for kind in kinds}
    assert sorted(name for name, found in seen.items() if found) == [
        "GGML_BACKEND_DEVICE_TYPE_GPU",
        "GGML_BACKEND_DEVICE_TYPE_IGPU",
    ]


def test_the_probe_that_travels_with_the_package_is_what_the_model_does(gguf: Path) -> None:
    weights = embedded.DEFAULT
    provider = llamacpp.LlamaCpp(gguf, name=weights.name, digest=weights.sha256)
    caller = Caller(provider, profiles.load("baseline"), provider.describe(), "analyst", "all", lambda: NOW)
    assert probe(caller) == known(f"sha256:{weights.sha256}", None)
    provider.close()


@pytest.mark.slow
def test_a_prompt_larger_than_the_context_and_a_late_answer_are_refused(gguf: Path) -> None:
    provider = llamacpp.LlamaCpp(gguf)
    long = [Message("user", "word " * 900)]
    with pytest.raises(ModelError) as caught:
        provider.chat(long, None, Options(512, 16, 1), Deadlines())
    assert caught.value.kind is Failure.CONTEXT_EXCEEDED
    with pytest.raises(ModelError) as caught:
        provider.chat(long[:1], None, Options(2048, 16, 1), Deadlines(first_token_s=0.01))
    assert caught.value.kind is Failure.FIRST_TOKEN_TIMEOUT
    assert provider.chat([Message("user", "hi")], None, Options(512, 4, 1), Deadlines()).output_tokens > 0
    provider.close()


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    if not llamacpp.available():
        pytest.skip("the extra llamacpp is not installed")
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(ModelError, match="could not be loaded"):
        llamacpp.LlamaCpp(path).chat([Message("user", "hi")], None, Options(512, 4, 1), Deadlines())


def test_a_model_file_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    if not embedded.installed():
        pytest.skip("the extra llamacpp is not installed")
    weights = embedded.DEFAULT
    wrong = tmp_path / f"{weights.name}-{weights.sha256[:12]}.gguf"
    with wrong.open("wb") as stream:
        stream.truncate(weights.size_bytes)
    with pytest.raises(ModelError, match="sha256 differs"):
        embedded.locate(tmp_path)


def _listening_ports() -> set[int]:
    """TCP ports that this process listens on."""
    inodes = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports


# -- profiles, probe, recommendations ------------------------------------------------------------


def test_the_seeds_configuration_is_ready_and_shown() -> None:
    shown = profiles.load("chimera-a").shown()
    assert shown["num_gpu"] == 80
    assert shown["num_ctx"] == 512
    assert shown["temperature"] == 1.0
    assert shown["top_p"] == "default"
    assert "DataCollector-9000" in profiles.load("chimera-a").collector.prompt


def test_an_unknown_profile_or_key_is_an_error_that_helps(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'baseline'"):
        profiles.load("basline")
    path = tmp_path / "mine.yaml"
    path.write_text(
        "personas: {p: {name: P, prompt: x, brief: y}}\n"
        "profiles: {a: {description: d, num_ctx: 512, collector: p, analyst: p, temprature: 1}}\n"
    )
    with pytest.raises(ContractError, match=r"profiles\.a\.temprature"):
        profiles.load("a", path)


def test_a_probe_survives_its_json() -> None:
    assert from_json(to_json(FOLLOWS)) == FOLLOWS
    assert from_json({"x": 1}) is None


def test_only_recommendations_whose_precondition_holds_are_offered() -> None:
    facts = material.facts()
    found = {item.id: item for item in recommendations.offer(facts, material.gaps())}
    assert set(found) == {
        "gap-no_warmup_info",
        "field-output_tokens",
        "gap-field-output_tokens",
        "keep-loaded",
        "repeat-single",
    } & set(found)
    assert found["gap-no_warmup_info"].fact_ids == ("f6",)
    assert found["gap-no_warmup_info"].gaps == (("no_warmup_info", "runs.csv", "load_s"),)
    assert found["keep-loaded"].fact_ids == ("f3", "f4")
    assert recommendations.offer([], []) == []


def test_a_row_says_on_which_device_the_model_ran() -> None:
    with OllamaServer(answer=capable_model.answer, gpu_share=0.5) as server:
        provider = choose("ollama", MODEL, Where(Path(), ollama_host=server.host)).provider
        found = analyse(material.statements(), provider=provider, profile=quick(), probe=READS, now=lambda: NOW)
    assert found.calls[0]["hardware"] == "gpu"
    assert found.model.gpu_share == 0.5
