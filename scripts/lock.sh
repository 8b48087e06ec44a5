#!/usr/bin/env bash
# Write requirements.lock anew from pyproject.toml: hashed, for every platform, without addresses of any index.
# Versions stay as they are where they can; --upgrade takes the newest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

uv=$(command -v .venv/bin/uv || command -v uv) || fail "uv makes the lock: .venv/bin/pip install uv"
"$uv" pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
    --extra dev "$@" --output-file requirements.lock pyproject.toml
say "requirements.lock: $(grep -c == requirements.lock) packages"
