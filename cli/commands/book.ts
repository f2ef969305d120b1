/** Edge: `edgebook book`: chunks in, live books out over HTTP and WebSocket, with the page. */

import type { NeighbourOptions } from "../../book/neighbours.ts";
import { startService } from "../../book/service.ts";
import { parseAddress } from "../../book/service-error.ts";
import { parseKafkaAddress } from "../../frames/kafka-topics.ts";
import { parseChunkAddress } from "../../frames/transport-open.ts";
import packageFile from "../../package.json" with { type: "json" };
import { pageFiles } from "../../web/bundle.ts";
import { type BookFlags, bookOptions, stateKeyOf } from "../book-options.ts";
import { type Command, NO_ARGUMENTS } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import type { FlagValues } from "../flag-values.ts";
import { HTTP_FLAGS, httpAccess, openDoor } from "../http-flags.ts";
import { KAFKA_MEMORY_FLAG, kafkaSettings } from "../kafka-flags.ts";
import { LOG_FLAG, openLog } from "../log.ts";
import { MQTT_FLAGS, mqttAccess } from "../mqtt-flags.ts";
import { DATE_FLAG, MASTERS_FLAG, WINDOW_FLAG } from "../shared-flags.ts";

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
    ...HTTP_FLAGS,
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
    {
      name: "events",
      kind: "text",
      placeholder: "ADDRESS",
      doc: "Where rows of every event, trade and quote go: kafka://HOST:PORT.",
    },
    KAFKA_MEMORY_FLAG,
    {
      name: "member",
      kind: "text",
      placeholder: "NAME",
      doc:
        "Makes this one of a group of services that share the streams of --from kafka://; the name is " +
        "its own for good, --name is the group's, and --state is a directory or s3:// that all of them see.",
    },
    {
      name: "shards",
      kind: "integer",
      placeholder: "N",
      doc: "Spreads the streams over so many threads, each begun again by itself when it fails.",
    },
    {
      name: "state",
      kind: "text",
      placeholder: "DIR|s3://BUCKET/PREFIX",
      doc: "Saves checkpoints there and begins with the newest good one; S3 by AWS_ variables.",
    },
    {
      name: "save-every",
      kind: "duration",
      placeholder: "TIME",
      fallback: "30s",
      doc: "Between two checkpoints: 500ms, 30s, 5m.",
    },
    {
      name: "calendar",
      kind: "text",
      placeholder: "FILE",
      doc: "TOML file of trading days and sessions: frames of another day are refused and counted.",
    },
    {
      name: "collector",
      kind: "text",
      repeatable: true,
      placeholder: "URL",
      doc: "A collector's --http, such as http://127.0.0.1:8081: the page shows how it is doing.",
    },
    {
      name: "history",
      kind: "text",
      placeholder: "URL",
      doc: "Where 'edgebook replay FILE --serve' answers: the day that the page's Replay plays.",
    },
    LOG_FLAG,
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
    [
      "edgebook book --broker 127.0.0.1:1883 --shards 2 --state /var/lib/edgebook",
      "two threads, and back in seconds after a crash",
    ],
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
    const books = bookFlags(flags);
    const count = flags.integer("shards");
    if (count !== undefined && (count < 1 || count > 64)) {
      throw new CliError("bad_flag", `'--shards' is ${count}.`, "Write a number from 1 to 64.");
    }
    const state = flags.text("state");
    const events = flags.text("events");
    if (events !== undefined) parseKafkaAddress(events);
    if (books.asOf !== undefined && books.asOf !== "own" && (count ?? 1) > 1) {
      throw new CliError(
        "bad_flag",
        "A join across instruments needs all streams in one shard.",
        "Leave out --shards, or write --as-of own.",
      );
    }
    const http = parseAddress("http", flags.text("http") ?? "127.0.0.1:8080");
    const access = httpAccess(flags);
    const warning = openDoor(http.host, access);
    const tell = openLog(flags);
    if (warning !== undefined) tell(warning);
    demandGroup(flags);
    const service = await startService({
      version: packageFile.version,
      from,
      ...(broker === undefined ? {} : { broker: parseAddress("broker", broker) }),
      http: { ...http, ...access },
      page: await pageFiles(),
      consumer: flags.text("name") ?? "book",
      mqtt: mqttAccess(flags),
      member: flags.text("member"),
      events,
      kafka: kafkaSettings(flags),
      ...(await bookOptions(books)),
      stateKey: stateKeyOf(books) + (events === undefined ? "" : " events"),
      ...(count === undefined ? {} : { shards: { count, module: SHARD_WORKER, rest: books } }),
      ...(state === undefined ? {} : { state }),
      saveNs: flags.durationNs("save-every") ?? 30e9,
      neighbours: neighboursOf(flags),
      onStatus: tell,
    });
    if (service.brokerUrl !== undefined) tell(`broker at ${service.brokerUrl}`);
    tell(`books at ${service.url}`);
    const say = (text: string) => {
      if (!signal.aborted) tell(text);
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

/** Other processes that the page shows. @throws CliError no address of one */
function neighboursOf(flags: FlagValues): NeighbourOptions {
  const urlOf = (flag: string, text: string) => {
    const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
    if (URL.canParse(url)) return new URL(url).origin;
    const hint = `Write --${flag} http://127.0.0.1:8081.`;
    throw new CliError("bad_flag", `'--${flag}' is '${text}', which is no address.`, hint);
  };
  const collectors = flags.texts("collector").map((text) => urlOf("collector", text));
  const history = flags.text("history");
  const historyUrl = history === undefined ? undefined : urlOf("history", history);
  return { collectors: () => collectors, history: () => historyUrl };
}

/** Where the threads of `--shards` begin. */
const SHARD_WORKER = new URL("../book-shard-worker.ts", import.meta.url);

/** A member of a group shares everything but its name. */
function demandGroup(flags: FlagValues): void {
  if (flags.text("member") === undefined) return;
  const from = flags.texts("from");
  const isAlone = from.length === 1 && from[0]?.startsWith("kafka:");
  const others = flags.text("broker") ?? flags.integer("shards") ?? flags.text("as-of");
  const state = flags.text("state");
  if (isAlone && others === undefined && state !== undefined) return;
  throw new CliError(
    "bad_flag",
    "A member of a group has one --from kafka://HOST:PORT and a --state that it shares.",
    "Leave out --member, or give these two and no --broker, --shards or --as-of.",
  );
}

function bookFlags(flags: FlagValues): BookFlags {
  return {
    masters: flags.texts("masters"),
    window: flags.text("window") ?? "100ms",
    date: flags.text("date"),
    certify: flags.on("certify"),
    asOf: flags.text("as-of"),
    calendar: flags.text("calendar"),
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
