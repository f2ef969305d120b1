/** Edge: a certificate for 127.0.0.1 that signs itself, made by openssl in a folder of the test. */
import { join } from "node:path";

export interface OwnCertificate {
  /** Paths of its PEM files. */
  readonly certificate: string;
  readonly key: string;
}

/** Undefined where no openssl is. */
export function ownCertificate(folder: string): OwnCertificate | undefined {
  if (Bun.which("openssl") === null) return undefined;
  const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const words = ["openssl", "req", "-x509", "-days", "2", ...curve, ...names];
  const run = Bun.spawnSync([...words, "-keyout", key, "-out", certificate], { stderr: "pipe" });
  if (!run.success) throw new Error(`openssl req: ${run.stderr.toString()}`);
  return { certificate, key };
}
