"""The same artifacts in three reports: chosen by rule, by a model that asks, and by one that also writes.

The model is the scripted one of tests/doubles: it answers by what the lines of a prompt say, as a model that reads
would. Everything else is real: HTTP, prompts, grammar, verification, rendering and audit.

    python benchmarks/report_modes.py [ARTIFACTS] [--write docs/modes.md]
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chimera_pipeline import settings
from chimera_pipeline.orchestration.run import execute
from tests.doubles import capable_model
from tests.doubles.ollama_server import OllamaServer

MODES = (("rule", "none", "baseline"), ("ask", "ollama", "baseline"), ("prose", "ollama", "prose"))
TOLD = ("## Executive summary", "## 3. Key findings", "## 4. Recommendations")
INTRO = """# One set of results, three reports

Written by `python benchmarks/report_modes.py --write docs/modes.md` from `examples/artifacts`; a test fails
when this page is not what the program prints. The model is a scripted one that reads what it is shown
(`tests/doubles/capable_model.py`): the page shows what the modes allow a capable model to do, not how well a
given model does it.

**What a performance engineer gains.** By rule, the findings stand in the order of weight: each is true, and
none is the answer to a question. A model that asks puts the questions that precede a decision: which
configuration to deploy, where the time goes, what to measure next, what an option does, what the gaps forbid to
conclude. The report answers each with proved statements, or says that no fact answers it, which is worth
knowing too: it has not been measured. In prose, statements that belong together stand in one sentence, and a
limit stands beside the finding that it limits. The numbers come from the same facts in all three and carry
their labels; the audit supports every claim of each.
"""


def sections(report: str) -> str:
    """The sections that differ between modes, one heading level down."""
    parts = re.split(r"(?m)^(?=## )", report)
    return (
        "".join(part for part in parts if part.startswith(TOLD)).replace("\n## ", "\n#### ").replace("## ", "#### ", 1)
    )


def reports(artifacts: str, out: Path) -> dict[str, str]:
    """The Markdown of each mode over the same store."""
    found = {}
    for name, llm, profile in MODES:
        with OllamaServer(answer=capable_model.answer) as server:
            os.environ["OLLAMA_HOST"] = server.host
            chosen = settings.load(artifacts=artifacts, out=out, llm=llm, profile=profile)
            result = execute(chosen)
            assert (result["narrative"]["mode"] == "deterministic") == (name == "rule"), result["narrative"]
            text = Path(result["reports"][0]["md"]).read_text(encoding="utf-8")
            found[name] = text.replace(f":{server.host.rpartition(':')[2]}", ":PORT").replace(server.host, "HOST")
    return found


def page(artifacts: str) -> str:
    """The page of all three."""
    titles = {"rule": "Chosen by rule", "ask": "Mode `ask`", "prose": "Mode `prose`"}
    with tempfile.TemporaryDirectory() as folder:
        found = reports(artifacts, Path(folder) / "out")
    told = "\n\n".join(f"## {titles[name]}\n\n{sections(text).strip()}" for name, text in found.items())
    return re.sub(r"127\.0\.0\.1:`?\d+`?", "127.0.0.1:11434", f"{INTRO}\n{told}\n")


def main() -> None:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description="Three reports over the same artifacts.")
    parser.add_argument("artifacts", nargs="?", default="examples/artifacts")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    text = page(arguments.artifacts)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
