/**
 * `/sign-in#code=…` exchanges the code for the session cookie. The code stands in the fragment: browsers do not send
 * it, so no log and no proxy sees it, and a program that only fetches the link does not spend it.
 */
export const signInPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sign in · Rollway</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<main>
  <h1>Rollway</h1>
  <p id="message" role="status">Signing in …</p>
  <noscript><p>Rollway needs JavaScript.</p></noscript>
</main>
<script src="/sign-in.js" type="module"></script>
</html>
`;

export const signInScript = `const message = document.getElementById('message');
const code = new URLSearchParams(location.hash.slice(1)).get('code');
history.replaceState(null, '', '/sign-in');
try {
  if (!code) throw new Error('Open the link that "rollway ui" prints.');
  const response = await fetch('/api/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail + ' ' + answer.remedy);
  location.replace('/');
} catch (error) {
  message.textContent = error.message;
}
`;
