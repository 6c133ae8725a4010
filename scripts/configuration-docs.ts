/** Writes the table of docs/configuration.md from the settings and their schema: `npm run docs`. */
import { writeFileSync } from "node:fs";
import { describeTypes } from "../src/config/schema-types.ts";
import { SETTING_NAMES, type SettingName, settingOf, variableOf } from "../src/config/settings.ts";
import { type GeneratedPart, pageOf, renderPart } from "./generated-part.ts";

const PART: GeneratedPart = {
  path: "docs/configuration.md",
  begin: "<!-- settings: generated from src/config by `npm run docs` -->",
  end: "<!-- end of settings -->",
};

if (import.meta.main) writeFileSync(pageOf(PART), renderConfigurationPage());

/** The page as it should be: its prose as it stands, the settings made anew. */
export function renderConfigurationPage(): string {
  const types = describeTypes();
  return renderPart(PART, SETTING_NAMES.map((name) => renderSetting(name, types[name])).join("\n"));
}

function renderSetting(name: SettingName, type: string): string {
  const { help, standard, option, value, reload, secret, ...rest } = settingOf(name);
  const byDefault = rest.default === undefined ? "not set" : `\`${rest.default}\``;
  const others = standard?.map((variable) => `\`${variable}\``).join(", ");
  const lines = [
    `- Type: ${type}. Default: ${byDefault}.`,
    `- Set by ${option ? `\`--${name} ${value}\`, ` : ""}\`${variableOf(name)}\`, \`${name}\` in the file${others === undefined ? "" : `; or by ${others}`}.`,
    ...(secret ? ["- A secret: it is never printed, and no option of the command line."] : []),
    ...(reload ? ["- A new value takes effect with SIGHUP."] : []),
  ];
  const sentence = `${help.charAt(0).toUpperCase()}${help.slice(1)}.`;
  return `### \`${name}\`\n\n${sentence}\n\n${lines.join("\n")}\n`;
}
