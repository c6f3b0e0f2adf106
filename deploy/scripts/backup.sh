#!/usr/bin/env bash
# Packs what an installation cannot be rebuilt without into one archive, with a checksum of each file.
#
#   deploy/scripts/backup.sh FOLDER        prints the archive's path: FOLDER/eyenet-<UTC date and time>.tar
#
# In it: src/assets/models, the cascades and the landmark file (if a start has put them there), .env, and settings.py
# with the version, to compare with. Saved pictures of people are never in it. .env may hold API keys: the archive is
# readable by its owner only. Safe beside a running service.
set -euo pipefail
umask 077

if [ $# -ne 1 ] || [ "${1#-}" != "$1" ]; then
    echo "usage: deploy/scripts/backup.sh FOLDER" >&2
    exit 2
fi
mkdir -p "$1"
target=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! ls src/assets/models/*.h5 >/dev/null 2>&1; then
    echo "backup: there is no model in $PWD/src/assets/models: nothing was written" >&2
    exit 1
fi

# macOS has no sha256sum.
checksums() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

work=$(mktemp -d "$target/.unfinished-XXXXXX")
trap 'rm -rf "$work"' EXIT
name=eyenet-$(date -u +%Y%m%dT%H%M%SZ)
mkdir "$work/$name"

for file in src/assets/models/* src/assets/cascades/* src/assets/shape_predictor_68_face_landmarks.dat \
    .env src/config/settings.py; do
    if [ -f "$file" ]; then
        mkdir -p "$work/$name/$(dirname "$file")"
        cp -p "$file" "$work/$name/$file"
    fi
done
(
    cd "$work/$name"
    find . -type f | LC_ALL=C sort | while IFS= read -r file; do checksums "$file"; done
) >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" "$work/$name/"

# What MODEL_PATH names in the environment or in .env, if it is somewhere else.
model=${MODEL_PATH:-}
if [ -z "$model" ] && [ -f .env ]; then
    model=$(sed -n 's/^MODEL_PATH=//p' .env | tail -n 1)
fi
case $model in
    '' | src/assets/models/* | "$PWD"/src/assets/models/*) ;;
    *) echo "backup: MODEL_PATH is $model, outside src/assets/models: back it up with its card yourself" >&2 ;;
esac

tar -cf "$work/$name.tar" -C "$work" "$name"
mv "$work/$name.tar" "$target/$name.tar"
echo "$target/$name.tar"
