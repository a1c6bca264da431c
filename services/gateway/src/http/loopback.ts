/** Which addresses and host names mean this machine. */

export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    name === "[::1]" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  );
}

/** The host name of a Host header or of an origin; undefined when there is none in it. */
export function hostNameOf(hostOrOrigin: string): string | undefined {
  const url = hostOrOrigin.includes("://") ? hostOrOrigin : `http://${hostOrOrigin}`;
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}
