/**
 * One real Kafka for all tests of a run: started by the first that asks, ended with the process. Where
 * it cannot be had a test says so and passes; in CI that is a failure.
 */
import { type KafkaBroker, KafkaMissing, startKafka } from "../scripts/kafka/broker.ts";

let shared: Promise<KafkaBroker | undefined> | undefined;

/** `undefined`: not here; the reason is printed. */
export function sharedKafka(): Promise<KafkaBroker | undefined> {
  shared ??= begin();
  return shared;
}

async function begin(): Promise<KafkaBroker | undefined> {
  try {
    return await startKafka();
  } catch (error) {
    if (!(error instanceof KafkaMissing) || process.env.CI) throw error;
    console.log(`not run: no Kafka (${error.message} ${error.hint})`);
    return undefined;
  }
}
