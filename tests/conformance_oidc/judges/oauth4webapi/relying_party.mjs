// A relying party by oauth4webapi, whose every answer is read by a strict function of its own.

import { library, must, noting, privateKey, visit, world } from "../dialogue.mjs";

export const oauth = await library("oauth4webapi");
export const { clients } = world;
export const issuer = new URL(world.issuer);
export const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));

const methods = {
  client_secret_basic: (own) => oauth.ClientSecretBasic(own.client_secret),
  client_secret_post: (own) => oauth.ClientSecretPost(own.client_secret),
  private_key_jwt: async (own) => oauth.PrivateKeyJwt(await privateKey(own.key)),
};
const ES256 = { id_token_signed_response_alg: "ES256", authorization_signed_response_alg: "ES256" };
const metadata = ({ profile, client_id, ...own }) => ({
  client_id,
  ...(profile === "border" ? ES256 : {}),
  ...Object.fromEntries(Object.entries(own).filter(([name]) => name.endsWith("_signed_response_alg"))),
});

export class RelyingParty {
  // `alter`: path -> what is made of the answer's body. `decrypt`: a function that opens encrypted answers.
  static async open(name, { alter = {}, authentication, bound, decrypt } = {}) {
    const party = new RelyingParty();
    party.own = clients[name];
    party.client = metadata(party.own);
    party.seen = [];
    party.authentication =
      authentication ?? (await methods[party.own.token_endpoint_auth_method ?? "client_secret_basic"](party.own));
    party.reading = { [oauth.jweDecrypt]: decrypt };
    party.fetching = { [oauth.customFetch]: noting(party.seen, alter) };
    return party.with(bound ?? party.own.profile === "border");
  }

  // Another key for proofs, or the same with a handle that remembers no nonce.
  async with(bound, keys) {
    this.keys = bound ? (keys ?? (await oauth.generateKeyPair("ES256"))) : undefined;
    this.options = bound ? { ...this.fetching, DPoP: oauth.DPoP(this.client, this.keys) } : this.fetching;
    return this;
  }

  // One request and the reading of its answer; once more when the answer brings the nonce for the next proof.
  async patiently(attempt) {
    try {
      return await attempt();
    } catch (error) {
      if (!this.keys || !oauth.isDPoPNonceError(error)) throw error;
      return attempt();
    }
  }

  async request(more = {}) {
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const parameters = new URLSearchParams({
      client_id: this.own.client_id,
      redirect_uri: this.own.redirect_uris[0],
      response_type: "code",
      scope: "openid",
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...more,
    });
    return { parameters, verifier, state, nonce };
  }

  plain(parameters) {
    const url = new URL(as.authorization_endpoint);
    url.search = new URLSearchParams(parameters);
    return url;
  }
  async pushed(parameters) {
    const { request_uri } = await this.patiently(async () => {
      const { client, authentication, options } = this;
      const answer = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options);
      return oauth.processPushedAuthorizationResponse(as, this.client, answer);
    });
    return this.plain({ client_id: this.own.client_id, request_uri });
  }
  async object(parameters, key = this.own.key) {
    return oauth.issueRequestObject(as, this.client, parameters, await privateKey(key));
  }
  async signed(parameters, key) {
    return this.plain({ client_id: this.own.client_id, request: await this.object(parameters, key) });
  }
  async pushedSigned(parameters, key) {
    const request = await this.object(parameters, key);
    return this.pushed(new URLSearchParams({ client_id: this.own.client_id, request }));
  }
  url(parameters) {
    if (this.own.require_signed_request_object) return this.pushedSigned(parameters);
    return { basic: this.plain, border: this.pushed, federation: this.signed }[this.own.profile].call(this, parameters);
  }

  // The parameters of an answer that is for this client and this request, signed or not.
  async answered(callback, { parameters, state }) {
    const mode = parameters.get("response_mode");
    const brought =
      callback instanceof URL ? callback.searchParams : new URLSearchParams(await oauth.formPostResponse(callback));
    if (mode?.endsWith("jwt")) return oauth.validateJwtAuthResponse(as, this.client, brought, state, this.reading);
    return oauth.validateAuthResponse(as, this.client, brought, state);
  }

  // Tokens, whose ID token is verified with its signature.
  async redeem(brought, { verifier, nonce }, additionalParameters) {
    const [redirectUri] = this.own.redirect_uris;
    const options = { ...this.options, additionalParameters };
    return this.patiently(async () => {
      const answer = await oauth.authorizationCodeGrantRequest(
        as, this.client, this.authentication, brought, redirectUri, verifier, options,
      );
      const checks = { expectedNonce: nonce, requireIdToken: true, ...this.reading };
      const tokens = await oauth.processAuthorizationCodeResponse(as, this.client, answer, checks);
      await oauth.validateApplicationLevelSignature(as, answer);
      return tokens;
    });
  }

  async login(more = {}, url = this.url, additionalParameters = undefined) {
    const sent = await this.request(more);
    const brought = await this.answered(await visit(await url.call(this, sent.parameters)), sent);
    const tokens = await this.redeem(brought, sent, additionalParameters);
    const type = this.keys ? "dpop" : "bearer";
    must(tokens.token_type === type, `a token of type ${tokens.token_type}`);
    return tokens;
  }

  async userinfo(tokens, subject = oauth.getValidatedIdTokenClaims(tokens).sub, signed = false) {
    return this.patiently(async () => {
      const answer = await oauth.userInfoRequest(as, this.client, tokens.access_token, this.options);
      const told = await oauth.processUserInfoResponse(as, this.client, subject, answer, this.reading);
      if (signed) await oauth.validateApplicationLevelSignature(as, answer);
      return told;
    });
  }
  async refresh(tokens) {
    return this.patiently(async () => {
      const answer = await oauth.refreshTokenGrantRequest(
        as, this.client, this.authentication, tokens.refresh_token, this.options,
      );
      return oauth.processRefreshTokenResponse(as, this.client, answer, this.reading);
    });
  }
  async introspect(token, signed = false) {
    const options = { ...this.fetching, requestJwtResponse: signed };
    const answer = await oauth.introspectionRequest(as, this.client, this.authentication, token, options);
    const told = await oauth.processIntrospectionResponse(as, this.client, answer, this.reading);
    if (signed) await oauth.validateApplicationLevelSignature(as, answer);
    return told;
  }
  async revoke(token) {
    const answer = await oauth.revocationRequest(as, this.client, this.authentication, token, this.fetching);
    await oauth.processRevocationResponse(answer);
  }
  async credentials(scope) {
    return this.patiently(async () => {
      const answer = await oauth.clientCredentialsGrantRequest(
        as, this.client, this.authentication, { scope }, this.options,
      );
      return oauth.processClientCredentialsResponse(as, this.client, answer);
    });
  }

  // The request of this client as a resource server sees it.
  async presented(tokens) {
    let seen;
    const customFetch = async (url, { method, headers }) => {
      seen = new Request(url, { method, headers });
      return new Response();
    };
    const options = { ...this.options, [oauth.customFetch]: customFetch };
    const there = new URL("/some/resource", issuer);
    await oauth.protectedResourceRequest(tokens.access_token, "GET", there, undefined, undefined, options);
    return seen;
  }
}
