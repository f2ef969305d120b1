/** NSE messages as bytes, made from the layout table. */
import { layoutsByType, type WireValue, writeMessage } from "../feed/codec.ts";
import { nseFo } from "../feed/nse/feed.ts";

/** A message of stream 1 with this number. */
export function nseMessage(
  type: string,
  sequence: number,
  values: Readonly<Record<string, WireValue>>,
  stream = 1,
): Uint8Array {
  const layout = layoutsByType(nseFo.table)[type.charCodeAt(0)];
  if (layout === undefined) throw new Error(`NSE has no message ${type}`);
  const bytes = new Uint8Array(layout.length);
  const head = { msg_len: layout.length, stream_id: stream, seq_no: sequence, message_type: type };
  writeMessage(nseFo.table, layout, { ...head, ...values }, new DataView(bytes.buffer), 0);
  return bytes;
}
