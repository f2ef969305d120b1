/** `npm run kafka`: a real Kafka broker on loopback until Ctrl-C, for trying things out. */
import { KafkaMissing, startKafka } from "./kafka/broker.ts";

try {
  const broker = await startKafka();
  console.log(`Kafka at ${broker.brokers}. Ctrl-C ends it and removes its files.`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
  await broker.stop();
} catch (thrown) {
  if (!(thrown instanceof KafkaMissing)) throw thrown;
  console.error(`edgebook: ${thrown.message}\n  ${thrown.hint}`);
  process.exit(1);
}
