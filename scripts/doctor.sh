#!/bin/sh
# Checks what only the system can give, and installs it where it may.
#
#   sh scripts/doctor.sh TARGET             name on stderr what TARGET misses; exit status 1 if anything is missing
#   sh scripts/doctor.sh TARGET --install   install it first, as root or with a sudo that asks for no password
#   sh scripts/doctor.sh --python           only print the Python to use
#
# TARGET is one of
#   setup   Python with its venv module and its shared library, for .venv and all that the model alone does
#   demo    also what compiles simulations of the circuit
#   test    also the second simulator
#
# EQSPIKE_NO_APT=1 forbids to install. PYTHON=... names the interpreter to use instead of searching for one.

have() {
    command -v "$1" >/dev/null 2>&1
}

# Run them: a version manager's shim may exist without the version behind it.
is_recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}
has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}
has_library() { # the shared library of this Python, which cocotb loads into a simulator
    "$1" - >/dev/null 2>&1 <<'PYTHON'
import ctypes, os, sys, sysconfig
name = sysconfig.get_config_var("INSTSONAME") or ""
if name.endswith(".a"):
    sys.exit(1)
if sys.platform == "linux":
    path = os.path.join(sysconfig.get_config_var("LIBDIR") or "", name)
    ctypes.CDLL(path if os.path.exists(path) else name)
PYTHON
}

find_python() { # the first that has all, else the first that is recent
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
        is_recent "$candidate" && has_venv "$candidate" && has_library "$candidate" && echo "$candidate" && return 0
    done
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
        is_recent "$candidate" && echo "$candidate" && return 0
    done
    return 1
}

lines= packages=
missing() { # missing WHAT DEBIAN_PACKAGES
    lines="${lines}missing: $1
"
    packages="$packages $2"
}

check() { # sets `lines` and `packages`
    lines= packages=
    if python=$(find_python); then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        has_venv "$python" || missing "the venv module of $python" "python$version-venv"
        has_library "$python" || missing "the shared library of $python, which cocotb loads" "libpython$version"
    else
        missing "Python 3.11 or newer${PYTHON:+: PYTHON=$PYTHON is not one}" "python3 python3-venv libpython3-dev"
    fi
    [ "$target" = setup ] && return
    have g++ || missing "g++, which compiles Verilator's models" g++
    have make || missing "make, which builds Verilator's models" make
    { have perl && perl -MPod::Usage -e 1 2>/dev/null; } || missing "Perl with its modules, which starts Verilator" perl
    [ "$target" = demo ] && return
    have iverilog || missing "Icarus Verilog, the second simulator" iverilog
}

as_root() { # run a command as root; status 1 when that is not allowed
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        have sudo && sudo -n true >/dev/null 2>&1 && sudo -n "$@"
    fi
}

install() { # install `packages`; what fails is seen by the check that follows
    [ "${EQSPIKE_NO_APT:-0}" = 0 ] && have apt-get && as_root true || return
    echo "setup: installing$packages with apt-get (EQSPIKE_NO_APT=1 forbids it)"
    said=$(
        as_root apt-get update -qq 2>&1
        # shellcheck disable=SC2086 # one word a package
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages 2>&1
    ) || printf '%s\n' "$said" >&2
}

case $1 in
--python)
    find_python
    exit
    ;;
setup | demo | test) target=$1 ;;
*)
    echo "usage: sh scripts/doctor.sh {setup|demo|test} [--install], or --python" >&2
    exit 2
    ;;
esac

check
[ -n "$packages" ] && [ "$2" = --install ] && install && check
[ -n "$packages" ] || exit 0
printf '%s' "$lines" >&2
sudo=
[ "$(id -u)" = 0 ] || sudo="sudo "
if have apt-get; then
    echo "install with: ${sudo}apt-get install$packages" >&2
else
    echo "install with this system's tool; on Debian and Ubuntu: ${sudo}apt-get install$packages" >&2
fi
exit 1
