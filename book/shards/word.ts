/** What a shard tells its owner. Structured clones: few, or whole batches as bytes. */
import type {
  ClearRequest,
  ControlRequest,
  Position,
  RepairRequest,
} from "../../frames/transport.ts";
import type { EventCode, EventPlace } from "../../metrics/events.ts";
import type { RecordPlace } from "../checkpoint/file.ts";
import type { ApiErrorCode } from "../http-error.ts";
import type { EventBatch } from "../kafka/event-rows.ts";

export type ShardWord =
  /** A life has begun. `record`: what its checkpoint contains. */
  | {
      readonly say: "begun";
      readonly record: RecordPlace;
      readonly isFromCheckpoint: boolean;
      readonly refused: readonly string[];
    }
  | { readonly say: "positions"; readonly positions: readonly Position[] }
  | {
      readonly say: "ask";
      readonly collector: string;
      readonly request: ControlRequest | RepairRequest | ClearRequest;
    }
  | { readonly say: "answer"; readonly id: number; readonly text: string }
  | {
      readonly say: "refusal";
      readonly id: number;
      readonly code: ApiErrorCode;
      readonly message: string;
    }
  /** MessagePack: lists of client, message, and where it leaves a subscription (`Posted`). */
  | { readonly say: "rows"; readonly bytes: Uint8Array }
  /** Rows for Kafka; those of a checkpoint come before its `written`. */
  | { readonly say: "events"; readonly batch: EventBatch }
  /** A checkpoint's file is written and is to be sealed. */
  | {
      readonly say: "written";
      readonly number: number;
      readonly record: RecordPlace;
      readonly bytes: number;
      readonly pauseNs: number;
      readonly stateBytes: number;
    }
  | { readonly say: "save_failed"; readonly text: string }
  /** For the log. */
  | {
      readonly say: "news";
      readonly text: string;
      readonly event: EventCode | undefined;
      readonly place: EventPlace | undefined;
    }
  /** For people: what the calendar refuses. */
  | { readonly say: "notice"; readonly text: string }
  /** Everything that the log had for this life is done. */
  | { readonly say: "caught_up" }
  | { readonly say: "finished" };
