"""Nothing in the package turns data into code: no pickle, no unsafe YAML, no eval, no shell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from chimera_pipeline.contracts import schemas

PACKAGE = Path(__file__).resolve().parents[2] / "chimera_pipeline"
MODULES = frozenset({"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle", "jsonpickle", "xmlrpc"})
CALLS = frozenset({"eval", "exec", "compile", "__import__", "breakpoint"})
METHODS = frozenset(
    ["yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "yaml.UnsafeLoader", "yaml.Loader",
     "yaml.FullLoader", "os.system", "os.popen", "torch.load", "numpy.load", "np.load", "pd.read_pickle",
     "pandas.read_pickle", "pd.read_hdf", "tempfile.mktemp", "ssl._create_unverified_context", "pd.eval"]
)  # fmt: skip


def findings(source: str) -> list[str]:
    """What `source` uses of the above, as "line: what"."""
    found = []
    for node in ast.walk(ast.parse(source)):
        here = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            found += [f"{here}: import {a.name}" for a in node.names if a.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(f"{here}: from {node.module}")
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in METHODS:
            found.append(f"{here}: {ast.unparse(node)}")
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS or (name == "yaml.load" and "Loader" not in {one.arg for one in node.keywords}):
                found.append(f"{here}: {name}()")
            for keyword in node.keywords:
                value = keyword.value
                if keyword.arg == "shell" and not (isinstance(value, ast.Constant) and value.value is False):
                    found.append(f"{here}: shell=")
                if keyword.arg == "allow_pickle":
                    found.append(f"{here}: allow_pickle=")
                if keyword.arg == "verify" and isinstance(value, ast.Constant) and value.value is False:
                    found.append(f"{here}: verify=False")
    return found


def test_the_package_turns_no_data_into_code() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{one}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for one in findings(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from joblib import load", "yaml.load(text)", "eval(text)", "os.system(text)",
        "subprocess.run(text, shell=True)", "np.load(path, allow_pickle=True)", "requests.get(url, verify=False)",
        "pd.read_pickle(path)", "exec(text)",
    ],
)  # fmt: skip
def test_each_of_them_would_be_found(source: str) -> None:
    assert findings(source)


def test_yaml_is_parsed_with_safe_loaders_alone() -> None:
    loaders = {
        ast.unparse(keyword.value)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "Loader"
    }
    assert loaders == {"loader", "_Loader", "getattr(yaml, 'CSafeLoader', yaml.SafeLoader)"}
    assert issubclass(schemas._Loader, yaml.SafeLoader | yaml.CSafeLoader)
    assert "loader: Any = yaml.SafeLoader" in (PACKAGE / "readers/marked_yaml.py").read_text(encoding="utf-8")
