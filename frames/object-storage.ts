/**
 * Edge: object storage, `s3://bucket/prefix`, for whatever keeps files there: checkpoints, tables. Who we
 * are and where the storage is says the environment, as everywhere: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT (or the same with S3_). An object is there whole or
 * not at all; nothing is ever appended.
 *
 * Every request is given up after a minute.
 */
import { S3Client } from "bun";

const REQUEST_MS = 60_000;
const SIGNED_SEC = 120;
/** Pages of a thousand; a folder of more is not listed at all, lest half of it be taken for all. */
const PAGES_LIMIT = 10_000;
const TRIES = 6;
const AGAIN_MS = 200;
/** Whether the storage keeps its word is asked with this object, once for each prefix. */
const PROBE = "_edgebook_probe";

export interface S3Address {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
}

export interface StoredObject {
  /** Below the prefix. */
  readonly path: string;
  /** bytes */
  readonly size: number;
  /** By the storage's clock; NaN where it does not say. */
  readonly modifiedMs: number;
}

/** The storage cannot do what tables need of it. */
export class StorageUnfit extends Error {
  readonly code = "storage_unfit";
  readonly hint =
    "Use storage with conditional writes (If-None-Match), or a folder that all writers share.";
}

/** @returns undefined for what is no such address: a directory */
export function parseS3Address(text: string): S3Address | undefined {
  const parts = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(text);
  if (parts === null) return undefined;
  return { bucket: parts[1], prefix: (parts[2] ?? "").replace(/^\/+|\/+$/g, "") };
}

export class ObjectStorage {
  /** For people. */
  readonly place: string;
  private readonly address: S3Address;
  private readonly client: S3Client;
  private readonly before: string;
  private isFit: Promise<void> | undefined;

  constructor(address: S3Address) {
    this.address = address;
    const { bucket, prefix } = address;
    this.place = `s3://${bucket}/${prefix}`;
    this.before = prefix === "" ? "" : `${prefix}/`;
    this.client = new S3Client({ bucket, ...accessOf(process.env) });
  }

  /** A storage of its own below this one. */
  within(name: string): ObjectStorage {
    return new ObjectStorage({ bucket: this.address.bucket, prefix: `${this.before}${name}` });
  }

  /** Everything below a folder, `""` for all, however deep; in the order of their names. */
  async list(folder: string): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    const prefix = this.before + (folder === "" ? "" : `${folder}/`);
    let startAfter: string | undefined;
    for (let page = 0; page < PAGES_LIMIT; page++) {
      const asked = { prefix, ...(startAfter === undefined ? {} : { startAfter }) };
      const answer = await this.ask("LIST", folder, this.client.list(asked));
      const { contents = [], isTruncated } = answer;
      for (const { key, size = 0, lastModified = "" } of contents) {
        startAfter = key;
        const path = key.slice(this.before.length);
        if (!path.endsWith("/")) found.push({ path, size, modifiedMs: Date.parse(lastModified) });
      }
      if (isTruncated !== true || contents.length === 0) return found;
    }
    throw new Error(`LIST ${this.place}/${folder}: there is more than can be listed`);
  }

  /** Names of the folders right below the prefix. */
  async folders(): Promise<string[]> {
    const asked = { prefix: this.before, delimiter: "/" };
    const { commonPrefixes = [] } = await this.ask("LIST", "", this.client.list(asked));
    return commonPrefixes.map(({ prefix }) => prefix.slice(this.before.length, -1));
  }

  /** `undefined`: it is not there. */
  async get(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.ask("GET", path, this.client.file(this.before + path).bytes());
    } catch (error) {
      const { code } = (error as Error).cause as { code?: string };
      if (code === "NoSuchKey") return undefined;
      throw error;
    }
  }

  /** Writes the object to a file, without holding all of it. */
  async fetchTo(path: string, file: string): Promise<void> {
    await this.ask("GET", path, Bun.write(file, this.client.file(this.before + path)));
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.ask("PUT", path, this.client.write(this.before + path, bytes));
  }

  /**
   * True for exactly one of all who try the same path. Bytes that nobody else would put: an answer that
   * is lost on its way leaves a doubt, and then they tell whose object it is.
   * @throws StorageUnfit the storage makes no difference
   */
  async putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean> {
    this.isFit ??= this.prove();
    await this.isFit;
    return this.putAbsent(path, bytes);
  }

  async remove(path: string): Promise<void> {
    await this.ask("DELETE", path, this.client.delete(this.before + path));
  }

  /** Storage that passes the condition over would lose commits without a word. */
  private async prove(): Promise<void> {
    const bytes = new TextEncoder().encode(`${crypto.randomUUID()}\n`);
    await this.putAbsent(PROBE, bytes);
    const other = new TextEncoder().encode(`${crypto.randomUUID()}\n`);
    if (!(await this.putAbsent(PROBE, other))) return;
    throw new StorageUnfit(
      `${this.place} overwrites where it is asked not to: two writers would lose each other's rows`,
    );
  }

  private async putAbsent(path: string, bytes: Uint8Array): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      const answer = await this.putOnce(path, bytes);
      if (answer === 200) return true;
      if (answer === 412) {
        const there = await this.get(path);
        if (there !== undefined) return Buffer.compare(there, bytes) === 0;
      }
      // 409: somebody is putting it at this moment. All else is the storage's trouble, or the network's.
      const isPassing = typeof answer === "string" || answer === 409 || answer >= 429;
      if (tries >= TRIES || (!isPassing && answer !== 412)) {
        throw new Error(`PUT ${this.place}/${path}: the answer is ${answer}`);
      }
      await Bun.sleep(AGAIN_MS * tries);
    }
  }

  /** The status, 200 for all that are well; a sentence where no answer came. */
  private async putOnce(path: string, bytes: Uint8Array): Promise<number | string> {
    // Bun's client has no conditions: it signs the address, and the condition goes beside it.
    const url = this.client.presign(this.before + path, { method: "PUT", expiresIn: SIGNED_SEC });
    try {
      const answer = await fetch(url, {
        method: "PUT",
        body: bytes as Uint8Array<ArrayBuffer>,
        headers: { "if-none-match": "*" },
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      await answer.arrayBuffer();
      return answer.ok ? 200 : answer.status;
    } catch (error) {
      return (error as Error).message;
    }
  }

  private async ask<Answer>(what: string, path: string, answer: Promise<Answer>): Promise<Answer> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("no answer within a minute")), REQUEST_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (cause) {
      const { code, message } = cause as { code?: string; message: string };
      const who = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for any S3 client";
      const said = code === "ERR_S3_MISSING_CREDENTIALS" ? who : message;
      const why = code === undefined ? said : `${code}: ${said}`;
      throw new Error(`${what} ${this.place}/${path}: ${why}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Who we are and where the storage is; what is absent is as AWS has it. */
function accessOf(env: Readonly<Record<string, string | undefined>>) {
  const names = {
    accessKeyId: "ACCESS_KEY_ID",
    secretAccessKey: "SECRET_ACCESS_KEY",
    sessionToken: "SESSION_TOKEN",
    region: "REGION",
    endpoint: "ENDPOINT",
  };
  const given = Object.entries(names).flatMap(([option, name]) => {
    const value = env[`S3_${name}`] ?? env[`AWS_${name}`];
    return value === undefined ? [] : [[option, value] as const];
  });
  return Object.fromEntries(given);
}
