/** Oomscribe's own version, from package.json: read by Node as it is, put into the bundle by the build. */
import manifest from "../../package.json" with { type: "json" };

export const VERSION: string = manifest.version;
