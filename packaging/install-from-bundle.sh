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
# What is here in this version or a newer one is left alone. A second pass configures what waited for another package.
install_debs() { dpkg --install --skip-same-version --refuse-downgrade --force-confdef --force-confold debs/*.deb; }
log=$(mktemp)
install_debs >"$log" 2>&1 || install_debs >"$log" 2>&1 || dpkg --configure --pending >>"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    fail "dpkg could not install the packages; all it said is in $log"
}
rm -f "$log"

say "Making $target/.venv"
mkdir -p "$target"
python3 -m venv --clear "$target/.venv"
pip() { "$target/.venv/bin/python" -m pip --quiet --disable-pip-version-check --no-cache-dir "$@"; }
pip install --no-compile --no-index --find-links "$here/wheels" --require-hashes -r requirements.txt
pip install --no-compile --no-index --no-deps ours/*.whl
ln -sfn "$target/.venv/bin/qingyuan" /usr/local/bin/qingyuan

say "Installed $(cat VERSION). Try: qingyuan demo    Begin: qingyuan init DIR"
