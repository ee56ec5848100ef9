// An authority that nobody here wrote: oidc-provider, set up by the JSON file that its first argument names
// (`Server.settings` in server.py). It listens on loopback.
//
// oidc-provider has a token per client for RFC 7592. Unless `client_tokens` says that those open clients, what
// authorities with an operator's token do stands before it: a token with the scope of the registration endpoint opens
// every client.
import { readFileSync } from "node:fs";

import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify } from "jose";
import Provider from "oidc-provider";

import { Store } from "./store.mjs";

URL.parse ??= (url, base) => (URL.canParse(url, base) ? new URL(url, base) : null); // Node 20 lacks it

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const store = new Store(settings.store, settings.client_tokens ? ["Client", "RegistrationAccessToken"] : ["Client"]);
if (!store.kept.keys) {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  store.kept.keys = [{ ...(await exportJWK(privateKey)), kid: "1", use: "sig", alg: "RS256" }];
  store.save();
}
const verification = createLocalJWKSet({ keys: store.kept.keys.map(({ kty, n, e, kid, alg }) => ({ kty, n, e, kid, alg })) });

const rights = [settings.registration_scope, ...settings.operator.scopes];
const provider = new Provider(settings.issuer, {
  adapter: (model) => store.adapter(model),
  jwks: { keys: store.kept.keys },
  routes: { token: "/v1/token" }, // where the embedded authority has it, for the examples
  clients: [
    {
      client_id: settings.operator.client_id,
      grant_types: ["client_credentials"],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: "private_key_jwt",
      scope: rights.join(" "),
      jwks: { keys: [settings.operator.jwk] },
    },
  ],
  scopes: ["openid", ...rights, ...settings.scopes],
  extraClientMetadata: { properties: settings.kept_metadata },
  clientAuthMethods: ["private_key_jwt", "client_secret_basic", "client_secret_post"],
  ttl: { ClientCredentials: 3600 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    registration: {
      enabled: true,
      idFactory: () => crypto.randomUUID(),
      initialAccessToken: true,
      issueRegistrationAccessToken: Boolean(settings.client_tokens),
    },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: settings.client_tokens === "rotating" },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => settings.audience,
      getResourceServerInfo: () => ({
        scope: [...rights, ...settings.scopes].join(" "),
        audience: settings.audience,
        accessTokenFormat: "jwt",
        accessTokenTTL: 3600,
      }),
    },
  },
});

async function isOperator(header) {
  try {
    const { payload } = await jwtVerify(header.replace(/^Bearer /i, ""), verification, { issuer: settings.issuer });
    return payload.scope.split(" ").includes(settings.registration_scope);
  } catch {
    return false;
  }
}

provider.use(async (ctx, next) => {
  const found = /^\/reg(?:\/([^/]+))?$/.exec(ctx.path);
  if (!found || (found[1] && settings.client_tokens) || !(await isOperator(ctx.get("authorization")))) return next();
  const token = found[1]
    ? new provider.RegistrationAccessToken({ clientId: decodeURIComponent(found[1]) })
    : new provider.InitialAccessToken();
  ctx.req.headers.authorization = `Bearer ${await token.save()}`;
  try {
    await next();
  } finally {
    await token.destroy(); // the answer had it
  }
});

provider.on("server_error", (_, error) => console.error(error));
const server = provider.listen(settings.port, "127.0.0.1");
process.on("SIGTERM", () => server.close(() => process.exit(0)) && server.closeAllConnections());
