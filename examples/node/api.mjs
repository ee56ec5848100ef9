// What both clients do with their tokens: send a notification and a dossier, and read what became of the dossier.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const { API, DOSIS_AUDIENCE, DOSIS_PATH, DOSIS_SCOPE, NOTIFICATIES_AUDIENCE, NOTIFICATIES_SCOPE } = process.env
const document = (name) => JSON.parse(readFileSync(new URL(`../documents/${name}.json`, import.meta.url)))

// An answer's document; an error ends the program with what the server says.
export async function checked(answer) {
  const text = await answer.text()
  if (answer.ok) return JSON.parse(text)
  console.error(`${answer.url}: ${answer.status} ${text}`)
  process.exit(1)
}

async function post(path, token, body) {
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  console.log('POST', path, await checked(await fetch(API + path, { method: 'POST', headers, body: JSON.stringify(body) })))
}

// `getToken(audience, scope)` gives a token for one API. It is good for an hour or longer: keep it until it ends.
export async function send(getToken) {
  const notification = { ...document('notificatie'), Id: randomUUID() }
  await post('/api/v2/notificaties', await getToken(NOTIFICATIES_AUDIENCE, NOTIFICATIES_SCOPE), notification)

  const now = new Date().toLocaleString('sv').replace(' ', 'T') // Sweden writes dates as ISO 8601 does, in local time
  const dossier = { ...document('dossier'), UploadId: randomUUID(), WijzigingsDatum: now }
  const token = await getToken(DOSIS_AUDIENCE, DOSIS_SCOPE)
  await post(DOSIS_PATH, token, dossier)

  const url = `${API}/api/v1/dosis/resultaten/perUploadId?uploadId=${dossier.UploadId}`
  const read = () => fetch(url, { headers: { Authorization: `Bearer ${token}` } })
  let answer = await read()
  for (let tried = 0; answer.status === 404 && tried < 60; tried++) { // which it is until the dossier is processed
    await setTimeout(1000)
    answer = await read()
  }
  console.log('result:', JSON.stringify(await checked(answer)))
}
