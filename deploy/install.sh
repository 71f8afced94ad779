#!/usr/bin/env bash
# Install what Pinward needs and is missing: system packages, then .venv from the hashed lock file.
# Usage: deploy/install.sh [test]     (test: also what only the tests need)
# Quick when nothing is missing. Changes no PostgreSQL cluster that is already there.
set -euo pipefail
cd "$(dirname "$0")/.."
for_tests=${1:-}

say() { printf '%s\n' "$*" >&2; }
fail() { say "pinward: $*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "these packages need an administrator: ask one to run: $*"
    fi
}

apt_packages() {
    local wanted missing=() package
    wanted=$(sed -e '/^#/d' deploy/apt-packages.txt)
    if [ "$for_tests" = test ]; then wanted=$(sed 's/^test://' <<<"$wanted")
    else wanted=$(sed '/^test:/d' <<<"$wanted")
    fi
    for package in $wanted; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' \
            || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    say "pinward: installing ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

brew_packages() {
    command -v brew >/dev/null || fail "macOS needs Homebrew (brew.sh) for PostgreSQL and PostGIS"
    local package
    for package in python@3.13 postgresql@17 postgis; do
        brew list --versions "$package" >/dev/null || brew install -q "$package"
    done
    if [ "$for_tests" = test ] && [ ! -d /Applications/Chromium.app ]; then
        brew install -q --cask chromium
    fi
}

python_program() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if command -v "$name" >/dev/null \
            && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed; this system has $(python3 --version 2>&1 || echo none)"
}

environment() {
    local lock_id python
    lock_id=$(cat requirements.lock pyproject.toml | cksum | tr ' ' -)
    [ "$(cat .venv/installed-lock 2>/dev/null)" = "$lock_id" ] && return
    python=$(python_program)
    say "pinward: making .venv from requirements.lock"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    # uv installs the rest in seconds; it comes from the same lock file, hash-checked by pip.
    awk '/^uv==/ {on = 1} on && /^[a-z]/ && !/^uv==/ {exit} on' requirements.lock >.venv/uv.lock
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
        -r .venv/uv.lock 2>.venv/pip.log || { cat .venv/pip.log >&2; exit 1; }
    if ! .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes \
        --compile-bytecode -r requirements.lock; then
        say "pinward: trying again with pip, which knows this system's package settings"
        .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
            -r requirements.lock
    fi
    .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
    # Compiled here: where Python may not write bytecode (containers often say so), every start would
    # compile everything again, which takes seconds.
    .venv/bin/python -m compileall -q geo api tiles
    echo "$lock_id" >.venv/installed-lock
}

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then apt_packages
elif [ "$(uname)" = Darwin ]; then brew_packages
else
    command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || fail \
        "this system has neither apt nor Homebrew: install Python 3.11+, PostgreSQL 14+ with" \
        "PostGIS 3 (and chromium for the tests) by its own means, then run this again"
fi
environment
