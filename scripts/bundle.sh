#!/usr/bin/env bash
# Write one archive from which a Debian 12 of this architecture installs and runs without any network: the locked
# wheels, our own, the Debian packages of Chromium, Chinese fonts, pango and Python with all they need, SHA-256 sums, and
# packaging/install-from-bundle.sh as install.sh. Run it on a Debian 12 with a network; root is not needed.
#   scripts/bundle.sh [FOLDER]      (default dist)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

out=${1:-dist}
python=.venv/bin/python
packages=(ca-certificates chromium chromium-sandbox fontconfig fonts-noto-cjk libatomic1 libharfbuzz-subset0
    libpango-1.0-0 libpangoft2-1.0-0 python3 python3-venv)

. /etc/os-release
[ "${ID:-}" = debian ] || fail "a bundle is made on the Debian that it is for, here is ${PRETTY_NAME:-something else}"
command -v apt-get >/dev/null || fail "apt-get is needed"
ours=$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
theirs=$(apt-cache policy python3 | sed -n 's/.*Candidate: \([0-9]*\.[0-9]*\).*/\1/p')
[ "$ours" = "$theirs" ] || fail "the wheels must be for Debian's Python $theirs: PYTHON=/usr/bin/python3 make setup"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$($python -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
architecture=$(dpkg --print-architecture)
name=qingyuan-$version-debian$VERSION_ID-$architecture
bundle=$work/$name
mkdir -p "$bundle/wheels" "$bundle/ours" "$bundle/debs" "$out"

say "Wheels of the lock (some minutes)"
$python -m pip download --quiet --disable-pip-version-check --prefer-binary --require-hashes \
    -r requirements.lock --dest "$bundle/wheels"
$python scripts/bundle_wheels.py "$bundle/wheels" "$bundle/requirements.txt"
$python -m hatchling build -t wheel -d "$work/wheel" >/dev/null 2>&1
cp "$work"/wheel/*.whl "$bundle/ours/"

say "Debian packages: ${packages[*]}"
# Against an empty list of what is installed, so that nothing of this machine is taken for granted: the receiver's apt
# takes of them what it lacks or has older.
mkdir -p "$work/apt/archives/partial"
: >"$work/status"
apt-get install --yes --quiet=2 --download-only --no-install-recommends -o Dir::State::status="$work/status" \
    -o Dir::Cache="$work/apt" -o Dir::Cache::archives=archives -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
    "${packages[@]}" >/dev/null
mv "$work"/apt/archives/*.deb "$bundle/debs/"
# The index by which apt takes the folder for a source of packages.
for file in "$bundle"/debs/*.deb; do
    dpkg-deb --field "$file"
    printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "$(basename "$file")" "$(stat -c %s "$file")" \
        "$(sha256sum "$file" | cut -d ' ' -f 1)"
done >"$bundle/debs/Packages"
printf '%s\n' "${packages[@]}" >"$bundle/PACKAGES"

cp LICENSE NOTICE "$bundle/"
cp packaging/install-from-bundle.sh "$bundle/install.sh"
cp -r packaging/systemd docs "$bundle/"
printf '%s\n' "$version" >"$bundle/VERSION"
printf '%s\n' "$architecture" >"$bundle/ARCHITECTURE"
printf '%s\n' "$VERSION_ID" >"$bundle/DEBIAN"
(cd "$bundle" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)

# Wheels and packages are compressed already.
tar --create --file "$out/.$name.part" --directory "$work" --owner 0 --group 0 --numeric-owner --sort name "$name"
mv "$out/.$name.part" "$out/$name.tar"
(cd "$out" && sha256sum "$name.tar" >"$name.tar.sha256")
say "$out/$name.tar: $(du -h "$out/$name.tar" | cut -f1), $(ls "$bundle/wheels" | wc -l) wheels, $(ls "$bundle/debs" | wc -l) Debian packages"
