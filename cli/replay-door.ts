/**
 * Edge: the door of what a replay serves (`--control`, `--serve`): the same tokens, roles and TLS as
 * the book service has. Beyond loopback it opens only with tokens.
 */
import { isLoopback } from "../book/access.ts";
import { Gate } from "../book/gate.ts";
import { parseAddress } from "../book/service-error.ts";
import { CliError } from "./errors.ts";
import type { HttpAccess } from "./http-flags.ts";

export interface Listener {
  readonly url: string;
  close(): Promise<void>;
}

/** What `Bun.serve` takes of an address. */
export interface DoorAddress {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

export class ReplayDoor {
  readonly flag: string;
  readonly address: DoorAddress;
  private readonly gate: Gate;

  /** @throws CliError for an address that others reach and that asks for no token; ServiceError */
  constructor(flag: string, text: string, { tls, tokens }: HttpAccess = {}) {
    const { host, port } = parseAddress(flag, text);
    if (tokens === undefined && !isLoopback(host)) {
      throw new CliError(
        "bad_flag",
        `--${flag} ${text} can be reached from other hosts, and asks nobody who they are.`,
        "Give --token-file FILE, or listen on 127.0.0.1.",
      );
    }
    this.flag = flag;
    this.address = { hostname: host, port, ...(tls && { tls }) };
    const isTls = tls !== undefined;
    this.gate = new Gate({ tokens, isLoopback: isLoopback(host), isTls, hasLogin: false });
  }

  /** What is answered instead of what was asked for; undefined: it may pass. */
  check(request: Request): Response | Promise<Response> | undefined {
    const refusal = this.gate.check(request);
    if (refusal !== undefined || isSameOrigin(request)) return refusal;
    return new Response("another origin", { status: 403 });
  }

  /** Where a server that listens here is to be asked. */
  urlOf(port: number | undefined): string {
    const { hostname, tls } = this.address;
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    return `${tls === undefined ? "http" : "https"}://${host}:${port}`;
  }
}

/** Pages of other origins may not steer a replay through a visitor's browser. */
function isSameOrigin(request: Request): boolean {
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.get("host");
}
