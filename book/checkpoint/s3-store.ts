/**
 * Edge: checkpoints on object storage, `s3://bucket/prefix`. Who we are and where the storage is says
 * the environment, as everywhere: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT
 * (or the same with S3_). An object is there whole or not at all; nothing is ever appended.
 *
 * Every request is given up after a minute. One service writes to a prefix at a time: two that write
 * to one would take turns in being the newest.
 */
import { S3Client } from "bun";
import type { StateStore } from "./state-store.ts";

const REQUEST_MS = 60_000;
/** A prefix holds a few checkpoints; more pages than this are not ours. */
const PAGES_LIMIT = 100;

export interface S3Address {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
}

/** @returns undefined for what is no such address: a directory */
export function parseS3Address(text: string): S3Address | undefined {
  const parts = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(text);
  if (parts === null) return undefined;
  return { bucket: parts[1], prefix: (parts[2] ?? "").replace(/^\/+|\/+$/g, "") };
}

export class S3Store implements StateStore {
  readonly place: string;
  private readonly client: S3Client;
  private readonly address: S3Address;
  private readonly before: string;

  constructor(address: S3Address) {
    this.address = address;
    const { bucket, prefix } = address;
    this.place = `s3://${bucket}/${prefix}`;
    this.before = prefix === "" ? "" : `${prefix}/`;
    this.client = new S3Client({ bucket, ...accessOf(process.env) });
  }

  /** A store of its own below this one. */
  within(name: string): S3Store {
    return new S3Store({ bucket: this.address.bucket, prefix: `${this.before}${name}` });
  }

  async list(): Promise<string[]> {
    const names: string[] = [];
    let startAfter: string | undefined;
    for (let page = 0; page < PAGES_LIMIT; page++) {
      const asked = { prefix: this.before, ...(startAfter === undefined ? {} : { startAfter }) };
      const { contents = [], isTruncated } = await this.ask("LIST", "", this.client.list(asked));
      for (const { key } of contents) {
        startAfter = key;
        const name = key.slice(this.before.length);
        if (!name.includes("/")) names.push(name);
      }
      if (isTruncated !== true || contents.length === 0) break;
    }
    return names;
  }

  async get(name: string): Promise<Uint8Array> {
    return this.ask("GET", name, this.client.file(this.before + name).bytes());
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.ask("PUT", name, this.client.write(this.before + name, bytes));
  }

  async remove(name: string): Promise<void> {
    await this.ask("DELETE", name, this.client.delete(this.before + name));
  }

  private async ask<Answer>(what: string, name: string, answer: Promise<Answer>): Promise<Answer> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("no answer within a minute")), REQUEST_MS);
    });
    try {
      return await Promise.race([answer, late]);
    } catch (cause) {
      const { code, message } = cause as { code?: string; message: string };
      const why = code === undefined ? message : `${code}: ${message}`;
      throw new Error(`${what} ${this.place}/${name}: ${why}`, { cause });
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
