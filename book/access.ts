/**
 * Who may ask the book service for what: tokens with a role, as they stand in a token file. `read`
 * may look at everything, `operate` may give commands too.
 *
 * Nothing here prints a token: a wrong line is named by its number.
 */
import { ServiceError } from "./service-error.ts";

export type Role = "read" | "operate";

export interface AccessToken {
  readonly role: Role;
  readonly secret: string;
}

/** Shorter ones can be guessed; `openssl rand -hex 16` writes 32. */
const SECRET_LEAST = 20;
const TOKENS_LIMIT = 1000;

/**
 * Lines of `ROLE TOKEN`; empty lines and what follows a `#` at a line's begin are skipped.
 * @throws ServiceError that names the line, never what is in it
 */
export function parseTokens(text: string, path: string): AccessToken[] {
  const tokens: AccessToken[] = [];
  text.split(/\r?\n/).forEach((line, at) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    const [role, secret = "", more] = line.trim().split(/\s+/);
    if ((role !== "read" && role !== "operate") || more !== undefined) {
      throw badFile(path, `line ${at + 1} is no 'read TOKEN' or 'operate TOKEN'`);
    }
    if (secret.length < SECRET_LEAST || !/^[\x21-\x7e]+$/.test(secret)) {
      throw badFile(path, `the token of line ${at + 1} has fewer than ${SECRET_LEAST} characters`);
    }
    tokens.push({ role, secret });
  });
  if (tokens.length === 0) throw badFile(path, "there is no token in it");
  if (tokens.length > TOKENS_LIMIT) throw badFile(path, `it has more than ${TOKENS_LIMIT} tokens`);
  return tokens;
}

function badFile(path: string, why: string): ServiceError {
  const hint =
    "Write 'read TOKEN' or 'operate TOKEN' a line; `openssl rand -hex 16` makes a token.";
  return new ServiceError("bad_flag", `The token file '${path}' cannot be used: ${why}.`, hint);
}

/** What a request needs: whoever only looks needs less. */
export function roleNeeded(method: string): Role {
  return method === "GET" || method === "HEAD" ? "read" : "operate";
}

export function mayDo(has: Role, needed: Role): boolean {
  return has === "operate" || needed === "read";
}

/** Whether an address can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Whether a `Host` header names this machine by a number or as localhost. A page that had its own
 * name point to 127.0.0.1 would look like our own page to a browser; its name gives it away.
 */
export function isOwnName(host: string | null): boolean {
  if (host === null) return true;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    /^\[[0-9a-f:.]+\]$/.test(name) ||
    /^\d+\.\d+\.\d+\.\d+$/.test(name)
  );
}
