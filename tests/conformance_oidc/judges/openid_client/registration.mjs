// A client that registers itself (RFC 7591) and then goes the whole way.

import { must, refused, visit, world } from "../dialogue.mjs";
import { client, issuer } from "./relying_party.mjs";

export const registration = {
  "dynamic-registration": async () => {
    const redirect_uri = `${world.site}/registered`;
    const own = { client_name: "Specimen Shop", redirect_uris: [redirect_uri] };
    const wanted = { ...own, token_endpoint_auth_method: "client_secret_post" }; // what the library does unless told
    const config = await client.dynamicClientRegistration(issuer, wanted);
    const { client_id, client_secret, registration_client_uri } = config.clientMetadata();
    must(client_secret && registration_client_uri, "no secret, or no address of the registration");
    const expectedNonce = client.randomNonce();
    const parameters = { redirect_uri, scope: "openid", nonce: expectedNonce };
    const callback = await visit(client.buildAuthorizationUrl(config, parameters));
    const tokens = await client.authorizationCodeGrant(config, callback, { expectedNonce, idTokenExpected: true });
    must(tokens.claims().aud === client_id, "another audience");
    const insecure = { ...wanted, redirect_uris: ["http://shop.example/callback"] };
    await refused(client.dynamicClientRegistration(issuer, insecure), "invalid_redirect_uri");
  },
};
