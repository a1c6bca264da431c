/**
 * The console: one page at `/` that transcribes, speaks, and shows what the machines do. It is plain HTML, CSS and modules, and asks
 * nothing but this gateway's own REST and sockets, as any other client would.
 *
 * The page's modules are TypeScript, checked like the rest: their types are taken out when they are first asked for, or by the build.
 * Nothing in them is secret: the page is served without a key, asks for it, and sends it with what it asks for. What is kept is the
 * files, compressed once.
 */
export { addConsole } from "./console-endpoints.ts";
