// A token with jsonwebtoken and fetch; api.mjs uses it.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import jwt from 'jsonwebtoken'
import { checked, send } from './api.mjs'

const { ASSERTION_AUDIENCE, CLIENT_ID, KID, PRIVATE_KEY, TOKEN_ENDPOINT } = process.env

await send(async (audience, scope) => {
  const assertion = jwt.sign({}, readFileSync(PRIVATE_KEY), {
    algorithm: 'RS256', keyid: KID, issuer: CLIENT_ID, subject: CLIENT_ID, audience: ASSERTION_AUDIENCE, jwtid: randomUUID(), expiresIn: '5m',
  })
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: CLIENT_ID,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    scope,
    ...(audience && { audience }),
  })
  return (await checked(await fetch(TOKEN_ENDPOINT, { method: 'POST', body }))).access_token
})
