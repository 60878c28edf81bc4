// oidc-provider with its memory adapter: one client, and a traveller who is logged in by being asked.
// Environment: PORT, CLIENT (JSON: the client's metadata), KEY (JSON: a private ES256 JWK to sign with), RESOURCE.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const issuer = `http://127.0.0.1:${process.env.PORT}`;
const lifetime = 3600; // seconds, as ours

const provider = new Provider(issuer, {
  clients: [JSON.parse(process.env.CLIENT)],
  jwks: { keys: [JSON.parse(process.env.KEY)] },
  cookies: { keys: ['measured-and-thrown-away'] },
  pkce: { required: () => true },
  scopes: ['openid'],
  ttl: { AccessToken: lifetime, ClientCredentials: lifetime, Grant: lifetime, IdToken: 300, Interaction: 480, Session: lifetime },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (ctx, interaction) => `/login/${interaction.uid}` },
  // The traveller agreed before: authorization goes straight on, as it does with a remembered consent of ours.
  async loadExistingGrant(ctx) {
    const { client, session, provider: { Grant } } = ctx.oidc;
    const known = session.grantIdFor(client.clientId);
    if (known) return Grant.find(known);
    const grant = new Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid');
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: '', audience: process.env.RESOURCE, accessTokenFormat: 'jwt', accessTokenTTL: lifetime,
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

const answer = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith('/login/')) return answer(request, response);
  return provider.interactionFinished(request, response, { login: { accountId: 'traveller' } });
}).listen(Number(process.env.PORT), '127.0.0.1');
