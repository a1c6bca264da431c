/** The page's files from their folder. A build puts the files themselves in this file's place (services/bundle/src/console-page.ts). */
import { readdirSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

export interface PageFile {
  name: string;
  text: string;
}

const folder = new URL("./page/", import.meta.url);

export function pageFiles(): PageFile[] {
  return readdirSync(folder)
    .filter((name) => /\.(html|css|svg|ts)$/.test(name) && !/\.(test|d)\.ts$/.test(name))
    .map((name) => {
      const text = readFileSync(new URL(name, folder), "utf8");
      return { name, text: name.endsWith(".ts") ? stripTypeScriptTypes(text) : text };
    });
}
