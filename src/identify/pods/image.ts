/**
 * An image's reference → name, tag, digest: `registry:5000/shop/web:1.4@sha256:…`.
 * Spec: github.com/distribution/reference: a digest follows `@`, a tag the last colon behind the last slash.
 */
export interface ImageReference {
  /** registry and repository: `registry:5000/shop/web`; absent where only an ID is known */
  name?: string;
  tag?: string;
  /** `sha256:…` */
  digest?: string;
}

const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}$/;

/** @param reference of a pod's spec or status, an imageID with `docker-pullable://` before it too */
export function parseImage(reference: string): ImageReference {
  const whole = reference.replace(/^[a-z-]+:\/\//, "");
  if (DIGEST.test(whole)) return { digest: whole };
  const [before = "", digest] = splitAt(whole, whole.indexOf("@"));
  const colon = before.lastIndexOf(":");
  const [name = "", tag] = splitAt(before, colon > before.lastIndexOf("/") ? colon : -1);
  return {
    ...(name === "" ? {} : { name }),
    ...(tag === undefined || tag === "" ? {} : { tag }),
    ...(digest === undefined || !DIGEST.test(digest) ? {} : { digest }),
  };
}

function splitAt(text: string, at: number): [before: string, after?: string] {
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
