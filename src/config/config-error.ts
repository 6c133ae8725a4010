/** What is wrong with the configuration, in a sentence for people that holds no secret. */

export class ConfigError extends Error {}
