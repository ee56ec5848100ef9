<?php
// Sends a notification and a dossier, and reads what became of the dossier: PHP with its extension openssl.

const DOCUMENTS = __DIR__ . '/../documents/';

function uuid(): string {
    return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex(random_bytes(16)), 4));
}

function base64url(string $bytes): string {
    return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
}

/** The status and the text of an answer. */
function call(string $method, string $url, array $headers, string $body = ''): array {
    $options = ['method' => $method, 'header' => $headers, 'content' => $body, 'ignore_errors' => true, 'timeout' => 10];
    $text = file_get_contents($url, false, stream_context_create(['http' => $options]));
    return [(int) explode(' ', $http_response_header[0] ?? ' 0')[1], $text];
}

/** An answer's document; an error ends the program with what the server says. */
function checked(string $url, array $answer): array {
    [$status, $text] = $answer;
    if ($status < 400 && $status > 0) return json_decode($text, true);
    fwrite(STDERR, "$url: $status $text\n");
    exit(1);
}

/** The headers for one API. Their token is good for an hour or longer: keep it until it ends. */
function authorization(string $audience, string $scope): array {
    $now = time();
    $claims = ['iss' => getenv('CLIENT_ID'), 'sub' => getenv('CLIENT_ID'), 'aud' => getenv('ASSERTION_AUDIENCE')];
    $claims += ['jti' => uuid(), 'iat' => $now, 'exp' => $now + 300];
    $flags = JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR;
    $signed = base64url(json_encode(['alg' => 'RS256', 'kid' => getenv('KID')], $flags)) . '.' . base64url(json_encode($claims, $flags));
    $key = openssl_pkey_get_private(file_get_contents(getenv('PRIVATE_KEY')));
    openssl_sign($signed, $signature, $key, OPENSSL_ALGO_SHA256);
    $form = [
        'grant_type' => 'client_credentials',
        'client_id' => getenv('CLIENT_ID'),
        'client_assertion_type' => 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        'client_assertion' => $signed . '.' . base64url($signature),
        'scope' => $scope,
    ];
    if ($audience !== '') $form['audience'] = $audience;
    $url = getenv('TOKEN_ENDPOINT');
    $answer = call('POST', $url, ['Content-Type: application/x-www-form-urlencoded'], http_build_query($form));
    return ['Authorization: Bearer ' . checked($url, $answer)['access_token'], 'Content-Type: application/json'];
}

function send(string $path, array $document, array $headers): void {
    $url = getenv('API') . $path;
    $answer = checked($url, call('POST', $url, $headers, json_encode($document, JSON_THROW_ON_ERROR)));
    echo "POST $path ", json_encode($answer, JSON_UNESCAPED_SLASHES), "\n";
}

$notification = json_decode(file_get_contents(DOCUMENTS . 'notificatie.json'), true);
$headers = authorization(getenv('NOTIFICATIES_AUDIENCE'), getenv('NOTIFICATIES_SCOPE'));
send('/api/v2/notificaties', ['Id' => uuid()] + $notification, $headers);

$upload = uuid();
$dossier = json_decode(file_get_contents(DOCUMENTS . 'dossier.json'), true);
$headers = authorization(getenv('DOSIS_AUDIENCE'), getenv('DOSIS_SCOPE'));
send(getenv('DOSIS_PATH'), ['UploadId' => $upload, 'WijzigingsDatum' => date('Y-m-d\TH:i:s')] + $dossier, $headers);

$url = getenv('API') . '/api/v1/dosis/resultaten/perUploadId?uploadId=' . $upload;
$answer = call('GET', $url, $headers);
for ($tried = 0; $answer[0] === 404 && $tried < 60; $tried++) { // which it is until the dossier is processed
    sleep(1);
    $answer = call('GET', $url, $headers);
}
echo 'result: ', json_encode(checked($url, $answer), JSON_UNESCAPED_SLASHES), "\n";
