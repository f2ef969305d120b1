import { describe, expect, test } from "bun:test";
import { DropCauses } from "./drop-causes.ts";

const SECOND = 1e9;

describe("causes of loss", () => {
  test("a number is the wire's when nobody here dropped anything", () => {
    const causes = new DropCauses();
    causes.note(0, 0, 0, 0);
    causes.note(0, 0, 7, SECOND);
    expect(causes).toMatchObject({ lostOnWire: 7, lostInKernel: 0, lostInProcess: 0 });
  });

  test("a number given up shortly after a drop is the kernel's, a later one the wire's again", () => {
    const causes = new DropCauses();
    causes.note(3, 0, 0, SECOND);
    causes.note(3, 0, 5, 1.2 * SECOND);
    causes.note(3, 0, 6, 4 * SECOND);
    expect(causes).toMatchObject({ kernelDatagrams: 3, lostOnWire: 1, lostInKernel: 5 });
  });

  test("a number given up shortly after this process set datagrams aside is the process's", () => {
    const causes = new DropCauses();
    causes.note(0, 2, 0, SECOND);
    causes.note(0, 2, 5, 1.5 * SECOND);
    causes.note(0, 2, 6, 3 * SECOND);
    expect(causes).toMatchObject({ setAside: 2, lostInProcess: 5, lostOnWire: 1 });
  });

  test("every number given up has exactly one cause", () => {
    const causes = new DropCauses();
    const samples = [0, 4, 4, 9, 30, 31];
    samples.forEach((lost, i) => {
      causes.note(i % 3, i % 4, lost, i * 0.7 * SECOND);
    });
    expect(causes.lostOnWire + causes.lostInKernel + causes.lostInProcess).toBe(31);
  });

  test("numbers of a chunk that can be sent no more are the transport's, once", () => {
    const causes = new DropCauses();
    causes.noteChunk(1, 100);
    causes.noteChunk(2, 20);
    causes.noteMissed(2);
    causes.noteMissed(2);
    causes.noteMissed(70_000);
    expect(causes.lostInTransport).toBe(20);
  });
});
