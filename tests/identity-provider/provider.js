// A real OpenID Connect provider, with an app that logs users in. Told by lines of JSON on standard input, it answers
// each with one on standard output; the first line that it writes says where it is. It ends with its input.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { Provider } from 'oidc-provider';

import { login } from './app.js';

// What the provider notes must not stand among the answers.
console.info = console.error;

const CLIENT = 'chasqui';
const REDIRECT = 'http://127.0.0.1:1/signed-in';

const KINDS = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  RS256: ['rsa', { modulusLength: 2048 }],
  EdDSA: ['ed25519', {}],
};

// What the app asked for last: what goes into its next token.
let asked = {};

function newKey(alg) {
  const { privateKey } = generateKeyPairSync(...KINDS[alg]);
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg, use: 'sig' };
}

// Signs with the first key, and publishes all.
function provider(issuer, keys) {
  const { alg } = keys[0];
  return new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT,
        client_secret: 'a secret of the app',
        redirect_uris: [REDIRECT],
        id_token_signed_response_alg: alg,
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    cookies: { keys: ['a secret of the provider'] },
    enabledJWA: { idTokenSigningAlgValues: Object.keys(KINDS) },
    extraTokenClaims: () => ({ write_to: asked.write_to }),
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://chat.example/',
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: '',
          audience: asked.audience ?? CLIENT,
          accessTokenFormat: 'jwt',
          accessTokenTTL: asked.seconds ?? 3600,
          jwt: { sign: { alg } },
        }),
      },
    },
    jwks: { keys },
    pkce: { required: () => false },
    ttl: { IdToken: 3600 },
  });
}

// An address whose provider can be exchanged, as when a real one starts again with other keys.
async function site() {
  let current;
  const server = createServer((request, response) => current(request, response));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  return { issuer, use: (keys) => (current = provider(issuer, keys).callback()) };
}

const say = (answer) => console.log(JSON.stringify(answer));

// Two issuers that sign with the same keys.
const [ours, other] = [await site(), await site()];

function rotate(alg) {
  const keys = [newKey(alg)];
  ours.use(keys);
  other.use(keys);
}

rotate('ES256');
say({ issuer: ours.issuer, jwks: `${ours.issuer}/jwks` });

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    if (command.rotate) {
      rotate(command.rotate);
      say({});
    } else {
      asked = command;
      const issuer = command.at_other ? other.issuer : ours.issuer;
      say(await login(issuer, { client: CLIENT, secret: 'a secret of the app', redirect: REDIRECT }, command.login));
    }
  } catch (error) {
    say({ error: String(error.stack) });
  }
}
process.exit(0);
