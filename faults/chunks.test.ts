import { expect, test } from "bun:test";
import { type ChunkFaultOptions, ChunkFaults } from "./chunks.ts";

function send(options: Partial<ChunkFaultOptions>, chunks: number, seed = 1) {
  const arrived: Uint8Array[] = [];
  const faults = new ChunkFaults(options, seed, { chunk: (bytes) => arrived.push(bytes) });
  for (let number = 1; number <= chunks; number++) {
    faults.push("edge-1", number, new Uint8Array([number >> 8, number & 255, 9, 9, 9]));
  }
  faults.finish();
  return { arrived, faults, numbers: arrived.map((bytes) => bytes[0]! * 256 + bytes[1]!) };
}
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

test("without a fault every chunk arrives as it was sent", () => {
  expect(send({}, 300).numbers).toEqual(upTo(300));
});

test("a lost chunk is missing, and the log names it", () => {
  const { numbers, faults } = send({ lossRate: 0.1 }, 300);
  const lost = upTo(300).filter((number) => !numbers.includes(number));
  expect(lost.length).toBeGreaterThan(10);
  const named = faults.log.records.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, at) => first + at),
  );
  expect(named).toEqual(lost);
  expect(String(faults.log.records[0])).toStartWith("drop(edge-1, ");
});

test("repeats and overtaking lose nothing", () => {
  const { numbers } = send({ repeatRate: 0.2, reorderRate: 0.2 }, 300);
  expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(upTo(300));
  expect(numbers.length).toBeGreaterThan(320);
  expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
});

test("a corrupted chunk keeps its length, and what was sent is not touched", () => {
  const sent = new Uint8Array([1, 2, 3]);
  const arrived: Uint8Array[] = [];
  const faults = new ChunkFaults({ corruptRate: 1 }, 1, { chunk: (bytes) => arrived.push(bytes) });
  for (let number = 0; number < 50; number++) faults.push("edge-1", number, sent);
  expect([...sent]).toEqual([1, 2, 3]);
  for (const bytes of arrived) {
    expect(bytes.length).toBe(3);
    expect([...bytes]).not.toEqual([1, 2, 3]);
  }
});

test("one seed gives one result", () => {
  const options = { lossRate: 0.1, repeatRate: 0.1, reorderRate: 0.1, corruptRate: 0.1 };
  expect(send(options, 200, 5).arrived).toEqual(send(options, 200, 5).arrived);
  expect(send(options, 200, 5).numbers).not.toEqual(send(options, 200, 6).numbers);
});
