/** Edge: asks a running book service for its certificates and its gaps. */
import type { Certificate } from "../streams/certificate.ts";
import type { GapJson } from "../streams/certificate-gaps.ts";
import { parseCertificates } from "../streams/certificate-read.ts";
import { CliError } from "./errors.ts";
import { tokenHeaders } from "./service-token.ts";

const ANSWER_MS = 30_000;

/** @param date as `2012-06-21`; absent: of every day that the service has */
export async function serviceCertificates(
  base: string,
  date: string | undefined,
  signal: AbortSignal,
): Promise<Certificate[]> {
  const days = date === undefined ? await daysOf(base, signal) : [date];
  const found = new Map<string, Certificate>();
  for (const day of days) {
    const text = await answer(base, `/v1/certificates/${day}`, signal);
    for (const certificate of parseCertificates(text, `${base}/v1/certificates/${day}`)) {
      const { feed, stream, epoch } = certificate;
      found.set(`${feed}/${stream}/${epoch}`, certificate);
    }
  }
  return [...found.values()];
}

export async function serviceGaps(base: string, signal: AbortSignal): Promise<GapJson[]> {
  const { gaps } = JSON.parse(await answer(base, "/v1/gaps", signal)) as { gaps?: unknown };
  return Array.isArray(gaps) ? (gaps as GapJson[]) : [];
}

async function daysOf(base: string, signal: AbortSignal): Promise<string[]> {
  const { dates } = JSON.parse(await answer(base, "/v1/certificates", signal)) as {
    dates?: unknown;
  };
  if (Array.isArray(dates) && dates.length > 0) return dates.map(String);
  throw new CliError(
    "service_refused",
    `The book service at ${base} has no certificate yet.`,
    "It makes them of what arrives: is a collector sending to it?",
  );
}

async function answer(base: string, path: string, signal: AbortSignal): Promise<string> {
  const url = addressOf(base, path);
  let response: Response;
  let text: string;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
    response = await fetch(url, { signal: limit, headers: tokenHeaders() });
    text = await response.text();
  } catch (cause) {
    if (signal.aborted) throw new CliError("interrupted", "interrupted");
    throw new CliError(
      "service_unreachable",
      `No book service answers at ${base}: ${(cause as Error).message}`,
      "Start it with 'edgebook book', or check --from.",
      cause,
    );
  }
  if (response.ok) return text;
  throw refusal(base, response.status, text);
}

function addressOf(base: string, path: string): URL {
  try {
    const url = new URL(base.includes("://") ? base : `http://${base}`);
    if (url.protocol === "http:" || url.protocol === "https:") return new URL(path, url);
  } catch {}
  throw new CliError(
    "bad_flag",
    `'--from' is '${base}', not the address of a book service.`,
    "Write it as http://127.0.0.1:8080.",
  );
}

/** The service says what is wrong and how to mend it; other servers may say anything. */
function refusal(base: string, status: number, text: string): CliError {
  let message = `it answered with status ${status}`;
  let hint = "Is it a book service?";
  try {
    const body = JSON.parse(text) as { message?: unknown; hint?: unknown };
    if (typeof body.message === "string") message = body.message;
    if (typeof body.hint === "string") hint = body.hint;
  } catch {}
  return new CliError("service_refused", `The book service at ${base}: ${message}.`, hint);
}
