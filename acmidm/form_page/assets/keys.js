"use strict";
// A key pair, made by the browser. Its private half is returned as the text of a file, and kept nowhere.
const F4 = Uint8Array.of(1, 0, 1);
const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", modulusLength: limits.rsaBits, publicExponent: F4, hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
};
// RFC 7638 §3.2, in its order.
const REQUIRED = { RSA: ["e", "kty", "n"], EC: ["crv", "kty", "x", "y"], OKP: ["crv", "kty", "x"] };
const ITERATIONS = 600_000;
const some = (members, names) => Object.fromEntries(names.map((name) => [name, members[name]]));
const bytesOf = (text) => new TextEncoder().encode(text);
const base64 = (bytes) => btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
const base64url = (bytes) => base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const pem = (label, bytes) => {
  const lines = base64(bytes).match(/.{1,64}/g).join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
};

const thumbprint = async (key) => {
  const members = bytesOf(JSON.stringify(some(key, REQUIRED[key.kty])));
  return base64url(await crypto.subtle.digest("SHA-256", members));
};

// DER (X.690 §8.1): tag, length, content.
const der = (tag, ...parts) => {
  const content = parts.flatMap((part) => [...part]);
  const octetsOf = [content.length >> 8, content.length & 255].slice(content.length < 256 ? 1 : 0);
  const length = content.length < 128 ? octetsOf : [0x80 + octetsOf.length, ...octetsOf];
  return Uint8Array.of(tag, ...length, ...content);
};
const sequence = (...parts) => der(0x30, ...parts);
const octets = (bytes) => der(0x04, bytes);
const identifier = (hex) => der(0x06, hex.match(/../g).map((byte) => parseInt(byte, 16)));
const OID = {
  pbes2: identifier("2a864886f70d01050d"), // 1.2.840.113549.1.5.13
  pbkdf2: identifier("2a864886f70d01050c"), // 1.2.840.113549.1.5.12
  hmacSha256: identifier("2a864886f70d0209"), // 1.2.840.113549.2.9
  aes256Cbc: identifier("60864801650304012a"), // 2.16.840.1.101.3.4.1.42
};

// EncryptedPrivateKeyInfo (RFC 5958 §3) by PBES2 (RFC 8018 §6.2), as libraries write encrypted PKCS#8 themselves.
const encrypted = async (pkcs8, passphrase) => {
  const [salt, iv] = [16, 16].map((size) => crypto.getRandomValues(new Uint8Array(size)));
  const secret = await crypto.subtle.importKey("raw", bytesOf(passphrase), "PBKDF2", false, ["deriveKey"]);
  const derived = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  const key = await crypto.subtle.deriveKey(derived, secret, { name: "AES-CBC", length: 256 }, false, ["encrypt"]);
  const content = await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, pkcs8);
  const iterations = der(0x02, [ITERATIONS >> 16, (ITERATIONS >> 8) & 255, ITERATIONS & 255]);
  const kdf = sequence(OID.pbkdf2, sequence(octets(salt), iterations, sequence(OID.hmacSha256, der(0x05))));
  const scheme = sequence(OID.pbes2, sequence(kdf, sequence(OID.aes256Cbc, octets(iv))));
  return sequence(scheme, octets(new Uint8Array(content)));
};

// Returns the public key as it is registered, and the text of the private key's file.
const makeKey = async (alg, format, passphrase) => {
  const pair = await crypto.subtle.generateKey(ALGORITHMS[alg], true, ["sign", "verify"]);
  const own = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const exp = Math.floor(Date.now() / 1000) + limits.keyDays * 24 * 3600;
  const described = { use: "sig", alg, exp };
  const publicKey = { kid: await thumbprint(own), ...some(own, REQUIRED[own.kty]), ...described };
  if (format === "jwk") {
    const { key_ops, ext, ...members } = await crypto.subtle.exportKey("jwk", pair.privateKey);
    return { publicKey, text: `${JSON.stringify({ kid: publicKey.kid, ...members, ...described }, null, 2)}\n` };
  }
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  if (format === "pkcs8") return { publicKey, text: pem("PRIVATE KEY", pkcs8) };
  return { publicKey, text: pem("ENCRYPTED PRIVATE KEY", await encrypted(pkcs8, passphrase)) };
};
