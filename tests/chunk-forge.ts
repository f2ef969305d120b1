/** Chunks that say of themselves what is not so, with checksums that are right. */
import { bodyChecksum } from "../frames/body-checksum.ts";
import { CHUNK_PREFIX_BYTES, ChunkFault, joinChunk, readChunkHeader } from "../frames/chunk.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import { encodeHeader } from "../frames/chunk-header-array.ts";

/** The chunk with other fields in its header, or another body; of another version, as that wrote it. */
export function forgedChunk(
  chunk: Uint8Array,
  fields: Partial<ChunkHeader>,
  body?: Uint8Array,
): Uint8Array {
  const found = readChunkHeader(chunk);
  if (found instanceof ChunkFault) throw new Error(found.message);
  const put = body ?? chunk.slice(found.bodyAt, found.end);
  const version = fields.version ?? found.header.version;
  const sizes = { bodyBytes: put.length, checksum: bodyChecksum(version, put) };
  const head = encodeHeader({ ...found.header, ...sizes, ...fields });
  const bytes = new Uint8Array(CHUNK_PREFIX_BYTES + head.length + put.length);
  joinChunk(head, put, bytes);
  return bytes;
}
