/**
 * Edge: object storage in memory, for tests: the requests of S3 that checkpoints need, each with its
 * signature checked. Lists in pages of `pageKeys`, as S3 does in pages of a thousand.
 */
import { createHash, createHmac } from "node:crypto";

export interface ToyS3Options {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly pageKeys?: number;
}

export class ToyS3 {
  /** By bucket and key, as `bucket/key`. */
  readonly objects = new Map<string, Uint8Array>();
  /** What was asked, in order: `PUT /bucket/key`. */
  readonly requests: string[] = [];
  /** Requests whose signature was not right. */
  refused = 0;
  /** Answers so and does nothing; 0: as it should. */
  failsWith = 0;
  private readonly options: ToyS3Options;
  private readonly server: Bun.Server<undefined>;

  constructor(options: ToyS3Options) {
    this.options = options;
    this.server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      maxRequestBodySize: 1 << 30,
      fetch: (request) => this.answer(request),
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  /** Who we are and where it is, as programs are told. */
  get env(): Readonly<Record<string, string>> {
    const { accessKeyId, secretAccessKey } = this.options;
    return {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT: this.endpoint,
      AWS_REGION: "us-east-1",
    };
  }

  stop(): Promise<void> {
    return this.server.stop(true);
  }

  private async answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.failsWith > 0) return xml("<Error><Code>SlowDown</Code></Error>", this.failsWith);
    if (!isSigned(request, url, this.options)) {
      this.refused++;
      return xml("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403);
    }
    const key = decodeURIComponent(url.pathname.slice(1));
    switch (request.method) {
      case "PUT":
        this.objects.set(key, new Uint8Array(await request.arrayBuffer()));
        return new Response(null, { headers: { etag: '"1"' } });
      case "GET":
        return url.searchParams.has("list-type") ? this.list(key, url) : this.get(key);
      case "DELETE":
        this.objects.delete(key);
        return new Response(null, { status: 204 });
      default:
        return xml("<Error><Code>MethodNotAllowed</Code></Error>", 405);
    }
  }

  private get(key: string): Response {
    const bytes = this.objects.get(key);
    if (bytes === undefined) return xml("<Error><Code>NoSuchKey</Code></Error>", 404);
    return new Response(bytes.slice());
  }

  private list(bucket: string, { searchParams }: URL): Response {
    const before = `${bucket.replace(/\/$/, "")}/`;
    const prefix = searchParams.get("prefix") ?? "";
    const after = searchParams.get("start-after") ?? "";
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(before + prefix))
      .map((key) => key.slice(before.length))
      .filter((key) => key > after)
      .sort();
    const page = keys.slice(0, this.options.pageKeys ?? 1000);
    const rows = page.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`);
    const isTruncated = page.length < keys.length;
    return xml(
      `<ListBucketResult><Name>${bucket}</Name><KeyCount>${page.length}</KeyCount>` +
        `<IsTruncated>${isTruncated}</IsTruncated>${rows.join("")}</ListBucketResult>`,
      200,
    );
  }
}

function xml(body: string, status: number): Response {
  const text = `<?xml version="1.0" encoding="UTF-8"?>${body}`;
  return new Response(text, { status, headers: { "content-type": "application/xml" } });
}

/** AWS Signature Version 4, as its document has it. */
function isSigned({ method, headers }: Request, url: URL, options: ToyS3Options): boolean {
  const given =
    /Credential=([^/]+)\/(\d+)\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)/.exec(
      headers.get("authorization") ?? "",
    );
  if (given === null || given[1] !== options.accessKeyId) return false;
  const [, , day, region, names, signature] = given;
  const query = [...url.searchParams]
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort()
    .join("&");
  const signed = names.split(";").map((name) => `${name}:${(headers.get(name) ?? "").trim()}\n`);
  const payload = headers.get("x-amz-content-sha256") ?? "";
  const asked = [method, url.pathname, query, signed.join(""), names, payload].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const hash = createHash("sha256").update(asked).digest("hex");
  const text = ["AWS4-HMAC-SHA256", headers.get("x-amz-date") ?? "", scope, hash].join("\n");
  let key: string | Buffer = `AWS4${options.secretAccessKey}`;
  for (const part of [day, region, "s3", "aws4_request"]) key = hmac(key, part);
  return hmac(key, text).toString("hex") === signature;
}

const hmac = (key: string | Buffer, text: string) =>
  createHmac("sha256", key).update(text).digest();

const escaped = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
