import { expect, test } from "bun:test";
import { checksumsHold, onesSum } from "./link-checksum.ts";
import { ETHERNET_AT, HEAD_BYTES, headTo, IP_AT, UDP_AT, writeHead } from "./packet-head.ts";
import { groupWord, joinedGroups } from "./wire-send.ts";

const SOURCE = {
  name: "veth0",
  mac: Uint8Array.of(2, 0, 0, 0, 0, 9),
  address: "192.0.2.1",
  port: 40_001,
  ttl: 1,
  mtuBytes: 1500,
};

test("a packet of any length has checksums that hold once a card has made its part", () => {
  const head = headTo(SOURCE, Uint8Array.of(239, 200, 2, 3), 12_800);
  for (const length of [0, 1, 7, 56, 57, 1472]) {
    const bytes = new Uint8Array(HEAD_BYTES + length).map((_, i) => i * 37);
    bytes.set(head.bytes);
    const view = new DataView(bytes.buffer);
    writeHead(view, 0, head, length);
    const begin = ETHERNET_AT + view.getUint16(6, true);
    const made = ~onesSum(bytes, begin, bytes.length) & 0xffff;
    view.setUint16(begin + view.getUint16(8, true), made || 0xffff);
    expect(checksumsHold(bytes, IP_AT, UDP_AT)).toBe(true);
    // A packet that is wrong somewhere does not pass, so that the line above says something.
    bytes[IP_AT + 8] ^= 1;
    expect(checksumsHold(bytes, IP_AT, UDP_AT)).toBe(false);
  }
});

test("a group has its Ethernet address, and what is no group says so", () => {
  const head = headTo(SOURCE, Uint8Array.of(239, 200, 2, 3), 12_800);
  expect([...head.bytes.subarray(ETHERNET_AT, ETHERNET_AT + 6)]).toEqual([1, 0, 0x5e, 72, 2, 3]);
  expect([head.isGroup, head.payloadBytesMax]).toEqual([true, 1472]);
  expect(headTo(SOURCE, Uint8Array.of(192, 0, 2, 2), 12_800).isGroup).toBe(false);
});

test("groups that this host has joined are known by their interface", () => {
  const igmp = [
    "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter",
    "1\tlo        :     1      V3",
    "\t\t\t\tEFFF0001     1 0:00000000\t\t0",
    "7\tveth0     :     2      V3",
    "\t\t\t\t030201EF     1 0:00000000\t\t0",
    "\t\t\t\t010000E0     1 0:00000000\t\t0",
  ].join("\n");
  expect(groupWord("239.1.2.3")).toBe("030201EF");
  expect(joinedGroups(igmp, "veth0").has(groupWord("239.1.2.3"))).toBe(true);
  expect(joinedGroups(igmp, "lo").has(groupWord("239.1.2.3"))).toBe(false);
});
