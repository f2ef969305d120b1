import { describe, expect, test } from "bun:test";
import { bytesOf, ethernet, ipv4, ipv6, udp, word16 } from "../tests/capture-files.ts";
import { Channels } from "./channels.ts";
import { LinkParser, LinkType, Verdict } from "./link.ts";

const payload = bytesOf(1, 2, 3, 4, 5);
const datagram = ipv4("239.1.2.3", udp(26400, payload));
const datagram6 = ipv6("ff15::7", udp(26401, payload));
const padding = new Uint8Array(18);

function parse(packet: Uint8Array, linkType: number = LinkType.Ethernet) {
  const channels = new Channels();
  const link = new LinkParser(channels);
  const shifted = bytesOf(9, 9, 9, packet, 8, 8);
  const verdict = link.parse(shifted, 3, 3 + packet.length, linkType);
  if (verdict !== Verdict.Frame) return verdict;
  const { group, port } = channels.list[link.channel];
  const found = shifted.subarray(link.offset, link.offset + link.length);
  return `${group}:${port} ${found.join(" ")}`;
}

const frame = "239.1.2.3:26400 1 2 3 4 5";
const frame6 = "ff15::7:26401 1 2 3 4 5";

describe("every link layer leads to the payload", () => {
  const cooked = bytesOf(0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0);
  const cooked2 = bytesOf(0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0);
  const cases: [string, number, Uint8Array, string][] = [
    ["Ethernet", 1, ethernet(0x0800, datagram), frame],
    ["Ethernet, padded", 1, bytesOf(ethernet(0x0800, datagram), padding), frame],
    ["Ethernet, IPv6", 1, ethernet(0x86dd, datagram6), frame6],
    ["VLAN", 1, ethernet(0x0800, datagram, [0x8100]), frame],
    ["QinQ", 1, ethernet(0x0800, datagram, [0x88a8, 0x8100]), frame],
    ["QinQ of before the standard", 1, ethernet(0x0800, datagram, [0x9100, 0x8100]), frame],
    ["three tags", 1, ethernet(0x86dd, datagram6, [0x88a8, 0x8100, 0x8100]), frame6],
    ["Linux cooked v1", 113, bytesOf(cooked, word16(0x0800), datagram), frame],
    ["Linux cooked v2", 276, bytesOf(word16(0x0800), cooked2, datagram), frame],
    ["Linux cooked v2, IPv6", 276, bytesOf(word16(0x86dd), cooked2, datagram6), frame6],
    ["raw IP", 101, datagram, frame],
    ["raw IP, IPv6", 101, datagram6, frame6],
    ["raw IP of BSD", 12, datagram, frame],
    ["raw IP of OpenBSD", 14, datagram, frame],
    ["IPv4", 228, datagram, frame],
    ["IPv6", 229, datagram6, frame6],
    ["null, little endian", 0, bytesOf(2, 0, 0, 0, datagram), frame],
    ["null, big endian", 0, bytesOf(0, 0, 0, 2, datagram), frame],
    ["null, IPv6 of Darwin", 0, bytesOf(30, 0, 0, 0, datagram6), frame6],
    ["loop", 108, bytesOf(0, 0, 0, 24, datagram6), frame6],
  ];
  test.each(cases)("%s", (_, linkType, packet, expected) => {
    expect(parse(packet, linkType)).toBe(expected);
  });

  test("a link type that nothing reads is said to be unknown", () => {
    expect(parse(ethernet(0x0800, datagram), 147)).toBe(Verdict.UnknownLink);
  });
});

