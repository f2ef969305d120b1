/**
 * Edge: the door of the book service, before anything else sees a request. With tokens every request
 * needs one: as `Authorization: Bearer TOKEN`, or as the session that a browser gets for it at
 * `/login`. Without tokens a service on loopback answers only to names of this machine.
 *
 * Secrets are kept and compared as SHA-256, in constant time. Sessions live in memory: a restart ends
 * them. Worst case: `SESSIONS_LIMIT` sessions of some 100 bytes.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type AccessToken, isOwnName, mayDo, type Role, roleNeeded } from "./access.ts";
import { ApiError, type ApiErrorCode } from "./http-error.ts";
import { LOGIN_POLICY, loginPage } from "./login-page.ts";

const COOKIE = "edgebook_session";
const SESSIONS_LIMIT = 1000;
const SESSION_MS = 12 * 3600e3;
const FORM_BYTES_LIMIT = 4096;
/** What a supervisor asks, and what says nothing: no token needed. */
const OPEN_PATHS = ["/ping", "/ready", "/page.css"];

export interface GateOptions {
  /** Absent: nobody is asked who they are. */
  readonly tokens?: readonly AccessToken[] | undefined;
  /** Nobody but this machine can reach the listener. */
  readonly isLoopback: boolean;
  readonly isTls: boolean;
  /** Whether a browser can get a session for its token; it can unless said. */
  readonly hasLogin?: boolean;
  readonly nowMs?: () => number;
}

interface Session {
  readonly role: Role;
  readonly endsMs: number;
}

export class Gate {
  /** Requests that were refused. */
  refused = 0;
  private readonly options: GateOptions;
  private readonly digests: readonly { readonly role: Role; readonly digest: Buffer }[] | undefined;
  private readonly sessions = new Map<string, Session>();

  constructor(options: GateOptions) {
    this.options = options;
    this.digests = options.tokens?.map(({ role, secret }) => ({ role, digest: digestOf(secret) }));
  }

  /** What is answered instead of what was asked for; undefined: it may pass. */
  check(request: Request): Response | Promise<Response> | undefined {
    if (this.digests === undefined) {
      if (!this.options.isLoopback || isOwnName(request.headers.get("host"))) return undefined;
      return this.refusal("foreign_name", "this service does not go by the name you used");
    }
    const { pathname } = new URL(request.url);
    if (OPEN_PATHS.includes(pathname)) return undefined;
    const { hasLogin = true } = this.options;
    if (hasLogin && pathname === "/login" && request.method === "POST") return this.login(request);
    const role = this.roleOf(request);
    if (role === undefined) {
      if (hasLogin && pathname === "/" && request.method === "GET") return page(401, "");
      return this.refusal("no_token", "this service wants a token");
    }
    if (mayDo(role, roleNeeded(request.method))) return undefined;
    return this.refusal("not_allowed", "your token may look, not give commands");
  }

  private roleOf({ headers }: Request): Role | undefined {
    const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    if (bearer !== undefined) return this.roleOfSecret(bearer);
    const id = new RegExp(`(?:^|; *)${COOKIE}=([\\w-]+)`).exec(headers.get("cookie") ?? "")?.[1];
    const session = id === undefined ? undefined : this.sessions.get(id);
    return session !== undefined && session.endsMs > this.nowMs() ? session.role : undefined;
  }

  /** Every token is compared, so that time does not tell which. */
  private roleOfSecret(secret: string): Role | undefined {
    const digest = digestOf(secret);
    let role: Role | undefined;
    for (const known of this.digests ?? []) {
      if (timingSafeEqual(known.digest, digest)) role = known.role;
    }
    return role;
  }

  private async login(request: Request): Promise<Response> {
    const form = await request.text();
    const secret =
      form.length <= FORM_BYTES_LIMIT ? (new URLSearchParams(form).get("token") ?? "") : "";
    const role = this.roleOfSecret(secret.trim());
    if (role === undefined) {
      this.refused++;
      return page(401, "That token is not known here.");
    }
    const id = randomBytes(32).toString("base64url");
    const [oldest] = this.sessions.keys();
    if (this.sessions.size >= SESSIONS_LIMIT && oldest !== undefined) this.sessions.delete(oldest);
    this.sessions.set(id, { role, endsMs: this.nowMs() + SESSION_MS });
    const age = `Max-Age=${SESSION_MS / 1000}`;
    const flags = `Path=/; HttpOnly; SameSite=Strict; ${age}${this.options.isTls ? "; Secure" : ""}`;
    return new Response(null, {
      status: 303,
      headers: { Location: "/", "Set-Cookie": `${COOKIE}=${id}; ${flags}` },
    });
  }

  private refusal(code: ApiErrorCode, message: string): Response {
    this.refused++;
    const error = new ApiError(code, message);
    const headers = new Headers({ "Cache-Control": "no-store" });
    if (code === "no_token") headers.set("WWW-Authenticate", "Bearer");
    return Response.json(error.body(), { status: error.status, headers });
  }

  private nowMs(): number {
    return this.options.nowMs?.() ?? performance.now();
  }
}

function page(status: number, complaint: string): Response {
  return new Response(loginPage(complaint), {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": LOGIN_POLICY,
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "no-referrer",
      "Cache-Control": "no-store",
    },
  });
}

const digestOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();
