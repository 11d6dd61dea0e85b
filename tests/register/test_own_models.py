"""``--register MyModel=my_models``: what is refused ahead, what its source is, what another process does."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recbole_ktrec import register, register_model
from recbole_ktrec.errors import ConfigError
from recbole_ktrec.register.models import model_class
from recbole_ktrec.register.own_models import register_own
from recbole_ktrec.register.own_source import own_source, restore
from recbole_ktrec.register.properties import model_files
from tests.register.conftest import SOURCE

Write = Callable[[dict[str, str]], None]


@pytest.fixture
def write(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """A function that writes files into the current folder; what they made is gone after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    models, modules = dict(register.MODELS), set(sys.modules)

    def do(files: dict[str, str]) -> None:
        for name, text in files.items():
            Path(name).parent.mkdir(exist_ok=True)
            Path(name).write_text(text)

    yield do
    register.MODELS.clear()
    register.MODELS.update(models)
    for name in set(sys.modules) - modules:
        if name.partition(".")[0] in ("own_a", "own_b", "own_pack") or name.endswith(".tinytower"):
            del sys.modules[name]


def test_a_model_is_found_from_the_current_folder_with_the_file_beside_it(write: Write) -> None:
    write({"own_a.py": SOURCE, "TinyTower.yaml": "tiny_width: 6\n"})
    assert register_own(["TinyTower=own_a"]) == ["TinyTower"] == register_own(["TinyTower=own_a"])
    assert model_class("TinyTower").__module__ == "own_a" and sys.path[0] == os.getcwd()
    assert model_files("TinyTower") == [Path("TinyTower.yaml").resolve()]


@pytest.mark.parametrize(("base", "kind"), [("Sequential", "sequential"), ("Knowledge", "knowledge_aware")])
def test_the_kind_is_that_of_its_base(write: Write, base: str, kind: str) -> None:
    write(
        {"own_a.py": f"from recbole.model.abstract_recommender import {base}Recommender as B\nclass MyOne(B): pass\n"}
    )
    register_own(["MyOne=own_a"])
    assert register.MODELS["MyOne"].kind == kind and model_files("MyOne") == []


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("TinyTower", r"--register \[TinyTower\] is not of the form MyModel=my_models"),
        ("TinyTower=", "is not of the form"),
        ("TinyTower=own_z", r"TinyTower=own_z: there is no module \[own_z\] in \["),
        ("TinyTower=./own_a.py", r"own_a\.py: a module is given as `import` names it: own_a\.$"),
        ("TinyTowr=own_a", r"\[own_a\] \(.*own_a\.py\) has no class \[TinyTowr\]\. Did you mean \[TinyTower\]"),
        ("Zzz=own_a", r"has no class \[Zzz\]\. It has TinyTower\."),
        ("InputType=own_a", r"\[InputType\] of \[own_a\] .* is no recommender: derive it from GeneralRecommender"),
        ("TinyTowerTrainer=own_a", "is no recommender"),
        ("BPR=own_a", r"BPR=own_a: there is a model \[BPR\] already"),
        ("ktrec=own_a", r"there is a model \[KTRec\] already"),
        ("X=own_b", r"\[own_b\] cannot be imported: ZeroDivisionError: division by zero \(.*own_b\.py, line 2\)"),
        ("X=own_pack.cut", r"\[own_pack\.cut\] cannot be imported: SyntaxError: .*cut\.py, line 1"),
        ("X=own_pack.lacks", r"\[own_pack\.lacks\] imports \[no_such_package\], which is not installed"),
        ("X=own_pack.ends", r"\[own_pack\.ends\] cannot be imported: SystemExit: 3"),
    ],
)
def test_what_cannot_be_a_row_is_refused(write: Write, given: str, message: str) -> None:
    write({"own_a.py": SOURCE, "own_b.py": "\n1 / 0\n", "own_pack/cut.py": "def f(:\n"})
    write({"own_pack/lacks.py": "import no_such_package\n", "own_pack/ends.py": "raise SystemExit(3)\n"})
    before = dict(register.MODELS)
    with pytest.raises(ConfigError, match=message):
        register_own([given])
    assert register.MODELS == before


def test_the_source_is_all_that_its_module_imports_from_its_folder(write: Write) -> None:
    lazy = "x = 1\n\ndef later():\n    from . import deep\n    import torch.nn\n"
    write({"own_pack/__init__.py": "", "own_pack/a.py": f"from own_b import C\nfrom .b import x\n{SOURCE}"})
    write({"own_pack/b.py": lazy, "own_pack/deep.py": "", "own_b.py": "C = 1\n", "own_c.py": "", "TinyTower.yaml": ""})
    register_own(["TinyTower=own_pack.a"])
    told: Any = own_source("TinyTower")
    names = ["own_b.py", *(f"own_pack/{name}.py" for name in ("__init__", "a", "b", "deep"))]
    assert told["files"] == names, "the settings lie in the folder of the module"
    assert told["folder"] == os.getcwd() and own_source("KTRec") is None is own_source("BPR")
    for name in names:
        with Path(name).open("a") as file:
            file.write("\n# other\n")
        assert (now := own_source("TinyTower")) and now["sha256"] != told["sha256"], name
        told = now
    Path("own_c.py").write_text("2")
    assert own_source("TinyTower") == told


def test_another_state_is_another_hash_and_another_place_is_not(write: Write, tmp_path: Path) -> None:
    write({"own_a.py": SOURCE, "TinyTower.yaml": "tiny_width: 6\n"})
    register_own(["TinyTower=own_a"])
    told: Any = own_source("TinyTower")
    assert told["files"] == ["own_a.py", "TinyTower.yaml"]
    (tmp_path / "moved").mkdir()
    for name in told["files"]:
        shutil.copy(name, tmp_path / "moved")
    moved = {**told, "folder": str(tmp_path / "moved"), "property_file": str(tmp_path / "moved" / "TinyTower.yaml")}
    restore(moved)
    assert sys.path[0] == moved["folder"], "before what is of the same name elsewhere"
    assert register.MODELS["TinyTower"].property_file == Path(moved["property_file"])
    write({"TinyTower.yaml": "tiny_width: 7\n"})
    with pytest.raises(ConfigError, match=r"\[own_a.py, TinyTower.yaml\] in .* changed while the comparison ran"):
        restore(told)


def test_what_no_other_process_can_import_is_told(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"own_a.py": SOURCE})
    register_own(["TinyTower=own_a"])
    monkeypatch.setattr(sys.modules["__main__"], "TinyTower", model_class("TinyTower"), raising=False)
    register_model("TinyTower", "__main__")
    with pytest.raises(ConfigError, match=r"Model \[TinyTower\] stands in \[__main__\], which no other process can"):
        own_source("TinyTower")


def test_without_a_file_any_key_may_be_its_own(write: Write, settings: Callable[..., dict[str, Any]]) -> None:
    from recbole.config import Config

    write({"own_a.py": SOURCE})
    register_own(["TinyTower=own_a"])
    assert Config("TinyTower", "tiny", config_dict=settings(tiny_width=5))["tiny_width"] == 5
    write({"TinyTower.yaml": "tiny_width: 6\n"})
    register_own(["TinyTower=own_a"])
    with pytest.raises(ConfigError, match=r"Unknown key \[tiny_wdth\] .* Did you mean \[tiny_width\]"):
        Config("TinyTower", "tiny", config_dict=settings(tiny_wdth=5))
