import { expect, test } from "bun:test";
import mqtt from "mqtt";
import { startBroker } from "./service-broker.ts";

const CLOSE_MS = 1000;

test("nobody is let in before the one who has to be first is ready, and then everybody is", async () => {
  const broker = await startBroker("127.0.0.1", 0);
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  broker.admitFirst("intake", ready);
  const other = mqtt.connect(broker.url, { clientId: "collector", reconnectPeriod: 100 });
  const intake = mqtt.connect(broker.url, { clientId: "intake", reconnectPeriod: 100 });
  try {
    const order: string[] = [];
    for (const [name, client] of Object.entries({ other, intake })) {
      client.on("connect", () => order.push(name));
    }
    const came = new Promise<void>((done) => other.on("connect", () => done()));
    await new Promise<void>((done) => intake.on("connect", () => done()));
    await Bun.sleep(100);
    expect(order).toEqual(["intake"]);
    resolve();
    await came;
    expect(order).toEqual(["intake", "other"]);
  } finally {
    await Promise.race([
      Promise.all([other.endAsync(true), intake.endAsync(true)]),
      Bun.sleep(CLOSE_MS),
    ]);
    await broker.close();
  }
}, 20_000);
