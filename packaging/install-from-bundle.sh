#!/usr/bin/env bash
# Install Qingyuan from this unpacked bundle, without any network. Made for Debian 12; run as root:
#   ./install.sh [FOLDER]      (default /opt/qingyuan)
# What is installed: the Debian packages in debs/ that are missing or older here, an environment FOLDER/.venv with the
# wheels in wheels/, and the link /usr/local/bin/qingyuan. Every file is checked against SHA256SUMS before.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
target=${1:-/opt/qingyuan}

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "error: $*"
    exit 1
}

[ "$(id -u)" = 0 ] || fail "run this as root: it installs Debian packages"
[ "$(dpkg --print-architecture)" = "$(cat ARCHITECTURE)" ] || fail "this bundle is for $(cat ARCHITECTURE)"
. /etc/os-release
[ "${VERSION_ID:-}" = "$(cat DEBIAN)" ] || fail "this bundle is for Debian $(cat DEBIAN), here is ${PRETTY_NAME:-something else}"

say "Checking $(wc -l <SHA256SUMS) files"
sha256sum --check --quiet --strict SHA256SUMS || fail "the bundle is damaged or was changed"

say "Installing Debian packages"
export DEBIAN_FRONTEND=noninteractive
# The folder is the only source of packages for this one call; its files were checked above.
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
chmod 0755 "$apt"
mkdir -p "$apt/lists/partial" "$apt/parts"
ln -s "$here/debs" "$apt/debs"
echo "deb [trusted=yes] file:$apt/debs ./" >"$apt/sources.list"
from_bundle() {
    apt-get -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts" \
        -o Dir::State::Lists="$apt/lists" -o APT::Sandbox::User=root "$@" >"$apt/log" 2>&1 || {
        tail -n 20 "$apt/log" >&2
        fail "apt could not install the packages of this bundle"
    }
}
mapfile -t packages <PACKAGES
from_bundle update
from_bundle install --yes --no-install-recommends -o Dpkg::Options::=--force-confdef \
    -o Dpkg::Options::=--force-confold "${packages[@]}"

say "Making $target/.venv"
mkdir -p "$target"
python3 -m venv --clear "$target/.venv"
pip() { "$target/.venv/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir "$@"; }
pip install --no-compile --no-index --find-links "$here/wheels" --require-hashes -r requirements.txt
pip install --no-compile --no-index --no-deps ours/*.whl
ln -sfn "$target/.venv/bin/qingyuan" /usr/local/bin/qingyuan

say "Installed $(cat VERSION). Try: qingyuan demo    Begin: qingyuan init DIR"
