"""Coverage-guided fuzzing of what touches the bytes of a file; run by hand, for as long as one likes.

    python -m tests.hostile.fuzz json --seconds 300

Targets: json, lines, csv, yaml, markdown, text, and registry (every reader). A finding is any exception but
ArtifactError, an input of more than ten seconds, or one that needs more than 1 GiB. It starts from the samples of
every format; what it finds belongs into `entries.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

TARGETS = ("json", "lines", "csv", "yaml", "markdown", "text", "registry")


def main() -> None:
    """Fuzz one target until the time is over or something is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()

    import atheris

    with atheris.instrument_imports(include=["chimera_pipeline.readers", "chimera_pipeline.redact"]):
        from chimera_pipeline.errors import ArtifactError
        from chimera_pipeline.readers import registry
        from chimera_pipeline.readers.document import Document
    from chimera_pipeline.records import Format
    from chimera_pipeline.settings import Limits
    from tests.unit.readers.samples import collected

    limits = Limits()
    formats = list(Format)

    def one(data: bytes) -> None:
        if not data:
            return
        if chosen.target == "registry":
            reading = registry.read(data[1:], formats[data[0] % len(formats)], limits)
            registry.decode(registry.encode(reading))
            return
        document = Document(data)
        ask = {
            "json": lambda: document.json,
            "lines": lambda: document.json_lines,
            "csv": lambda: document.csv,
            "yaml": lambda: document.yaml,
            "markdown": lambda: document.markdown_tables,
            "text": lambda: document.text,
        }[chosen.target]
        with contextlib.suppress(ArtifactError):
            ask()

    with tempfile.TemporaryDirectory() as seeds:
        for number, sample in enumerate(collected()):
            head = bytes([formats.index(sample.format)]) if chosen.target == "registry" else b""
            (Path(seeds) / str(number)).write_bytes(head + sample.data[:8192])
        bounds = [f"-max_total_time={chosen.seconds}", "-timeout=10", "-rss_limit_mb=1024", "-max_len=16384"]
        atheris.Setup([sys.argv[0], *bounds, seeds], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
