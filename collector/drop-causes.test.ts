import { describe, expect, test } from "bun:test";
import { DropCauses } from "./drop-causes.ts";

const SECOND = 1e9;

describe("causes of loss", () => {
  test("a number is the wire's when the kernel dropped nothing", () => {
    const causes = new DropCauses();
    causes.note(0, 0, 0);
    causes.note(0, 7, SECOND);
    expect(causes).toMatchObject({ kernelDatagrams: 0, lostOnWire: 7, lostInKernel: 0 });
  });

  test("a number given up shortly after a drop is the kernel's, a later one the wire's again", () => {
    const causes = new DropCauses();
    causes.note(3, 0, SECOND);
    causes.note(3, 5, 1.2 * SECOND);
    causes.note(3, 6, 4 * SECOND);
    expect(causes).toMatchObject({ kernelDatagrams: 3, lostOnWire: 1, lostInKernel: 5 });
  });

  test("every number given up has exactly one cause", () => {
    const causes = new DropCauses();
    const samples = [0, 4, 4, 9, 30, 31];
    samples.forEach((lost, i) => {
      causes.note(i % 3, lost, i * 0.7 * SECOND);
    });
    expect(causes.lostOnWire + causes.lostInKernel).toBe(31);
  });
});
