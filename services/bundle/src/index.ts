export { type BundleOptions, type BundleResult, makeBundle } from "./make-bundle.ts";
