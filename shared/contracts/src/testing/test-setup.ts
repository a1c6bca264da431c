/**
 * Before every test file: what properties are tried with is drawn from one seed in `npm test`, which says the same each time, and from
 * a new one in a thorough run, which looks for what is rare.
 */
import { configureGlobal } from "fast-check";
import "./number-arrays.ts";
import { thorough } from "./some-of.ts";

if (!thorough) configureGlobal({ seed: 20_261_122 });
