/** Light or dark: the system's wish unless the switch says otherwise, which is remembered where that is allowed. */
import { button, find } from "./dom.ts";

const THEMES = ["system", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];
const KEY = "oomscribe-theme";

export function showThemeSwitch(): void {
  let theme = remembered();
  const toggle = button("", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
    apply();
    remember(theme);
  });
  toggle.id = "theme";
  const apply = (): void => {
    document.documentElement.dataset["theme"] = theme;
    toggle.textContent = `Theme: ${theme}`;
  };
  apply();
  find("tools").append(toggle);
}

function remembered(): Theme {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY)) ?? "system";
  } catch {
    return "system";
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A page from a disk may have no storage: the switch works all the same.
  }
}
