/** Addresses, handles, hashtags, file paths and versions. */
import { table } from "../table.ts";
import { isPronounceable, sayConstant, sayMixed, sayWord } from "./letters.ts";
import { cardinal, digits } from "./number-words.ts";
import { type Rule, rule, spell } from "./rule.ts";

const signs = table<string>({
  ".": "dot",
  "/": "slash",
  "\\": "backslash",
  "-": "dash",
  _: "underscore",
  "@": "at",
  ":": "colon",
  "?": "question mark",
  "=": "equals",
  "&": "and",
  "#": "hash",
  "%": "percent",
  "~": "tilde",
  "+": "plus",
  ",": "comma",
  "!": "exclamation mark",
  $: "dollar",
  "*": "star",
  ";": "semicolon",
});

const topLevel =
  "com|org|net|edu|gov|mil|int|info|biz|io|ai|co|dev|app|me|tv|fm|gg|ly|to|xyz|online|cloud|uk|us|ca|au|nz|ie|de|fr|es|it|nl|be|ch|at|se|no|dk|fi|pl|pt|eu|in|jp|cn|kr|br|mx|ru|za";

const extensions =
  "txt|md|pdf|csv|tsv|json|jsonl|xml|html?|css|jsx?|tsx?|mjs|py|ipynb|rb|rs|go|java|cpp|hpp|sh|bat|exe|dll|so|zip|tar|gz|bz2|7z|jpe?g|png|gif|svg|webp|bmp|mp3|mp4|wav|flac|ogg|mov|avi|mkv|docx?|xlsx?|pptx?|ya?ml|toml|ini|log|sql|db|onnx|bin|iso|apk";

/** The name of every sign, and words or letters for what lies between. */
function sayAddress(text: string): string {
  const numeric = /^\d{1,3}(?:\.\d{1,3}){3}(?!\d)/.exec(text)?.[0];
  if (numeric !== undefined)
    return `${numeric.split(".").map(digits).join(" dot ")} ${sayAddress(text.slice(numeric.length))}`.trim();
  return (text.match(/[A-Z]{2,}(?:_[A-Z]{2,})+|[A-Za-z]+(?:'s)?|\d+|[^A-Za-z\d\s]/g) ?? [])
    .map((part, index, parts) => {
      if (/^\d/.test(part)) return part.length > 4 || part.startsWith("0") ? digits(part) : cardinal(part);
      const sign = signs[part];
      if (sign !== undefined) return sign;
      if (!/^[A-Za-z]/.test(part)) return "";
      if (part.includes("_")) return part.split("_").map(sayConstant).join(" underscore ");
      // Country codes and other short ends are spelled: ".uk", ".io", ".py".
      if (
        part.length <= 2 &&
        (parts[index - 1] === "." || parts[index + 1] === ".") &&
        !/^(?:me|to|so|go|in|it|be|us|at|no)$/.test(part)
      )
        return spell(part);
      const unsaid = part.length <= 3 && part === part.toLowerCase() && !isPronounceable(part);
      return part.length === 1 || unsaid ? spell(part) : sayWord(part);
    })
    .filter((words) => words !== "")
    .join(" ");
}

/** The closing punctuation of a sentence is no part of an address. */
function parted(address: string, say: (address: string) => string): string {
  const [, body = address, rest = ""] = /^(.*?)([.,;:!?'")\]]*)$/.exec(address) ?? [];
  return `${say(body)}${rest === "" ? "" : ` ${rest}`}`;
}

export const electronicRules: readonly Rule[] = [
  rule(/\bhttps?:\/\/(\S+)/gi, ({ groups: [, address = ""] }) =>
    parted(address, (body) => sayAddress(body.replace(/\/$/, ""))),
  ),
  rule(/\b(?:mailto:)?([\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,})/gi, ({ groups: [, address = ""] }) =>
    sayAddress(address),
  ),
  rule(
    new RegExp(
      String.raw`(?<![\w@.])((?:www\.[\w-]+|[a-z\d][\w-]*)(?:\.[\w-]+)*\.(?:${topLevel})(?![\w-])(?:[/?#:][^\s,;]*)?)`,
      "gi",
    ),
    ({ groups: [, address = ""], after }) => {
      // "end.To begin" is a missing blank, "Node.js" a name: addresses are in lower case or in a form of their own.
      if (/^[^/]*\.[A-Z][A-Za-z]*$/.test(address) || /^\.\w/.test(after)) return undefined;
      if (/^(?:[a-z]\.)+[a-z]$/i.test(address)) return undefined;
      return parted(address, (body) => sayAddress(body.replace(/\/$/, "")));
    },
  ),
  // Paths: of Windows, of Unix from the root or the home, and those with an extension.
  rule(/(?<![\w])([A-Za-z]:\\[^\s"<>|,;]*)/g, ({ groups: [, path = ""] }) => parted(path, sayAddress)),
  rule(/(?<![\w/.<])((?:~|\.{1,2})?\/(?:[\w.+-]+\/)*[\w.+-]+\/?)(?![\w])/g, ({ groups: [, path = ""], before }) =>
    /\d\s*$/.test(before) ? undefined : parted(path, (body) => sayAddress(body.replace(/\/$/, ""))),
  ),
  rule(
    new RegExp(String.raw`(?<![\w.@])((?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)*\.(?:${extensions}))(?![\w])`, "gi"),
    ({ groups: [, path = ""] }) => (/^[\d.]+$/.test(path) ? undefined : sayAddress(path)),
  ),
  rule(/(?<![\w.])([A-Z][A-Z\d]*(?:_[A-Z\d]+)+)(?![\w])/g, ({ groups: [, name = ""] }) => sayConstant(name)),
  rule(/(?<![\w&])#([A-Za-z_]\w*)/g, ({ groups: [, tag = ""] }) => `hashtag ${sayTag(tag)}`),
  rule(/(?<![\w.])@([A-Za-z_][\w.]*\w|\w)/g, ({ groups: [, handle = ""] }) => `at ${sayAddress(handle)}`),
  // An address of four numbers is read figure by figure, a version number by number.
  rule(
    /(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(?![\w]|\.\d)/g,
    ({ groups: [, address = "", port = ""] }) =>
      `${address.split(".").map(digits).join(" dot ")}${port === "" ? "" : ` colon ${cardinal(port)}`}`,
  ),
  rule(
    /(?<![\w.])v(?:er(?:sion)?)?\.?\s?(\d+(?:\.\d+)+|\d{1,3}(?![\d.]*\w))((?:-[a-z]+[\d.]*)?)(?![\w])/gi,
    ({ groups: [, numbers = "", suffix = ""] }) =>
      `version ${sayVersion(numbers)}${suffix === "" ? "" : ` ${sayMixed(suffix)}`}`,
  ),
  rule(/(?<![\w.])(\d+(?:\.\d+){2,})(?![\w]|\.\d)/g, ({ groups: [match = "", numbers = ""], before }) =>
    // Three numbers of a date are for the dates.
    /^\d{1,2}\.\d{1,2}\.(?:19|20)\d{2}$/.test(match) || /\d-$/.test(before) || /^\d{3}\.\d{3}\.\d{4}$/.test(match)
      ? undefined
      : sayVersion(numbers),
  ),
];

function sayVersion(numbers: string): string {
  return numbers.split(".").map(cardinal).join(" point ");
}

function sayTag(tag: string): string {
  return tag
    .split("_")
    .filter((part) => part !== "")
    .map((part) =>
      (part.match(/\d+|[A-Za-z]+/g) ?? []).map((run) => (/\d/.test(run) ? cardinal(run) : sayWord(run))).join(" "),
    )
    .join(" ");
}
