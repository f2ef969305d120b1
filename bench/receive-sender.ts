/**
 * Edge: sends numbered datagrams to a multicast group, 64 to a system call (UDP_SEGMENT), at a rate
 * kept to a fixed anchor. Arguments: interface, group, port, bytes, count, datagrams a second (0: all
 * it can), and `end` to close with the numbers that the C yardstick stops at. Prints the rate as JSON.
 */
import { type Pointer, ptr } from "bun:ffi";
import { ipv4Bytes } from "../frames/multicast-error.ts";
import * as c from "../frames/multicast-libc.ts";
import { MessageHeaders, PinnedBytes, socketAddress } from "../frames/multicast-mmsg.ts";
import { linkIndex, setWords } from "../frames/ring-libc.ts";
import { BATCH_DATAGRAMS, PAYLOADS, payloads } from "./receive-payloads.ts";

const IPPROTO_UDP = 17;
const UDP_SEGMENT = 103;
const END_WORDS = 2;
const END_TIMES = 5;
/** A sleep ends late by some 60 us: what is due before that is waited for awake. */
const SLEEP_MS_LEAST = 0.15;

const [interfaceName, group, ...words] = process.argv.slice(2);
const [port, size, count, rate] = words.slice(0, 4).map(Number);
const libc = c.openLibc();
if (libc === undefined) throw new Error("no C library that we know");
const socket = libc.socket(c.AF_INET, c.SOCK_DGRAM, 0);
setWords(libc, socket, c.IPPROTO_IP, c.IP_MULTICAST_IF, [0, 0, linkIndex(libc, interfaceName)]);
setWords(libc, socket, c.SOL_SOCKET, c.SO_SNDBUF, [4 << 20]);
setWords(libc, socket, IPPROTO_UDP, UDP_SEGMENT, [size]);

const bytes = payloads(size);
const view = new DataView(bytes.buffer);
const address = ptr(bytes);
const peer = socketAddress(ipv4Bytes(group), port);
const headers = new MessageHeaders(1);

const startMs = performance.now();
let sent = 0;
while (sent < count) {
  const batch = Math.min(BATCH_DATAGRAMS, count - sent);
  const first = sent % PAYLOADS;
  for (let i = 0; i < batch; i++) {
    const number = sent + i;
    view.setUint32((first + i) * size, number, true);
    view.setUint32((first + i) * size + 4, Math.floor(number / 0x1_0000_0000), true);
  }
  const dueMs = rate > 0 ? startMs + (sent / rate) * 1000 : 0;
  waitUntil(dueMs);
  send(address + first * size, batch * size);
  sent += batch;
}
const seconds = (performance.now() - startMs) / 1000;

if (words.includes("end")) {
  await Bun.sleep(300);
  setWords(libc, socket, IPPROTO_UDP, UDP_SEGMENT, [0]);
  const end = new PinnedBytes(END_WORDS * 4);
  end.bytes.fill(0xff);
  for (let i = 0; i < END_TIMES; i++) send(end.address, END_WORDS * 4);
}
libc.close(socket);
console.log(JSON.stringify({ sent, seconds, rate: Math.round(sent / seconds) }));

/** Sleeps as long as the time allows: who measures on few cores needs the sender's too. */
function waitUntil(dueMs: number): void {
  for (let leftMs = dueMs - performance.now(); leftMs > 0; leftMs = dueMs - performance.now()) {
    if (leftMs > SLEEP_MS_LEAST) libc?.usleep((leftMs - SLEEP_MS_LEAST / 2) * 1000);
  }
}

function send(at: number, length: number): void {
  if (libc === undefined) return;
  // Named here so that its memory is kept as long as something is sent.
  headers.setPeer(0, peer.address);
  headers.setPayload(0, at, length);
  while (libc.sendmmsg(socket, headers.address(0) as Pointer, 1, 0) !== 1) {
    const error = c.errno(libc);
    if (error !== c.EAGAIN && error !== c.ENOBUFS && error !== c.EINTR) {
      throw new Error(`sendmmsg failed with error ${error}`);
    }
    libc.usleep(50);
  }
}
