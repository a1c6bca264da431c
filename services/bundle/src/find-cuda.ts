/** Run by the bundle's launcher: prints the folders that LD_LIBRARY_PATH needs for CUDA, and on standard error what is missing. */
import { findLibraries, missingSentence, usualFolders } from "./cuda-libraries.ts";

const found = findLibraries({ folders: usualFolders() });
const sentence = missingSentence(found);
if (sentence !== undefined) process.stderr.write(`parlance: ${sentence}\n`);
process.stdout.write(`${found.folders.join(":")}\n`);
