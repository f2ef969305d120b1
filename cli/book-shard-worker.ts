/** Edge: the worker of one shard of `book --shards N`. */
import { serveShard } from "../book/shards/shard-thread.ts";
import { type BookFlags, bookOptions } from "./book-options.ts";

serveShard<BookFlags>((flags) => bookOptions(flags));
