"""What the system lacks is named, or installed: doctor.sh on a PATH of links and stand-ins, which no test leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCTOR = Path(__file__).resolve().parents[2] / "scripts" / "doctor.sh"
ALL = ("cat", "env", "g++", "iverilog", "make", "perl", "true")
"""What each machine here has, by links."""

FAKE_APT = """#!/bin/sh
echo "apt-get $*" >>{log}
[ "$1" = update ] && exit 0
for package in "$@"; do
    {arrives} && [ -x /bin/true ] && case $package in
        g++ | iverilog | make) ln -s /bin/true {bin}/$package ;;
    esac
done
{arrives} || {{ echo "E: no network" >&2; exit 100; }}
"""


class System:
    """A PATH of its own, on which only what a test wants is to be found."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.bin.mkdir()
        for name in ALL:
            self.link(name, "/bin/true" if name in ("g++", "iverilog", "make", "perl") else shutil.which(name))
        self.link("python3", sys.executable)
        self.link("ln", shutil.which("ln"))
        self.user(0)

    def link(self, name: str, target: str) -> None:
        (self.bin / name).symlink_to(target)

    def script(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(text)
        path.chmod(0o755)

    def without(self, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()

    def user(self, number: int) -> None:
        self.script("id", f"#!/bin/sh\necho {number}\n")

    def apt(self, arrives: bool = True) -> None:
        """An apt-get that notes how it is called, and brings what is asked for, or fails."""
        values = {"log": self.log, "bin": self.bin, "arrives": "true" if arrives else "false"}
        self.script("apt-get", FAKE_APT.format(**values))

    def sudo(self, password: bool) -> None:
        """A sudo that notes how it is called; with `password` it would ask for one."""
        run = "exit 1" if password else 'shift; exec "$@"'
        self.script("sudo", f'#!/bin/sh\necho "sudo $*" >>{self.log}\n[ "$1" = -n ] || exit 9\n{run}\n')

    def called(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def doctor(self, *arguments: str, **variables: str) -> tuple[int, list[str], list[str]]:
        """Exit status, lines on stdout, lines on stderr."""
        done = subprocess.run(
            ["/bin/sh", DOCTOR, *arguments], env={"PATH": str(self.bin), **variables}, capture_output=True, text=True
        )
        return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


@pytest.mark.parametrize("target", ["setup", "demo", "test"])
def test_a_system_that_has_all_hears_nothing(target: str, system: System) -> None:
    system.apt()
    assert system.doctor(target, "--install") == (0, [], [])
    assert system.called() == []


def test_only_the_tests_need_icarus(system: System) -> None:
    system.without("iverilog")
    system.apt()
    assert system.doctor("demo", "--install") == (0, [], [])
    status, _, said = system.doctor("test")
    assert status == 1
    assert said == ["missing: Icarus Verilog, the second simulator", "install with: apt-get install iverilog"]


def test_setup_needs_no_compiler(system: System) -> None:
    system.without("g++", "make", "perl", "iverilog")
    assert system.doctor("setup") == (0, [], [])
    status, _, said = system.doctor("demo")
    assert status == 1
    assert [line.split()[0] for line in said] == ["missing:"] * 3 + ["install"]
    assert said[-1] == "install with this system's tool; on Debian and Ubuntu: apt-get install g++ make perl"


def test_root_installs_and_says_so(system: System) -> None:
    system.without("iverilog", "g++")
    system.apt()
    status, out, err = system.doctor("test", "--install")
    assert (status, err) == (0, [])
    assert out == ["setup: installing g++ iverilog with apt-get (EQSPIKE_NO_APT=1 forbids it)"]
    assert system.called() == ["apt-get update -qq", "apt-get install -y -qq --no-install-recommends g++ iverilog"]


def test_nothing_is_installed_unasked(system: System) -> None:
    system.without("iverilog")
    system.apt()
    assert system.doctor("test")[0] == 1
    assert system.called() == []


def test_sudo_without_a_password(system: System) -> None:
    system.without("iverilog")
    system.user(1000)
    system.apt()
    system.sudo(password=False)
    assert system.doctor("test", "--install")[0] == 0
    assert "apt-get install -y -qq --no-install-recommends iverilog" in system.called()
    assert "sudo -n apt-get update -qq" in system.called()


@pytest.mark.parametrize("sudo", [True, False], ids=["sudo asks for a password", "no sudo"])
def test_a_user_without_rights_is_told_the_command(sudo: bool, system: System) -> None:
    system.without("iverilog", "make")
    system.user(1000)
    system.apt()
    if sudo:
        system.sudo(password=True)
    status, out, err = system.doctor("test", "--install")
    assert (status, out) == (1, [])
    assert err[-1] == "install with: sudo apt-get install make iverilog"
    assert not any(line.startswith("apt-get") for line in system.called())


def test_apt_can_be_forbidden(system: System) -> None:
    system.without("iverilog")
    system.apt()
    status, out, err = system.doctor("test", "--install", EQSPIKE_NO_APT="1")
    assert (status, out) == (1, [])
    assert err[-1] == "install with: apt-get install iverilog"
    assert system.called() == []


def test_an_installation_that_fails(system: System) -> None:
    """apt-get's own words, then what is still missing."""
    system.without("iverilog")
    system.apt(arrives=False)
    status, _, err = system.doctor("test", "--install")
    assert status == 1
    assert err == [
        "E: no network", "missing: Icarus Verilog, the second simulator", "install with: apt-get install iverilog",
    ]  # fmt: skip


def test_python(system: System) -> None:
    assert system.doctor("--python") == (0, ["python3"], [])
    status, _, err = system.doctor("setup", PYTHON="false")
    assert status == 1
    assert err[0] == "missing: Python 3.11 or newer: PYTHON=false is not one"
    system.without("python3")
    status, _, err = system.doctor("demo")
    assert status == 1
    assert err[0] == "missing: Python 3.11 or newer"
    assert err[-1].endswith("apt-get install python3 python3-venv libpython3-dev")


def test_python_without_its_library(system: System) -> None:
    """As Debian's python3.11 comes: without the venv module and the shared library."""
    system.without("python3")
    real = f'exec {sys.executable} "$@"'
    system.script("python3", f'#!/bin/sh\ncase "$*" in *ensurepip* | -) exit 1 ;; esac\n{real}\n')
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    status, _, err = system.doctor("setup")
    assert status == 1
    assert err[-1].endswith(f"apt-get install python{version}-venv libpython{version}")


def test_a_complete_python_goes_before_a_newer_one(system: System) -> None:
    real = f'exec {sys.executable} "$@"'
    system.script("python3.11", f'#!/bin/sh\ncase "$*" in *ensurepip* | -) exit 1 ;; esac\n{real}\n')
    assert system.doctor("--python")[1] == ["python3"]


def test_usage(system: System) -> None:
    status, _, err = system.doctor("everything")
    assert status == 2
    assert err[0].startswith("usage: ")


def test_each_target_asks_the_doctor_first() -> None:
    """`make` as it would run on a system without a .venv: the doctor, with the target's own needs, before all else."""
    for target in ("demo", "test"):
        plan = subprocess.run(
            ["make", "--dry-run", target, "VENV=nowhere"], cwd=DOCTOR.parents[1], capture_output=True, text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")}, check=True,
        )  # fmt: skip
        assert plan.stdout.splitlines()[0] == f"sh scripts/doctor.sh {target} --install"
