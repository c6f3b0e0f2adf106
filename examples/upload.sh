#!/bin/sh
# Sends a photo to EyeNet and prints what it says of each eye: sh upload.sh photo.jpg
# EYENET_URL says where the service is (http://localhost:8000), EYENET_API_KEY holds a key if it asks for one.
# Needs curl and jq.
set -eu

[ $# -eq 1 ] || { echo "Usage: sh upload.sh photo.jpg" >&2; exit 2; }
url=${EYENET_URL:-http://localhost:8000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Header and body travel in files: a key on the command line is seen by every user of the machine, and a photo is too
# long for it.
touch "$folder/header"
[ -z "${EYENET_API_KEY:-}" ] || printf 'X-API-Key: %s\n' "$EYENET_API_KEY" > "$folder/header"
{ printf '{"image":"'; base64 < "$1" | tr -d '\n'; printf '"}'; } > "$folder/body"

# On 408, 429, 500, 502, 503 and 504, --retry tries again, after Retry-After seconds where the answer has it.
status=$(curl --silent --show-error --retry 3 --retry-max-time 120 --max-time 90 \
  --header 'Content-Type: application/json' --header "@$folder/header" --data-binary "@$folder/body" \
  --output "$folder/answer" --write-out '%{http_code}' "$url/upload") || exit 1

if [ "$status" != 200 ]; then
  jq -r '"\(.body.error) (\(.body.code))"' "$folder/answer" >&2 2>/dev/null || echo "HTTP $status" >&2
  exit 1
fi
jq -r '
  def line($side): if .best_prediction == "Not Detected" then "\($side): not seen"
    else "\($side): \(.best_prediction), \(.confidence | round) %"
      + (if .inconclusive then ", inconclusive: \(.reasons | join(", "))" else "" end) end;
  # One whose side is not known is the only one, and stands under left_eye.
  if .left_eye.side == "unknown" then .left_eye | line("Eye of unknown side")
    else (.left_eye | line("Left eye")), (.right_eye | line("Right eye")) end,
  .notice' "$folder/answer"
