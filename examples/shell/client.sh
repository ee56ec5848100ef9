#!/bin/sh
# Send a notification and a dossier, and read what became of the dossier: openssl and curl.
set -eu
documents=$(dirname "$0")/../documents

# What curl gets, into $answer; an error ends the program with what the server says.
call() {
  answer=$(curl --silent --show-error --fail-with-body --max-time 10 "$@") || { printf '%s\n' "$answer" >&2; exit 1; }
}

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
uuid() { openssl rand -hex 16 | sed -E 's/(.{8})(.{4})(.{4})(.{4})/\1-\2-\3-\4-/'; }

# A token for the API $1 with the scope $2, into $token. It is good for an hour or longer: keep it until it ends.
get_token() {
  now=$(date +%s)
  header=$(printf '{"alg":"RS256","kid":"%s"}' "$KID" | base64url)
  claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s","jti":"%s","iat":%d,"exp":%d}' \
    "$CLIENT_ID" "$CLIENT_ID" "$ASSERTION_AUDIENCE" "$(uuid)" "$now" "$((now + 300))" | base64url)
  signature=$(printf '%s.%s' "$header" "$claims" | openssl dgst -sha256 -sign "$PRIVATE_KEY" -binary | base64url)
  call "$TOKEN_ENDPOINT" --data grant_type=client_credentials --data-urlencode "client_id=$CLIENT_ID" \
    --data client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
    --data "client_assertion=$header.$claims.$signature" --data-urlencode "scope=$2" ${1:+--data-urlencode "audience=$1"}
  token=$(printf '%s' "$answer" | sed -E 's/.*"access_token": *"([^"]+)".*/\1/')
}

# Posts standard input.
post() {
  call "$API$1" --header "Authorization: Bearer $token" --header 'Content-Type: application/json' --data-binary @-
  printf 'POST %s %s\n' "$1" "$answer"
}

get_token "$NOTIFICATIES_AUDIENCE" "$NOTIFICATIES_SCOPE"
sed "s/\"Id\": \"\"/\"Id\": \"$(uuid)\"/" "$documents/notificatie.json" | post /api/v2/notificaties

get_token "$DOSIS_AUDIENCE" "$DOSIS_SCOPE"
upload=$(uuid)
sed "s/\"UploadId\": \"\"/\"UploadId\": \"$upload\"/; s/\"WijzigingsDatum\": \"\"/\"WijzigingsDatum\": \"$(date +%Y-%m-%dT%H:%M:%S)\"/" \
  "$documents/dossier.json" | post "$DOSIS_PATH"

tried=0
status=404 # which it is until the dossier is processed
while [ "$status" = 404 ] && [ $((tried += 1)) -le 60 ]; do
  sleep 1
  answer=$(curl --silent --show-error --max-time 10 --header "Authorization: Bearer $token" --write-out ' %{http_code}' \
    "$API/api/v1/dosis/resultaten/perUploadId?uploadId=$upload")
  status=${answer##* }
done
[ "$status" = 200 ] || { printf '%s\n' "$answer" >&2; exit 1; }
printf 'result: %s\n' "${answer% *}"
