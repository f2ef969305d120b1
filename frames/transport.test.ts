import { expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { Aedes } from "aedes";
import { testChunk } from "../tests/test-chunk.ts";
import { until } from "../tests/until.ts";
import { type ControlRequest, type Position, parsePosition, parseRequest } from "./transport.ts";
import { MqttChunkSink, MqttChunkSource } from "./transport-mqtt.ts";
import { parseChunkAddress } from "./transport-open.ts";

async function startBroker(port = 0): Promise<{ server: Server; broker: Aedes; port: number }> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { broker, server, port: (server.address() as { port: number }).port };
}

async function stopBroker({ broker, server }: { broker: Aedes; server: Server }): Promise<void> {
  await new Promise<void>((resolve) => broker.close(resolve));
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

test("chunks travel over MQTT one at a time and in order, and the centre speaks back", async () => {
  const running = await startBroker();
  const url = `mqtt://127.0.0.1:${running.port}`;
  const source = new MqttChunkSource(url, { clientName: "book-1" });
  const sink = new MqttChunkSink(url, { clientName: "colo-1" });
  const heard: (ControlRequest | Position)[] = [];
  sink.onRequest((request) => heard.push(request));
  sink.onPosition((position) => heard.push(position));
  const took: Uint8Array[] = [];
  let busy = 0;
  const run = source.run(async (bytes) => {
    expect(++busy).toBe(1);
    await Bun.sleep(1);
    took.push(new Uint8Array(bytes));
    busy--;
  });
  await source.subscribed;
  await until(() => sink.connected, "the sink");
  const chunks = [1, 2, 3, 4, 5].map((number) => testChunk(number));
  await Promise.all(chunks.map((one) => sink.send(one)));
  await until(() => took.length === 5, "five chunks");
  expect(took).toEqual(chunks.map((one) => one.bytes));
  const resend = { ask: "resend", boot: 1, from: 2, to: 3 } as const;
  await source.request("colo-1", resend);
  await source.request("colo-2", resend);
  const position = { consumer: "book-1", collector: "colo-1", boot: 1, chunk: 5 };
  await source.publishPosition(position);
  await until(() => heard.length === 2, "a request and a position");
  expect(heard).toEqual([resend, position]);
  await sink.close();
  await source.close();
  await run;
  await stopBroker(running);
}, 20_000);

test("of a consumer that ends or begins nobody keeps the position that it had before", async () => {
  const running = await startBroker();
  const url = `mqtt://127.0.0.1:${running.port}`;
  const sink = new MqttChunkSink(url, { clientName: "colo-1" });
  const heard: string[] = [];
  sink.onPosition(({ chunk }) => heard.push(`at ${chunk}`));
  sink.onDeparture((consumer) => heard.push(`${consumer} is gone`));
  await until(() => sink.connected, "the sink");
  const at = (chunk: number) => ({ consumer: "book-1", collector: "colo-1", boot: 1, chunk });
  const life = async () => {
    const source = new MqttChunkSource(url, { clientName: "book-1" });
    const run = source.run(() => {});
    await source.subscribed;
    return { source, run };
  };
  const former = await life();
  await former.source.publishPosition(at(5));
  // Told when it is over already: as a timer would that was just about to.
  await Promise.all([former.source.close(), former.source.publishPosition(at(6))]);
  await former.run;
  const next = await life();
  await next.source.publishPosition(at(1));
  await until(() => heard.includes("at 1"), "the position of the next life");
  const gone = "book-1 is gone";
  expect(heard).toEqual([gone, "at 5", gone, gone, "at 1"]);
  await sink.close();
  await next.source.close();
  await next.run;
  await stopBroker(running);
}, 60_000);

test("a broker that is not there is said once, and gets the chunk when it comes", async () => {
  const reserved = await startBroker();
  await stopBroker(reserved);
  const said: string[] = [];
  const sink = new MqttChunkSink(`mqtt://127.0.0.1:${reserved.port}`, {
    clientName: "colo-1",
    onStatus: (text) => said.push(text),
  });
  const sent = sink.send(testChunk(1));
  await until(() => said.length > 0, "the first word");
  await Bun.sleep(1500);
  expect(said).toEqual([expect.stringContaining("the broker is not there (ECONNREFUSED)")]);
  const running = await startBroker(reserved.port);
  await sent;
  expect(said.at(-1)).toContain("connected again");
  await sink.close();
  await stopBroker(running);
}, 20_000);

test("what is no request and no position is left unheard", () => {
  for (const text of ["", "{", "null", "[]", '{"ask":"resend","boot":1,"from":3,"to":2}', "7"]) {
    expect(parseRequest(text)).toBeUndefined();
    expect(parsePosition(text)).toBeUndefined();
  }
  expect(parseRequest('{"ask":"from","boot":0,"from":1}')).toEqual({
    ask: "from",
    boot: 0,
    from: 1,
  });
});

test("an address that is none says what one looks like", () => {
  for (const text of ["mqtt:", "mqtt://", "dir:", "file.txt"]) {
    expect(() => parseChunkAddress(text)).toThrow(
      expect.objectContaining({ hint: "Write mqtt://HOST:PORT, kafka://HOST:PORT or dir:PATH." }),
    );
  }
});
