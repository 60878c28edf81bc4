// A relying party by openid-client: as each profile asks, and as openid-client does it.

import { library, must, noting, privateKey, visit, world } from "../dialogue.mjs";

export const client = await library("openid-client");
export const { clients } = world;
export const issuer = new URL(world.issuer);

const methods = {
  client_secret_basic: (own) => client.ClientSecretBasic(own.client_secret),
  client_secret_post: (own) => client.ClientSecretPost(own.client_secret),
  private_key_jwt: async (own) => client.PrivateKeyJwt(await privateKey(own.key)),
};
// What an officer's register has of a client, as the library wants to know it.
const metadata = ({ profile, redirect_uris, ...own }) => ({
  redirect_uris,
  ...(profile === "border" ? { id_token_signed_response_alg: "ES256" } : {}),
  ...Object.fromEntries(Object.entries(own).filter(([name]) => name.endsWith("_signed_response_alg"))),
});

export class RelyingParty {
  // `alter`: path -> what is made of the answer's body. `execute`: settings of the library.
  static async open(name, { alter = {}, execute, authentication, bound } = {}) {
    const party = new RelyingParty();
    party.own = clients[name];
    party.seen = [];
    const method = methods[party.own.token_endpoint_auth_method ?? "client_secret_basic"];
    const options = { execute, [client.customFetch]: noting(party.seen, alter) };
    const authenticated = authentication ?? (await method(party.own));
    party.config = await client.discovery(issuer, party.own.client_id, metadata(party.own), authenticated, options);
    return party.with(bound ?? party.own.profile === "border");
  }

  // Another key for proofs, or the same with a handle that remembers no nonce.
  async with(bound, keys) {
    this.keys = bound ? (keys ?? (await client.randomDPoPKeyPair("ES256"))) : undefined;
    this.options = bound ? { DPoP: client.getDPoPHandle(this.config, this.keys) } : undefined;
    return this;
  }

  // What a careful client sends, and what it then checks.
  async request(more = {}) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
    const parameters = {
      redirect_uri: this.own.redirect_uris[0],
      scope: "openid",
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expectedState,
      nonce: expectedNonce,
      ...more,
    };
    return { parameters, checks: { pkceCodeVerifier, expectedState, expectedNonce } };
  }

  plain(parameters) {
    return client.buildAuthorizationUrl(this.config, parameters);
  }
  async pushed(parameters) {
    const url = await client.buildAuthorizationUrlWithPAR(this.config, parameters, this.options);
    must([...url.searchParams.keys()].sort().join() === "client_id,request_uri", url.search);
    return url;
  }
  async signed(parameters, key = this.own.key) {
    return client.buildAuthorizationUrlWithJAR(this.config, parameters, await privateKey(key));
  }
  async pushedSigned(parameters, key) {
    const byValue = await this.signed(parameters, key);
    return this.pushed({ request: byValue.searchParams.get("request") });
  }

  // The way of the profile.
  url(parameters) {
    if (this.own.require_signed_request_object) return this.pushedSigned(parameters);
    return { basic: this.plain, border: this.pushed, federation: this.signed }[this.own.profile].call(this, parameters);
  }

  redeem(callback, checks) {
    const expected = { ...checks, idTokenExpected: true };
    return client.authorizationCodeGrant(this.config, callback, expected, undefined, this.options);
  }

  // From the request to tokens whose ID token is verified. `url` makes the address where the traveller goes.
  async login(more = {}, url = this.url) {
    const { parameters, checks } = await this.request(more);
    const tokens = await this.redeem(await visit(await url.call(this, parameters)), checks);
    const type = this.options ? "dpop" : "bearer";
    must(tokens.token_type === type, `a token of type ${tokens.token_type}`);
    const claims = tokens.claims();
    must(claims.iss === world.issuer && claims.aud === this.own.client_id, JSON.stringify(claims));
    return tokens;
  }

  userinfo(tokens, subject = tokens.claims().sub) {
    return client.fetchUserInfo(this.config, tokens.access_token, subject, this.options);
  }
  refresh(tokens) {
    return client.refreshTokenGrant(this.config, tokens.refresh_token, undefined, this.options);
  }
  introspect(token) {
    return client.tokenIntrospection(this.config, token);
  }
}
