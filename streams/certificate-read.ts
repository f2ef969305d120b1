/**
 * From text to certificates: a line of JSON each, an array of them, or what the book service
 * answers. Everything is checked before it is believed.
 */
import { CERTIFICATE_VERSION, type Certificate } from "./certificate.ts";

export class CertificateError extends Error {
  readonly code = "bad_certificate";
  readonly hint = "Write certificates with 'edgebook certify FILE --out FILE'.";

  constructor(message: string) {
    super(message);
    this.name = "CertificateError";
  }
}

/**
 * @param name what the text is called in errors
 * @throws CertificateError
 */
export function parseCertificates(text: string, name: string): Certificate[] {
  const values = parsedValues(text.trim(), name);
  return values.map((value, at) => {
    const fault = faultOf(value);
    if (fault === "") return value as Certificate;
    throw new CertificateError(`'${name}' is not certificates: number ${at + 1} ${fault}.`);
  });
}

function parsedValues(text: string, name: string): unknown[] {
  if (text === "") throw new CertificateError(`'${name}' holds no certificate.`);
  const whole = parsed(text);
  if (whole === undefined) {
    return text.split("\n").map((line, at) => {
      const value = parsed(line);
      if (value !== undefined) return value;
      throw new CertificateError(`'${name}' is not certificates: line ${at + 1} is no JSON.`);
    });
  }
  if (Array.isArray(whole)) return whole;
  const { certificates } = (whole ?? {}) as { certificates?: unknown };
  return Array.isArray(certificates) ? certificates : [whole];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Check = (value: unknown) => boolean;

const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const text: Check = (value) => typeof value === "string";
const textOrNull: Check = (value) => value === null || text(value);
const numberText: Check = (value) => text(value) && /^-?\d{1,16}$/.test(value as string);
const digest: Check = (value) => text(value) && /^[0-9a-f]{16}$/.test(value as string);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const mapOf =
  (check: Check): Check =>
  (value) =>
    isMap(value) && Object.values(value).every(check);
const ranges = listOf(
  (value) => Array.isArray(value) && value.length === 2 && value.every(numberText),
);
const isBlocks: Check = (value) =>
  isMap(value) &&
  count(value.numbers) &&
  (value.numbers as number) > 0 &&
  numberText(value.from) &&
  listOf(digest)(value.digests);
const isLine: Check = (value) =>
  isMap(value) &&
  text(value.line) &&
  Object.entries(value).every(
    ([key, inner]) => key === "line" || inner === null || isNumber(inner),
  );

const CHECKS: Readonly<Record<keyof Certificate, Check>> = {
  certificate: count,
  tool: text,
  feed: text,
  stream: count,
  epoch: count,
  session: text,
  day: textOrNull,
  first: numberText,
  high_water_mark: numberText,
  joined_late_from: (value) => value === null || numberText(value),
  delivered: count,
  recovered: count,
  lost: count,
  held: count,
  delivered_ranges: ranges,
  recovered_ranges: ranges,
  lost_ranges: ranges,
  by_snapshot: count,
  by_snapshot_ranges: ranges,
  ranges_left_out: count,
  messages: count,
  types: mapOf(count),
  first_event: textOrNull,
  last_event: textOrNull,
  digest,
  digest_blocks: isBlocks,
  lines: listOf(isLine),
  seal: digest,
};

/** What is wrong with the value; empty if it is a certificate. */
function faultOf(value: unknown): string {
  if (!isMap(value)) return "is no JSON object";
  if (value.certificate !== CERTIFICATE_VERSION) {
    return `has not the form of version ${CERTIFICATE_VERSION}`;
  }
  for (const name of Object.keys(CHECKS) as (keyof Certificate)[]) {
    if (!CHECKS[name](value[name])) return `has a field '${name}' that is missing or wrong`;
  }
  return "";
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}
