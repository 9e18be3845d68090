/**
 * Uint8Array.prototype.toBase64 (ECMAScript 2026) where the runtime has none yet. The protobuf library takes it when it
 * is there as the library loads; its own loop over characters holds the event loop for 50 ms per megabyte of payload.
 * To be imported before anything that imports the library.
 */
function toBase64(
  this: Uint8Array,
  options: { readonly alphabet?: "base64" | "base64url"; readonly omitPadding?: boolean } = {},
): string {
  const { alphabet = "base64", omitPadding = false } = options;
  const text = Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString("base64");
  const unpadded = omitPadding ? text.replace(/=+$/, "") : text;
  return alphabet === "base64" ? unpadded : unpadded.replaceAll("+", "-").replaceAll("/", "_");
}

if (!("toBase64" in Uint8Array.prototype)) {
  Object.defineProperty(Uint8Array.prototype, "toBase64", {
    value: toBase64,
    writable: true,
    configurable: true,
  });
}
