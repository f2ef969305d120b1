/**
 * Edge: who we are to a broker and whom we trust: user and password, certificates. Secrets come from
 * files, from the environment, or from the address; no message ever holds one.
 */
import { readFileSync } from "node:fs";
import { TransportError } from "./transport-error.ts";

export interface MqttAccess {
  readonly user?: string;
  readonly password?: string;
  /** PEM: who may have signed the broker's certificate; absent: whom the system trusts. */
  readonly ca?: string;
  /** PEM: our own certificate and its key. */
  readonly certificate?: string;
  readonly key?: string;
}

/** As people give it: paths, and the password where it is not in a file. */
export interface MqttAccessSettings {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** @throws TransportError that names the file or the setting, never what is in it */
export function loadMqttAccess(settings: MqttAccessSettings): MqttAccess {
  const { user, passwordFile, caFile, certificateFile, keyFile } = settings;
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    const [there, missing] =
      keyFile === undefined ? ["certificate", "key"] : ["key", "certificate"];
    throw new TransportError(
      "bad_flag",
      `A client ${there} for MQTT is given, but not its ${missing}.`,
      "Give both --mqtt-cert and --mqtt-key.",
    );
  }
  const password =
    passwordFile === undefined
      ? settings.password
      : text("password", passwordFile).replace(/\r?\n$/, "");
  return {
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(caFile === undefined ? {} : { ca: pem("CA certificate", caFile) }),
    ...(certificateFile === undefined
      ? {}
      : { certificate: pem("certificate", certificateFile), key: pem("key", keyFile ?? "") }),
  };
}

function pem(what: string, path: string): string {
  const found = text(what, path);
  if (found.includes("-----BEGIN ")) return found;
  throw new TransportError(
    "bad_flag",
    `The MQTT ${what} '${path}' is no PEM file.`,
    "It has to hold a line that begins with -----BEGIN.",
  );
}

function text(what: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new TransportError(
      "file_not_readable",
      `The MQTT ${what} '${path}' cannot be read: ${(cause as { code?: string }).code ?? "failed"}.`,
      "Check the path and its permissions.",
    );
  }
}

/** What an address says of us, and the address without it: as it may be shown. */
export function splitMqttUrl(text: string): { url: string; access: MqttAccess } {
  const url = new URL(text);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const access: MqttAccess = {
    ...(username === "" ? {} : { user: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
  };
  return { url: url.href.replace(/\/$/, ""), access };
}

/** A text that may be an address, fit for an error. */
export function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^/@:]*):[^@]*@/, "$1:…@");
}
