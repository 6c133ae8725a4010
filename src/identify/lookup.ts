/** What the API is asked for, beside the pods: it may be refused, or not have answered yet. */

/** undefined: there is nothing to ask for, or nobody is asked */
export type Asked<T> = T | "unknown" | undefined;
