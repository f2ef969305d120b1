/** What a run over real sockets must show, as complaints: none is a pass. */
import type { Certificate } from "../streams/certificate.ts";
import { contradictions, differenceText } from "../streams/certificate-check.ts";
import { planText } from "./sockets-plan.ts";
import type { SocketsRun } from "./sockets-run.ts";

const SHOWN = 3;

export function complaintsOf({ served, expected, dead }: SocketsRun): string[] {
  const complaints = dead.map((name) => `${name} ended by itself`);
  const same = (what: string, is: unknown, should: unknown) => {
    if (is !== should) complaints.push(`${what}: ${is}, not ${should}`);
  };
  same("streams", served.streams.length, expected.last.size);
  for (const { stream, state, position, flags, lost, held_messages } of served.streams) {
    same(`stream ${stream}: state`, state, "live");
    same(`stream ${stream}: flags`, flags, "");
    same(`stream ${stream}: position`, position, String(expected.last.get(stream)));
    same(`stream ${stream}: lost`, lost, 0);
    same(`stream ${stream}: held messages`, held_messages, 0);
  }
  const lostGaps = served.gaps.filter(({ state }) => state === "lost");
  same("lost rows of the ledger", lostGaps.length, 0);
  complaints.push(...lostGaps.slice(0, SHOWN).map((row) => JSON.stringify(row)));
  // A service that was born after the last message has an image and heartbeats, nothing to certify.
  const delivered = served.streams.filter(({ messages }) => messages > 0);
  same("certificates", served.certificates.length, delivered.length);
  complaints.push(...served.certificates.flatMap(contradictions).map(differenceText));
  for (const { stream, epoch, high_water_mark, held, lost } of served.certificates) {
    same(`certificate of ${stream}: epoch`, epoch, 0);
    same(`certificate of ${stream}: last`, high_water_mark, String(expected.last.get(stream)));
    same(`certificate of ${stream}: held`, held, 0);
    same(`certificate of ${stream}: lost`, lost, 0);
  }
  const wrong = [...expected.books].filter(([token, book]) => served.books.get(token) !== book);
  same("books that differ", wrong.length, 0);
  for (const [token, book] of wrong.slice(0, SHOWN)) {
    complaints.push(`${token}: ${served.books.get(token)}, the auditor ${book}`);
  }
  return complaints;
}

/** One line for people. */
export function summaryOf(run: SocketsRun): string {
  const { plan, expected, served, settledMs } = run;
  const numbers = [...expected.last.values()].reduce((sum, last) => sum + last, 0);
  const sum = (of: (certificate: Certificate) => number) =>
    served.certificates.reduce((total, certificate) => total + of(certificate), 0);
  // A busy host may not bring a chunk in time: then what it held came by request.
  const givenUp = served.lostChunks.map((row) => ` chunks given up: ${JSON.stringify(row)};`);
  const bySnapshot = sum((certificate) => certificate.by_snapshot);
  return (
    `seed ${plan.seed}: ${planText(plan)}; ${numbers} messages, ${expected.books.size} books, ` +
    `${sum(({ recovered }) => recovered)} by request, ${bySnapshot} of them by snapshot alone;` +
    `${givenUp.join("")} whole ${(settledMs / 1000).toFixed(1)} s after`
  );
}
