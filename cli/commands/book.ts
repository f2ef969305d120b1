/** Edge: `edgebook book`: chunks in, live books out over HTTP and WebSocket, with the page. */

import { startService } from "../../book/service.ts";
import { parseAddress } from "../../book/service-error.ts";
import type { DecoderOptions, Feed } from "../../feed/feed.ts";
import { FEEDS } from "../../feed/registry.ts";
import { parseChunkAddress } from "../../frames/transport-open.ts";
import packageFile from "../../package.json" with { type: "json" };
import { pageFiles } from "../../web/bundle.ts";
import { parseAsOf } from "../as-of.ts";
import { type Command, NO_ARGUMENTS } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { loadMasters } from "../masters.ts";
import { MQTT_FLAGS, mqttAccess } from "../mqtt-flags.ts";
import { printErr } from "../output.ts";
import { DATE_FLAG, MASTERS_FLAG, WINDOW_FLAG } from "../shared-flags.ts";
import { dayInNewYork, midnightInNewYork, parseDay } from "../trading-day.ts";
import { parseWindow } from "../window.ts";

export const command: Command = {
  args: NO_ARGUMENTS,
  flags: [
    {
      name: "from",
      kind: "text",
      repeatable: true,
      placeholder: "ADDRESS",
      doc: "Where chunks come from: mqtt://HOST:PORT, mqtts://HOST:PORT, kafka://HOST:PORT or dir:PATH.",
    },
    {
      name: "broker",
      kind: "text",
      placeholder: "HOST:PORT",
      doc: "Runs an MQTT broker in this process, for collectors to send to.",
    },
    {
      name: "http",
      kind: "text",
      placeholder: "HOST:PORT",
      fallback: "127.0.0.1:8080",
      doc: "Where the page and the API listen.",
    },
    {
      name: "name",
      kind: "text",
      placeholder: "NAME",
      fallback: "book",
      doc: "Name of this consumer: collectors learn under it how far the books are.",
    },
    {
      name: "certify",
      kind: "boolean",
      fallback: "true",
      doc: "Hashes every message for /v1/certificates; --no-certify saves some 25 ns of each.",
    },
    {
      name: "as-of",
      kind: "text",
      placeholder: "own|FILE",
      doc:
        "Joins each trade with the quote in force, for the WebSocket's schema tbbo: that of its " +
        "own instrument, or as a TOML file declares.",
    },
    ...MQTT_FLAGS,
    MASTERS_FLAG,
    WINDOW_FLAG,
    DATE_FLAG,
  ],
  help:
    "Takes chunks from collectors, rebuilds every order book and serves them: a page for people, " +
    "/v1/books and its like for programs, /v1/live as a WebSocket, /metrics for Prometheus. " +
    "Chunks that got lost on the way are asked for again.",
  examples: [
    ["edgebook book --broker 127.0.0.1:1883", "broker and books in one; collectors send to it"],
    ["edgebook book --from mqtt://127.0.0.1:1883", "chunks from a broker that runs already"],
    ["edgebook book --from dir:/var/spool/edgebook", "books of chunks in a directory"],
  ],
  async run({ flags, signal }) {
    const from = flags.texts("from");
    const broker = flags.text("broker");
    if (from.length === 0 && broker === undefined) {
      throw new CliError(
        "bad_flag",
        "Nobody says where chunks come from.",
        "Add --broker 127.0.0.1:1883 to run a broker here, or --from mqtt://HOST:PORT.",
      );
    }
    // Before anything listens: a wrong address is a matter of usage.
    for (const address of from) parseChunkAddress(address);
    const asOf = flags.text("as-of");
    const service = await startService({
      version: packageFile.version,
      from,
      ...(broker === undefined ? {} : { broker: parseAddress("broker", broker) }),
      http: parseAddress("http", flags.text("http") ?? "127.0.0.1:8080"),
      page: await pageFiles(),
      consumer: flags.text("name") ?? "book",
      mqtt: mqttAccess(flags),
      decoderFor: await decoderOptions(flags.texts("masters")),
      sequencer: parseWindow(flags.text("window") ?? "100ms"),
      midnightSec: midnightOf(flags.text("date")),
      certify: flags.on("certify"),
      ...(asOf === undefined ? {} : { asOf: await parseAsOf(asOf) }),
      onStatus: (text) => printErr(`edgebook: ${text}\n`),
    });
    if (service.brokerUrl !== undefined) printErr(`edgebook: broker at ${service.brokerUrl}\n`);
    printErr(`edgebook: books at ${service.url}\n`);
    const say = (text: string) => {
      if (!signal.aborted) printErr(`edgebook: ${text}\n`);
    };
    service.sourcesDone.then(
      () => say("every source has been read; the books stay until you stop this"),
      (error: Error) => say(`a source broke: ${error.message}`),
    );
    await aborted(signal);
    await service.close();
    return Exit.Done;
  },
};

/** Contract files hold prices in the unit of their feed, so they are read once for each places. */
async function decoderOptions(paths: readonly string[]): Promise<(feed: Feed) => DecoderOptions> {
  const byPlaces = new Map<number, DecoderOptions>();
  for (const feed of paths.length === 0 ? [] : FEEDS.filter(({ id }) => id.startsWith("nse-"))) {
    const places = feed.table.priceDecimals;
    if (byPlaces.has(places)) continue;
    const masters = await loadMasters(paths, feed);
    byPlaces.set(places, masters === undefined ? {} : { masters });
  }
  return ({ id, table }) =>
    (id.startsWith("nse-") ? byPlaces.get(table.priceDecimals) : undefined) ?? {};
}

/** Midnight in New York of the day given, else of the capture's; kept for the hour it was asked of. */
export function midnightOf(date: string | undefined): (captureSec: number) => number {
  if (date !== undefined) {
    const midnight = midnightInNewYork(parseDay(date));
    return () => midnight;
  }
  let hour = Number.NaN;
  let midnight = Number.NaN;
  return (captureSec) => {
    const asked = Math.floor(captureSec / 3600);
    if (asked === hour) return midnight;
    hour = asked;
    midnight = midnightInNewYork(dayInNewYork(captureSec));
    return midnight;
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
