"""What `pip install` brings is a working tool: tried from a built wheel, in an empty folder, away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    """What a command printed on stdout; its stderr is shown when it fails."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=surroundings, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the sdist, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts of a fresh environment: the wheel is installed there, its dependencies are borrowed from ours."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    (wheel,) = built.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python")
    run(*pip, "install", "-qq", "--no-index", "--no-deps", wheel, cwd=folder)
    packages = run(scripts / "python", "-c", "import sysconfig as s; print(s.get_path('purelib'))", cwd=folder)
    Path(packages.strip(), "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return scripts


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("--version",), "0.1.0"),
        (("convert", "4.5 mg", "mcg"), "4,500 mcg"),
        (("formula", "list"), "naltrexone-capsule"),
        (("formula", "list"), "naltrexone-oral-liquid"),
    ],
)
def test_the_command_works_from_the_wheel_alone(
    installed: Path, tmp_path: Path, command: tuple[str, ...], shown: str
) -> None:
    assert shown in run(installed / "compounding", *command, cwd=tmp_path)


def test_the_package_that_ran_is_the_one_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import compounding; print(compounding.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_wheel_and_sdist_hold_every_file_of_package_formulas_and_labels(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    for folder, place in (("compounding", ""), ("formulas", "compounding/data/"), ("labels", "compounding/data/")):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        ours = {name for name in files if "__pycache__" not in name}
        assert ours - in_sdist == set()
        assert {place + name for name in ours} - in_wheel == set()