describe("IP", () => {
  const eth4 = (packet: Uint8Array) => parse(ethernet(0x0800, packet));
  const eth6 = (packet: Uint8Array) => parse(ethernet(0x86dd, packet));

  test("options of IPv4 are stepped over", () => {
    const options = bytesOf(0x94, 4, 0, 0, 1, 1, 1, 0);
    expect(eth4(ipv4("239.1.2.3", udp(26400, payload), { options }))).toBe(frame);
  });

  test("extension headers of IPv6 are stepped over, each by its own unit", () => {
    const destination = bytesOf(17, 1, new Uint8Array(14));
    const authentication = bytesOf(60, 4, new Uint8Array(22));
    const hopByHop = bytesOf(51, 0, new Uint8Array(6));
    const body = bytesOf(hopByHop, authentication, destination, udp(26401, payload));
    expect(eth6(ipv6("ff15::7", body, 0))).toBe(frame6);
  });

  test("a fragment is counted as one, first, middle and last", () => {
    for (const fragment of [0x2000, 0x2004, 0x0008]) {
      expect(eth4(ipv4("239.1.2.3", udp(1, payload), { fragment }))).toBe(Verdict.Fragment);
    }
    const part = bytesOf(17, 0, 0, 9, 0, 0, 0, 1, udp(1, payload));
    expect(eth6(ipv6("ff15::7", part, 44))).toBe(Verdict.Fragment);
  });

  test("do-not-fragment and an IPv6 fragment header of a whole datagram are no fragments", () => {
    expect(eth4(ipv4("239.1.2.3", udp(26400, payload), { fragment: 0x4000 }))).toBe(frame);
    const whole = bytesOf(17, 0, 0, 0, 0, 0, 0, 1, udp(26401, payload));
    expect(eth6(ipv6("ff15::7", whole, 44))).toBe(frame6);
  });

  test("TCP, PIM and ARP are other protocols", () => {
    for (const protocol of [6, 103]) {
      expect(eth4(ipv4("239.1.2.3", payload, { protocol }))).toBe(Verdict.OtherProtocol);
    }
    expect(parse(ethernet(0x0806, payload))).toBe(Verdict.OtherProtocol);
    expect(eth6(ipv6("ff15::7", payload, 59))).toBe(Verdict.OtherProtocol);
  });

  test("a total length of 0 is a host that leaves segmentation to its card", () => {
    expect(eth4(ipv4("239.1.2.3", udp(26400, payload), { total: 0 }))).toBe(frame);
  });
});

describe("damage", () => {
  test("a packet cut at any byte is cut short, never a frame", () => {
    const packets: [number, Uint8Array][] = [
      [1, ethernet(0x0800, datagram, [0x88a8, 0x8100])],
      [1, ethernet(0x86dd, datagram6)],
      [0, bytesOf(2, 0, 0, 0, datagram)],
      [229, datagram6],
    ];
    for (const [linkType, packet] of packets) {
      for (let length = 0; length < packet.length; length++) {
        expect(parse(packet.subarray(0, length), linkType)).toBe(Verdict.CutShort);
      }
    }
  });

  test("a UDP length below its header or beyond its IP datagram is damage", () => {
    for (const length of [0, 7, payload.length + 9, 65_535]) {
      const packet = ipv4("239.1.2.3", udp(1, payload, length));
      const padded = bytesOf(ethernet(0x0800, packet), padding);
      expect(parse(padded)).toBe(Verdict.BadUdp);
    }
  });

  test("an IP version or header length that cannot be is damage", () => {
    expect(parse(datagram6, LinkType.Ipv4)).toBe(Verdict.BadIp);
    expect(parse(datagram, LinkType.Ipv6)).toBe(Verdict.CutShort);
    expect(parse(bytesOf(datagram, padding), LinkType.Ipv6)).toBe(Verdict.BadIp);
    expect(parse(bytesOf(0x44, datagram.subarray(1)), LinkType.Ipv4)).toBe(Verdict.BadIp);
    expect(parse(bytesOf(0x15, datagram.subarray(1)), LinkType.Raw)).toBe(Verdict.BadLink);
  });
});

describe("channels", () => {
  test("the same address and port are the same channel, and a table's own is taken", () => {
    const channels = new Channels();
    channels.add({ group: "ff15::7", port: 26401, feed: "nse-fo", stream: 3, line: 1 });
    const link = new LinkParser(channels);
    const seen: number[] = [];
    for (const packet of [datagram, datagram6, datagram, datagram6]) {
      expect(link.parse(packet, 0, packet.length, LinkType.Raw)).toBe(Verdict.Frame);
      seen.push(link.channel);
    }
    expect(seen).toEqual([1, 0, 1, 0]);
    expect(channels.list[1]).toEqual({
      group: "239.1.2.3",
      port: 26400,
      feed: "",
      stream: 0,
      line: -1,
    });
  });

  test("thousands of addresses are told apart", () => {
    const channels = new Channels();
    const link = new LinkParser(channels);
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 3000; i++) {
        const packet =
          i % 3 === 0
            ? ipv6(`ff15::${i.toString(16)}`, udp(i % 7, payload))
            : ipv4(`239.1.${i >> 8}.${i & 255}`, udp(i % 7, payload));
        link.parse(packet, 0, packet.length, LinkType.Raw);
        expect(link.channel).toBe(i);
      }
    }
    expect(channels.list.length).toBe(3000);
  });
});

test("wrong checksums are counted when asked for, and the frame is delivered all the same", () => {
  const link = new LinkParser(new Channels(), true);
  expect(link.parse(datagram, 0, datagram.length, LinkType.Raw)).toBe(Verdict.Frame);
  expect(link.badChecksums).toBe(1);
});
