/** Edge: the flags that say who may ask what we serve over HTTP, and how it proves who it is. */
import { readFileSync } from "node:fs";
import { type AccessToken, isLoopback, parseTokens } from "../book/access.ts";
import type { FlagSpec } from "./command.ts";
import { CliError } from "./errors.ts";
import type { FlagValues } from "./flag-values.ts";

const file = (name: string, doc: string): FlagSpec => {
  return { name, kind: "text", placeholder: "FILE", doc };
};

export const HTTP_FLAGS: readonly FlagSpec[] = [
  file("http-tls-cert", "PEM of the certificate that our HTTP shows; --http-tls-key goes with it."),
  file("http-tls-key", "PEM of its key."),
  file("token-file", "Who may ask: lines of 'read TOKEN' and 'operate TOKEN'; absent: anybody."),
];

export interface HttpAccess {
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly tokens?: readonly AccessToken[];
}

/** @throws CliError or ServiceError that names the file, never what is in it */
export function httpAccess(flags: FlagValues): HttpAccess {
  const cert = flags.text("http-tls-cert");
  const key = flags.text("http-tls-key");
  const tokens = flags.text("token-file");
  if ((cert === undefined) !== (key === undefined)) {
    const [there, missing] = key === undefined ? ["cert", "key"] : ["key", "cert"];
    throw new CliError(
      "bad_flag",
      `--http-tls-${there} is given, but not --http-tls-${missing}.`,
      "Give both, as PEM files.",
    );
  }
  return {
    ...(cert === undefined || key === undefined
      ? {}
      : { tls: { cert: pem("certificate", cert), key: pem("key", key) } }),
    ...(tokens === undefined ? {} : { tokens: parseTokens(text("token file", tokens), tokens) }),
  };
}

/** A sentence for whoever opens a service to others without asking who they are. */
export function openDoor(host: string, access: HttpAccess): string | undefined {
  if (isLoopback(host)) return undefined;
  if (access.tokens === undefined) {
    return `anybody who reaches ${host} may read the books and clear streams; --token-file asks who they are`;
  }
  if (access.tls !== undefined) return undefined;
  return "tokens cross the network unencrypted; --http-tls-cert and --http-tls-key encrypt them";
}

function pem(what: string, path: string): string {
  const found = text(what, path);
  if (found.includes("-----BEGIN ")) return found;
  const hint = "It has to hold a line that begins with -----BEGIN.";
  throw new CliError("bad_flag", `The HTTP ${what} '${path}' is no PEM file.`, hint);
}

function text(what: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = (cause as { code?: string }).code ?? "failed";
    const message = `The HTTP ${what} '${path}' cannot be read: ${why}.`;
    throw new CliError("file_not_readable", message, "Check the path and its permissions.");
  }
}
