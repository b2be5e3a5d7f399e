// Browser sign-in against an OIDC provider as its makers publish it: authorization code with PKCE (RFC 7636), without a secret. What is
// between the two lines below is all that a frontend needs; the rest plays the provider and the browser.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import Provider from "oidc-provider";
import * as oidc from "openid-client";

const { MILEPOST_URL: url, MILEPOST_KEY: key } = process.env;
const mark = `sign-in-${Date.now()}`;
const people = {
  ana: { sub: `${mark}-ana`, name: "Ana Petrova", email: `${mark}-ana@example.com`, email_verified: true },
  ben: { sub: `${mark}-ben`, name: "Ben Okafor", email: `${mark}-ben@example.com`, email_verified: false },
};
let signedInAs = "ana";

async function ask(path, token, method = "GET", body = undefined) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

/** A provider that asks nobody: whoever comes is `signedInAs`. */
async function startProvider() {
  const server = createServer((request, response) => handle(request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "frontend", token_endpoint_auth_method: "none", redirect_uris: ["http://127.0.0.1/callback"],
      grant_types: ["authorization_code"], response_types: ["code"], application_type: "native",
    }],
    pkce: { required: () => true },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => Object.values(people).find((one) => one.sub === id) }),
    extraTokenClaims: (_, token) => {
      const { name, email, email_verified } = Object.values(people).find((one) => one.sub === token.accountId);
      return { name, email, email_verified };
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "https://milepost.example",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "openid", audience: mark, accessTokenFormat: "jwt", accessTokenTTL: 900, jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  const callback = provider.callback();
  const handle = async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return callback(request, response);
    const { prompt, params } = await provider.interactionDetails(request, response);
    const accountId = people[signedInAs].sub;
    if (prompt.name === "login") return provider.interactionFinished(request, response, { login: { accountId } });
    const grant = new provider.Grant({ clientId: params.client_id, accountId });
    grant.addOIDCScope("openid email profile");
    grant.addResourceScope("https://milepost.example", "openid");
    return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  };
  return { issuer, close: () => server.close() };
}

/** Follows redirects as a browser does, with cookies, up to the address that the frontend is waiting for. */
async function browse(start) {
  const cookies = new Map();
  let address = new URL(start);
  for (let hop = 0; hop < 10; hop += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await fetch(address, { redirect: "manual", headers: { cookie } });
    for (const set of answer.headers.getSetCookie()) {
      const [pair] = set.split(";");
      cookies.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    assert.ok(answer.headers.get("location"), `${address}: ${answer.status} ${await answer.text()}`);
    address = new URL(answer.headers.get("location"), address);
    if (address.pathname === "/callback") return address;
  }
  throw new Error("too many redirects");
}

async function signIn(issuer, audience) {
  // ---- a frontend's part ----
  // `allowInsecureRequests` is for a provider on this machine only.
  const config = await oidc.discovery(new URL(issuer), "frontend", undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  });
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const address = oidc.buildAuthorizationUrl(config, {
    redirect_uri: "http://127.0.0.1/callback", scope: "openid email profile", resource: audience, state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const back = await browse(address); // location.assign(address), and later location.href
  const tokens = await oidc.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }, { resource: audience });
  return tokens.access_token; // kept in memory, not in localStorage, and sent as Authorization: Bearer
  // ---------------------------
}

const provider = await startProvider();
try {
  const create = async (content) => {
    const made = await ask("/v1/identity-providers", key, "POST", { issuer: provider.issuer, audience: mark, ...content });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return made.body;
  };
  const archive = async (made) => {
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/merge-patch+json", "If-Match": `"${made.version}"` };
    const path = `/v1/identity-providers/${made.id}`;
    const answer = await fetch(url + path, { method: "PATCH", headers, body: JSON.stringify({ archived: true }) });
    assert.equal(answer.status, 200, await answer.text());
  };

  // Nobody may come who is not known.
  const strict = await create({ person_by: "external_ref" });
  let token = await signIn(provider.issuer, "https://milepost.example");
  assert.equal((await ask("/v1/me", token)).status, 403);
  const ana = await ask("/v1/people", key, "POST", { name: "Ana", kind: "employee", external_ref: people.ana.sub });
  let me = await ask("/v1/me", token);
  assert.deepEqual([me.status, me.body.type, me.body.id], [200, "person", ana.body.id]);
  await archive(strict);
  assert.equal((await ask("/v1/me", token)).status, 401, "an archived provider's tokens are not accepted");

  // Whoever has a verified address becomes a person.
  const open = await create({ person_by: "verified_email", creates_people: true });
  signedInAs = "ben";
  token = await signIn(provider.issuer, "https://milepost.example");
  const refused = await ask("/v1/me", token);
  assert.deepEqual([refused.status, refused.body.detail], [403, "The token's e-mail address is not verified by its issuer."]);
  people.ben.email_verified = true;
  token = await signIn(provider.issuer, "https://milepost.example");
  me = await ask("/v1/me", token);
  assert.deepEqual([me.status, me.body.name, me.body.person.email], [200, "Ben Okafor", people.ben.email]);
  assert.deepEqual((await ask("/v1/plans", token)).body.data, [], "a new person has nothing of their own");
  await archive(open);
  console.log("summary: oidc-provider and openid-client, authorization code with PKCE");
} finally {
  provider.close();
}
