/** What goes wrong with a request: a closed list, each with what is wrong and how to mend it. */
export const API_ERRORS = {
  not_found: { status: 404, hint: "GET /openapi.json lists what there is." },
  unknown_feed: { status: 404, hint: "GET /v1/streams lists the feeds that have arrived." },
  unknown_token: { status: 404, hint: "GET /v1/books?search=TEXT finds instruments." },
  unknown_stream: { status: 404, hint: "GET /v1/streams lists the streams that have arrived." },
  no_token: {
    status: 401,
    hint: "Send the header 'Authorization: Bearer TOKEN', or open / in a browser.",
  },
  not_allowed: { status: 403, hint: "Use a token whose line in the token file says operate." },
  foreign_name: { status: 421, hint: "Use 127.0.0.1 or localhost, or start it with --token-file." },
  other_origin: { status: 403, hint: "Send it from this service's own page, or from no page." },
  no_certificate: {
    status: 404,
    hint: "GET /v1/certificates lists the days of which there are any.",
  },
  bad_parameter: { status: 400, hint: "GET /openapi.json says what each parameter may be." },
  no_queue: { status: 409, hint: "Ask for the book itself: GET /v1/books/{feed}/{token}." },
  no_join: { status: 409, hint: "Start the book service with --as-of own, or --as-of FILE." },
  bad_message: {
    status: 400,
    hint: 'Send {"op":"subscribe","feed":"nse-fo","token":"35001","schema":"mbp-10"}.',
  },
  too_many: { status: 429, hint: "Unsubscribe from what is no longer watched." },
  busy: { status: 503, hint: "Close a connection, or ask another book service." },
  not_websocket: {
    status: 426,
    hint: "Open /v1/live as a WebSocket, or send 'Accept: application/x-ndjson'.",
  },
  no_history: {
    status: 503,
    hint: "Start 'edgebook replay FILE --serve HOST:PORT' and name it with --history HOST:PORT.",
  },
  restarting: { status: 503, hint: "Ask again in a second; books of other streams go on." },
  failed: { status: 500, hint: "The service's standard error says more." },
} as const satisfies Record<string, { status: number; hint: string }>;
export type ApiErrorCode = keyof typeof API_ERRORS;

export class ApiError extends Error {
  readonly code: ApiErrorCode;

  constructor(code: ApiErrorCode, message: string) {
    super(message);
    this.name = "ApiError";
    this.code = code;
  }

  get status(): number {
    return API_ERRORS[this.code].status;
  }

  body(): { code: string; message: string; hint: string } {
    return { code: this.code, message: this.message, hint: API_ERRORS[this.code].hint };
  }
}
