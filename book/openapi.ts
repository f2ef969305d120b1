/** `/openapi.json`, made from the routes and the shapes of their answers. */
import { z } from "zod";
import { ROUTES, type Route } from "./api-routes.ts";
import { SHAPES } from "./api-shapes.ts";
import { API_ERRORS } from "./http-error.ts";

const MSGPACK = "application/msgpack";
const NDJSON = "application/x-ndjson";

export function openApi(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) {
    paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "edgebook",
      version,
      license: { name: "MIT", identifier: "MIT" },
      description:
        "Times are strings of nanoseconds since 1970 UTC, prices decimal strings, 64-bit numbers " +
        "strings. With --token-file every path but /ping and /ready wants a token.",
    },
    security: [{}, { token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: shapes(),
    },
  };
}

/** The shapes as JSON Schema, each once; where one holds another it refers to it. */
function shapes(): Record<string, object> {
  const registry = z.registry<{ id: string }>();
  for (const [id, shape] of Object.entries(SHAPES)) registry.add(shape, { id });
  const uri = (id: string) => `#/components/schemas/${id}`;
  const { schemas } = z.toJSONSchema(registry, { uri, io: "output" });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, id: ___, ...schema }]) => [
      id,
      schema,
    ]),
  );
}

function operation({ path, id, summary, parameters, answer, method, rows }: Route): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return {
    operationId: id,
    summary,
    parameters: Object.entries(parameters).map(([name, shape]) => {
      const { $schema: _, description, ...schema } = z.toJSONSchema(shape, { io: "input" });
      const isPath = names.includes(name);
      return {
        name,
        in: isPath ? "path" : "query",
        required: isPath,
        ...(description === undefined ? {} : { description }),
        // A parameter that has a fallback says so; zod's `input` leaves the type of coercions open.
        schema: schema.type === undefined && schema.enum === undefined ? whole(schema) : schema,
      };
    }),
    responses: {
      "200": { description: "The answer.", content: content(answer, rows) },
      default: {
        description: `What is wrong, and how to mend it: one of ${Object.keys(API_ERRORS).join(", ")}.`,
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
    ...(method === "post" ? { security: [{}, { token: [] }] } : {}),
  };
}

const whole = (schema: object): object => ({ type: "integer", ...schema });

function content(answer: Route["answer"], rows: string | undefined): object {
  if (typeof answer !== "string") return { [answer.type]: { schema: { type: "string" } } };
  const schema = { $ref: `#/components/schemas/${answer}` };
  return {
    "application/json": { schema },
    [MSGPACK]: { schema },
    ...(rows === undefined ? {} : { [NDJSON]: { schema: { type: "string" } } }),
  };
}

/** The paths of the description, for the test that asks each of them. */
export const API_PATHS: readonly string[] = ROUTES.filter(({ method }) => method === "get").map(
  ({ path }) => path,
);

/** Those that change something: POST. */
export const COMMAND_PATHS: readonly string[] = ROUTES.filter(
  ({ method }) => method === "post",
).map(({ path }) => path);
