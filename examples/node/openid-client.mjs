// A token with openid-client; api.mjs uses it. Its server's metadata is given: discovery need not list private_key_jwt.
import { createPrivateKey, webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as client from 'openid-client'
import { checked, send } from './api.mjs'

const { ASSERTION_AUDIENCE, CLIENT_ID, KID, PRIVATE_KEY, TOKEN_ENDPOINT } = process.env
globalThis.crypto ??= webcrypto // Node 18 has these two under another name
globalThis.CryptoKey ??= webcrypto.CryptoKey

const pkcs8 = createPrivateKey(readFileSync(PRIVATE_KEY)).export({ format: 'der', type: 'pkcs8' })
const key = await crypto.subtle.importKey('pkcs8', pkcs8, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign'])
const authentication = client.PrivateKeyJwt({ key, kid: KID }, {
  [client.modifyAssertion]: (_header, claims) => { claims.aud = ASSERTION_AUDIENCE }, // the token endpoint for GeoSecure
})
const server = { issuer: ASSERTION_AUDIENCE, token_endpoint: TOKEN_ENDPOINT }
const config = new client.Configuration(server, CLIENT_ID, undefined, authentication)
if (TOKEN_ENDPOINT.startsWith('http://127.0.0.1:')) client.allowInsecureRequests(config) // the sandbox

await send(async (audience, scope) => {
  try {
    return (await client.clientCredentialsGrant(config, { scope, ...(audience && { audience }) })).access_token
  } catch (error) {
    if (error instanceof client.WWWAuthenticateChallengeError) await checked(error.response) // which leaves the reason there
    console.error(`${TOKEN_ENDPOINT}: ${error.error_description ?? error.message}`)
    process.exit(1)
  }
})
