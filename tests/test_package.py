"""The built wheel holds the code and both folders of YAML, and works from elsewhere; so does an editable install."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import recbole_ktrec

ROOT = Path(recbole_ktrec.__file__).parent.parent
FOLDERS = ("recbole_ktrec", "properties", "dataset_configs")

pytestmark = pytest.mark.skipif(not (ROOT / "setup.cfg").is_file(), reason="needs a checkout")


def files_of(folder: str, pattern: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob(pattern)}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build reads, so that the checkout stays clean."""
    copy = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the backend that pyproject.toml names."""
    pytest.importorskip("setuptools", reason="the build backend")
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from setuptools.build_meta import build_wheel; build_wheel({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=source, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_setup_cfg_lists_every_package() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = set(setup["options"]["packages"].split())
    found = {".".join(Path(file).parts[:-1]) for file in files_of("recbole_ktrec", "__init__.py")}
    assert listed == found | {"recbole_ktrec.properties", "recbole_ktrec.dataset_configs"}


def test_wheel_holds_code_and_both_folders(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    yaml = files_of("properties", "*.yaml") | files_of("dataset_configs", "*.yaml")
    assert yaml and {f"recbole_ktrec/{name}" for name in yaml} <= held
    assert files_of("recbole_ktrec", "*.py") <= held
    assert "recbole_ktrec/py.typed" in held
    assert not [name for name in held if name.startswith("tests")]


def test_wheel_says_what_it_needs(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("dist-info/METADATA")]
    (scripts,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert f"Version: {recbole_ktrec.__version__}" in metadata
    assert 'Requires-Dist: recbole==1.2.1; python_version < "3.12"' in metadata
    assert "Requires-Dist: pandas<3" in metadata
    assert "ktrec = recbole_ktrec.cli:main" in scripts


def fresh_environment(folder: Path) -> Path:
    """Return a new environment's bin folder; what the plugin needs comes from the environment of this test."""
    venv.create(folder, with_pip=False, symlinks=True)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)}, scheme="venv")
    needed = sysconfig.get_paths()["purelib"]  # with its .pth files: setuptools brings distutils by one
    (Path(paths["purelib"]) / "needed.pth").write_text(f"import site; site.addsitedir({needed!r})\n")
    return Path(paths["scripts"])


def install(scripts: Path, *what: str) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(scripts / "python"), "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--no-build-isolation", "--ignore-installed", *what], check=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
def test_installed_it_runs_from_elsewhere(editable: bool, wheel: Path, source: Path, tmp_path: Path) -> None:
    scripts = fresh_environment(tmp_path / "env")
    install(scripts, *(("-e", str(source)) if editable else (str(wheel),)))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    asked = "import recbole_ktrec.resources as r; print(r.__file__, r.resource_dir('properties'))"
    where = subprocess.run([scripts / "python", "-c", asked], cwd=elsewhere, env=env, capture_output=True, text=True)
    home = source if editable else tmp_path / "env"
    assert where.stdout.count(str(home)) == 2, where.stdout + where.stderr
    run = [scripts / "ktrec", "run", "--model=BPR", "--epochs=1", "--show_progress=False", "--threads=1"]
    done = subprocess.run(run, cwd=elsewhere, env=env, capture_output=True, text=True, timeout=300)
    assert "BPR on ml-100k" in done.stdout, done.stderr
    assert list((elsewhere / "saved").glob("BPR-*.pth"))
