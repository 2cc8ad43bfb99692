// What an app and the browser of its user do to sign in: the authorization code flow (RFC 6749, 4.1).

// Keeps cookies over the redirects of one site.
class Browser {
  cookies = new Map();

  async open(url, form) {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      headers: { cookie: [...this.cookies].map((pair) => pair.join('=')).join('; ') },
      redirect: 'manual',
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair] = cookie.split(';');
      const at = pair.indexOf('=');
      const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    const location = response.headers.get('location');
    return { location: location && new URL(location, url), text: await response.text() };
  }
}

// Signs a user in; gives the provider's answer, with `access_token` and `id_token`.
export async function login(issuer, { client, secret, redirect }, user) {
  const begin = new URL('/auth', issuer);
  begin.search = new URLSearchParams({
    client_id: client,
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid',
    resource: 'https://chat.example/',
  });
  const browser = new Browser();
  let at = begin;
  // Each page is a redirect, a form that asks for the login, or one that asks for consent.
  for (let pages = 0; !at.href.startsWith(redirect); pages += 1) {
    if (pages > 20) throw new Error(`the login doesn't end: ${at}`);
    let { location, text } = await browser.open(at);
    if (!location) {
      const [, prompt] = text.match(/name="prompt" value="(\w+)"/) ?? [];
      if (!prompt) throw new Error(`no form at ${at}: ${text}`);
      const form = prompt === 'login' ? { prompt, login: user, password: 'any' } : { prompt };
      ({ location } = await browser.open(at, form));
    }
    at = location;
  }
  const code = at.searchParams.get('code');
  if (!code) throw new Error(`no code: ${at}`);
  const response = await fetch(new URL('/token', issuer), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      client_id: client,
      client_secret: secret,
      redirect_uri: redirect,
    }),
  });
  if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`);
  return response.json();
}
