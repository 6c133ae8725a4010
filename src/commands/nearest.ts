/** The name that is nearest to a mistyped one, for commands and options as for settings. */
export { nearest } from "../config/nearest.ts";
