/** The page that asks a browser for a token: markup alone, no script. */

/** Nothing but our own style, and a form that goes nowhere else. */
export const LOGIN_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** @param complaint a sentence of ours, never of the client's */
export function loginPage(complaint: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>edgebook</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
</head>
<body class="login">
<main>
  <form method="post" action="/login">
    <h1>edgebook</h1>
    <p><label for="token">This service asks for a token</label></p>
    <p><input id="token" name="token" type="password" autocomplete="current-password" required autofocus></p>
    <p role="alert">${complaint}</p>
    <p><button type="submit">Enter</button></p>
  </form>
</main>
</body>
</html>
`;
}
