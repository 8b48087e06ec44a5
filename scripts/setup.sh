#!/usr/bin/env bash
# Make .venv with the locked packages and this project in it. Quick when nothing changed since the last time.
# PYTHON names the interpreter to use; otherwise the first Python >= 3.11 that can make environments is taken.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

venv=.venv
python=$venv/bin/python

usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
makes_venv() { usable "$1" && "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

candidates() {
    if [ -n "${PYTHON:-}" ]; then
        printf '%s\n' "$PYTHON"
    else
        printf '%s\n' python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3
    fi
}

# first TEST: print the first candidate that passes it.
first() {
    local name
    while read -r name; do
        if "$1" "$name"; then
            printf '%s' "$name"
            return
        fi
    done < <(candidates)
    return 1
}

find_python() {
    first makes_venv && return
    first usable >/dev/null || fail "Python 3.11 or newer is needed and was not found; as root: $(install_line python3 python3-venv)"
    can_install || fail "this Python cannot make environments; as root: $(install_line python3-venv)"
    apt_install python3-venv
    first makes_venv || fail "no Python >= 3.11 that can make environments, although python3-venv is installed"
}

# A moved folder breaks the scripts of an environment: its place is part of what is remembered.
digest() { cat "$@" | cksum | tr -d ' '; }
locked="$PWD $(digest requirements.lock)"
project="$PWD $(digest pyproject.toml)"

remembered() { [ -x "$python" ] && [ "$(cat "$venv/.$1" 2>/dev/null)" = "$2" ]; }

if ! remembered locked "$locked"; then
    if ! { [ -x "$python" ] && usable "$python" && [ "$(cat "$venv/.place" 2>/dev/null)" = "$PWD" ]; }; then
        chosen=$(find_python)
        say "Making $venv with $("$chosen" --version)"
        "$chosen" -m venv --clear "$venv"
        printf '%s' "$PWD" >"$venv/.place"
    fi
    # Without byte code for all of it: Python makes it where it is used, and the step takes a third less time.
    say "Installing $(grep -c == requirements.lock) locked packages (about a minute)"
    "$python" -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
    printf '%s' "$locked" >"$venv/.locked"
fi
if ! remembered project "$project"; then
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    printf '%s' "$project" >"$venv/.project"
fi
