/** GET /openapi.json. The document is made when it is first asked for. */
import type Router from "@koa/router";

export function addOpenapi(router: Router): void {
  let document: Promise<string> | undefined;
  router.get("/openapi.json", async (ctx) => {
    document ??= import("./openapi.ts").then(({ openapiDocument }) => JSON.stringify(openapiDocument()));
    ctx.type = "application/json";
    ctx.body = await document;
  });
}
