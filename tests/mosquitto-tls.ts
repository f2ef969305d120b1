/**
 * Edge: Mosquitto with TLS, and certificates for it made by openssl in a folder of the test: one
 * authority, the broker's certificate for 127.0.0.1, one for a client.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  freePort,
  type Mosquitto,
  mosquittoProgram,
  startMosquittoWith,
} from "./live-mqtt-broker.ts";

export interface Certificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly brokerCertificate: string;
  readonly brokerKey: string;
}

/** Why it cannot run here; undefined: it can. */
export function tlsObstacle(): string | undefined {
  if (mosquittoProgram() === null) return "no mosquitto";
  if (Bun.which("mosquitto_passwd") === null) return "no mosquitto_passwd";
  return Bun.which("openssl") === null ? "no openssl" : undefined;
}

function openssl(...words: string[]): void {
  const run = Bun.spawnSync(["openssl", ...words], { stdout: "ignore", stderr: "pipe" });
  if (!run.success) throw new Error(`openssl ${words[0]}: ${run.stderr.toString()}`);
}

export function makeCertificates(folder: string): Certificates {
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const ca = at("ca.pem");
  const authority = ["-x509", "-days", "2", "-subj", "/CN=test authority", "-out", ca];
  openssl("req", ...curve, ...authority, "-keyout", at("ca.key"));
  const sign = (name: string, subject: string, extension: string) => {
    writeFileSync(at(`${name}.ext`), extension);
    const request = ["-subj", subject, "-keyout", at(`${name}.key`), "-out", at(`${name}.csr`)];
    openssl("req", "-new", ...curve, ...request);
    const signer = ["-CA", ca, "-CAkey", at("ca.key"), "-CAcreateserial", "-days", "2"];
    const files = [
      "-in",
      at(`${name}.csr`),
      "-extfile",
      at(`${name}.ext`),
      "-out",
      at(`${name}.pem`),
    ];
    openssl("x509", "-req", ...signer, ...files);
  };
  sign("broker", "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1\n");
  sign("client", "/CN=colo-1", "extendedKeyUsage=clientAuth\n");
  return {
    ca,
    certificate: at("client.pem"),
    key: at("client.key"),
    brokerCertificate: at("broker.pem"),
    brokerKey: at("broker.key"),
  };
}

/** Asks for user and password. */
export async function startPasswordMosquitto(
  folder: string,
  { brokerCertificate, brokerKey }: Certificates,
  user: string,
  password: string,
): Promise<Mosquitto> {
  const file = join(folder, "passwords");
  const made = Bun.spawnSync(["mosquitto_passwd", "-b", "-c", file, user, password]);
  if (!made.success) throw new Error(`mosquitto_passwd: ${made.stderr.toString()}`);
  const port = await freePort();
  return startMosquittoWith(
    port,
    `certfile ${brokerCertificate}\nkeyfile ${brokerKey}\nallow_anonymous false\n` +
      `password_file ${file}\n`,
  );
}

/** Asks for a certificate of the authority, and takes its name for the user's. */
export async function startCertificateMosquitto({
  ca,
  brokerCertificate,
  brokerKey,
}: Certificates): Promise<Mosquitto> {
  const port = await freePort();
  return startMosquittoWith(
    port,
    `certfile ${brokerCertificate}\nkeyfile ${brokerKey}\ncafile ${ca}\n` +
      "require_certificate true\nuse_identity_as_username true\n",
  );
}
