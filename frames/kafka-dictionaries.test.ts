/** Who waits for a dictionary to be in Kafka, and who does not; the brokers are played. */
import { expect, test } from "bun:test";
import { freshZstd, ownChunks, ownDictionary } from "../tests/own-dictionary.ts";
import type { KafkaClients } from "./kafka-client.ts";
import { KafkaDictionaryWriter } from "./kafka-dictionaries.ts";
import { KafkaTopics } from "./kafka-topics.ts";
import { DictionaryFetch } from "./transport-dictionaries.ts";

/** Takes a record when `go` is called for it; or takes none. */
function playedKafka(isRefusing = false) {
  const waiting: { name: string; go: () => void }[] = [];
  const clients = {
    admin: {
      createTopics: async () => {
        if (isRefusing) throw new Error("Topic authorization failed");
      },
      metadata: async () => ({ topics: new Map() }),
    },
    producer: {
      send: ({ messages }: { messages: { key: Buffer }[] }) =>
        new Promise<void>((go) => {
          waiting.push({ name: messages[0].key.toString(), go });
        }),
    },
  } as unknown as KafkaClients;
  return { clients, waiting };
}

/** All that goes on by itself has gone on. */
const settled = () => Bun.sleep(5);

function ownPair() {
  const { dictionaries } = freshZstd();
  const pair = [ownDictionary(1), ownDictionary(2)] as const;
  for (const { name, bytes } of pair) dictionaries.learn(name, bytes);
  return { dictionaries, names: pair.map(({ name }) => name) };
}

test("each chunk waits for its own dictionary, and none overtakes another", async () => {
  const { dictionaries, names } = ownPair();
  const [a, b] = names;
  const { clients, waiting } = playedKafka();
  const writer = new KafkaDictionaryWriter(dictionaries, new KafkaTopics("x"));
  const sent: string[] = [];
  const send = async (chunk: string, name: string) => {
    await writer.write(name, clients);
    sent.push(chunk);
  };
  const sending = [send("1 plain", ""), send("2 a", a), send("3 b", b), send("4 plain", "")];
  sending.push(send("5 a", a), send("6 b", b));
  await settled();
  expect(sent).toEqual(["1 plain"]);
  expect(waiting.map(({ name }) => name)).toEqual([a]);
  waiting[0].go();
  await settled();
  expect(sent).toEqual(["1 plain", "2 a"]);
  expect(waiting.map(({ name }) => name)).toEqual([a, b]);
  waiting[1].go();
  await Promise.all(sending);
  expect(sent).toEqual(["1 plain", "2 a", "3 b", "4 plain", "5 a", "6 b"]);
  expect(waiting).toHaveLength(2);
  expect(writer.write(b, clients)).toBeUndefined();
});

test("a topic that takes none holds up what nobody else has, and that alone; it is told once", async () => {
  const { dictionaries, names } = ownPair();
  const { clients } = playedKafka(true);
  const said: string[] = [];
  const tell = (text: string) => void said.push(text);
  const writer = new KafkaDictionaryWriter(dictionaries, new KafkaTopics("x"), tell);
  for (const feed of ["nse-fo", "nse-cm", "nse-fo"]) {
    expect(writer.write(dictionaries.forFeed(feed)?.name ?? "", clients)).toBeUndefined();
  }
  await settled();
  expect(said).toHaveLength(1);
  expect(said[0]).toContain("Topic authorization failed");
  expect(writer.write(names[0], clients)).rejects.toThrow("Topic authorization failed");
  await settled();
  expect(writer.write("", clients)).toBeUndefined();
});

test("a chunk waits once for a name that is nowhere, then it is only asked for; other names do not suffer", async () => {
  const { dictionaries } = freshZstd();
  const asked: string[] = [];
  const fetch = new DictionaryFetch(dictionaries, async (name) => void asked.push(name));
  const bring = (chunk: Uint8Array, nowMs: number) => fetch.fetchFor(chunk, nowMs);
  const [one, other] = [ownChunks(11, 1), ownChunks(12, 1)];
  await bring(one.chunks[0].bytes, 0);
  expect(bring(one.chunks[0].bytes, 1000)).toBeUndefined();
  expect(asked).toEqual([one.dictionary.name]);
  expect(bring(one.chunks[0].bytes, 59_000)).toBeUndefined();
  expect(asked).toEqual([one.dictionary.name, one.dictionary.name]);
  await bring(other.chunks[0].bytes, 59_000);
  expect(asked).toHaveLength(3);
  expect(asked[2]).toBe(other.dictionary.name);
  expect(bring(new Uint8Array(100), 60_000)).toBeUndefined();
  for (let number = 20; number < 40; number++) {
    await bring(ownChunks(number, 1).chunks[0].bytes, 60_000);
  }
  // Of the eight that are waited for in a minute one was before.
  expect(asked).toHaveLength(3 + 7);
  // One that is known does not wait.
  dictionaries.learn(one.dictionary.name, one.dictionary.bytes);
  expect(bring(one.chunks[0].bytes, 60_000)).toBeUndefined();
});
