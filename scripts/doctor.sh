#!/bin/sh
# Checks what only the system can give: one line on stderr for each thing that is missing.
#
#   sh scripts/doctor.sh            check what is needed; exit status 1 if anything is missing
#   sh scripts/doctor.sh --all      also name what is optional and missing (exit status as above)
#   sh scripts/doctor.sh --apt      only print the Debian packages that would bring everything missing
#   sh scripts/doctor.sh --python   only print the first Python found that is 3.11 or newer
#
# PYTHON=... names the interpreter to use instead of searching for one.

mode=$1
status=0

report() { # report KIND WHAT DEBIAN_PACKAGES
    if [ "$mode" = --apt ]; then
        echo "$3"
    else
        echo "$1: $2 (Debian, Ubuntu: apt-get install $3)" >&2
    fi
}
missing() {
    report missing "$@"
    status=1
}
optional() {
    case $mode in --all | --apt) report optional "$@" ;; esac
}
have() {
    command -v "$1" >/dev/null 2>&1
}
have_header() {
    echo "#include <$1>" | g++ -E -x c++ - >/dev/null 2>&1
}
find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
        # run it: a version manager's shim may exist without the version behind it
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

if ! python=$(find_python); then
    missing "Python 3.11 or newer${PYTHON:+: PYTHON=$PYTHON is not one}" "python3 python3-venv libpython3-dev"
elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    missing "the venv module of $python" "python3-venv"
fi
if [ "$mode" = --python ]; then
    [ $status = 0 ] && echo "$python"
    exit $status
fi

have g++ || missing "g++, which compiles Verilator's models" "g++"
have make || missing "make, which builds Verilator's models" "make"
have iverilog || missing "Icarus Verilog, the second simulator" "iverilog"
{ have perl && perl -MPod::Usage -e 1 2>/dev/null; } || missing "Perl with its modules, which starts Verilator" "perl"
have_header zlib.h || optional "zlib.h, for FST waves from Verilator (VCD works without)" "zlib1g-dev"
have_header lz4.h || optional "lz4.h, for FST waves from Verilator (VCD works without)" "liblz4-dev"

[ "$mode" = --apt ] && exit 0
exit $status
